import Bytes

/// Credentials of HTTP headers: `Authorization: Bearer …`, `Cookie: a=…; b=…`, and a lone `Bearer …`.
enum AuthorizationDetector {
    /// Longest list of parameters of one header, bytes; servers refuse longer headers.
    private static let listMax = 8192
    private static let tokenAlphabet: ByteClass = [.base64URL, .base64Extra, .dot, .tilde]

    /// The credential of an `Authorization` header whose value stands in `value`.
    static func matchHeader(_ subject: Subject, _ value: SecretDetector.Value, into found: inout [Finding]) {
        let text = subject.text
        if let range = credential(text, value.start, end: value.isQuoted ? value.end : text.count) {
            found.append(Finding(detector: .authorization, range: range))
        }
    }

    /// The credential inside the header value `[start, end)`: behind its scheme, or the value when it is one strong word.
    static func credential(_ text: ByteView, _ start: Int, end: Int) -> Range<Int>? {
        let scheme = start..<start + min(end - start, text.run(of: [.alphanumeric, .dash], from: start, limit: 24))
        guard scheme.upperBound < end, text[scheme.upperBound].isJSONSpace else {
            let word = start..<start + min(end - start, text.run(of: tokenAlphabet, from: start))
            return SecretKey.keyLike.accepts(text[word], quoted: false) ? word : nil
        }
        // A header may be folded: a line break and blanks behind the scheme.
        var from = scheme.upperBound
        while from < end, text[from].isJSONSpace { from += 1 }
        let name = text[scheme]
        if isScheme(name, lists) {
            // Parameters in a list: all of it is needed to replay the request.
            var last = from
            while last < end, last - from < listMax, text[last] >= 0x20, text[last] != UInt8(ascii: "}") { last += 1 }
            let range = from..<last
            return range.count >= 16 && text[range].contains(UInt8(ascii: "=")) && !Placeholder.matches(text[range])
                ? range : nil
        }
        // No scheme at all: what stands there is the credential, or prose.
        guard isScheme(name, words) else { return SecretKey.keyLike.accepts(name, quoted: false) ? scheme : nil }
        let range = from..<from + min(end - from, text.run(of: tokenAlphabet, from: from))
        let token = text[range]
        guard !Placeholder.matches(token) else { return nil }
        if name.hasWord("basic", at: 0) { return isBasic(token) ? range : nil }
        return token.count >= 8 ? range : nil
    }

    /// A token behind the word `bearer` and a blank, anywhere: prose must not look like one.
    static func matchBearer(_ text: ByteView, behind end: Int, wordStart: Int) -> Range<Int>? {
        guard !text.at(wordStart - 1).isAlphanumeric else { return nil }
        let range = end..<end + text.run(of: tokenAlphabet, from: end)
        guard range.count >= 8, !Placeholder.matches(text[range]) else { return nil }
        var digit = false
        for i in range where text[i].isDigit { digit = true }
        return digit ? range : nil
    }

    /// The credential behind the word `basic` and a blank, anywhere: it must decode to `user:password`, both readable.
    static func matchBasic(_ text: ByteView, behind end: Int, wordStart: Int) -> Range<Int>? {
        guard !text.at(wordStart - 1).isAlphanumeric else { return nil }
        let range = end..<end + text.run(of: .base64, from: end, limit: listMax)
        guard range.count >= basicMin, isBasic(text[range], readable: true) else { return nil }
        return range
    }

    /// Shortest `user:password` in base64 that is taken without a header's name in front, bytes.
    static let basicMin = 12

    /// The value of each cookie; their names stay.
    static func matchCookie(_ subject: Subject, _ value: SecretDetector.Value, into found: inout [Finding]) {
        let text = subject.text
        cookies(text, value.start, end: value.isQuoted ? value.end : text.count, into: &found)
    }

    static func cookies(_ text: ByteView, _ start: Int, end: Int, into found: inout [Finding]) {
        var at = start
        while at < end {
            while at < end, text[at] == 0x20 || text[at] == UInt8(ascii: ";") { at += 1 }
            let name = at..<at + min(end - at, text.run(of: [.base64URL, .dot], from: at))
            guard !name.isEmpty, name.upperBound < end, text[name.upperBound] == UInt8(ascii: "=") else {
                // An attribute such as `Secure`, or no cookie at all.
                guard let next = text[at..<min(end, at + 64)].firstIndex(of: UInt8(ascii: ";")) else { return }
                at += next + 1
                continue
            }
            var last = name.upperBound + 1
            while last < end, text[last] > 0x20, text[last] != UInt8(ascii: ";"), text[last] != UInt8(ascii: "\""),
                text[last] != UInt8(ascii: "'")
            {
                last += 1
            }
            let range = name.upperBound + 1..<last
            if !range.isEmpty, !isScheme(text[name], attributes), !Placeholder.matches(text[range]) {
                found.append(Finding(detector: .authorization, range: range))
            }
            guard last < end, text[last] == UInt8(ascii: ";") else { return }
            at = last + 1
        }
    }

    private static let words: [StaticString] = [
        "bearer", "basic", "token", "apikey", "api-key", "negotiate", "ntlm", "bot", "key", "sso-key", "dpop", "splunk",
        "genie-key", "nonce", "jwt",
    ]
    private static let lists: [StaticString] = [
        "digest", "aws4-hmac-sha256", "oauth", "signature", "hmac-sha256", "hawk",
    ]
    private static let attributes: [StaticString] = ["path", "domain", "expires", "max-age", "samesite"]

    private static func isScheme(_ name: ByteView, _ known: [StaticString]) -> Bool {
        for other in known where other.utf8CodeUnitCount == name.count && name.hasWord(other, at: 0) { return true }
        return false
    }

    /// RFC 7617: base64 of `user:password`. `readable`: with no control characters in it.
    private static func isBasic(_ token: ByteView, readable: Bool = false) -> Bool {
        var hasColon = false
        var bits: UInt32 = 0
        var held = 0
        for i in token.indices {
            guard let value = Base64.value(token[i]) else { break }
            bits = (bits << 6 | UInt32(value)) & 0xFFFF
            held += 6
            if held >= 8 {
                held -= 8
                let byte = UInt8(truncatingIfNeeded: bits >> UInt32(held))
                if byte == UInt8(ascii: ":") {
                    if !readable { return true }
                    hasColon = true
                }
                if readable, byte < 0x20 || byte >= 0x7F { return false }
            }
        }
        return hasColon
    }
}
