import Bytes

/// What is wrong with a JSON push, in the words of the parser that Loki uses for it (its clients' logs are full of them).
enum JSONFault: Error, Equatable {
    case value, string, object, array, overflow, end

    var text: String {
        switch self {
        case .value: "Value looks like Number/Boolean/None, but can't find its end: ',' or '}' symbol"
        case .string: "Value is string, but can't find closing '\"' symbol"
        case .object: "Value looks like object, but can't find closing '}' symbol"
        case .array: "Value is array, but can't find closing ']' symbol"
        case .overflow: "Value is number, but overflowed while parsing"
        case .end: "unexpected end of input"
        }
    }
}

/// Reads JSON from front to back without building anything: a push of 100 MiB must not become a tape of a gigabyte.
///
/// Strings are not checked for being UTF-8 (a line is bytes, I1), all else is strict enough that no two readers could
/// see different streams in one body.
struct JSONPull {
    let text: ByteView
    var at: Int

    /// Nesting beyond which a value is refused.
    static let depthMax = 128

    init(_ text: ByteView, at start: Int = 0) {
        self.text = text
        at = start
    }

    mutating func skipSpace() {
        while at < text.count, text[at].isJSONSpace { at += 1 }
    }

    /// The first byte of the next token; it is not consumed.
    mutating func peek() throws(JSONFault) -> UInt8 {
        skipSpace()
        guard at < text.count else { throw .end }
        return text[at]
    }

    /// Consumes `byte`, which must be the next token.
    mutating func expect(_ byte: UInt8, or fault: JSONFault) throws(JSONFault) {
        guard try peek() == byte else { throw fault }
        at += 1
    }

    /// A string, between its quotes as it stands. Control characters are refused as RFC 8259 asks only where escapes are
    /// resolved; a raw tab in a line harms nobody.
    mutating func string() throws(JSONFault) -> RawString {
        guard try peek() == 0x22 else { throw .string }
        let start = at + 1
        var from = start
        while true {
            guard let quote = text.firstIndex(of: 0x22, from: from) else { throw .string }
            var slashes = 0
            while quote - slashes > start, text[quote - slashes - 1] == 0x5C { slashes += 1 }
            if slashes % 2 == 0 {
                at = quote + 1
                let raw = text[start..<quote]
                return RawString(raw: raw, isEscaped: raw.contains(0x5C))
            }
            from = quote + 1
        }
    }

    /// After an item of a container that ends with `close`: true where another follows.
    mutating func more(until close: UInt8, or fault: JSONFault) throws(JSONFault) -> Bool {
        let next = try peek()
        at += 1
        if next == close { return false }
        guard next == 0x2C else { throw fault }
        return true
    }

    /// Enters a container; true where it has a first item.
    mutating func enter(_ open: UInt8, _ close: UInt8, or fault: JSONFault) throws(JSONFault) -> Bool {
        try expect(open, or: fault)
        if try peek() == close {
            at += 1
            return false
        }
        return true
    }

    /// A key and its colon.
    mutating func key() throws(JSONFault) -> RawString {
        guard try peek() == 0x22 else { throw .object }
        let key = try string()
        try expect(0x3A, or: .object)
        return key
    }

    /// Passes over any value; returns it as it stands. Not recursive.
    @discardableResult
    mutating func skipValue() throws(JSONFault) -> ByteView {
        skipSpace()
        let start = at
        // One bit a level: set where the level is an object.
        var levels = (UInt64(0), UInt64(0))
        var depth = 0
        func isObject(_ levels: (UInt64, UInt64), _ depth: Int) -> Bool { levels.0 & 1 == 1 }
        repeat {
            let next = try peek()
            switch next {
            case 0x7B, 0x5B:
                guard depth < Self.depthMax else { throw next == 0x7B ? .object : .array }
                levels = (levels.0 << 1 | (next == 0x7B ? 1 : 0), levels.1 << 1 | levels.0 >> 63)
                depth += 1
                at += 1
                let close: UInt8 = next == 0x7B ? 0x7D : 0x5D
                if try peek() == close {
                    at += 1
                    levels = (levels.0 >> 1 | levels.1 << 63, levels.1 >> 1)
                    depth -= 1
                } else {
                    if next == 0x7B { _ = try key() }
                    continue
                }
            case 0x22: _ = try string()
            default: try scalar()
            }
            // A value has ended: close what ends with it, or go on to the next item.
            while depth > 0 {
                let object = isObject(levels, depth)
                if try more(until: object ? 0x7D : 0x5D, or: object ? .object : .array) {
                    if object { _ = try key() }
                    break
                }
                levels = (levels.0 >> 1 | levels.1 << 63, levels.1 >> 1)
                depth -= 1
            }
        } while depth > 0
        return text[start..<at]
    }

    /// A number, `true`, `false` or `null`.
    private mutating func scalar() throws(JSONFault) {
        let start = at
        while at < text.count {
            let c = text[at]
            guard c.isAlphanumeric || c == 0x2D || c == 0x2B || c == 0x2E else { break }
            at += 1
        }
        let word = text[start..<at]
        guard let first = word.first else { throw .value }
        if first.isDigit || first == 0x2D { return }
        guard word == ByteView("true") || word == ByteView("false") || word == ByteView("null") else { throw .value }
    }
}

/// A JSON string between its quotes.
struct RawString {
    var raw: ByteView
    var isEscaped: Bool

    /// Whether it stands for exactly these bytes. Keys are hardly ever written with escapes; those that are, are unknown.
    func equals(_ text: StaticString) -> Bool { !isEscaped && raw == ByteView(text) }

    /// As owned bytes.
    func decoded() throws(JSONFault) -> ByteString {
        if !isEscaped { return ByteString(raw) }
        let out = ByteArena(capacity: raw.count)
        guard JSONText.unescape(raw, into: out) else { throw .string }
        return ByteString(out.view)
    }

    /// Bytes of it, appended to `scratch` where escapes must be resolved. `scratch` must have room for them, since earlier
    /// views on it must stay valid.
    func view(scratch: ByteArena) throws(JSONFault) -> ByteView {
        if !isEscaped { return raw }
        let start = scratch.count
        guard JSONText.unescape(raw, into: scratch) else { throw .string }
        return scratch[start..<scratch.count]
    }
}
