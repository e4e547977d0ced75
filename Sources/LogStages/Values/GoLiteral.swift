import Bytes

/// Go's string and character literals.
enum GoLiteral {
    /// What a quoted literal stands for, as `strconv.Unquote`; nil where it is malformed. `quote` is the quote that
    /// must be escaped inside: `"`, or `'` for characters.
    static func unquote(_ text: String, quote: UInt8 = 0x22) -> ByteString? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 2, let first = bytes.first, first == bytes.last else { return nil }
        let inside = bytes[1..<bytes.count - 1]
        if first == 0x60 { return ByteString(inside.filter { $0 != 0x0D }) }
        guard first == quote else { return nil }
        var out: [UInt8] = []
        var i = inside.startIndex
        func hex(_ count: Int) -> UInt32? {
            guard i + count <= inside.endIndex else { return nil }
            let digits = String(decoding: inside[i..<i + count], as: UTF8.self)
            guard digits.utf8.allSatisfy({ $0.isHexDigit }) else { return nil }
            return UInt32(digits, radix: 16)
        }
        while i < inside.endIndex {
            let c = inside[i]
            i += 1
            if c == 0x0A || c == quote { return nil }
            guard c == 0x5C else {
                out.append(c)
                continue
            }
            guard i < inside.endIndex else { return nil }
            let e = inside[i]
            i += 1
            switch e {
            case 0x61: out.append(0x07)
            case 0x62: out.append(0x08)
            case 0x66: out.append(0x0C)
            case 0x6E: out.append(0x0A)
            case 0x72: out.append(0x0D)
            case 0x74: out.append(0x09)
            case 0x76: out.append(0x0B)
            case 0x5C: out.append(0x5C)
            case quote: out.append(quote)
            case 0x78:
                guard let value = hex(2) else { return nil }
                out.append(UInt8(value))
                i += 2
            case 0x75, 0x55:
                let count = e == 0x75 ? 4 : 8
                guard let value = hex(count), let scalar = Unicode.Scalar(value) else { return nil }
                out += Array(String(Character(scalar)).utf8)
                i += count
            case 0x30...0x37:
                guard i + 1 < inside.endIndex,
                    let value = UInt32(String(decoding: inside[(i - 1)...(i + 1)], as: UTF8.self), radix: 8),
                    value < 256
                else { return nil }
                out.append(UInt8(value))
                i += 2
            default: return nil
            }
        }
        return ByteString(out)
    }
}

/// Go's integers.
package enum GoInteger {
    /// As `strconv.ParseInt(text, base, 64)`; base 0 reads `0x`, `0o`, `0b`, a leading `0` for octal, and underscores.
    /// Nil where it is no integer or beyond 64 bits.
    static func parse(_ text: ByteView, base: Int = 10) -> Int64? {
        var i = 0
        var isNegative = false
        if let first = text.first, first == 0x2B || first == 0x2D {
            isNegative = first == 0x2D
            i = 1
        }
        var radix: UInt64 = base == 0 ? 10 : UInt64(base)
        if base == 0 {
            if i + 1 < text.count, text[i] == 0x30 {
                switch text[i + 1] | 0x20 {
                case 0x78:
                    radix = 16
                    i += 2
                case 0x6F:
                    radix = 8
                    i += 2
                case 0x62:
                    radix = 2
                    i += 2
                default:
                    radix = 8
                    i += 1
                }
            }
            if text.contains(0x5F), !GoText.underscoresSeparateDigits(text) { return nil }
        }
        guard i < text.count else { return nil }
        var value: UInt64 = 0
        while i < text.count {
            let c = text[i]
            i += 1
            if c == 0x5F, base == 0 { continue }
            guard c.isHexDigit else { return nil }
            let digit = UInt64(c.isDigit ? c - 0x30 : (c | 0x20) - 0x57)
            guard digit < radix else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: radix)
            let (sum, carry) = product.addingReportingOverflow(digit)
            if overflow || carry { return nil }
            value = sum
        }
        if isNegative { return value <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- value) : nil }
        return value < 1 << 63 ? Int64(value) : nil
    }
}

extension GoText {
    static func quote(_ text: String) -> String { text.withView { quote($0) } }
}
