import CKernels

/// What a JSON text holds, as a flat tape of tokens: strict RFC 8259, one pass, no values copied.
///
/// Reuse one cursor for many lines: its tape keeps its memory. The tape refers to the text by offsets, so the text's
/// buffer must be unchanged while tokens are resolved against it.
package struct JSONCursor {
    /// One token. `start` and `end` exclude the quotes of a string and include the brackets of a container.
    package struct Token: Sendable {
        fileprivate let raw: tr_json_token

        package var start: Int { Int(raw.start) }
        package var end: Int { Int(raw.end) }
        /// Index of the first token behind this one's subtree.
        package var next: Int { Int(raw.next) }
        /// Number of containers around it.
        package var depth: Int { Int(raw.depth) }
        package var type: Kind { Kind(rawValue: raw.kind) ?? .null }
        package var isKey: Bool { raw.flags & 4 != 0 }
        /// Holds a backslash escape, so that `JSONText.unescape` is needed to read it.
        package var isEscaped: Bool { raw.flags & 1 != 0 }
        package var isASCII: Bool { raw.flags & 2 == 0 }
    }

    package enum Kind: UInt8, Sendable {
        case object = 1
        case array, string, number, `true`, `false`, null
    }

    package enum Failure: Error, Equatable, Sendable {
        case syntax(at: Int)
        case tooDeep(at: Int)
        /// A whole value, and then something that is not white space.
        case trailing(at: Int)
    }

    /// Nesting beyond which a document is refused.
    package static let depthMax: UInt32 = 256

    private var tape: [tr_json_token]
    /// Number of tokens of the document scanned last.
    package private(set) var count = 0

    package init(capacity: Int = 128) { tape = [tr_json_token](repeating: tr_json_token(), count: max(capacity, 16)) }

    /// Scans `text`. After a failure the tape is empty.
    package mutating func scan(_ text: ByteView) throws(Failure) {
        count = 0
        while true {
            var fault = 0
            let found = tr_json_scan(
                text.base.assumingMemoryBound(to: UInt8.self), text.count, &tape, tape.count, Self.depthMax, &fault)
            if found >= 0 {
                count = found
                return
            }
            switch found {
            case -3 where tape.count <= text.count + 1:
                // A token takes at least one byte of text, so this ends.
                tape = [tr_json_token](repeating: tr_json_token(), count: tape.count * 4)
            case -2: throw .tooDeep(at: fault)
            case -4: throw .trailing(at: fault)
            default: throw .syntax(at: fault)
            }
        }
    }

    package var indices: Range<Int> { 0..<count }

    package subscript(index: Int) -> Token {
        precondition(index >= 0 && index < count, "token outside the tape")
        return Token(raw: tape[index])
    }

    /// The text of a token as it stands: inside the quotes of a string, with the brackets of a container.
    package static func raw(_ token: Token, in text: ByteView) -> ByteView { text[token.start..<token.end] }
}

/// JSON strings, between their quotes.
package enum JSONText {
    /// Appends what `raw` (the inside of a JSON string) stands for; false, and nothing appended, for a bad escape.
    /// Lone surrogates become U+FFFD.
    @discardableResult
    package static func unescape(_ raw: ByteView, into out: ByteArena) -> Bool {
        let start = out.count
        var good = true
        out.appendUnsafe(capacity: raw.count) { room in
            raw.withUnsafeBytes { text in
                guard let from = text.baseAddress?.assumingMemoryBound(to: UInt8.self), text.count > 0,
                    let to = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
                else { return 0 }
                let written = tr_json_unescape(from, text.count, to)
                if written < 0 { good = false }
                return max(0, written)
            }
        }
        if !good { out.truncate(to: start) }
        return good
    }

    /// Appends `text` escaped for a JSON string, without the quotes. Bytes that are not UTF-8 become U+FFFD.
    /// With `html`, `<`, `>`, `&`, U+2028 and U+2029 are written as `\u00XX`, as Go's encoder does.
    package static func escape(_ text: ByteView, into out: ByteArena, html: Bool = false) {
        let whole = text.isUTF8
        var i = 0
        while i < text.count {
            // The longest run that needs nothing.
            var end = i
            while end < text.count {
                let c = text[end]
                if c < 0x20 || c == 0x22 || c == 0x5C { break }
                if html && (c == 0x3C || c == 0x3E || c == 0x26 || c == 0xE2) { break }
                if !whole && c >= 0x80 { break }
                end += 1
            }
            if end > i { out.append(text[i..<end]) }
            i = end
            guard i < text.count else { break }
            let c = text[i]
            switch c {
            case 0x22: out.append("\\\"")
            case 0x5C: out.append("\\\\")
            case 0x0A: out.append("\\n")
            case 0x0D: out.append("\\r")
            case 0x09: out.append("\\t")
            case 0x08 where !html: out.append("\\b")
            case 0x0C where !html: out.append("\\f")
            case 0..<0x20, 0x3C, 0x3E, 0x26:
                out.append("\\u00")
                out.append(hex[Int(c >> 4)])
                out.append(hex[Int(c & 15)])
            case 0xE2 where html && i + 2 < text.count && text[i + 1] == 0x80 && text[i + 2] & 0xFE == 0xA8 && whole:
                out.append("\\u202")
                out.append(hex[Int(text[i + 2] & 15)])
                i += 2
            case 0x80... where !whole:
                let length = UTF8Length.at(text, i)
                if length == 0 {
                    out.append("\u{FFFD}")
                } else {
                    out.append(text[i..<i + length])
                    i += length - 1
                }
            default: out.append(c)
            }
            i += 1
        }
    }

    private static let hex: [UInt8] = Array("0123456789abcdef".utf8)
}

/// Lengths of UTF-8 sequences.
package enum UTF8Length {
    /// Bytes of the well-formed sequence at `index`, or 0 where there is none.
    package static func at(_ text: ByteView, _ index: Int) -> Int {
        let lead = text[index]
        let length = lead < 0x80 ? 1 : lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0
        guard length > 0, index + length <= text.count else { return 0 }
        return text[index..<index + length].isUTF8 ? length : 0
    }
}
