import Bytes

/// Cuts a template into tokens: text, and what stands between `{{` and `}}`, with the trim markers `{{-` and `-}}`
/// applied and comments left out. An error is the last token.
struct TemplateLexer {
    private let bytes: [UInt8]
    private var at = 0
    private var line = 1
    private var parenDepth = 0
    private var isInside = false
    private var queue: [TemplateToken] = []
    private var isDone = false

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func next() -> TemplateToken {
        while queue.isEmpty {
            if isDone { return TemplateToken(kind: .end, start: bytes.count, text: "", line: line) }
            if isInside { lexInside() } else { lexText() }
        }
        return queue.removeFirst()
    }

    // MARK: Text

    private mutating func lexText() {
        let start = at
        guard let open = find("{{", from: at) else {
            if at < bytes.count { emit(.text, start, bytes.count) }
            at = bytes.count
            finish()
            return
        }
        var end = open
        let trims = hasTrimMarker(open + 2)
        if trims {
            while end > start, isSpace(bytes[end - 1]) { end -= 1 }
        }
        if end > start { emit(.text, start, end) }
        line += newlines(end, open)
        at = open + 2 + (trims ? 2 : 0)
        if starts(at, with: "/*") {
            lexComment(open)
            return
        }
        emitAt(.leftDelimiter, open, "{{")
        isInside = true
        parenDepth = 0
    }

    private mutating func lexComment(_ open: Int) {
        guard let close = find("*/", from: at + 2) else {
            fail("unclosed comment", open)
            return
        }
        line += newlines(at, close)
        at = close + 2
        let trims = at + 3 < bytes.count && isSpace(bytes[at]) && starts(at + 1, with: "-}}")
        if trims { at += 2 }
        guard starts(at, with: "}}") else {
            fail("comment ends before closing delimiter", open)
            return
        }
        at += 2
        if trims { skipSpaces() }
    }

    private mutating func skipSpaces() {
        while at < bytes.count, isSpace(bytes[at]) {
            if bytes[at] == 0x0A { line += 1 }
            at += 1
        }
    }

    // MARK: Inside

    private mutating func lexInside() {
        let trims = at < bytes.count && isSpace(bytes[at]) && starts(at + 1, with: "-}}")
        if trims || starts(at, with: "}}") {
            if parenDepth > 0 {
                fail("unclosed left paren", at)
                return
            }
            if trims { at += 2 }
            emitAt(.rightDelimiter, at, "}}")
            at += 2
            isInside = false
            if trims { skipSpaces() }
            return
        }
        guard at < bytes.count else {
            fail("unclosed action", at)
            return
        }
        let start = at
        let c = bytes[at]
        switch c {
        case _ where isSpace(c):
            // A space in front of a right trim marker belongs to the marker.
            while at < bytes.count, isSpace(bytes[at]) {
                if starts(at + 1, with: "-}}") { break }
                at += 1
            }
            if at > start { emit(.space, start, at) }
        case 0x3D: one(.assign)
        case 0x3A:
            guard starts(at + 1, with: "=") else {
                fail("expected :=", start)
                return
            }
            at += 2
            emit(.declare, start, at)
        case 0x7C: one(.pipe)
        case 0x22: lexQuote(start)
        case 0x60: lexRawQuote(start)
        case 0x24:
            at += 1
            if isAtTerminator { emit(.variable, start, at) } else { lexName(.variable, start) }
        case 0x27: lexCharacter(start)
        case 0x2E:
            if at + 1 < bytes.count, !bytes[at + 1].isDigit {
                at += 1
                if isAtTerminator { emit(.dot, start, at) } else { lexName(.field, start) }
            } else if at + 1 >= bytes.count {
                at += 1
                emit(.dot, start, at)
            } else {
                lexNumber(start)
            }
        case 0x2B, 0x2D, 0x30...0x39: lexNumber(start)
        case 0x28:
            parenDepth += 1
            one(.leftParen)
        case 0x29:
            parenDepth -= 1
            if parenDepth < 0 { fail("unexpected right paren", start) } else { one(.rightParen) }
        case _ where isWord(at): lexIdentifier(start)
        case 0x21...0x7E: one(.char)
        default: fail("unrecognized character in action: \(codePoint(at))", start)
        }
    }

    private mutating func one(_ kind: TemplateToken.Kind) {
        emit(kind, at, at + 1)
        at += 1
    }

    private mutating func lexName(_ kind: TemplateToken.Kind, _ start: Int) {
        skipWord()
        if isAtTerminator { emit(kind, start, at) } else { fail("bad character \(codePoint(at))", start) }
    }

    private mutating func lexIdentifier(_ start: Int) {
        skipWord()
        guard isAtTerminator else {
            fail("bad character \(codePoint(at))", start)
            return
        }
        let word = String(decoding: bytes[start..<at], as: UTF8.self)
        if let kind = TemplateToken.keywords[word] {
            emit(kind, start, at)
        } else if word == "true" || word == "false" {
            emit(.bool, start, at)
        } else {
            emit(.identifier, start, at)
        }
    }

    private mutating func lexNumber(_ start: Int) {
        if bytes[at] == 0x2B || bytes[at] == 0x2D { at += 1 }
        var isDigit: (UInt8) -> Bool = { $0.isDigit || $0 == 0x5F }
        var isHex = false
        if at + 1 < bytes.count, bytes[at] == 0x30 {
            switch bytes[at + 1] | 0x20 {
            case 0x78:
                isDigit = { $0.isHexDigit || $0 == 0x5F }
                isHex = true
                at += 2
            case 0x6F, 0x62: at += 2
            default: break
            }
        }
        while at < bytes.count, isDigit(bytes[at]) { at += 1 }
        if at < bytes.count, bytes[at] == 0x2E {
            at += 1
            while at < bytes.count, isDigit(bytes[at]) { at += 1 }
        }
        if at < bytes.count, bytes[at] | 0x20 == (isHex ? 0x70 : 0x65) {
            at += 1
            if at < bytes.count, bytes[at] == 0x2B || bytes[at] == 0x2D { at += 1 }
            while at < bytes.count, bytes[at].isDigit || bytes[at] == 0x5F { at += 1 }
        }
        if isWord(at) {
            skipWord()
            fail("bad number syntax: \(GoText.quote(String(decoding: bytes[start..<at], as: UTF8.self)))", start)
            return
        }
        emit(.number, start, at)
    }

    private mutating func lexQuote(_ start: Int) {
        at += 1
        while true {
            guard at < bytes.count, bytes[at] != 0x0A else {
                fail("unterminated quoted string", start)
                return
            }
            if bytes[at] == 0x5C, at + 1 < bytes.count, bytes[at + 1] != 0x0A {
                at += 2
            } else if bytes[at] == 0x22 {
                at += 1
                break
            } else {
                at += 1
            }
        }
        emit(.string, start, at)
    }

    private mutating func lexRawQuote(_ start: Int) {
        at += 1
        while at < bytes.count, bytes[at] != 0x60 { at += 1 }
        guard at < bytes.count else {
            fail("unterminated raw quoted string", start)
            return
        }
        at += 1
        emit(.rawString, start, at)
    }

    private mutating func lexCharacter(_ start: Int) {
        at += 1
        while true {
            guard at < bytes.count, bytes[at] != 0x0A else {
                fail("unterminated character constant", start)
                return
            }
            if bytes[at] == 0x5C, at + 1 < bytes.count, bytes[at + 1] != 0x0A {
                at += 2
            } else if bytes[at] == 0x27 {
                at += 1
                break
            } else {
                at += 1
            }
        }
        emit(.charConstant, start, at)
    }

    // MARK: Helpers

    /// Whether what follows may end a name.
    private var isAtTerminator: Bool {
        guard at < bytes.count else { return true }
        switch bytes[at] {
        case 0x20, 0x09, 0x0A, 0x0D, 0x2E, 0x2C, 0x7C, 0x3A, 0x29, 0x28: return true
        default: return starts(at, with: "}}")
        }
    }

    private func isSpace(_ c: UInt8) -> Bool { c.isJSONSpace }

    /// Letters, digits and `_`; of the letters beyond ASCII, those that Unicode calls so.
    private func isWord(_ index: Int) -> Bool { wordLength(index) > 0 }

    private func wordLength(_ index: Int) -> Int {
        guard index < bytes.count else { return 0 }
        let c = bytes[index]
        if c < 0x80 { return c.isAlphanumeric || c == 0x5F ? 1 : 0 }
        guard let (scalar, length) = scalar(index) else { return 0 }
        return scalar.properties.isAlphabetic || scalar.properties.numericType == .decimal ? length : 0
    }

    private mutating func skipWord() {
        while true {
            let length = wordLength(at)
            if length == 0 { return }
            at += length
        }
    }

    private func scalar(_ index: Int) -> (Unicode.Scalar, Int)? {
        guard index < bytes.count else { return nil }
        let length = bytes[index] < 0x80 ? 1 : bytes[index] < 0xE0 ? 2 : bytes[index] < 0xF0 ? 3 : 4
        let piece = String(decoding: bytes[index..<min(index + length, bytes.count)], as: UTF8.self)
        return piece.unicodeScalars.first.map { ($0, length) }
    }

    /// `U+007D '}'`
    private func codePoint(_ index: Int) -> String {
        guard let (scalar, _) = scalar(index) else { return "U+FFFD '\u{FFFD}'" }
        var digits = String(scalar.value, radix: 16, uppercase: true)
        while digits.utf8.count < 4 { digits = "0" + digits }
        let isPrintable = scalar.value >= 0x20 && scalar.value != 0x7F
        return "U+\(digits)" + (isPrintable ? " '\(Character(scalar))'" : "")
    }

    private func starts(_ index: Int, with text: StaticString) -> Bool {
        let wanted = ByteView(text)
        guard index + wanted.count <= bytes.count else { return false }
        for i in wanted.indices where bytes[index + i] != wanted[i] { return false }
        return true
    }

    private func find(_ text: StaticString, from start: Int) -> Int? {
        var i = start
        while i < bytes.count {
            if starts(i, with: text) { return i }
            i += 1
        }
        return nil
    }

    private func hasTrimMarker(_ index: Int) -> Bool {
        index + 1 < bytes.count && bytes[index] == 0x2D && isSpace(bytes[index + 1])
    }

    private func newlines(_ start: Int, _ end: Int) -> Int {
        var count = 0
        for i in start..<max(start, end) where bytes[i] == 0x0A { count += 1 }
        return count
    }

    private mutating func emit(_ kind: TemplateToken.Kind, _ start: Int, _ end: Int) {
        queue.append(
            TemplateToken(
                kind: kind,
                start: start,
                text: String(decoding: bytes[start..<end], as: UTF8.self),
                line: line
            )
        )
        line += newlines(start, end)
    }

    private mutating func emitAt(_ kind: TemplateToken.Kind, _ start: Int, _ text: String) {
        queue.append(TemplateToken(kind: kind, start: start, text: text, line: line))
    }

    private mutating func fail(_ message: String, _ start: Int) {
        queue.append(TemplateToken(kind: .error, start: start, text: message, line: line))
        isDone = true
    }

    private mutating func finish() { isDone = true }
}
