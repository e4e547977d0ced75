import Bytes

/// JSON Web Tokens (RFC 7519, compact form): three base64url parts, the first of which decodes to an object with `alg`.
enum JWTDetector {
    /// The token that begins with the `eyJ` at `start`.
    static func match(_ text: ByteView, at start: Int) -> Range<Int>? {
        let before = text.at(start - 1)
        guard !before.isAlphanumeric else { return nil }
        // Behind a dash or underscore other candidates may begin in the same run: the limit keeps that linear.
        let limit = ByteClass.base64URL.contains(byte: before) ? 512 : Int.max
        let header = text.run(of: .base64URL, from: start, limit: limit)
        guard header >= 12, namesAlgorithm(text[start..<start + header]) else { return nil }
        var at = start + header
        guard text.at(at) == UInt8(ascii: ".") else {
            // Cut behind the header.
            return at == text.count ? start..<at : nil
        }
        let payload = text.run(of: .base64URL, from: at + 1)
        at += 1 + payload
        // Cut inside the payload: what is there is secret already. JWE with a direct key has an empty second part.
        if at == text.count { return start..<at }
        guard text.at(at) == UInt8(ascii: "."), payload > 0 || text.run(of: .base64URL, from: at + 1) > 0 else {
            return nil
        }
        // Signature (empty for `alg: none`), then two more parts of an encrypted token.
        for part in 0..<3 {
            guard text.at(at) == UInt8(ascii: ".") else { break }
            let length = text.run(of: .base64URL, from: at + 1)
            if part > 0, length == 0 { break }
            at += length == 0 ? 1 : 1 + length
        }
        return start..<at
    }

    /// Whether base64url text decodes to something with `"alg"` in it. Decodes on the fly, keeps five bytes.
    private static func namesAlgorithm(_ part: ByteView) -> Bool {
        var bits: UInt32 = 0
        var held = 0
        var window: UInt64 = 0
        let wanted: UInt64 = 0x22_61_6C_67_22  // "alg" with its quotes
        for i in part.indices {
            guard let value = Base64.value(part[i]) else { return false }
            bits = bits << 6 | UInt32(value)
            held += 6
            if held >= 8 {
                held -= 8
                window = window << 8 & 0xFF_FFFF_FFFF | UInt64(bits >> UInt32(held) & 0xFF)
                if window == wanted { return true }
            }
            bits &= 0xFFFF
        }
        return false
    }
}

enum Base64 {
    /// The six bits of a character of either alphabet (RFC 4648 §4 and §5).
    static func value(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x41...0x5A: byte - 0x41
        case 0x61...0x7A: byte - 0x47
        case 0x30...0x39: byte + 4
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
