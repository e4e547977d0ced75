import LogModel

/// Times as a person types them at a prompt.
package enum HumanTime {
    /// `90s`, `15m`, `1h30m`, `7d`, `2w`, in nanoseconds. Units descend; `nil` for anything else.
    package static func duration(_ text: String) -> Int64? {
        let units: [(String, Int64)] = [
            ("y", 365 * 86_400_000_000_000), ("w", 7 * 86_400_000_000_000), ("d", 86_400_000_000_000),
            ("h", 3_600_000_000_000), ("ms", 1_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ]
        var rest = text[...]
        var total: Int64 = 0
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard let number = Int64(digits) else { return nil }
            rest = rest.dropFirst(digits.count)
            guard let (unit, scale) = units.first(where: { rest.hasPrefix($0.0) }) else { return nil }
            let (product, tooLarge) = number.multipliedReportingOverflow(by: scale)
            let (sum, overflow) = total.addingReportingOverflow(product)
            guard !tooLarge, !overflow else { return nil }
            total = sum
            rest = rest.dropFirst(unit.count)
        }
        return total
    }

    /// `now`, `now-1h`, `2026-11-21`, `2026-11-21T10:15:00Z` with fraction and offset, or seconds since the epoch.
    package static func moment(_ text: String, now: Timestamp) -> Timestamp? {
        if text == "now" { return now }
        if text.hasPrefix("now-") { return duration(String(text.dropFirst(4))).map { now.advanced(by: -$0) } }
        if let seconds = Int64(text) {
            // As Loki reads it: up to ten digits are seconds, more are nanoseconds.
            return Timestamp(nanoseconds: text.utf8.count <= 10 ? seconds * 1_000_000_000 : seconds)
        }
        return rfc3339(text)
    }

    private static func rfc3339(_ text: String) -> Timestamp? {
        let parts = text.split(separator: "T", maxSplits: 1, omittingEmptySubsequences: false)
        let date = parts[0].split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
        guard date.count == 3, let year = date[0], let month = date[1], let day = date[2], (1...12).contains(month),
            (1...31).contains(day), (1678...2261).contains(year)
        else { return nil }
        var nanoseconds = daysFromCivil(year, month, day) * 86_400_000_000_000
        guard parts.count == 2 else { return Timestamp(nanoseconds: nanoseconds) }
        var clock = parts[1]
        var offset: Int64 = 0
        if clock.hasSuffix("Z") || clock.hasSuffix("z") {
            clock = clock.dropLast()
        } else if let sign = clock.lastIndex(where: { $0 == "+" || $0 == "-" }) {
            let zone = clock[clock.index(after: sign)...].split(separator: ":").map { Int64($0) }
            guard zone.count == 2, let hours = zone[0], let minutes = zone[1], hours < 24, minutes < 60 else { return nil }
            offset = (hours * 3_600 + minutes * 60) * (clock[sign] == "-" ? -1 : 1)
            clock = clock[..<sign]
        }
        let fields = clock.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(fields.count), let hours = Int64(fields[0]), let minutes = Int64(fields[1]),
            (0..<24).contains(hours), (0..<60).contains(minutes)
        else { return nil }
        nanoseconds += (hours * 3_600 + minutes * 60 - offset) * 1_000_000_000
        if fields.count == 3 {
            let seconds = fields[2].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
            guard let whole = Int64(seconds[0]), (0..<60).contains(whole) else { return nil }
            nanoseconds += whole * 1_000_000_000
            if seconds.count == 2 {
                let digits = String(seconds[1].prefix(9))
                guard let fraction = Int64(digits) else { return nil }
                var scaled = fraction
                for _ in digits.utf8.count..<9 { scaled *= 10 }
                nanoseconds += scaled
            }
        }
        return Timestamp(nanoseconds: nanoseconds)
    }

    /// Howard Hinnant's `days_from_civil`.
    static func daysFromCivil(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }
}
