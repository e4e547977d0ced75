import Bytes

/// Private keys in text armour: PEM (RFC 7468), OpenSSH, PGP, PuTTY. What of one stands in the lines behind is found by
/// `body` (`KeyArmour`).
enum PrivateKeyDetector {
    /// The block that begins with the `-----BEGIN ` at `start`, to its end line or else to the end of the text.
    static func match(_ text: ByteView, at start: Int) -> Range<Int>? {
        let dashes = ByteView("-----")
        let label = start + 11
        guard label < text.count, let labelEnd = text[label..<min(text.count, label + 64)].firstRange(of: dashes),
            text[label..<label + labelEnd].contains(ByteView("PRIVATE KEY"))
        else { return nil }
        let body = label + labelEnd + 5
        guard let footer = text.firstRange(of: ByteView("-----END "), from: body) else { return start..<text.count }
        guard let end = text.firstRange(of: dashes, from: footer + 9) else { return start..<text.count }
        return start..<end + 5
    }

    /// Whether a key that was found ends inside its range.
    static func ends(_ text: ByteView, in range: Range<Int>) -> Bool {
        text[range].contains(ByteView("-----END ")) || text.at(range.upperBound) != 0
    }

    /// Whether the line ends a key that began in a line before.
    static func endsKey(_ line: ByteView) -> Bool {
        line.contains(ByteView("-----END ")) || line.contains(ByteView("Private-MAC:"))
    }

    /// What may be a part of a key in a line behind its beginning: a line of nothing but base64, or a long word of it at
    /// the end, behind what a logger puts in front.
    static func body(_ line: ByteView) -> Range<Int>? {
        var end = line.count
        while end > 0, line[end - 1].isJSONSpace || closing.contains(line[end - 1]) { end -= 1 }
        // The line break of a value of JSON.
        if end >= 2, line[end - 1] == UInt8(ascii: "n"), line[end - 2] == UInt8(ascii: "\\") { end -= 2 }
        let start = line.runStart(of: .base64, before: end, limit: lineMax)
        let length = end - start
        guard length > 0 else { return nil }
        var before = start
        while before > 0, line[before - 1].isJSONSpace { before -= 1 }
        if length >= 40 || (length >= 16 && line[end - 1] == UInt8(ascii: "=")) { return start..<end }
        return before == 0 && length % 4 == 0 ? start..<end : nil
    }

    /// Longest line of armour looked at, bytes; standards have 64 to 76.
    private static let lineMax = 4096
    private static let closing: [UInt8] = Array("\"'}],)".utf8)
    static let puttyLength = 14

    /// PuTTY: from `Private-Lines:` at `start` to `Private-MAC:` or the end.
    static func matchPuTTY(_ text: ByteView, at start: Int) -> Range<Int>? {
        let body = start + 14
        guard body <= text.count, text.at(body).isJSONSpace || text.at(body).isDigit else { return nil }
        return start..<(text.firstRange(of: ByteView("Private-MAC:"), from: body) ?? text.count)
    }
}
