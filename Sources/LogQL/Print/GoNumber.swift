import Bytes
import Glibc

/// Numbers as Go's `strconv` and `fmt` read and write them.
package enum GoNumber {
    /// `strconv.ParseFloat: parsing "x": invalid syntax`
    struct ParseError: Error, Equatable {
        var text: String
    }

    /// A number token: decimal, or hexadecimal with a `p` exponent.
    static func parse(_ text: String) throws(ParseError) -> Double {
        let lower = text.utf8.map(\.lowercased)
        let hasPrefix = lower.count > 1 && lower[0] == 0x30 && lower[1].isLetter && lower[1] != UInt8(ascii: "e")
        let isHexFloat = hasPrefix && lower[1] == UInt8(ascii: "x") && lower.contains(UInt8(ascii: "p"))
        // `1.` and `.5` are numbers to Go, not to Swift.
        var digits = text
        if !hasPrefix {
            if let dot = lower.firstIndex(of: UInt8(ascii: ".")), dot + 1 == lower.count || !lower[dot + 1].isDigit {
                let at = digits.utf8.index(digits.utf8.startIndex, offsetBy: dot + 1)
                digits.insert("0", at: at)
            }
            if digits.utf8.first == UInt8(ascii: ".") { digits = "0" + digits }
        }
        guard !hasPrefix || isHexFloat, let value = hasPrefix ? hex(lower) : Double(digits) else {
            throw ParseError(text: "strconv.ParseFloat: parsing \"\(text)\": invalid syntax")
        }
        guard value.isFinite else {
            throw ParseError(text: "strconv.ParseFloat: parsing \"\(text)\": value out of range")
        }
        return value
    }

    /// `0x1.8p3`; the C library rounds correctly.
    private static func hex(_ lower: [UInt8]) -> Double? {
        String(decoding: lower, as: UTF8.self).withCString { strtod($0, nil) }
    }

    /// Six digits behind the point: Go's `%f`.
    package static func fixed(_ value: Double) -> String {
        if let special = special(value) { return special }
        // The largest double has 309 digits before the point.
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 400) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            _ = withVaList([value]) { vsnprintf(base, buffer.count, "%f", $0) }
            return String(cString: base)
        }
    }

    /// Shortest digits that give the same value back, without exponent: Go's `FormatFloat(v, 'f', -1, 64)`.
    package static func plain(_ value: Double) -> String {
        if let special = special(value) { return special }
        let (sign, digits, point) = shortest(value)
        if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + digits }
        if point >= digits.count { return sign + digits + String(repeating: "0", count: point - digits.count) }
        return sign + digits.prefix(point) + "." + digits.dropFirst(point)
    }

    /// The same, with an exponent for large and small values: Go's `fmt.Sprint`.
    package static func short(_ value: Double) -> String {
        if let special = special(value) { return special }
        let (sign, digits, point) = shortest(value)
        let exponent = point - 1
        guard exponent < -4 || exponent >= 6 else { return plain(value) }
        let mantissa = digits.count > 1 ? "\(digits.prefix(1)).\(digits.dropFirst())" : digits
        let size = abs(exponent)
        return "\(sign)\(mantissa)e\(exponent < 0 ? "-" : "+")\(size < 10 ? "0" : "")\(size)"
    }

    private static func special(_ value: Double) -> String? {
        if value.isNaN { return "NaN" }
        return value.isInfinite ? (value < 0 ? "-Inf" : "+Inf") : nil
    }

    /// The value is ±0.digits × 10^point. Swift's description is the shortest that reads back (Errol/SwiftDtoa), like
    /// Go's; only its layout differs.
    private static func shortest(_ value: Double) -> (sign: String, digits: String, point: Int) {
        let sign = value.sign == .minus ? "-" : ""
        if value == 0 { return (sign, "0", 1) }
        var mantissa: [UInt8] = []
        var point: Int?
        var exponent = 0
        let text = [UInt8](value.magnitude.description.utf8)
        for (index, byte) in text.enumerated() {
            if byte.isDigit {
                mantissa.append(byte)
            } else if byte == UInt8(ascii: ".") {
                point = mantissa.count
            } else if byte == UInt8(ascii: "e") {
                exponent = Int(String(decoding: text[(index + 1)...], as: UTF8.self)) ?? 0
                break
            }
        }
        var position = (point ?? mantissa.count) + exponent
        let leading = mantissa.prefix { $0 == 0x30 }.count
        mantissa.removeFirst(leading)
        position -= leading
        while mantissa.last == 0x30 { mantissa.removeLast() }
        return (sign, String(decoding: mantissa, as: UTF8.self), position)
    }
}
