import Disk
import LogModel

/// Which segments have to go, by age and by size: whole ones first, the oldest before others.
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

    /// Segments of which everything is too old, where all streams are kept equally long.
    func expired(_ segments: [Segment], now: Int64) -> [Segment] {
        guard let age = settings.retentionAge else { return [] }
        let (cutoff, overflow) = now.subtractingReportingOverflow(age)
        return overflow ? [] : segments.filter { $0.info.last < cutoff }
    }

    /// The oldest segments, as many as have to go so that the others take at most `limit` bytes.
    func surplus(_ segments: [Segment], limit: Int?) -> [Segment] {
        guard let limit else { return [] }
        var gone: [Segment] = []
        var total = segments.reduce(0) { $0 + $1.size }
        // By day first, so that late lines of an old day go with that day.
        for segment in segments.sorted(by: { ($0.info.last, $0.info.number) < ($1.info.last, $1.info.number) }) {
            if total <= limit { break }
            total -= segment.size
            gone.append(segment)
        }
        return gone
    }

    /// Expired rows between living ones wait until they are a quarter of the lines, so that a segment is not rewritten
    /// for each stream, but not longer than this.
    static let mixedWaitMax: Int64 = 86_400_000_000_000

    func isWorthRewriting(_ verdict: RetentionPolicy.Verdict, _ segment: Segment) -> Bool {
        verdict.expiredBytes >= (segment.info.lineBytes + 3) / 4 || verdict.overdue >= Self.mixedWaitMax
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
