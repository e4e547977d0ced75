/// What plain scalars mean, by YAML 1.1 as yaml.v2 of Go reads it: `yes` and `on` are true, `0x1F` and `1_000` numbers.
package enum YAMLScalar {
    package static func bool(_ text: String) -> Bool? {
        switch text {
        case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": true
        case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": false
        default: nil
        }
    }

    /// Decimal, `0x`, `0o`, `0b`, and octal with a leading zero; underscores between digits; nil beyond 64 bits.
    package static func integer(_ text: String) -> Int64? {
        var digits = text.replacing("_", with: "")[...]
        guard !digits.isEmpty, text.first != "_" else { return nil }
        var negative = false
        if let sign = digits.first, sign == "-" || sign == "+" {
            negative = sign == "-"
            digits.removeFirst()
        }
        guard let first = digits.first, first.isASCII, first.isNumber else { return nil }
        var radix = 10
        if digits.hasPrefix("0x") || digits.hasPrefix("0X") {
            (radix, digits) = (16, digits.dropFirst(2))
        } else if digits.hasPrefix("0o") {
            (radix, digits) = (8, digits.dropFirst(2))
        } else if digits.hasPrefix("0b") {
            (radix, digits) = (2, digits.dropFirst(2))
        } else if digits.count > 1, first == "0" {
            (radix, digits) = (8, digits.dropFirst(1))
        }
        guard let head = digits.first, head != "-", head != "+" else { return nil }
        return Int64((negative ? "-" : "") + digits, radix: radix)
    }

    package static func float(_ text: String) -> Double? {
        switch text {
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .infinity
        case "-.inf", "-.Inf", "-.INF": return -.infinity
        case ".nan", ".NaN", ".NAN": return .nan
        default: break
        }
        if let whole = integer(text) { return Double(whole) }
        let digits = text.replacing("_", with: "")
        guard
            digits.utf8.allSatisfy({ byte in
                (0x30...0x39).contains(byte)
                    || [UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"), UInt8(ascii: "e"), UInt8(ascii: "E")]
                        .contains(byte)
            })
        else { return nil }
        return Double(digits)
    }
}

extension String {
    /// All occurrences of one character replaced; the standard library's own needs Foundation or `Regex`.
    fileprivate func replacing(_ character: Character, with replacement: String) -> String {
        guard contains(character) else { return self }
        var out = ""
        for one in self { if one == character { out += replacement } else { out.append(one) } }
        return out
    }
}
