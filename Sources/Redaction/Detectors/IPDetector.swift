import Bytes

/// Addresses of hosts. Off by default: in most logs they name machines.
enum IPDetector {
    private static let four: ByteClass = [.digit, .dot]
    private static let lengthMax = 46

    /// Where an address may begin: where four numbers with dots do, or a word of hexadecimal digits and colons. One pass
    /// over the dots and one over the colons. False when there are more than `most`.
    static func sight(_ text: ByteView, most: Int, _ body: (Int) -> Void) -> Bool {
        var seen = 0
        var from = 0
        while let dot = text.firstIndex(of: UInt8(ascii: "."), from: from) {
            from = dot + 1
            guard text.at(dot - 1).isDigit, text.at(dot + 1).isDigit else { continue }
            let start = text.runStart(of: .digit, before: dot, limit: 4)
            guard text.at(start - 1) != UInt8(ascii: ".") else { continue }
            seen += 1
            if seen > most { return false }
            body(start)
        }
        from = 0
        while let colon = text.firstIndex(of: UInt8(ascii: ":"), from: from) {
            from = colon + 1
            let start = text.runStart(of: .hex, before: colon, limit: 5)
            // `:` and a blank, a quote or a slash stand everywhere.
            guard text.at(start - 1) != UInt8(ascii: ":"), text.at(from) == UInt8(ascii: ":") || ByteClass.hex.contains(byte: text.at(from))
            else { continue }
            seen += 1
            if seen > most { return false }
            body(start)
            from = max(from, start + text.run(of: [.hex, .dot], from: start) + 1)
            while text.at(from) == UInt8(ascii: ":") || ByteClass.hex.contains(byte: text.at(from)) { from += 1 }
        }
        return true
    }

    /// The address that begins at `start`.
    static func match(_ text: ByteView, at start: Int) -> Range<Int>? {
        let before = text.at(start - 1)
        guard !before.isAlphanumeric, before != UInt8(ascii: "_"), before != UInt8(ascii: ".") else { return nil }
        // `app-1.2.3.4`, not `10.0.0.1-10.0.0.9`.
        if before == UInt8(ascii: "-"), text.at(start - 2).isLetter { return nil }
        let plain = start..<start + text.run(of: four, from: start, limit: lengthMax)
        if let range = accept(text, trimmed(text, plain)) { return isVersion(text, start) ? nil : range }
        var end = start
        while end - start < lengthMax, ByteClass.hex.contains(byte: text.at(end)) || text.at(end) == UInt8(ascii: ":") || text.at(end) == UInt8(ascii: ".") {
            end += 1
        }
        let range = trimmed(text, start..<end)
        var digits = 0
        for i in range where text[i].isDigit { digits += 1 }
        // `dead::beef` is a name in C++ as well.
        guard digits > 0, text[range].contains(UInt8(ascii: ":")), let found = accept(text, range) else { return nil }
        guard text.at(found.upperBound) == UInt8(ascii: "%") else { return found }
        return found.lowerBound..<found.upperBound + 1 + text.run(of: .alphanumeric, from: found.upperBound + 1, limit: 16)
    }

    /// Without the punctuation of the sentence, and the colon behind an address.
    private static func trimmed(_ text: ByteView, _ range: Range<Int>) -> Range<Int> {
        var end = range.upperBound
        while end > range.lowerBound + 2, text[end - 1] == UInt8(ascii: ".") || (text[end - 1] == UInt8(ascii: ":") && text[end - 2] != UInt8(ascii: ":")) {
            end -= 1
        }
        return range.lowerBound..<end
    }

    private static func accept(_ text: ByteView, _ range: Range<Int>) -> Range<Int>? {
        let next = text.at(range.upperBound)
        guard !next.isAlphanumeric, next != UInt8(ascii: "_"), next != UInt8(ascii: "-") || !text.at(range.upperBound + 1).isLetter,
            let address = IPAddress(text[range]), !address.isLoopbackOrNone
        else { return nil }
        return isNetwork(text, range, address) ? nil : range
    }

    /// What `truncate_ip` has written.
    private static func isNetwork(_ text: ByteView, _ range: Range<Int>, _ address: IPAddress) -> Bool {
        address.bytes.count == 4
            ? address.bytes[3] == 0 && text.hasWord("/24", at: range.upperBound)
            : address.bytes.suffix(10).allSatisfy { $0 == 0 } && text.hasWord("/48", at: range.upperBound)
    }

    /// `version 1.2.3.4`.
    private static func isVersion(_ text: ByteView, _ start: Int) -> Bool {
        var end = start
        while end > 0, start - end < 3, !text[end - 1].isAlphanumeric { end -= 1 }
        let word = text[text.runStart(of: .alphanumeric, before: end, limit: 12)..<end]
        for other in words where other.utf8CodeUnitCount == word.count && word.hasWord(other, at: 0) { return true }
        return false
    }

    private static let words: [StaticString] = ["version", "ver", "v", "build", "release", "rev"]
}
