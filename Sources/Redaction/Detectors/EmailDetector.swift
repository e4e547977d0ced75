import Bytes

/// Mail addresses: the practical part of RFC 5322 and RFC 1035 that occurs in logs.
///
/// The alphabet of the local part leaves out `=`, `/`, quotes and other atext that logs use as punctuation
/// (`user=alice@example.com`).
enum EmailDetector {
    /// Longest local part looked at, bytes. RFC 5321 allows 64; a longer one is hidden too.
    private static let localMax = 320
    private static let domainMax = 254
    private static let labelMax = 63

    /// The address around the `@` at `at`.
    static func match(_ text: ByteView, at: Int) -> Range<Int>? {
        var start = localStart(text, at)
        if start == at { start = quotedStart(text, at) ?? ideographicStart(text, at) }
        guard start < at else { return nil }
        // `ssh://git@host`: user of a URL, not an address.
        if start >= 2, text.at(start - 1) == UInt8(ascii: "/"), text.at(start - 2) == UInt8(ascii: "/") { return nil }
        guard let end = domainEnd(text, at + 1) ?? literalEnd(text, at + 1) else { return nil }
        if text[start..<at] == ByteView("git"), text.at(end) == UInt8(ascii: ":") { return nil }
        for other in notAddresses where text[at + 1..<end] == ByteView(other) { return nil }
        return start..<end
    }

    /// Domains that name SSH algorithms: `aes128-gcm@openssh.com`.
    private static let notAddresses: [StaticString] = ["openssh.com", "lysator.liu.se", "libssh.org"]

    private static func localStart(_ text: ByteView, _ at: Int) -> Int {
        var i = at
        let low = max(0, at - localMax)
        scan: while i > low {
            let byte = text[i - 1]
            switch byte {
            case UInt8(ascii: "."):
                // Two dots end an address.
                if i < at, text[i] == byte { break scan }
            case UInt8(ascii: "_"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "%"), UInt8(ascii: "&"): break
            case UInt8(ascii: "'"):
                // Between letters it is a name, elsewhere a quote.
                guard i < at, text[i].isAlphanumeric, i - 2 >= low, text[i - 2].isLetter else { break scan }
            case 0x80...0xBF:
                // Letters of two bytes (Latin, Greek, Cyrillic); longer sequences hold quotes and dashes.
                guard i - 2 >= low, (0xC3...0xD4).contains(text[i - 2]) else { break scan }
                i -= 1
            default: guard byte.isAlphanumeric else { break scan }
            }
            i -= 1
        }
        // Punctuation in front belongs to the sentence.
        while i < at, !text[i].isAlphanumeric, text[i] != UInt8(ascii: "_"), text[i] < 0x80 { i += 1 }
        return i
    }

    /// The opening quote of `"alice smith"@example.com`. What stands between the quotes begins and ends like a name: two
    /// strings side by side (`"a","@b.c"`) do not.
    private static func quotedStart(_ text: ByteView, _ at: Int) -> Int? {
        let quote = UInt8(ascii: "\"")
        guard text.at(at - 1) == quote, text.at(at - 2).isAlphanumeric else { return nil }
        var i = at - 2
        let low = max(0, at - quotedMax)
        while i >= low, text[i] != quote, text[i] >= 0x20 { i -= 1 }
        guard i >= low, text[i] == quote, text.at(i + 1).isAlphanumeric, !text.at(i - 1).isAlphanumeric else {
            return nil
        }
        return i
    }

    /// RFC 5321 allows 64 bytes.
    private static let quotedMax = 66

    /// The start of a local part in a script of three bytes a letter (RFC 6531), as Chinese or Hindi; `at` when there is
    /// none. Such scripts write no blanks, so that the sentence in front may be taken along, up to the longest name.
    private static func ideographicStart(_ text: ByteView, _ at: Int) -> Int {
        guard text.at(at - 1) >= 0x80 else { return at }
        var i = at
        let low = max(0, at - quotedMax)
        while i > low {
            let byte = text[i - 1]
            if byte.isAlphanumeric || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") {
                i -= 1
                continue
            }
            let lead = text.at(i - 3)
            // Not U+2000-2FFF and U+3000-303F, which are punctuation, nor the wide forms of ASCII.
            guard i - 3 >= low, byte & 0xC0 == 0x80, text[i - 2] & 0xC0 == 0x80,
                lead == 0xE0 || lead == 0xE1 || (lead == 0xE3 && text[i - 2] > 0x80) || (0xE4...0xED).contains(lead)
            else { break }
            i -= 3
        }
        return i
    }

    /// The end of an address of the network in brackets: `alice@[192.0.2.1]`, `alice@[IPv6:2001:db8::1]`.
    private static func literalEnd(_ text: ByteView, _ start: Int) -> Int? {
        guard text.at(start) == UInt8(ascii: "[") else { return nil }
        if text.hasWord("ipv6:", at: start + 1) {
            var i = start + 6
            while i - start < 56, text.at(i).isHexDigit || text.at(i) == UInt8(ascii: ":") || text.at(i) == UInt8(ascii: ".") {
                i += 1
            }
            return text.at(i) == UInt8(ascii: "]") ? i + 1 : nil
        }
        var at = start + 1
        for part in 0..<4 {
            let digits = text.run(of: .digit, from: at, limit: 4)
            guard (1...3).contains(digits) else { return nil }
            at += digits
            guard text.at(at) == (part < 3 ? UInt8(ascii: ".") : UInt8(ascii: "]")) else { return nil }
            at += 1
        }
        return at
    }

    /// The end of the longest domain at `start` whose last label can be a top-level domain.
    private static func domainEnd(_ text: ByteView, _ start: Int) -> Int? {
        var end: Int?
        var at = start
        var labels = 0
        while at - start < domainMax {
            let length = labelLength(text, at)
            guard length > 0, length <= labelMax else { break }
            labels += 1
            let label = text[at..<at + length]
            at += length
            if labels > 1, isTopLevel(label) {
                if isFileOrUnit(label) { return nil }
                end = at
            }
            guard text.at(at) == UInt8(ascii: ".") else { break }
            at += 1
        }
        return end
    }

    private static func labelLength(_ text: ByteView, _ start: Int) -> Int {
        var i = start
        while i < text.count, i - start <= labelMax {
            let byte = text[i]
            if byte.isAlphanumeric || byte == UInt8(ascii: "-") {
                i += 1
            } else if (0xC3...0xD4).contains(byte), text.at(i + 1) & 0xC0 == 0x80 {
                i += 2
            } else {
                break
            }
        }
        // A label ends with a letter or digit: a dash behind it is punctuation.
        while i > start, text[i - 1] == UInt8(ascii: "-") { i -= 1 }
        return text.at(start) == UInt8(ascii: "-") ? 0 : i - start
    }

    private static func isTopLevel(_ label: ByteView) -> Bool {
        if label.count > 4, label.hasWord("xn--", at: 0) { return true }
        guard (2...24).contains(label.count) else { return false }
        for i in label.indices where !label[i].isLetter { return false }
        return true
    }

    /// Last labels of names that hold an `@` and are no addresses: `icon@2x.png`, `user@1000.service`.
    private static func isFileOrUnit(_ label: ByteView) -> Bool {
        for other in notTopLevel where label.count == other.utf8CodeUnitCount && label.hasWord(other, at: 0) {
            return true
        }
        return false
    }

    private static let notTopLevel: [StaticString] = [
        "png", "jpg", "jpeg", "gif", "webp", "svg", "ico", "js", "mjs", "cjs", "css", "scss", "map", "ts", "tsx", "jsx",
        "json", "html", "htm", "log", "txt", "yaml", "yml", "conf", "gz", "tgz", "zip", "tar", "whl", "jar", "pdf",
        "service", "slice", "scope", "timer", "mount", "automount", "socket", "target", "swap", "device", "path",
    ]
}
