import Bytes

/// A Go reference layout (`2006-01-02T15:04:05.000Z07:00`), taken apart once and used many times.
///
/// Every text is a layout: what is no element stands for itself.
package struct GoLayout: Sendable {
    enum Element: Sendable, Equatable {
        case longMonth, month, numMonth, zeroMonth
        case longWeekday, weekday
        case day, underDay, zeroDay, underYearDay, zeroYearDay
        case hour, hour12, zeroHour12
        case minute, zeroMinute, second, zeroSecond
        case longYear, year
        case upperPM, lowerPM
        case zoneName
        /// A numeric offset: whether `Z` stands for zero, whether minutes and seconds follow, whether with colons.
        case offset(zulu: Bool, minutes: Bool, seconds: Bool, colon: Bool)
        /// `.000`: that many digits, always.
        case fractionZeros(Int, separator: UInt8)
        /// `.999`: up to that many digits when written, any number when read.
        case fractionNines(Int, separator: UInt8)

        var isFraction: Bool {
            switch self {
            case .fractionZeros, .fractionNines: true
            default: false
            }
        }
    }

    struct Part: Sendable {
        /// Text before the element.
        var literal: [UInt8]
        var element: Element
        /// The element as it stands in the layout, for error messages.
        var text: String
    }

    package let text: String
    let parts: [Part]
    /// Text behind the last element.
    let tail: [UInt8]
    /// Whether the layout says which year it is.
    package let hasYear: Bool
    /// Whether the layout holds any element at all.
    package var isEmpty: Bool { parts.isEmpty }
    /// How to read it without looking at `parts`, when it is of the usual kind.
    let shape: FastTimestamp.Shape?

    package init(_ layout: String) {
        text = layout
        let bytes = [UInt8](layout.utf8)
        var parts: [Part] = []
        var literal: [UInt8] = []
        var i = 0
        while i < bytes.count {
            if let (element, length, kept) = Self.element(in: bytes, at: i) {
                literal += bytes[i..<(i + kept)]
                parts.append(
                    Part(
                        literal: literal, element: element,
                        text: String(decoding: bytes[(i + kept)..<(i + length)], as: UTF8.self)))
                literal = []
                i += length
            } else {
                literal.append(bytes[i])
                i += 1
            }
        }
        self.parts = parts
        tail = literal
        hasYear = parts.contains { $0.element == .longYear || $0.element == .year }
        shape = FastTimestamp.Shape(parts: parts, tail: literal)
    }

    /// The element that begins at `i`: how many bytes it takes, and how many of them are literal text before it.
    private static func element(in layout: [UInt8], at i: Int) -> (Element, length: Int, kept: Int)? {
        func has(_ text: StaticString) -> Bool {
            guard i + text.utf8CodeUnitCount <= layout.count else { return false }
            return text.withUTF8Buffer { layout[i..<(i + $0.count)].elementsEqual($0) }
        }
        func at(_ offset: Int) -> UInt8? { i + offset < layout.count ? layout[i + offset] : nil }
        func lowercase(_ offset: Int) -> Bool {
            guard let c = at(offset) else { return false }
            return c >= 0x61 && c <= 0x7A
        }
        switch layout[i] {
        case UInt8(ascii: "J"):
            if has("January") { return (.longMonth, 7, 0) }
            if has("Jan"), !lowercase(3) { return (.month, 3, 0) }
        case UInt8(ascii: "M"):
            if has("Monday") { return (.longWeekday, 6, 0) }
            if has("Mon"), !lowercase(3) { return (.weekday, 3, 0) }
            if has("MST") { return (.zoneName, 3, 0) }
        case UInt8(ascii: "0"):
            switch at(1) {
            case UInt8(ascii: "1"): return (.zeroMonth, 2, 0)
            case UInt8(ascii: "2"): return (.zeroDay, 2, 0)
            case UInt8(ascii: "3"): return (.zeroHour12, 2, 0)
            case UInt8(ascii: "4"): return (.zeroMinute, 2, 0)
            case UInt8(ascii: "5"): return (.zeroSecond, 2, 0)
            case UInt8(ascii: "6"): return (.year, 2, 0)
            default: if has("002") { return (.zeroYearDay, 3, 0) }
            }
        case UInt8(ascii: "1"): return has("15") ? (.hour, 2, 0) : (.numMonth, 1, 0)
        case UInt8(ascii: "2"): return has("2006") ? (.longYear, 4, 0) : (.day, 1, 0)
        case UInt8(ascii: "_"):
            if has("_2006") { return (.longYear, 5, 1) }
            if has("_2") { return (.underDay, 2, 0) }
            if has("__2") { return (.underYearDay, 3, 0) }
        case UInt8(ascii: "3"): return (.hour12, 1, 0)
        case UInt8(ascii: "4"): return (.minute, 1, 0)
        case UInt8(ascii: "5"): return (.second, 1, 0)
        case UInt8(ascii: "P"): if has("PM") { return (.upperPM, 2, 0) }
        case UInt8(ascii: "p"): if has("pm") { return (.lowerPM, 2, 0) }
        case UInt8(ascii: "-"), UInt8(ascii: "Z"):
            let zulu = layout[i] == UInt8(ascii: "Z")
            let rest = layout[(i + 1)...]
            func offset(_ text: StaticString, _ minutes: Bool, _ seconds: Bool, _ colon: Bool) -> (Element, Int, Int)? {
                guard text.withUTF8Buffer({ rest.starts(with: $0) }) else { return nil }
                return (
                    .offset(zulu: zulu, minutes: minutes, seconds: seconds, colon: colon), 1 + text.utf8CodeUnitCount, 0
                )
            }
            return offset("070000", true, true, false) ?? offset("07:00:00", true, true, true)
                ?? offset("0700", true, false, false) ?? offset("07:00", true, false, true)
                ?? offset("07", false, false, false)
        case UInt8(ascii: "."), UInt8(ascii: ","):
            guard let digit = at(1), digit == UInt8(ascii: "0") || digit == UInt8(ascii: "9") else { return nil }
            var count = 1
            while at(1 + count) == digit { count += 1 }
            // The run of digits must end here: `.0003` is text.
            if let next = at(1 + count), next.isDigit { return nil }
            let element: Element =
                digit == UInt8(ascii: "0")
                ? .fractionZeros(count, separator: layout[i]) : .fractionNines(count, separator: layout[i])
            return (element, 1 + count, 0)
        default: break
        }
        return nil
    }
}

/// Names of months and days, in English, as Go has them.
enum GoNames {
    static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ].map { [UInt8]($0.utf8) }
    static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
        .map { [UInt8]($0.utf8) }

    /// Index of the name (its first `length` bytes, or all) that `text` has at `offset`, ignoring the case of letters.
    static func find(_ names: [[UInt8]], length: Int?, in text: ByteView, at offset: Int) -> (index: Int, length: Int)? {
        for (index, name) in names.enumerated() {
            let wanted = Swift.min(length ?? name.count, name.count)
            guard offset + wanted <= text.count else { continue }
            var same = true
            for k in 0..<wanted where text[offset + k].lowercased != name[k].lowercased {
                same = false
                break
            }
            if same { return (index, wanted) }
        }
        return nil
    }
}
