import Bytes

/// Private keys in text armour, inside one value: PEM (RFC 7468), OpenSSH, PGP, PuTTY.
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

    /// PuTTY: from `Private-Lines:` at `start` to `Private-MAC:` or the end.
    static func matchPuTTY(_ text: ByteView, at start: Int) -> Range<Int>? {
        let body = start + 14
        guard body <= text.count, text.at(body).isJSONSpace || text.at(body).isDigit else { return nil }
        return start..<(text.firstRange(of: ByteView("Private-MAC:"), from: body) ?? text.count)
    }
}
