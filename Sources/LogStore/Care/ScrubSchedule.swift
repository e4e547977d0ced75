/// Which segment to read next, and when: each once in a period, evenly spread, so that the disk never notices. A value:
/// no clock, no disk.
///
/// What was checked is remembered while the store is open only. After a start all segments are unknown and one is taken
/// at random, so that restarts do not make it begin with the same ones for ever.
struct ScrubSchedule {
    let period: Int64
    /// Monotonic time of the last check of each segment.
    private var checked: [UInt64: Int64] = [:]
    private var last: Int64

    /// `now`: monotonic, nanoseconds. Nothing is due at once: a start has other things to do.
    init(period: Int64, now: Int64) {
        self.period = period
        last = now
    }

    /// Nanoseconds until the next check is due; nil where there is nothing to check.
    func wait(_ segments: [UInt64], now: Int64) -> Int64? {
        guard !segments.isEmpty else { return nil }
        return max(0, last + max(1, period / Int64(segments.count)) - now)
    }

    /// The one that was checked longest ago; of those never checked any.
    func next(_ segments: [UInt64], using random: inout some RandomNumberGenerator) -> UInt64? {
        let unknown = segments.filter { checked[$0] == nil }
        if let any = unknown.randomElement(using: &random) { return any }
        return segments.min { (checked[$0] ?? 0, $0) < (checked[$1] ?? 0, $1) }
    }

    mutating func note(_ segment: UInt64, of segments: [UInt64], now: Int64) {
        let present = Set(segments)
        checked = checked.filter { present.contains($0.key) }
        checked[segment] = now
        last = now
    }
}
