import LogModel

/// A moment and the zone it is shown in: Go's `time.Time`. Wider than `Timestamp`: also holds Go's zero time (year 1).
package struct GoInstant: Sendable, Equatable {
    /// Seconds since 1970-01-01T00:00:00Z.
    package var unixSeconds: Int64
    /// 0..<1_000_000_000
    package var nanosecond: Int
    package var zone: GoZone

    package init(unixSeconds: Int64, nanosecond: Int = 0, zone: GoZone = .utc) {
        self.unixSeconds = unixSeconds
        self.nanosecond = nanosecond
        self.zone = zone
    }

    package init(_ timestamp: Timestamp, zone: GoZone = .utc) {
        let (seconds, rest) = Civil.floorDivide(timestamp.nanoseconds, 1_000_000_000)
        self.init(unixSeconds: seconds, nanosecond: Int(rest), zone: zone)
    }

    /// `time.Time{}`: 0001-01-01T00:00:00Z.
    package static let zero = GoInstant(unixSeconds: -62_135_596_800)

    package var isZero: Bool { unixSeconds == Self.zero.unixSeconds && nanosecond == 0 }

    /// Nil outside the years 1677 to 2262.
    package var timestamp: Timestamp? {
        let (scaled, overflow) = unixSeconds.multipliedReportingOverflow(by: 1_000_000_000)
        if overflow { return nil }
        let (sum, carry) = scaled.addingReportingOverflow(Int64(nanosecond))
        return carry ? nil : Timestamp(nanoseconds: sum)
    }

    /// Same moment.
    package static func == (a: GoInstant, b: GoInstant) -> Bool {
        a.unixSeconds == b.unixSeconds && a.nanosecond == b.nanosecond
    }

    /// What a calendar and a clock in the zone show.
    package struct Fields: Sendable, Equatable {
        package var year: Int
        /// 1...12
        package var month: Int
        package var day: Int
        package var hour: Int
        package var minute: Int
        package var second: Int
        /// 0 is Sunday.
        package var weekday: Int
        /// 1...366
        package var yearDay: Int
        /// Seconds east of Greenwich.
        package var offset: Int
        package var zoneName: String
    }

    package var fields: Fields {
        let (offset, name) = zone.lookup(unixSeconds)
        let local = unixSeconds.addingReportingOverflow(Int64(offset)).partialValue
        let (days, rest) = Civil.floorDivide(local, Civil.secondsPerDay)
        let (year, month, day) = Civil.date(days: days)
        return Fields(
            year: year, month: month, day: day, hour: Int(rest / 3600), minute: Int(rest / 60 % 60),
            second: Int(rest % 60), weekday: Civil.weekday(days: days),
            yearDay: Int(days - Civil.days(year: year, month: 1, day: 1)) + 1, offset: offset, zoneName: name)
    }
}

/// Where a clock hangs.
package enum GoZone: Sendable {
    case utc
    /// Offset in seconds east of Greenwich; the name may be empty.
    case fixed(name: String, offset: Int)
    case table(TimeZoneTable)

    /// The zone of a name of the IANA database, `UTC`, or `Local` (which reads TZ and /etc/localtime). Empty: UTC.
    /// Nil when there is no such zone on this machine.
    package init?(named name: String) {
        switch name {
        case "", "UTC": self = .utc
        case "Local":
            guard let table = TimeZoneTable.local() else {
                self = .utc
                return
            }
            self = .table(table)
        default:
            guard let table = TimeZoneTable.named(name) else { return nil }
            self = .table(table)
        }
    }

    /// Offset and abbreviation at a moment.
    package func lookup(_ unixSeconds: Int64) -> (offset: Int, name: String) {
        switch self {
        case .utc: return (0, "UTC")
        case .fixed(let name, let offset): return (offset, name)
        case .table(let table):
            let span = table.span(at: unixSeconds)
            return (span.offset, span.name)
        }
    }

    /// Seconds since 1970 of what a clock in this zone shows. A time that a clock skips or shows twice is resolved as
    /// Go does it.
    @inline(__always)
    package func unixSeconds(clock: Int64) -> Int64 {
        switch self {
        case .utc: return clock
        case .fixed(_, let offset): return clock &- Int64(offset)
        case .table(let table): return table.unixSeconds(clock: clock)
        }
    }
}
