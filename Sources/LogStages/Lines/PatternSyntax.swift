import Bytes

/// The small language of `pattern` and `|>`: `<name>` and `<_>` are captures, everything else is text.
enum PatternSyntax {
    enum Part: Equatable {
        case literal(ByteString)
        case capture(ByteString)
    }

    /// The parts; neighbouring literals are one.
    static func parse(_ text: ByteString, allowsEmpty: Bool) throws(StageError) -> [Part] {
        let bytes = text.bytes
        if bytes.isEmpty {
            if allowsEmpty { return [] }
            throw StageError(
                "parse error at line 1, col 1: syntax error: unexpected $end, expecting IDENTIFIER or LITERAL"
            )
        }
        var parts: [Part] = []
        var literal: [UInt8] = []
        var i = 0
        while i < bytes.count {
            if bytes[i] == 0x3C, let end = captureEnd(bytes, i) {
                if !literal.isEmpty { parts.append(.literal(ByteString(literal))) }
                literal = []
                parts.append(.capture(ByteString(Array(bytes[(i + 1)..<end]))))
                i = end + 1
            } else {
                literal.append(bytes[i])
                i += 1
            }
        }
        if !literal.isEmpty { parts.append(.literal(ByteString(literal))) }
        return parts
    }

    /// Index of the `>` that closes a capture which opens at `start`, nil where none does.
    private static func captureEnd(_ bytes: [UInt8], _ start: Int) -> Int? {
        var i = start + 1
        guard i < bytes.count, bytes[i].isLetter || bytes[i] == 0x5F else { return nil }
        while i < bytes.count, bytes[i].isAlphanumeric || bytes[i] == 0x5F { i += 1 }
        return i < bytes.count && bytes[i] == 0x3E ? i : nil
    }
}
