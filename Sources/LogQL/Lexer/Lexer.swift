import Bytes

/// Cuts a query into tokens, by the rules of Go's `text/scanner` as Loki uses it.
///
/// Positions count characters, and are Loki's down to an oddity: a token for which Loki reads ahead rune by rune
/// (ranges, durations, sizes, flags, operators of two characters) has line 0.
struct Lexer {
    let text: [UInt8]
    var offset = 0
    var line = 1
    /// Characters read on this line.
    var column = 0

    init(_ text: [UInt8]) {
        self.text = text
        if text.starts(with: [0xEF, 0xBB, 0xBF]) { offset = 3 }
    }

    // MARK: Characters

    var peek: UInt8? { offset < text.count ? text[offset] : nil }

    func peek(_ ahead: Int) -> UInt8? { offset + ahead < text.count ? text[offset + ahead] : nil }

    /// Steps over one character (not byte), keeping count of lines and columns.
    mutating func advance() {
        guard offset < text.count else { return }
        let byte = text[offset]
        offset = min(offset + Lexer.width(byte), text.count)
        if byte == UInt8(ascii: "\n") {
            line += 1
            column = 0
        } else {
            column += 1
        }
    }

    /// Bytes of the character that begins with `byte`: the text came from a String, so it is well formed.
    static func width(_ byte: UInt8) -> Int { byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4 }

    /// The character at `position`, and its width.
    func scalar(at position: Int) -> (Unicode.Scalar, Int)? {
        guard position < text.count else { return nil }
        let width = min(Lexer.width(text[position]), text.count - position)
        if width == 1 { return (Unicode.Scalar(text[position]), 1) }
        guard let scalar = String(decoding: text[position..<position + width], as: UTF8.self).unicodeScalars.first
        else {
            return nil
        }
        return (scalar, width)
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    // MARK: Tokens

    mutating func next() throws(LogQLError) -> PlacedToken {
        try skipBlanksAndComments()
        var start = PlacedToken(token: .end, line: line, column: column + 1, offset: offset)
        guard let byte = peek else {
            // Nothing was ever read: no position is known.
            if text.isEmpty { (start.line, start.column) = (0, 0) }
            return start
        }
        switch byte {
        case UInt8(ascii: "\""): start.token = .string(try quoted(start))
        case UInt8(ascii: "`"): start.token = .string(try raw(start))
        case UInt8(ascii: "'"): start.token = .identifier(try character(start))
        case UInt8(ascii: "["):
            start.line = 0
            start.token = try range(start)
        case UInt8(ascii: "-"):
            if let token = flagOrNegativeDuration() {
                start.line = 0
                start.token = token
            } else {
                advance()
                start.token = .symbol(.minus)
            }
        case _ where byte.isDigit || byte == UInt8(ascii: ".") && (peek(1)?.isDigit ?? false):
            start.token = try numeric(start)
            switch start.token {
            case .duration, .bytes: start.line = 0
            default: break
            }
        case 0: throw error(start, "invalid character NUL")
        default:
            if let word = word() {
                start.token = classify(word)
            } else if let (symbol, length) = symbol() {
                for _ in 0..<length { advance() }
                if length == 2 { start.line = 0 }
                start.token = .symbol(symbol)
            } else {
                // Loki calls any other character an identifier.
                let from = offset
                advance()
                start.token = .identifier(ByteString([UInt8](text[from..<offset])))
            }
        }
        return start
    }

    func error(_ place: PlacedToken, _ reason: String) -> LogQLError {
        LogQLError(parse: reason, line: place.line, column: place.column)
    }

    private mutating func skipBlanksAndComments() throws(LogQLError) {
        while let byte = peek {
            if Lexer.isSpace(byte) {
                advance()
            } else if byte == UInt8(ascii: "#") || byte == UInt8(ascii: "/") && peek(1) == UInt8(ascii: "/") {
                while let next = peek, next != UInt8(ascii: "\n") { advance() }
            } else if byte == UInt8(ascii: "/"), peek(1) == UInt8(ascii: "*") {
                let start = PlacedToken(token: .end, line: line, column: column + 1, offset: offset)
                advance()
                advance()
                while !(peek == UInt8(ascii: "*") && peek(1) == UInt8(ascii: "/")) {
                    guard peek != nil else { throw error(start, "comment not terminated") }
                    advance()
                }
                advance()
                advance()
            } else {
                return
            }
        }
    }

    /// The longest operator that begins here.
    private func symbol() -> (Token.Symbol, length: Int)? {
        guard let first = peek else { return nil }
        let second = peek(1) ?? 0
        switch (first, second) {
        case (UInt8(ascii: "|"), UInt8(ascii: "=")): return (.pipeExact, 2)
        case (UInt8(ascii: "|"), UInt8(ascii: "~")): return (.pipeMatch, 2)
        case (UInt8(ascii: "|"), UInt8(ascii: ">")): return (.pipePattern, 2)
        case (UInt8(ascii: "!"), UInt8(ascii: "=")): return (.notEqual, 2)
        case (UInt8(ascii: "!"), UInt8(ascii: "~")): return (.matchesNot, 2)
        case (UInt8(ascii: "!"), UInt8(ascii: ">")): return (.notPattern, 2)
        case (UInt8(ascii: "="), UInt8(ascii: "=")): return (.doubleEqual, 2)
        case (UInt8(ascii: "="), UInt8(ascii: "~")): return (.matches, 2)
        case (UInt8(ascii: "<"), UInt8(ascii: "=")): return (.lessOrEqual, 2)
        case (UInt8(ascii: ">"), UInt8(ascii: "=")): return (.greaterOrEqual, 2)
        default: break
        }
        return switch first {
        case UInt8(ascii: "{"): (.openBrace, 1)
        case UInt8(ascii: "}"): (.closeBrace, 1)
        case UInt8(ascii: "("): (.openParenthesis, 1)
        case UInt8(ascii: ")"): (.closeParenthesis, 1)
        case UInt8(ascii: "]"): (.closeBracket, 1)
        case UInt8(ascii: ","): (.comma, 1)
        case UInt8(ascii: "."): (.dot, 1)
        case UInt8(ascii: "|"): (.pipe, 1)
        case UInt8(ascii: "="): (.equal, 1)
        case UInt8(ascii: "<"): (.less, 1)
        case UInt8(ascii: ">"): (.greater, 1)
        case UInt8(ascii: "+"): (.plus, 1)
        case UInt8(ascii: "*"): (.times, 1)
        case UInt8(ascii: "/"): (.slash, 1)
        case UInt8(ascii: "%"): (.percent, 1)
        case UInt8(ascii: "^"): (.caret, 1)
        default: nil
        }
    }

    // MARK: Words

    private mutating func word() -> ByteString? {
        let start = offset
        while let byte = peek {
            if byte < 0x80 {
                guard byte.isLetter || byte == UInt8(ascii: "_") || byte.isDigit && offset > start else { break }
            } else {
                guard let (scalar, _) = scalar(at: offset) else { break }
                switch scalar.properties.generalCategory {
                case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: break
                case .decimalNumber where offset > start: break
                default: return offset > start ? ByteString([UInt8](text[start..<offset])) : nil
                }
            }
            advance()
        }
        return offset > start ? ByteString([UInt8](text[start..<offset])) : nil
    }

    private func classify(_ word: ByteString) -> Token {
        // No keyword is longer or shorter.
        guard (2...24).contains(word.count) else { return .identifier(word) }
        let lower = String(decoding: word.withView { view in view.indices.map { view[$0].lowercased } }, as: UTF8.self)
        if let token = Token.reserved[lower] { return token }
        if let token = Token.functions[lower], isCall() { return token }
        return .identifier(word)
    }

    /// Whether what follows makes a function of the word before: `(`, or `by` or `without` and then `(`.
    private func isCall() -> Bool {
        var at = skippingSpaces(offset)
        for keyword in ["by", "without"] {
            let end = at + keyword.utf8.count
            if end <= text.count, zip(text[at..<end], keyword.utf8).allSatisfy({ $0.lowercased == $1 }) {
                at = skippingSpaces(end)
                break
            }
        }
        return at < text.count && text[at] == UInt8(ascii: "(")
    }

    private func skippingSpaces(_ from: Int) -> Int {
        var at = from
        while at < text.count, Lexer.isSpace(text[at]) { at += 1 }
        return at
    }
}
