import Bytes

/// Writes a time by a Go layout.
enum GoTimeWriter {
    static func write(_ instant: GoInstant, _ layout: GoLayout, into out: ByteArena) {
        let fields = instant.fields
        for part in layout.parts {
            out.append(part.literal)
            switch part.element {
            case .longMonth: out.append(GoNames.months[fields.month - 1])
            case .month: GoNames.months[fields.month - 1].withView { out.append($0.prefix(3)) }
            case .numMonth: number(fields.month, 0, out)
            case .zeroMonth: number(fields.month, 2, out)
            case .longWeekday: out.append(GoNames.weekdays[fields.weekday])
            case .weekday: GoNames.weekdays[fields.weekday].withView { out.append($0.prefix(3)) }
            case .day: number(fields.day, 0, out)
            case .underDay:
                if fields.day < 10 { out.append(UInt8(ascii: " ")) }
                number(fields.day, 0, out)
            case .zeroDay: number(fields.day, 2, out)
            case .underYearDay:
                if fields.yearDay < 100 { out.append(UInt8(ascii: " ")) }
                if fields.yearDay < 10 { out.append(UInt8(ascii: " ")) }
                number(fields.yearDay, 0, out)
            case .zeroYearDay: number(fields.yearDay, 3, out)
            case .hour: number(fields.hour, 2, out)
            case .hour12: number(fields.hour % 12 == 0 ? 12 : fields.hour % 12, 0, out)
            case .zeroHour12: number(fields.hour % 12 == 0 ? 12 : fields.hour % 12, 2, out)
            case .minute: number(fields.minute, 0, out)
            case .zeroMinute: number(fields.minute, 2, out)
            case .second: number(fields.second, 0, out)
            case .zeroSecond: number(fields.second, 2, out)
            case .longYear: number(fields.year, 4, out)
            case .year: number(max(fields.year, 0) % 100, 2, out)
            case .upperPM: out.append(fields.hour >= 12 ? "PM" : "AM")
            case .lowerPM: out.append(fields.hour >= 12 ? "pm" : "am")
            case .zoneName:
                if fields.zoneName.isEmpty {
                    let minutes = abs(fields.offset) / 60
                    out.append(fields.offset < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
                    number(minutes / 60, 2, out)
                    if minutes % 60 != 0 { number(minutes % 60, 2, out) }
                } else {
                    out.append(fields.zoneName)
                }
            case .offset(let zulu, let minutes, let seconds, let colon):
                if zulu, fields.offset == 0 {
                    out.append(UInt8(ascii: "Z"))
                    continue
                }
                let distance = abs(fields.offset)
                out.append(fields.offset < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
                number(distance / 3600, 2, out)
                if colon { out.append(UInt8(ascii: ":")) }
                if minutes { number(distance / 60 % 60, 2, out) }
                if seconds {
                    if colon { out.append(UInt8(ascii: ":")) }
                    number(distance % 60, 2, out)
                }
            case .fractionZeros(let count, let separator):
                fraction(instant.nanosecond, count, separator, trim: false, out)
            case .fractionNines(let count, let separator):
                fraction(instant.nanosecond, count, separator, trim: true, out)
            }
        }
        out.append(layout.tail)
    }

    private static func number(_ value: Int, _ width: Int, _ out: ByteArena) {
        if value < 0 { out.append(UInt8(ascii: "-")) }
        let digits = String(value.magnitude)
        for _ in 0..<max(0, width - digits.utf8.count) { out.append(UInt8(ascii: "0")) }
        out.append(digits)
    }

    private static func fraction(_ nanosecond: Int, _ count: Int, _ separator: UInt8, trim: Bool, _ out: ByteArena) {
        var digits = [UInt8](repeating: 0x30, count: 9)
        var rest = nanosecond
        for i in stride(from: 8, through: 0, by: -1) {
            digits[i] = 0x30 + UInt8(rest % 10)
            rest /= 10
        }
        // Go writes nine digits at most, however many the layout asks for.
        digits.removeLast(9 - min(count, 9))
        if trim {
            while digits.last == 0x30 { digits.removeLast() }
            if digits.isEmpty { return }
        }
        out.append(separator)
        out.append(digits)
    }
}
