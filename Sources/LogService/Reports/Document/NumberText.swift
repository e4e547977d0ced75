/// Numbers as people read them.
package enum NumberText {
    /// `1234.50` with thin groups: `1 234.50`. Halves are rounded away from zero. What is too large for that is printed with
    /// an exponent.
    package static func grouped(_ value: Double, digits: Int) -> String { group(fixed(value, digits: digits)) }

    package static func grouped(_ value: Int) -> String { group("\(value)") }

    /// Without groups.
    package static func fixed(_ value: Double, digits: Int) -> String {
        guard value.isFinite else { return "–" }
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value * scale).rounded()
        // Beyond 2⁵³ digits mean nothing any more.
        guard scaled.magnitude < 9e15 else { return "\(value)" }
        let whole = Int64(scaled)
        let magnitude = String(whole.magnitude)
        let sign = whole < 0 ? "-" : ""
        guard digits > 0 else { return sign + magnitude }
        let padded = String(repeating: "0", count: max(0, digits + 1 - magnitude.utf8.count)) + magnitude
        return "\(sign)\(padded.dropLast(digits)).\(padded.suffix(digits))"
    }

    private static func group(_ text: String) -> String {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let whole = parts[0]
        let sign = whole.hasPrefix("-") ? "-" : ""
        let digits = whole.dropFirst(sign.count)
        guard digits.count > 4, digits.allSatisfy({ $0.isASCII && $0.isNumber }) else { return text }
        var out = ""
        for (place, digit) in digits.enumerated() {
            if place > 0, (digits.count - place) % 3 == 0 { out += " " }
            out.append(digit)
        }
        return sign + out + (parts.count > 1 ? ".\(parts[1])" : "")
    }
}

/// Text of logs on its way to people.
enum SafeText {
    /// A terminal would obey control characters in log text; direction marks would reorder what stands around them.
    static func printable(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            let value = scalar.value
            let isControl = value < 0x20 || value == 0x7F || (0x80..<0xA0).contains(value)
            let isDirection = (0x202A...0x202E).contains(value) || (0x2066...0x2069).contains(value)
            if isControl || isDirection {
                out += "\\u{" + String(value, radix: 16) + "}"
            } else {
                out.unicodeScalars.append(scalar)
            }
        }
        return out
    }

    /// Whether a text holds what looks like an e-mail address: a name, `@` (or `%40`), and a domain with a dot or one of a host.
    /// Wide rather than narrow: what is taken for one is left out of a report.
    static func holdsMail(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        for (at, byte) in bytes.enumerated() where at > 0 {
            var after = at
            if byte == 0x40 {
                after = at + 1
            } else if byte == 0x25, at + 2 < bytes.count, bytes[at + 1] == 0x34, bytes[at + 2] == 0x30 {
                after = at + 3
            } else {
                continue
            }
            if after < bytes.count, bytes[after].isWord, bytes[at - 1].isWord { return true }
        }
        return false
    }
}

extension UInt8 {
    fileprivate var isWord: Bool { isAlphanumericASCII || self >= 0x80 || self == 0x5F || self == 0x2B || self == 0x2D || self == 0x2E || self == 0x22 }
    private var isAlphanumericASCII: Bool {
        (0x30...0x39).contains(self) || (0x41...0x5A).contains(self) || (0x61...0x7A).contains(self)
    }
}
