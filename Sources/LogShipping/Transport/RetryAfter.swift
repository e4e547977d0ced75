import LogModel

/// The header `Retry-After`: seconds, or a date.
enum RetryAfter {
    /// A longer wait is taken for a mistake, seconds.
    private static let secondsMax: Int64 = 3_600
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    /// Nanoseconds from `now` on, an hour at most; nil for what is neither.
    static func nanoseconds(_ text: String, now: Int64 = Timestamp.now().nanoseconds) -> Int64? {
        let word = text.filter { $0 != " " || text.contains(",") }
        if let seconds = Int64(word) { return min(max(seconds, 0), secondsMax) * 1_000_000_000 }
        guard let date = seconds(ofDate: text) else { return nil }
        return min(max(date - now / 1_000_000_000, 0), secondsMax) * 1_000_000_000
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that may be sent, as seconds since 1970.
    private static func seconds(ofDate text: String) -> Int64? {
        let words = text.split { $0 == " " || $0 == "," || $0 == ":" }
        guard words.count == 8, let day = Int64(words[1]), let month = months.firstIndex(of: words[2].lowercased()),
            let year = Int64(words[3]), let hour = Int64(words[4]), let minute = Int64(words[5]),
            let second = Int64(words[6]), (1...31).contains(day), (1970...9999).contains(year), (0..<24).contains(hour),
            (0..<60).contains(minute), (0...60).contains(second)
        else { return nil }
        // Days since 1970 by the civil calendar; the year begins in March, so that the leap day is its last.
        let m = Int64(month) + 1
        let y = m <= 2 ? year - 1 : year
        let era = y / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + day - 1
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        return days * 86_400 + hour * 3_600 + minute * 60 + second
    }
}
