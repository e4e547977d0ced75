import Bytes
import LogModel

/// Text to number as Go's `strconv` does it: what label filters, `unwrap` and templates of LogQL promise.
package enum GoFloat {
    package enum Failure: Error, Equatable, Sendable { case syntax, range }

    /// As `strconv.ParseFloat(text, 64)`: decimal and hexadecimal floats, `inf`, `infinity`, `nan` in any case, and
    /// underscores between digits. A value beyond the largest double is `.range`.
    ///
    /// Up to 19 digits with a small exponent are converted exactly without leaving the stack (Clinger's fast path: both
    /// the digits and the power of ten are exact doubles); the rest goes through the standard library.
    package static func parse(_ text: ByteView) -> Result<Double, Failure> {
        guard let shape = Shape(text) else {
            return special(text).map { .success($0) } ?? .failure(.syntax)
        }
        if let exact = shape.exact { return .success(exact) }
        return parseSlowly(text)
    }

    /// `strconv.ParseFloat: parsing "abc": invalid syntax`
    package static func message(_ failure: Failure, _ text: ByteView) -> String {
        let reason = failure == .syntax ? "invalid syntax" : "value out of range"
        return "strconv.ParseFloat: parsing \(GoText.quote(text)): \(reason)"
    }

    private static func parseSlowly(_ text: ByteView) -> Result<Double, Failure> {
        var clean = ""
        clean.reserveCapacity(text.count)
        for i in text.indices where text[i] != 0x5F {
            clean.unicodeScalars.append(Unicode.Scalar(text[i]))
        }
        if clean.hasPrefix("+") { clean.removeFirst() }
        guard let value = Double(clean) else { return .failure(.syntax) }
        return value.isInfinite ? .failure(.range) : .success(value)
    }

    private static func special(_ text: ByteView) -> Double? {
        var at = 0
        var negative = false
        var signed = false
        if let first = text.first, first == 0x2B || first == 0x2D {
            negative = first == 0x2D
            signed = true
            at = 1
        }
        let word = text.suffix(from: at)
        if equals(word, "inf") || equals(word, "infinity") { return negative ? -.infinity : .infinity }
        if !signed, equals(word, "nan") { return .nan }
        return nil
    }

    private static func equals(_ word: ByteView, _ lowercase: StaticString) -> Bool {
        let other = ByteView(lowercase)
        guard word.count == other.count else { return false }
        for i in word.indices where word[i].lowercased != other[i] { return false }
        return true
    }

    /// What a well-formed number is made of.
    private struct Shape {
        private var digits: UInt64 = 0
        private var exponent = 0
        private var negative = false
        private var isExact = false

        /// Nil where the text is no number of Go's syntax.
        init?(_ text: ByteView) {
            let count = text.count
            var i = 0
            if i < count, text[i] == 0x2B || text[i] == 0x2D {
                negative = text[i] == 0x2D
                i += 1
            }
            var isHex = false
            if i + 2 < count, text[i] == 0x30, text[i + 1] | 0x20 == 0x78 {
                isHex = true
                i += 2
            }
            var sawDot = false
            var sawDigit = false
            var sawUnderscore = false
            var significant = 0
            var point = 0
            loop: while i < count {
                let c = text[i]
                switch c {
                case 0x5F:
                    sawUnderscore = true
                case 0x2E:
                    if sawDot { break loop }
                    sawDot = true
                case 0x30...0x39:
                    sawDigit = true
                    if sawDot { point -= 1 }
                    if significant > 0 || c != 0x30 {
                        significant += 1
                        if significant <= 19 { digits = digits &* 10 &+ UInt64(c &- 0x30) } else { point += 1 }
                    }
                case _ where isHex && c.isHexDigit:
                    sawDigit = true
                default: break loop
                }
                i += 1
            }
            guard sawDigit else { return nil }
            var power = 0
            if i < count, text[i] | 0x20 == (isHex ? 0x70 : 0x65) {
                i += 1
                var sign = 1
                if i < count, text[i] == 0x2B || text[i] == 0x2D {
                    if text[i] == 0x2D { sign = -1 }
                    i += 1
                }
                guard i < count, text[i].isDigit else { return nil }
                while i < count, text[i].isDigit || text[i] == 0x5F {
                    if text[i] == 0x5F {
                        sawUnderscore = true
                    } else if power < 100_000 {
                        power = power * 10 + Int(text[i] - 0x30)
                    }
                    i += 1
                }
                power *= sign
            } else if isHex {
                return nil
            }
            guard i == count else { return nil }
            if sawUnderscore, !GoText.underscoresSeparateDigits(text) { return nil }
            exponent = power + point
            isExact = !isHex && significant <= 19 && digits < 1 << 53 && exponent >= -22 && exponent <= 22
        }

        var exact: Double? {
            guard isExact else { return nil }
            let magnitude = Double(digits)
            let value = exponent < 0 ? magnitude / Self.powers[-exponent] : magnitude * Self.powers[exponent]
            return negative ? -value : value
        }

        private static let powers: [Double] = [
            1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
            1e19, 1e20, 1e21, 1e22,
        ]
    }
}

/// Small rules of Go's text packages.
package enum GoText {
    /// As `strconv.Quote`; bytes that are not UTF-8 become `\xNN`.
    package static func quote(_ text: ByteView) -> String {
        if text.isUTF8 { return GoQuote.quote(text.string) }
        var out = "\""
        var i = 0
        while i < text.count {
            let length = UTF8Length.at(text, i)
            if length == 0 {
                out += "\\x" + hex(text[i])
                i += 1
            } else {
                out += GoQuote.quote(text[i..<i + length].string).dropFirst().dropLast()
                i += length
            }
        }
        return out + "\""
    }

    static func hex(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return digits.utf8.count == 1 ? "0" + digits : digits
    }

    /// Go's rule for `_` in numbers: between digits, or behind a base prefix.
    static func underscoresSeparateDigits(_ text: ByteView) -> Bool {
        enum Last { case start, digit, underscore, other }
        var last = Last.start
        var i = 0
        if let first = text.first, first == 0x2B || first == 0x2D { i = 1 }
        var isHex = false
        if i + 1 < text.count, text[i] == 0x30 {
            let base = text[i + 1] | 0x20
            if base == 0x62 || base == 0x6F || base == 0x78 {
                i += 2
                last = .digit
                isHex = base == 0x78
            }
        }
        while i < text.count {
            let c = text[i]
            if c.isDigit || (isHex && c.isHexDigit) {
                last = .digit
            } else if c == 0x5F {
                if last != .digit { return false }
                last = .underscore
            } else {
                if last == .underscore { return false }
                last = .other
            }
            i += 1
        }
        return last != .underscore
    }
}
