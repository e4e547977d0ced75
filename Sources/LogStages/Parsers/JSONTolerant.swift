import Bytes

/// The scanner for lines that are not strict JSON. It finds its way by the next token and the closing symbol, and sees
/// faults only where it has to pass: what buger/jsonparser does, and with it Loki. Text behind the closing brace, a
/// trailing comma, `01` and control bytes in strings are all right.
///
/// All functions take positions in `text` and never read outside of it.
struct JSONTolerant {
    enum Kind { case string, number, boolean, null, object, array }

    struct Value {
        var kind: Kind
        /// Inside the quotes of a string.
        var range: Range<Int>
        /// Behind the value.
        var end: Int
        var isEscaped = false
    }

    let text: ByteView

    /// The next position that is not white space, nil at the end.
    func token(_ at: Int) -> Int? {
        guard at <= text.count else { return nil }
        let i = text.scan(from: at) { !$0.isJSONSpace }
        return i < text.count ? i : nil
    }

    /// The position behind the quote that closes a string whose inside starts at `at`.
    func stringEnd(_ at: Int) -> (end: Int, isEscaped: Bool)? {
        var i = at
        var isEscaped = false
        while i < text.count {
            i = text.scan(from: i) { $0 == 0x22 || $0 == 0x5C }
            guard i < text.count else { return nil }
            if text[i] == 0x22 { return (i + 1, isEscaped) }
            isEscaped = true
            i += 2
        }
        return nil
    }

    /// The position behind the symbol that closes the block which opens at `at`.
    func blockEnd(_ at: Int, _ open: UInt8, _ close: UInt8) -> Int? {
        var level = 0
        var i = at
        while i < text.count {
            i = text.scan(from: i) { $0 == 0x22 || $0 == open || $0 == close }
            guard i < text.count else { return nil }
            let c = text[i]
            if c == 0x22 {
                guard let string = stringEnd(i + 1) else { return nil }
                i = string.end
                continue
            }
            if c == open {
                level += 1
            } else if c == close {
                level -= 1
                if level == 0 { return i + 1 }
            }
            i += 1
        }
        return nil
    }

    /// The value that starts at or behind `at`.
    func value(_ at: Int) throws(JSONFault) -> Value {
        guard let start = token(at) else { throw .malformed }
        switch text[start] {
        case 0x22:
            guard let string = stringEnd(start + 1) else { throw .string }
            return Value(
                kind: .string,
                range: start + 1..<string.end - 1,
                end: string.end,
                isEscaped: string.isEscaped
            )
        case 0x5B:
            guard let end = blockEnd(start, 0x5B, 0x5D) else { throw .array }
            return Value(kind: .array, range: start..<end, end: end)
        case 0x7B:
            guard let end = blockEnd(start, 0x7B, 0x7D) else { throw .object }
            return Value(kind: .object, range: start..<end, end: end)
        default:
            var end = start
            while end < text.count {
                let c = text[end]
                if c.isJSONSpace || c == 0x2C || c == 0x7D || c == 0x5D { break }
                end += 1
            }
            let word = text[start..<end]
            switch text[start] {
            case 0x74, 0x66:
                guard word == ByteView("true") || word == ByteView("false") else { throw .unknownType }
                return Value(kind: .boolean, range: start..<end, end: end)
            case 0x6E, 0x75:
                guard word == ByteView("null") else { throw .unknownType }
                return Value(kind: .null, range: start..<end, end: end)
            case 0x30...0x39, 0x2D: return Value(kind: .number, range: start..<end, end: end)
            default: throw .unknownType
            }
        }
    }

    /// A member of an object, one after the other.
    struct Members {
        private let scanner: JSONTolerant
        private var at: Int
        private var isAtEnd = false

        struct Member {
            var key: Range<Int>
            var isKeyEscaped: Bool
            var value: Value
        }

        /// `start` is where the object, or white space in front of it, starts.
        init(_ scanner: JSONTolerant, at start: Int) throws(JSONFault) {
            self.scanner = scanner
            guard let open = scanner.token(start), scanner.text[open] == 0x7B else { throw .object }
            guard let first = scanner.token(open + 1) else { throw .malformed }
            at = first
            if scanner.text[first] == 0x7D { isAtEnd = true }
        }

        /// The next member; nil behind the closing brace. Call `advance` before the next `next`: a fault behind a
        /// member is seen only after the member has been used.
        mutating func next() throws(JSONFault) -> Member? {
            if isAtEnd { return nil }
            switch scanner.text[at] {
            case 0x22: break
            case 0x7D:
                isAtEnd = true
                return nil
            default: throw .object
            }
            guard let key = scanner.stringEnd(at + 1) else { throw .malformed }
            guard let colon = scanner.token(key.end), scanner.text[colon] == 0x3A else { throw .malformed }
            let value = try scanner.value(colon + 1)
            let member = Member(key: at + 1..<key.end - 1, isKeyEscaped: key.isEscaped, value: value)
            at = value.end
            return member
        }

        mutating func advance() throws(JSONFault) {
            guard let next = scanner.token(at) else { throw .array }
            switch scanner.text[next] {
            case 0x7D:
                isAtEnd = true
                return
            case 0x2C: break
            default: throw .object
            }
            guard let first = scanner.token(next + 1) else { throw .array }
            at = first
        }
    }
}
