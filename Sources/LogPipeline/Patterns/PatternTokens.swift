import Bytes

/// A line cut into words and what stands between them, for comparing lines by their shape.
///
/// Words and separators alternate in the order of the line, so that the tokens side by side are the line again. A word
/// that surely varies (one with a digit in it, a very long one) counts as a gap from the start.
struct PatternTokens {
    struct Token {
        /// Ends in the text that was cut; a token begins where the one before it ends.
        var end: Int
        /// 0: a gap.
        var hash: UInt64
        var isWord: Bool
    }

    private(set) var tokens: [Token] = []
    /// The stretch of the line that was cut.
    private(set) var text = ByteView()
    /// Whether the line goes on before or behind `text`: gaps then stand there.
    private(set) var hasHead = false
    private(set) var hasTail = false
    /// Hash of separators and number of words: lines of different shape are never compared.
    private(set) var shape: UInt64 = 0
    /// Hash of everything.
    private(set) var whole: UInt64 = 0

    /// Bytes of a line that are looked at. Chosen: what tells lines apart stands in front; prompts are behind.
    private static let textMax = 512
    private static let tokensMax = 96
    /// A word longer than this is a gap.
    private static let wordMax = 48
    private static let prime: UInt64 = 0x100_0000_01B3
    private static let basis: UInt64 = 0xCBF2_9CE4_8422_2325

    /// Cuts a line. Of a JSON object with a message only the message counts, since the rest is what label filters are
    /// for; of several lines in one the first.
    mutating func cut(_ line: ByteView) {
        tokens.removeAll(keepingCapacity: true)
        hasHead = false
        hasTail = false
        var rest = line
        if let message = Self.message(line) {
            rest = message
            hasHead = true
            hasTail = true
        }
        if let newline = rest.prefix(Self.textMax).firstIndex(of: 0x0A) {
            rest = rest[0..<newline]
            hasTail = true
        }
        if rest.count > Self.textMax {
            rest = rest[0..<Self.textMax]
            hasTail = true
        }
        text = rest
        scan()
    }

    private mutating func scan() {
        shape = Self.basis
        whole = Self.basis
        var i = 0
        while i < text.count {
            guard tokens.count < Self.tokensMax else {
                // The gap behind takes the rest in.
                hasTail = true
                text = text[0..<i]
                break
            }
            let start = i
            var hash = Self.basis
            let isWord = !isSeparator(i)
            var varies = false
            var isASCII = true
            repeat {
                let c = text[i]
                hash = (hash ^ UInt64(c)) &* Self.prime
                varies = varies || c.isDigit || c == 0x3C || c == 0x3E
                isASCII = isASCII && c < 0x80
                i += 1
            } while i < text.count && isSeparator(i) != isWord
            if isWord {
                // A gap may stand for bytes that are no text; a pattern may not hold them.
                if varies || i - start > Self.wordMax || (!isASCII && !text[start..<i].isUTF8) { hash = 0 }
                shape = (shape ^ 1) &* Self.prime
            } else {
                shape = (shape ^ hash) &* Self.prime
            }
            whole = (whole ^ hash) &* Self.prime
            tokens.append(Token(end: i, hash: hash, isWord: isWord))
        }
        let ends: UInt64 = (hasHead ? 2 : 0) | (hasTail ? 4 : 0)
        shape = (shape ^ ends) &* Self.prime
        whole = (whole ^ ends) &* Self.prime
    }

    @inline(__always)
    private func isSeparator(_ i: Int) -> Bool {
        switch text[i] {
        case 0x20, 0x09, 0x0D, 0x22, 0x27, 0x28, 0x29, 0x2C, 0x3B, 0x3D, 0x5B, 0x5D, 0x7B, 0x7C, 0x7D: return true
        case 0x3A:
            // `"key":1` and `note: text`, but not `12:30` nor `http://`.
            return (i > 0 && text[i - 1] == 0x22) || (i + 1 < text.count && (text[i + 1] == 0x20 || text[i + 1] == 0x22))
        default: return false
        }
    }

    // MARK: JSON

    private static let messageKeys: [StaticString] = ["message", "msg", "log", "_msg", "content"]

    /// The message of a JSON object, between its quotes as it stands; nil for other lines.
    private static func message(_ line: ByteView) -> ByteView? {
        let text = line.trimmed
        guard text.first == 0x7B, text.last == 0x7D else { return nil }
        var i = 1
        while true {
            i = LevelDetector.skipSpace(text, i)
            guard i < text.count, text[i] == 0x22, let keyEnd = LevelDetector.stringEnd(text, i + 1) else { return nil }
            let key = text[(i + 1)..<keyEnd]
            i = LevelDetector.skipSpace(text, keyEnd + 1)
            guard i < text.count, text[i] == 0x3A else { return nil }
            i = LevelDetector.skipSpace(text, i + 1)
            guard i < text.count else { return nil }
            switch text[i] {
            case 0x22:
                guard let end = LevelDetector.stringEnd(text, i + 1) else { return nil }
                if key.count <= 7, messageKeys.contains(where: { key == ByteView($0) }) {
                    return end > i + 1 ? text[(i + 1)..<end] : nil
                }
                i = end + 1
            case 0x7B, 0x5B:
                guard let end = LevelDetector.containerEnd(text, i) else { return nil }
                i = end
            default:
                while i < text.count, text[i] != 0x2C, text[i] != 0x7D { i += 1 }
            }
            i = LevelDetector.skipSpace(text, i)
            guard i < text.count, text[i] == 0x2C else { return nil }
            i += 1
        }
    }
}
