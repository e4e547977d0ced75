import Bytes

/// Times as texts: `2023-11-14T22:13:20.000000001Z`.
package enum RFC3339 {
    /// Nanoseconds since 1970, or nil where `text` is no such time or lies outside the years 1677–2262. Fractions of any
    /// length (digits after the ninth do not count), `Z` or an offset; also `,` before the fraction, as Go reads it.
    package static func parse(_ text: ByteView) -> Int64? {
        func number(_ from: Int, _ digits: Int) -> Int? {
            guard from + digits <= text.count else { return nil }
            var value = 0
            for i in from..<from + digits {
                guard text[i].isDigit else { return nil }
                value = value * 10 + Int(text[i] - 0x30)
            }
            return value
        }
        guard text.count >= 20, let year = number(0, 4), text[4] == 0x2D, let month = number(5, 2), text[7] == 0x2D,
            let day = number(8, 2), text[10] == 0x54 || text[10] == 0x74, let hour = number(11, 2), text[13] == 0x3A,
            let minute = number(14, 2), text[16] == 0x3A, let second = number(17, 2),
            (1...12).contains(month), day >= 1, day <= daysIn(month, of: year), hour < 24, minute < 60, second < 60
        else { return nil }
        var at = 19
        var nanoseconds = 0
        if text[at] == 0x2E || text[at] == 0x2C {
            at += 1
            let start = at
            var scale = 100_000_000
            while at < text.count, text[at].isDigit {
                nanoseconds += Int(text[at] - 0x30) * scale
                scale /= 10
                at += 1
            }
            guard at > start else { return nil }
        }
        guard at < text.count else { return nil }
        var offset = 0
        switch text[at] {
        case 0x5A, 0x7A: at += 1
        case 0x2B, 0x2D:
            guard let hours = number(at + 1, 2), at + 3 < text.count, text[at + 3] == 0x3A,
                let minutes = number(at + 4, 2), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 3_600 + minutes * 60) * (text[at] == 0x2D ? -1 : 1)
            at += 6
        default: return nil
        }
        guard at == text.count else { return nil }
        let seconds = daysFromCivil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset
        return join(seconds: Int64(seconds), nanoseconds: Int64(nanoseconds))
    }

    /// One number of both, or nil outside the calendar. `nanoseconds` lie within a second of zero.
    static func join(seconds: Int64, nanoseconds: Int64) -> Int64? {
        var (seconds, nanoseconds) = (seconds, nanoseconds)
        // The first moments of the calendar are a whole second below its first second, and some up.
        if seconds < 0, nanoseconds > 0 {
            seconds += 1
            nanoseconds -= 1_000_000_000
        }
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowToo) = product.addingReportingOverflow(nanoseconds)
        return overflow || overflowToo ? nil : sum
    }

    /// Appends a time in UTC with as many digits of the fraction as it needs, as Go's RFC3339Nano does.
    package static func append(_ nanoseconds: Int64, into out: ByteArena) {
        var seconds = nanoseconds / 1_000_000_000
        var fraction = nanoseconds % 1_000_000_000
        if fraction < 0 {
            fraction += 1_000_000_000
            seconds -= 1
        }
        var days = seconds / 86_400
        var rest = seconds % 86_400
        if rest < 0 {
            rest += 86_400
            days -= 1
        }
        let (year, month, day) = civil(fromDays: Int(days))
        pad(year, 4, into: out)
        out.append(0x2D)
        pad(month, 2, into: out)
        out.append(0x2D)
        pad(day, 2, into: out)
        out.append(0x54)
        pad(Int(rest / 3_600), 2, into: out)
        out.append(0x3A)
        pad(Int(rest / 60 % 60), 2, into: out)
        out.append(0x3A)
        pad(Int(rest % 60), 2, into: out)
        if fraction > 0 {
            var digits = 9
            while fraction % 10 == 0 {
                fraction /= 10
                digits -= 1
            }
            out.append(0x2E)
            pad(Int(fraction), digits, into: out)
        }
        out.append(0x5A)
    }

    package static func text(_ nanoseconds: Int64) -> String {
        let out = ByteArena(capacity: 64)
        append(nanoseconds, into: out)
        return out.view.string
    }

    private static func pad(_ value: Int, _ width: Int, into out: ByteArena) {
        var scale = 1
        for _ in 1..<width { scale *= 10 }
        var rest = value
        for _ in 0..<width {
            out.append(UInt8(truncatingIfNeeded: 0x30 + rest / scale % 10))
            rest %= scale
            scale = max(scale / 10, 1)
        }
    }

    private static func daysIn(_ month: Int, of year: Int) -> Int {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    // Days and civil dates: Howard Hinnant, "chrono-compatible low-level date algorithms" (eras of 400 years).

    private static func daysFromCivil(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shifted + 2) / 5 + 1
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
