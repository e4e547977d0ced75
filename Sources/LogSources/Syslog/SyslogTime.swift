import Bytes
import Glibc

/// Times as syslog writes them.
enum SyslogTime {
    /// `2003-10-11T22:14:15.003Z`, offsets too, up to nine digits of a fraction.
    static func rfc3339(_ text: ByteView) -> Int64? {
        guard text.count >= 20, text[4] == 0x2D, text[7] == 0x2D, text[10] | 0x20 == UInt8(ascii: "t"), text[13] == 0x3A, text[16] == 0x3A
        else { return nil }
        guard let year = number(text, 0, 4), let month = number(text, 5, 2), let day = number(text, 8, 2),
            let hour = number(text, 11, 2), let minute = number(text, 14, 2), let second = number(text, 17, 2),
            (1...12).contains(month), (1...days(in: month, year)).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var at = 19
        var nanoseconds: Int64 = 0
        if text[at] == UInt8(ascii: ".") {
            at += 1
            var digits = 0
            while at < text.count, text[at].isDigit {
                guard digits < 9 else { return nil }
                nanoseconds = nanoseconds * 10 + Int64(text[at] - 0x30)
                digits += 1
                at += 1
            }
            guard digits > 0 else { return nil }
            for _ in digits..<9 { nanoseconds *= 10 }
        }
        guard at < text.count else { return nil }
        var offset: Int64 = 0
        if text[at] | 0x20 == UInt8(ascii: "z") {
            guard at + 1 == text.count else { return nil }
        } else {
            guard text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-"), text.count == at + 6, text[at + 3] == 0x3A,
                let hours = number(text, at + 1, 2), let minutes = number(text, at + 4, 2), hours < 24, minutes < 60
            else { return nil }
            offset = Int64(hours * 3600 + minutes * 60) * (text[at] == UInt8(ascii: "-") ? -1 : 1)
        }
        let days = Self.days(year, month, day)
        let seconds = Int64(days) * 86_400 + Int64(hour * 3600 + minute * 60 + second) - offset
        let product = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return product.overflow ? nil : product.partialValue.addingReportingOverflow(nanoseconds).partialValue
    }

    private static let months: [StaticString] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `Oct 11 22:14:15 ` in this host's zone and year; December in January is last year's, and the other way round.
    static func rfc3164(_ text: ByteView, now: Int64) -> Int64? {
        guard text.count >= 16, text[3] == 0x20, text[6] == 0x20, text[9] == 0x3A, text[12] == 0x3A,
            text[15] == 0x20 || text[15] == UInt8(ascii: ":"), let month = months.firstIndex(where: { text.hasPrefix($0) }),
            let day = text[4] == 0x20 ? number(text, 5, 1) : number(text, 4, 2),
            let hour = number(text, 7, 2), let minute = number(text, 10, 2), let second = number(text, 13, 2),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        var current = time_t(now)
        var today = tm()
        guard localtime_r(&current, &today) != nil else { return nil }
        var year = Int(today.tm_year) + 1900
        if month == 11, today.tm_mon == 0 { year -= 1 }
        if month == 0, today.tm_mon == 11 { year += 1 }
        guard (1...days(in: month + 1, year)).contains(day) else { return nil }
        var wanted = tm()
        wanted.tm_year = Int32(year - 1900)
        wanted.tm_mon = Int32(month)
        wanted.tm_mday = Int32(day)
        wanted.tm_hour = Int32(hour)
        wanted.tm_min = Int32(minute)
        wanted.tm_sec = Int32(second)
        wanted.tm_isdst = -1
        let seconds = mktime(&wanted)
        return seconds == -1 ? nil : Int64(seconds) * 1_000_000_000
    }

    private static func number(_ text: ByteView, _ start: Int, _ length: Int) -> Int? {
        var value = 0
        for i in start..<start + length {
            guard i < text.count, text[i].isDigit else { return nil }
            value = value * 10 + Int(text[i] - 0x30)
        }
        return value
    }

    private static func days(in month: Int, _ year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01, proleptic Gregorian.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}
