import Bytes

/// Reads a time by a Go layout, element by element, with the tolerances of Go's `time.Parse`.
struct GoTimeReader {
    /// Why it is no such time. Offsets point into the text.
    enum Failure: Error, Equatable {
        case mismatch(element: String, at: Int)
        case outOfRange(String)
        case extraText(at: Int)
    }

    private let text: ByteView
    private let layout: GoLayout
    private var at = 0

    init(_ text: ByteView, _ layout: GoLayout) {
        self.text = text
        self.layout = layout
    }

    private struct Mismatch: Error {}

    mutating func read(in zone: GoZone) throws(Failure) -> GoInstant {
        var year = 0
        var month = -1
        var day = -1
        var yearDay = -1
        var hour = 0
        var minute = 0
        var second = 0
        var nanosecond = 0
        var afternoon: Bool?
        var isUTC = false
        var offset: Int?
        var zoneName = ""

        for (index, part) in layout.parts.enumerated() {
            try skip(part.literal)
            let hold = at
            var outOfRange: String?
            do {
                switch part.element {
                case .year:
                    let value = try digits(2, 2)
                    year = value >= 69 ? value + 1900 : value + 2000
                case .longYear: year = try digits(4, 4)
                case .month: month = try name(GoNames.months, length: 3) + 1
                case .longMonth: month = try name(GoNames.months, length: nil) + 1
                case .numMonth, .zeroMonth:
                    month = try digits(part.element == .zeroMonth ? 2 : 1, 2)
                    if month < 1 || month > 12 { outOfRange = "month" }
                case .weekday: _ = try name(GoNames.weekdays, length: 3)
                case .longWeekday: _ = try name(GoNames.weekdays, length: nil)
                case .day, .underDay, .zeroDay:
                    if part.element == .underDay { take(UInt8(ascii: " ")) }
                    day = try digits(part.element == .zeroDay ? 2 : 1, 2)
                case .underYearDay, .zeroYearDay:
                    if part.element == .underYearDay {
                        take(UInt8(ascii: " "))
                        take(UInt8(ascii: " "))
                    }
                    yearDay = try digits(part.element == .zeroYearDay ? 3 : 1, 3)
                case .hour:
                    hour = try digits(1, 2)
                    if hour > 23 { outOfRange = "hour" }
                case .hour12, .zeroHour12:
                    hour = try digits(part.element == .zeroHour12 ? 2 : 1, 2)
                    if hour > 12 { outOfRange = "hour" }
                case .minute, .zeroMinute:
                    minute = try digits(part.element == .zeroMinute ? 2 : 1, 2)
                    if minute > 59 { outOfRange = "minute" }
                case .second, .zeroSecond:
                    second = try digits(part.element == .zeroSecond ? 2 : 1, 2)
                    if second > 59 {
                        outOfRange = "second"
                    } else if atFraction,
                        !(index + 1 < layout.parts.count && layout.parts[index + 1].element.isFraction
                            && layout.parts[index + 1].literal.isEmpty)
                    {
                        // A fraction may follow the seconds though the layout has none.
                        nanosecond = try fraction()
                    }
                case .upperPM: afternoon = try either("PM", "AM")
                case .lowerPM: afternoon = try either("pm", "am")
                case .offset(let zulu, let minutes, let seconds, let colon):
                    if zulu, peek == UInt8(ascii: "Z") {
                        at += 1
                        isUTC = true
                    } else {
                        (offset, outOfRange) = try numericOffset(minutes: minutes, seconds: seconds, colon: colon)
                    }
                case .zoneName:
                    if text.suffix(from: at).hasPrefix("UTC") {
                        at += 3
                        isUTC = true
                    } else {
                        guard let length = GoTimeReader.abbreviation(text.suffix(from: at)) else { throw Mismatch() }
                        zoneName = text[at..<at + length].string
                        at += length
                    }
                case .fractionZeros(let count, _):
                    guard atSeparator, at + 1 + count <= text.count else { throw Mismatch() }
                    nanosecond = try fraction(exactly: count)
                case .fractionNines: if atFraction { nanosecond = try fraction() }
                }
            } catch {
                throw .mismatch(element: part.text, at: hold)
            }
            if let outOfRange { throw .outOfRange(outOfRange) }
        }
        try skip(layout.tail)
        if at < text.count { throw .extraText(at: at) }

        if afternoon == true, hour < 12 { hour += 12 } else if afternoon == false, hour == 12 { hour = 0 }
        if yearDay >= 0 {
            guard yearDay >= 1, yearDay <= (Civil.isLeap(year) ? 366 : 365) else { throw .outOfRange("day-of-year") }
            let date = Civil.date(days: Civil.days(year: year, month: 1, day: yearDay))
            if month >= 0, month != date.month { throw .outOfRange("day-of-year") }
            if day >= 0, day != date.day { throw .outOfRange("day-of-year") }
            month = date.month
            day = date.day
        } else {
            if month < 0 { month = 1 }
            if day < 0 { day = 1 }
        }
        guard day >= 1, day <= Civil.daysIn(month: month, year: year) else { throw .outOfRange("day") }

        let clock = Civil.days(year: year, month: month, day: day) * 86_400 + Int64(hour * 3600 + minute * 60 + second)
        if isUTC { return GoInstant(unixSeconds: clock, nanosecond: nanosecond) }
        if let offset {
            let moment = clock - Int64(offset)
            let here = zone.lookup(moment)
            let matches = here.offset == offset && (zoneName.isEmpty || here.name == zoneName)
            return GoInstant(
                unixSeconds: moment, nanosecond: nanosecond,
                zone: matches ? zone : .fixed(name: zoneName, offset: offset))
        }
        if !zoneName.isEmpty { return named(zoneName, clock, nanosecond, zone) }
        return GoInstant(unixSeconds: zone.unixSeconds(clock: clock), nanosecond: nanosecond, zone: zone)
    }

    /// A time with an abbreviation but no offset: the zone's own abbreviations count, others stand for offset 0.
    private func named(_ name: String, _ clock: Int64, _ nanosecond: Int, _ zone: GoZone) -> GoInstant {
        switch zone {
        case .table(let table):
            if let offset = table.offset(ofName: name, at: clock) {
                return GoInstant(unixSeconds: clock - Int64(offset), nanosecond: nanosecond, zone: zone)
            }
        case .fixed(let own, let offset):
            if own == name {
                return GoInstant(unixSeconds: clock - Int64(offset), nanosecond: nanosecond, zone: zone)
            }
        case .utc: break
        }
        var offset = 0
        if name.hasPrefix("GMT"), let hours = Int(name.dropFirst(3)) { offset = hours * 3600 }
        return GoInstant(unixSeconds: clock, nanosecond: nanosecond, zone: .fixed(name: name, offset: offset))
    }

    // MARK: Pieces

    private var peek: UInt8? { at < text.count ? text[at] : nil }

    private var atSeparator: Bool { peek == UInt8(ascii: ".") || peek == UInt8(ascii: ",") }

    private var atFraction: Bool { atSeparator && at + 1 < text.count && text[at + 1].isDigit }

    private mutating func take(_ byte: UInt8) { if peek == byte { at += 1 } }

    /// Passes over literal text; a run of spaces matches any run of spaces, also none.
    private mutating func skip(_ literal: [UInt8]) throws(Failure) {
        var i = 0
        while i < literal.count {
            if literal[i] == 0x20 {
                if let next = peek, next != 0x20 { throw mismatch(literal[i...]) }
                while i < literal.count, literal[i] == 0x20 { i += 1 }
                while peek == 0x20 { at += 1 }
                continue
            }
            guard peek == literal[i] else { throw mismatch(literal[i...]) }
            at += 1
            i += 1
        }
    }

    private func mismatch(_ literal: ArraySlice<UInt8>) -> Failure {
        .mismatch(element: String(decoding: literal, as: UTF8.self), at: at)
    }

    private mutating func digits(_ least: Int, _ most: Int) throws(Mismatch) -> Int {
        var value = 0
        var count = 0
        while count < most, let c = peek, c.isDigit {
            value = value * 10 + Int(c - 0x30)
            count += 1
            at += 1
        }
        guard count >= least else { throw Mismatch() }
        return value
    }

    private mutating func name(_ names: [[UInt8]], length: Int?) throws(Mismatch) -> Int {
        guard let found = GoNames.find(names, length: length, in: text, at: at) else { throw Mismatch() }
        at += found.length
        return found.index
    }

    /// True for the first, false for the second.
    private mutating func either(_ first: StaticString, _ second: StaticString) throws(Mismatch) -> Bool {
        let rest = text.suffix(from: at)
        let isFirst = rest.hasPrefix(first)
        guard isFirst || rest.hasPrefix(second) else { throw Mismatch() }
        at += 2
        return isFirst
    }

    /// The separator and the digits behind it, as nanoseconds; digits beyond the ninth are cut off.
    private mutating func fraction(exactly count: Int? = nil) throws(Mismatch) -> Int {
        at += 1
        var value = 0
        var digits = 0
        while digits < count ?? .max, let c = peek, c.isDigit {
            if digits < 9 { value = value * 10 + Int(c - 0x30) }
            digits += 1
            at += 1
        }
        guard digits == count ?? digits else { throw Mismatch() }
        return value * FastTimestamp.scales[min(digits, 9)]
    }

    private mutating func numericOffset(minutes: Bool, seconds: Bool, colon: Bool) throws(Mismatch) -> (Int, String?) {
        guard let sign = peek, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { throw Mismatch() }
        at += 1
        let hour = try digits(2, 2)
        var minute = 0
        var second = 0
        if minutes {
            if colon { try require(UInt8(ascii: ":")) }
            minute = try digits(2, 2)
        }
        if seconds {
            if colon { try require(UInt8(ascii: ":")) }
            second = try digits(2, 2)
        }
        let offset = hour * 3600 + minute * 60 + second
        let wrong =
            hour > 24
            ? "time zone offset hour"
            : minute > 60 ? "time zone offset minute" : second > 60 ? "time zone offset second" : nil
        return (sign == UInt8(ascii: "-") ? -offset : offset, wrong)
    }

    private mutating func require(_ byte: UInt8) throws(Mismatch) {
        guard peek == byte else { throw Mismatch() }
        at += 1
    }

    /// Length of the zone abbreviation that `text` begins with: three to five capital letters, of which four or five
    /// must end in T, with Go's exceptions.
    static func abbreviation(_ text: ByteView) -> Int? {
        guard text.count >= 3 else { return nil }
        if text.hasPrefix("ChST") || text.hasPrefix("MeST") { return 4 }
        if text.hasPrefix("GMT") { return 3 + signedHours(text.suffix(from: 3)) }
        if text[0] == UInt8(ascii: "+") || text[0] == UInt8(ascii: "-") {
            let length = signedHours(text)
            return length > 0 ? length : nil
        }
        var capitals = 0
        while capitals < 6, capitals < text.count, text[capitals] >= 0x41, text[capitals] <= 0x5A { capitals += 1 }
        switch capitals {
        case 3: return 3
        case 4: return text[3] == UInt8(ascii: "T") || text.hasPrefix("WITA") ? 4 : nil
        case 5: return text[4] == UInt8(ascii: "T") ? 5 : nil
        default: return nil
        }
    }

    /// Length of `+3` or `-11`, or 0.
    private static func signedHours(_ text: ByteView) -> Int {
        guard let sign = text.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") else { return 0 }
        var i = 1
        var value = 0
        while i < text.count, text[i].isDigit {
            value = min(value * 10 + Int(text[i] - 0x30), 1000)
            i += 1
        }
        return i > 1 && value <= 23 ? i : 0
    }
}
