import Bytes

/// The rule of POSIX' TZ variable (`CET-1CEST,M3.5.0,M10.5.0/3`), which closes TZif files and tells the future.
struct PosixZoneRule: Sendable, Equatable {
    struct Name: Sendable, Equatable {
        var text: String
        /// Seconds east of Greenwich (the text has them west).
        var offset: Int
    }

    enum Day: Sendable, Equatable {
        /// 1...365, without leap days.
        case julian(Int)
        /// 0...365, with them.
        case ordinal(Int)
        /// Month, week (5: the last), weekday.
        case month(Int, Int, Int)
    }

    struct Change: Sendable, Equatable {
        var day: Day
        /// Seconds after midnight; may be negative or beyond a day.
        var time: Int
    }

    var standard: Name
    var daylight: (name: Name, begin: Change, end: Change)?

    static func == (a: PosixZoneRule, b: PosixZoneRule) -> Bool {
        a.standard == b.standard && a.daylight?.name == b.daylight?.name && a.daylight?.begin == b.daylight?.begin
            && a.daylight?.end == b.daylight?.end
    }

    /// Nil when the text is no such rule.
    init?(_ text: String) {
        var scanner = Scanner(bytes: [UInt8](text.utf8))
        guard let name = scanner.name(), let offset = scanner.offset() else { return nil }
        standard = Name(text: name, offset: -offset)
        if scanner.isAtEnd { return }
        guard let daylightName = scanner.name() else { return nil }
        var daylightOffset = standard.offset + 3600
        if let next = scanner.peek, next != UInt8(ascii: ",") {
            guard let offset = scanner.offset() else { return nil }
            daylightOffset = -offset
        }
        var changes = [Change(day: .month(3, 2, 0), time: 7200), Change(day: .month(11, 1, 0), time: 7200)]
        if !scanner.isAtEnd {
            for i in 0..<2 {
                guard scanner.take(UInt8(ascii: ",")), let change = scanner.change() else { return nil }
                changes[i] = change
            }
            guard scanner.isAtEnd else { return nil }
        }
        daylight = (Name(text: daylightName, offset: daylightOffset), changes[0], changes[1])
    }

    /// The span that holds a moment; `from` bounds it below (the last transition of the table).
    func span(at unixSeconds: Int64, from: Int64) -> TimeZoneTable.Span {
        // Moments that a template computes may be as far away as an integer goes; at 146 thousand million years the
        // calendar stops, and daylight saving time with it.
        guard let daylight, unixSeconds.magnitude < 1 << 62 else {
            return TimeZoneTable.Span(start: from, end: .max, offset: standard.offset, name: standard.text)
        }
        let days = Civil.floorDivide(unixSeconds.addingReportingOverflow(Int64(standard.offset)).partialValue, 86_400).quotient
        let year = Civil.date(days: days).year
        // Changes of the year and its neighbours, in order.
        var edges: [(at: Int64, toDaylight: Bool)] = []
        for y in (year - 1)...(year + 1) {
            edges.append((moment(daylight.begin, year: y, offset: standard.offset), true))
            edges.append((moment(daylight.end, year: y, offset: daylight.name.offset), false))
        }
        edges.sort { $0.at < $1.at }
        var span = TimeZoneTable.Span(start: from, end: .max, offset: standard.offset, name: standard.text)
        for edge in edges {
            if edge.at > unixSeconds {
                span.end = edge.at
                break
            }
            let name = edge.toDaylight ? daylight.name : standard
            span = TimeZoneTable.Span(start: max(from, edge.at), end: .max, offset: name.offset, name: name.text)
        }
        return span
    }

    private func moment(_ change: Change, year: Int, offset: Int) -> Int64 {
        let first = Civil.days(year: year, month: 1, day: 1)
        let day: Int64
        switch change.day {
        case .julian(let n): day = first + Int64(n - 1) + (Civil.isLeap(year) && n >= 60 ? 1 : 0)
        case .ordinal(let n): day = first + Int64(n)
        case .month(let month, let week, let weekday):
            let start = Civil.days(year: year, month: month, day: 1)
            var candidate = 1 + (weekday - Civil.weekday(days: start) + 7) % 7 + (week - 1) * 7
            while candidate > Civil.daysIn(month: month, year: year) { candidate -= 7 }
            day = start + Int64(candidate - 1)
        }
        return day * 86_400 + Int64(change.time - offset)
    }

    private struct Scanner {
        var bytes: [UInt8]
        var i = 0

        init(bytes: [UInt8]) { self.bytes = bytes }

        var isAtEnd: Bool { i >= bytes.count }
        var peek: UInt8? { i < bytes.count ? bytes[i] : nil }

        mutating func take(_ byte: UInt8) -> Bool {
            guard peek == byte else { return false }
            i += 1
            return true
        }

        mutating func name() -> String? {
            let start: Int
            let end: Int
            if take(UInt8(ascii: "<")) {
                start = i
                while let c = peek, c != UInt8(ascii: ">") { i += 1 }
                end = i
                guard take(UInt8(ascii: ">")) else { return nil }
            } else {
                start = i
                while let c = peek, c.isLetter { i += 1 }
                end = i
                guard end - start >= 3 else { return nil }
            }
            return String(decoding: bytes[start..<end], as: UTF8.self)
        }

        mutating func number(max: Int) -> Int? {
            var value = 0
            let start = i
            while let c = peek, c.isDigit, i - start < 4 {
                value = value * 10 + Int(c - 0x30)
                i += 1
            }
            return i > start && value <= max ? value : nil
        }

        mutating func offset() -> Int? {
            let negative = peek == UInt8(ascii: "-")
            if peek == UInt8(ascii: "-") || peek == UInt8(ascii: "+") { i += 1 }
            guard let hours = number(max: 24 * 7) else { return nil }
            var seconds = hours * 3600
            if take(UInt8(ascii: ":")) {
                guard let minutes = number(max: 59) else { return nil }
                seconds += minutes * 60
                if take(UInt8(ascii: ":")) {
                    guard let rest = number(max: 59) else { return nil }
                    seconds += rest
                }
            }
            return negative ? -seconds : seconds
        }

        mutating func change() -> Change? {
            let day: Day
            if take(UInt8(ascii: "J")) {
                guard let n = number(max: 365), n >= 1 else { return nil }
                day = .julian(n)
            } else if take(UInt8(ascii: "M")) {
                guard let month = number(max: 12), month >= 1, take(UInt8(ascii: ".")), let week = number(max: 5),
                    week >= 1, take(UInt8(ascii: ".")), let weekday = number(max: 6)
                else { return nil }
                day = .month(month, week, weekday)
            } else {
                guard let n = number(max: 365) else { return nil }
                day = .ordinal(n)
            }
            var time = 7200
            if take(UInt8(ascii: "/")) {
                guard let seconds = offset() else { return nil }
                time = seconds
            }
            return Change(day: day, time: time)
        }
    }
}
