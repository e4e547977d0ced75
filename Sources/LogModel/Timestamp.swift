import Glibc

/// A moment, in nanoseconds since 1970-01-01T00:00:00Z (leap seconds not counted). Spans the years 1677 to 2262.
@frozen @usableFromInline
package struct Timestamp: Hashable, Comparable, Sendable {
    @usableFromInline package var nanoseconds: Int64

    @inlinable package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    @inlinable package static func < (a: Timestamp, b: Timestamp) -> Bool { a.nanoseconds < b.nanoseconds }

    /// The wall clock.
    package static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    package static let min = Timestamp(nanoseconds: .min)
    package static let max = Timestamp(nanoseconds: .max)

    /// Moved by a span; stays at the ends of the calendar rather than overflow.
    @inlinable
    package func advanced(by nanoseconds: Int64) -> Timestamp {
        let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
        return Timestamp(nanoseconds: overflow ? (nanoseconds < 0 ? .min : .max) : sum)
    }
}

/// Half-open span of time: start included, end not.
@frozen @usableFromInline
package struct TimeRange: Hashable, Sendable {
    @usableFromInline package var start: Timestamp
    @usableFromInline package var end: Timestamp

    /// An end before the start makes the empty range at the start.
    @inlinable
    package init(_ start: Timestamp, _ end: Timestamp) {
        self.start = start
        self.end = Swift.max(start, end)
    }

    package static let all = TimeRange(.min, .max)

    @inlinable package var isEmpty: Bool { start >= end }
    @inlinable package func contains(_ time: Timestamp) -> Bool { time >= start && time < end }
    /// Whether any moment of the closed span `first...last` lies inside.
    @inlinable package func overlaps(first: Timestamp, last: Timestamp) -> Bool { first < end && last >= start }
}
