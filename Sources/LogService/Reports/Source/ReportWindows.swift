import LogModel
import LogStages

/// How a range of time is cut into windows.
package enum ReportWindows {
    package static let minute: Int64 = 60_000_000_000
    package static let hour: Int64 = 60 * minute
    package static let day: Int64 = 24 * hour

    /// Neighbouring windows of a length from the start of a range; the last may be shorter. `aligned`: borders are multiples
    /// of the length since 1970, and the first may be shorter too.
    package static func bins(_ range: TimeRange, _ length: Int64, aligned: Bool = false) -> [TimeRange] {
        guard !range.isEmpty, length > 0 else { return [] }
        var windows: [TimeRange] = []
        var at = range.start.nanoseconds
        let end = range.end.nanoseconds
        while at < end {
            let over = aligned ? ((at % length) + length) % length : 0
            let (next, overflow) = at.addingReportingOverflow(length - over)
            let stop = overflow ? end : min(next, end)
            windows.append(TimeRange(Timestamp(nanoseconds: at), Timestamp(nanoseconds: stop)))
            at = stop
        }
        return windows
    }

    /// A length that makes at most so many windows of a range, of those that people think in.
    package static func length(_ range: TimeRange, most: Int) -> Int64 {
        let span = range.end.nanoseconds - range.start.nanoseconds
        let lengths = [minute, 5 * minute, 15 * minute, hour, 6 * hour, day, 7 * day]
        return lengths.first { span / $0 < Int64(most) } ?? 30 * day
    }

    /// The days of a range, named `2026-11-21`, in UTC or a zone; days on which clocks change are shorter or longer.
    package static func days(_ range: TimeRange, zone: TimeZoneTable?) -> [(name: String, window: TimeRange)] {
        guard !range.isEmpty else { return [] }
        var days: [(String, TimeRange)] = []
        var at = range.start
        while at < range.end {
            let clock = clock(at.nanoseconds, zone)
            let number = floor(clock, by: day)
            let date = CivilTime.date(ofDay: number)
            let next = Timestamp(nanoseconds: midnight(number + 1, zone))
            // A zone that skips a midnight must not stop the loop.
            let end = min(max(next, at.advanced(by: minute)), range.end)
            days.append(("\(date.year)-\(two(date.month))-\(two(date.day))", TimeRange(at, end)))
            at = end
        }
        return days
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

    private static func floor(_ value: Int64, by length: Int64) -> Int64 {
        value >= 0 ? value / length : (value - length + 1) / length
    }

    private static func offset(_ unix: Int64, _ zone: TimeZoneTable?) -> Int64 {
        Int64(zone?.span(at: unix).offset ?? 0)
    }

    /// What the clocks of the zone show, as nanoseconds of a day count of their own.
    private static func clock(_ nanoseconds: Int64, _ zone: TimeZoneTable?) -> Int64 {
        nanoseconds + offset(floor(nanoseconds, by: 1_000_000_000), zone) * 1_000_000_000
    }

    /// When a day begins.
    private static func midnight(_ number: Int64, _ zone: TimeZoneTable?) -> Int64 {
        let clock = number * 86_400
        // The offset of the moment before is right unless the clocks change at this very midnight; then the second look is.
        let first = clock - offset(clock, zone)
        return (clock - offset(first, zone)) * 1_000_000_000
    }
}
