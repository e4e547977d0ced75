import Disk
import LogModel

/// Which segments have to go, by age and by size. Whole segments only, the oldest first.
struct Retention {
    /// What the clocks said when the store was opened: a wall clock that has moved against the steady one by more than
    /// this is not believed, for it would delete what is not old.
    static let jumpMax: Int64 = 3_600_000_000_000

    let settings: StoreSettings
    let openedWall: Int64
    let openedMonotonic: Int64

    init(settings: StoreSettings, clock: any TimeSource) {
        self.settings = settings
        openedWall = clock.wall.nanoseconds
        openedMonotonic = clock.monotonic
    }

    /// The time to reckon age by.
    func now(_ clock: any TimeSource, newest: Int64?) -> Int64 {
        let wall = clock.wall.nanoseconds
        let (steady, overflow) = openedWall.addingReportingOverflow(clock.monotonic - openedMonotonic)
        let drift = wall.subtractingReportingOverflow(steady)
        if !overflow, !drift.overflow, drift.partialValue.magnitude <= Self.jumpMax { return wall }
        // Data written since is the witness.
        return min(wall, newest ?? wall)
    }

    func expired(_ segments: [Segment], now: Int64, limit: Int?) -> [Segment] {
        var gone: [Segment] = []
        var rest = segments
        if let age = settings.retentionAge {
            let (cutoff, overflow) = now.subtractingReportingOverflow(age)
            if !overflow {
                gone = rest.filter { $0.info.last < cutoff }
                rest.removeAll { $0.info.last < cutoff }
            }
        }
        if let limit {
            var total = rest.reduce(0) { $0 + $1.size }
            // By day first, so that late lines of an old day go with that day.
            for segment in rest.sorted(by: { ($0.info.last, $0.info.number) < ($1.info.last, $1.info.number) }) {
                if total <= limit { break }
                total -= segment.size
                gone.append(segment)
            }
        }
        return gone
    }

    /// Bytes that segments may take in all.
    func limit(disk: any Disk) -> Int? {
        if let size = settings.retentionSize { return size }
        guard settings.retentionShare > 0, let space = try? disk.space(at: settings.directory), space.total > 0 else {
            return nil
        }
        return Int(Double(space.total) * min(1, settings.retentionShare))
    }
}
