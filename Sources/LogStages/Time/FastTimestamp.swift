import Bytes

/// Times of the usual kind, `2006-01-02T15:04:05` with or without fraction and zone, read without a table of elements.
///
/// Reads a subset of what `GoTimeReader` accepts for the same layout, with the same results; whatever looks unusual
/// is left to that one. No allocation; about 15 ns.
enum FastTimestamp {
    /// What a layout of this kind consists of.
    struct Shape: Sendable, Equatable {
        enum Fraction: Sendable, Equatable {
            /// Not in the layout, and so allowed in the text.
            case implicit
            case digits(Int)
            case any
        }

        enum Zone: Sendable, Equatable {
            case none
            /// `Z` or `±hh:mm`.
            case colon
        }

        /// Between date and clock.
        var separator: UInt8
        var fraction: Fraction
        var zone: Zone

        init?(parts: [GoLayout.Part], tail: [UInt8]) {
            let fixed: [(GoLayout.Element, UInt8?)] = [
                (.longYear, nil), (.zeroMonth, UInt8(ascii: "-")), (.zeroDay, UInt8(ascii: "-")), (.hour, nil),
                (.zeroMinute, UInt8(ascii: ":")), (.zeroSecond, UInt8(ascii: ":")),
            ]
            guard parts.count >= fixed.count, tail.isEmpty, parts[3].literal.count == 1,
                let separator = parts[3].literal.first
            else { return nil }
            for (i, (element, literal)) in fixed.enumerated() {
                guard parts[i].element == element, i == 3 || parts[i].literal == (literal.map { [$0] } ?? []) else {
                    return nil
                }
            }
            self.separator = separator
            fraction = .implicit
            zone = .none
            var rest = parts[fixed.count...]
            if let next = rest.first, next.element.isFraction, next.literal.isEmpty {
                if case .fractionZeros(let count, _) = next.element {
                    guard count <= 9 else { return nil }
                    fraction = .digits(count)
                } else {
                    fraction = .any
                }
                rest.removeFirst()
            }
            if let next = rest.first, next.literal.isEmpty,
                next.element == .offset(zulu: true, minutes: true, seconds: false, colon: true)
            {
                zone = .colon
                rest.removeFirst()
            }
            if !rest.isEmpty { return nil }
        }
    }

    /// Seconds as the clock shows them, nanoseconds, and the offset when the text names one.
    struct Reading {
        var clock: Int64
        var nanosecond: Int64
        var offset: Int64?
    }

    @inline(__always)
    private static func pair(_ text: ByteView, _ at: Int) -> Int {
        let high = Int(text[at]) &- 0x30
        let low = Int(text[at &+ 1]) &- 0x30
        // Either one outside 0...9 gives a number far outside every range that callers check.
        return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high &* 10 &+ low : 1000
    }

    /// Nil: not of this shape, or not valid; ask the general reader.
    @inline(__always)
    static func read(_ text: ByteView, _ shape: Shape) -> Reading? {
        guard text.count >= 19, text.count <= 64 else { return nil }
        let century = pair(text, 0)
        let yearOfCentury = pair(text, 2)
        let month = pair(text, 5)
        let day = pair(text, 8)
        let hour = pair(text, 11)
        let minute = pair(text, 14)
        let second = pair(text, 17)
        let year = century &* 100 &+ yearOfCentury
        guard century < 100, yearOfCentury < 100, month >= 1, month <= 12, day >= 1, hour < 24, minute < 60, second < 60,
            text[4] == 0x2D, text[7] == 0x2D, text[10] == shape.separator, text[13] == 0x3A, text[16] == 0x3A,
            day <= 28 || day <= Civil.daysIn(month: month, year: year)
        else { return nil }
        let days = Civil.days(year: year, month: month, day: day)
        var reading = Reading(
            clock: days &* 86_400 &+ Int64(hour &* 3600 &+ minute &* 60 &+ second), nanosecond: 0, offset: nil)
        var i = 19
        if i < text.count, text[i] == 0x2E || text[i] == 0x2C {
            var value = 0
            var digits = 0
            i += 1
            while i < text.count, text[i].isDigit {
                if digits < 9 { value = value &* 10 &+ Int(text[i] &- 0x30) }
                digits += 1
                i += 1
            }
            if digits == 0 { return nil }
            if case .digits(let wanted) = shape.fraction, wanted != digits { return nil }
            reading.nanosecond = Int64(value &* scales[min(digits, 9)])
        } else if case .digits = shape.fraction {
            return nil
        }
        switch shape.zone {
        case .none: return i == text.count ? reading : nil
        case .colon:
            guard i < text.count else { return nil }
            if text[i] == 0x5A {
                reading.offset = 0
                return i + 1 == text.count ? reading : nil
            }
            guard i + 6 == text.count, text[i] == 0x2B || text[i] == 0x2D, text[i + 3] == 0x3A else { return nil }
            let hours = pair(text, i + 1)
            let minutes = pair(text, i + 4)
            guard hours < 24, minutes < 60 else { return nil }
            let offset = Int64(hours &* 3600 &+ minutes &* 60)
            reading.offset = text[i] == 0x2D ? -offset : offset
            return reading
        }
    }

    /// What a digit string of each length is multiplied with to make nanoseconds.
    static let scales: [Int] = [
        1_000_000_000, 100_000_000, 10_000_000, 1_000_000, 100_000, 10_000, 1_000, 100, 10, 1,
    ]
}
