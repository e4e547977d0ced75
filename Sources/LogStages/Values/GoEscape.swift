import Bytes

/// Escapes of `html`, `js` and `urlquery`.
enum GoEscape {
    static func html(_ text: ByteString) -> ByteString {
        var out: [UInt8] = []
        for c in text.bytes {
            switch c {
            case 0x00: out += "\u{FFFD}".utf8
            case 0x22: out += "&#34;".utf8
            case 0x27: out += "&#39;".utf8
            case 0x26: out += "&amp;".utf8
            case 0x3C: out += "&lt;".utf8
            case 0x3E: out += "&gt;".utf8
            default: out.append(c)
            }
        }
        return ByteString(out)
    }

    static func javaScript(_ text: ByteString) -> ByteString {
        var out: [UInt8] = []
        for scalar in text.string.unicodeScalars {
            switch scalar {
            case "\\": out += "\\\\".utf8
            case "'": out += "\\'".utf8
            case "\"": out += "\\\"".utf8
            case "<": out += "\\u003C".utf8
            case ">": out += "\\u003E".utf8
            case "&": out += "\\u0026".utf8
            case "=": out += "\\u003D".utf8
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                out += "\\u00\(GoText.hex(UInt8(scalar.value)).uppercased())".utf8
            default: out += String(scalar).utf8
            }
        }
        return ByteString(out)
    }

    /// As `url.QueryEscape`: a space becomes `+`.
    static func query(_ text: ByteString) -> ByteString {
        var out: [UInt8] = []
        for c in text.bytes {
            if c.isAlphanumeric || c == 0x2D || c == 0x5F || c == 0x2E || c == 0x7E {
                out.append(c)
            } else if c == 0x20 {
                out.append(0x2B)
            } else {
                out += "%\(GoText.hex(c).uppercased())".utf8
            }
        }
        return ByteString(out)
    }

    static func unescapeQuery(_ text: ByteString) throws(TemplateFailure) -> ByteString {
        var out: [UInt8] = []
        let bytes = text.bytes
        var i = 0
        while i < bytes.count {
            switch bytes[i] {
            case 0x25:
                guard i + 2 < bytes.count, bytes[i + 1].isHexDigit, bytes[i + 2].isHexDigit,
                    let value = UInt8(String(decoding: bytes[i + 1...i + 2], as: UTF8.self), radix: 16)
                else {
                    let piece = ByteString(Array(bytes[i..<min(i + 3, bytes.count)]))
                    throw TemplateFailure("invalid URL escape \(piece.withView { GoText.quote($0) })")
                }
                out.append(value)
                i += 3
            case 0x2B:
                out.append(0x20)
                i += 1
            default:
                out.append(bytes[i])
                i += 1
            }
        }
        return ByteString(out)
    }
}

/// Base64 with padding, the standard alphabet.
enum GoBase64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ text: ByteString) -> ByteString {
        var out: [UInt8] = []
        var i = 0
        let bytes = text.bytes
        while i < bytes.count {
            let count = min(3, bytes.count - i)
            var group = UInt32(bytes[i]) << 16
            if count > 1 { group |= UInt32(bytes[i + 1]) << 8 }
            if count > 2 { group |= UInt32(bytes[i + 2]) }
            out.append(alphabet[Int(group >> 18)])
            out.append(alphabet[Int(group >> 12 & 63)])
            out.append(count > 1 ? alphabet[Int(group >> 6 & 63)] : 0x3D)
            out.append(count > 2 ? alphabet[Int(group & 63)] : 0x3D)
            i += 3
        }
        return ByteString(out)
    }

    /// The decoded bytes, missing padding allowed; of what is no base64, Go's words about it.
    static func decodeOrExplain(_ text: ByteString) -> ByteString {
        var bytes = text.bytes
        while bytes.count % 4 != 0 { bytes.append(0x3D) }
        var out: [UInt8] = []
        var group: UInt32 = 0
        var count = 0
        func fault(_ at: Int) -> ByteString { ByteString("illegal base64 data at input byte \(at)") }
        for (i, c) in bytes.enumerated() {
            if c == 0x0A || c == 0x0D { continue }
            if c == 0x3D {
                // Padding: at most two, at the end.
                let rest = bytes[i...].filter { $0 != 0x0A && $0 != 0x0D }
                guard count >= 2, rest.allSatisfy({ $0 == 0x3D }), rest.count == 4 - count else { return fault(i) }
                group <<= UInt32(6 * (4 - count))
                out.append(UInt8(truncatingIfNeeded: group >> 16))
                if count == 3 { out.append(UInt8(truncatingIfNeeded: group >> 8)) }
                return ByteString(out)
            }
            let value: UInt32
            switch c {
            case 0x41...0x5A: value = UInt32(c - 0x41)
            case 0x61...0x7A: value = UInt32(c - 0x61) + 26
            case 0x30...0x39: value = UInt32(c - 0x30) + 52
            case 0x2B: value = 62
            case 0x2F: value = 63
            default: return fault(i)
            }
            group = group << 6 | value
            count += 1
            if count == 4 {
                out.append(UInt8(truncatingIfNeeded: group >> 16))
                out.append(UInt8(truncatingIfNeeded: group >> 8))
                out.append(UInt8(truncatingIfNeeded: group))
                group = 0
                count = 0
            }
        }
        return count == 0 ? ByteString(out) : fault(bytes.count)
    }
}
