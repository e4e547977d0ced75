import Glibc

/// Numbers to text as Go's `strconv` and `fmt` do it.
package enum GoFormat {
    /// As `strconv.FormatFloat(value, 'f', -1, 64)`: the shortest digits that read back, without exponent.
    package static func plain(_ value: Double) -> String {
        if let special = special(value) { return special }
        let parts = Decimal(value)
        return (parts.negative ? "-" : "") + parts.plain
    }

    /// As `%v` and `%g`: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
    package static func general(_ value: Double) -> String {
        if let special = special(value) { return special }
        let parts = Decimal(value)
        let exponent = parts.point - 1
        let sign = parts.negative ? "-" : ""
        if !parts.digits.isEmpty, exponent < -4 || exponent >= 6 { return sign + parts.scientific }
        return sign + parts.plain
    }

    /// As `%e` without precision.
    static func scientific(_ value: Double) -> String {
        if let special = special(value) { return special }
        let parts = Decimal(value)
        return (parts.negative ? "-" : "") + parts.scientific
    }

    /// As `%e %f %g` with a precision: `verb` is one of these letters.
    static func fixed(_ value: Double, verb: UInt8, precision: Int) -> String {
        if let special = special(value) { return special }
        // The largest double has 309 digits before its point; more than 1100 behind it are all zero.
        let precision = min(precision, 1100)
        let format: [CChar] = [0x25, 0x2E, 0x2A, CChar(bitPattern: verb), 0]
        var buffer = [CChar](repeating: 0, count: 1500 + precision)
        let length = withVaList([Int32(precision), value]) { arguments in
            vsnprintf(&buffer, buffer.count, format, arguments)
        }
        let written = buffer.prefix(max(0, min(Int(length), buffer.count - 1)))
        return String(decoding: written.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    static func special(_ value: Double) -> String? {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return nil
    }

    /// The shortest decimal digits of a finite double, and where the point stands: 0.digits × 10^point.
    private struct Decimal {
        var negative = false
        var digits: [UInt8] = []
        var point = 0

        init(_ value: Double) {
            negative = value.sign == .minus
            var exponent = 0
            var sawPoint = false
            var text = value.magnitude.description.utf8[...]
            if let e = text.firstIndex(of: 0x65) {
                exponent = Int(String(decoding: text[text.index(after: e)...], as: UTF8.self)) ?? 0
                text = text[..<e]
            }
            for c in text {
                if c == 0x2E {
                    sawPoint = true
                } else {
                    digits.append(c)
                    if !sawPoint { point += 1 }
                }
            }
            point += exponent
            while digits.first == 0x30 {
                digits.removeFirst()
                point -= 1
            }
            while digits.last == 0x30 { digits.removeLast() }
            if digits.isEmpty { point = 0 }
        }

        var plain: String {
            if digits.isEmpty { return "0" }
            var out: [UInt8] = []
            if point <= 0 {
                out += [0x30, 0x2E] + [UInt8](repeating: 0x30, count: -point) + digits
            } else if point >= digits.count {
                out += digits + [UInt8](repeating: 0x30, count: point - digits.count)
            } else {
                out += digits[..<point] + [0x2E] + digits[point...]
            }
            return String(decoding: out, as: UTF8.self)
        }

        var scientific: String {
            let exponent = digits.isEmpty ? 0 : point - 1
            var out = String(decoding: digits.isEmpty ? [0x30] : digits.prefix(1), as: UTF8.self)
            if digits.count > 1 { out += "." + String(decoding: digits.dropFirst(), as: UTF8.self) }
            let magnitude = String(exponent.magnitude)
            return out + (exponent < 0 ? "e-" : "e+") + (magnitude.utf8.count < 2 ? "0" : "") + magnitude
        }
    }
}
