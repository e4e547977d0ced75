import Bytes
import LogModel

/// The text of a stream's labels in push requests: `{app="api", env="prod"}`, Prometheus' metric syntax with the string
/// literals of Go.
package enum LabelText {
    /// Reads `text`; labels of equal name are refused. O(n).
    ///
    /// Accepted beside the canonical form: white space, a trailing comma, single quotes and backticks, and a metric name
    /// before the braces, which becomes `__name__`.
    package static func parse(_ text: ByteView, labelsMax: Int = 4_096) throws(LabelTextError) -> Labels {
        var scanner = Scanner(text: text)
        return try scanner.labels(max: labelsMax)
    }

    /// Appends `{a="b", c="d"}`. Bytes that are not UTF-8 are written `\xNN`, so that reading gives the same bytes.
    package static func write(_ labels: Labels, into out: ByteArena) {
        out.append(0x7B)
        for (i, pair) in labels.pairs.enumerated() {
            if i > 0 { out.append(", ") }
            out.append(pair.name)
            out.append(0x3D)
            pair.value.withView { quote($0, into: out) }
        }
        out.append(0x7D)
    }

    /// Appends `text` as Go's `strconv.Quote` prints it.
    package static func quote(_ text: ByteView, into out: ByteArena) {
        if text.isUTF8 {
            out.append(GoQuote.quote(text.string))
            return
        }
        out.append(0x22)
        var i = 0
        while i < text.count {
            let length = UTF8Length.at(text, i)
            if length == 0 {
                out.append("\\x")
                out.append(digits[Int(text[i] >> 4)])
                out.append(digits[Int(text[i] & 15)])
                i += 1
            } else {
                let quoted = GoQuote.quote(text[i..<i + length].string)
                quoted.withView { out.append($0[1..<$0.count - 1]) }
                i += length
            }
        }
        out.append(0x22)
    }

    private static let digits: [UInt8] = Array("0123456789abcdef".utf8)

    /// Whether `name` is a label name of Prometheus: `[a-zA-Z_][a-zA-Z0-9_]*`.
    package static func isName(_ name: ByteView) -> Bool {
        guard let first = name.first, first.isLetter || first == 0x5F else { return false }
        for i in name.indices where !(name[i].isAlphanumeric || name[i] == 0x5F) { return false }
        return true
    }
}

/// Where and why a label text was refused, printed as Prometheus prints it: `1:3: parse error: …`.
package struct LabelTextError: Error, Equatable, Sendable, CustomStringConvertible {
    package var message: String
    /// Byte offset.
    package var offset: Int

    package var description: String { "1:\(offset + 1): parse error: \(message)" }
}

private struct Scanner {
    let text: ByteView
    var at = 0

    init(text: ByteView) { self.text = text }

    func fail(_ message: String, at offset: Int? = nil) -> LabelTextError {
        LabelTextError(message: message, offset: offset ?? at)
    }

    mutating func skipSpace() {
        while at < text.count, text[at].isJSONSpace { at += 1 }
    }

    mutating func identifier() -> ByteView {
        let start = at
        while at < text.count, text[at].isAlphanumeric || text[at] == 0x5F || text[at] == 0x3A { at += 1 }
        return text[start..<at]
    }

    mutating func labels(max: Int) throws(LabelTextError) -> Labels {
        var pairs: [Label] = []
        skipSpace()
        guard at < text.count else { throw fail("unexpected end of input") }
        if text[at].isLetter || text[at] == 0x5F || text[at] == 0x3A {
            pairs.append(Label("__name__", ByteString(identifier())))
            skipSpace()
            if at == text.count { return Labels(pairs) }
        }
        guard text[at] == 0x7B else { throw fail("unexpected character: \(shown(at))") }
        at += 1
        while true {
            skipSpace()
            guard at < text.count else { throw fail("unexpected end of input inside braces") }
            if text[at] == 0x7D { break }
            let start = at
            guard text[at].isLetter || text[at] == 0x5F else {
                throw fail(
                    text[at] == 0x22 || text[at] == 0x2C || text[at] == 0x3D
                        ? "unexpected \(shown(at)) in label set, expected identifier or \"}\""
                        : "unexpected character inside braces: \(shown(at))")
            }
            let name = identifier()
            if name.contains(0x3A) { throw fail("unexpected character inside braces: ':'", at: start) }
            skipSpace()
            guard at < text.count else { throw fail("unexpected end of input inside braces") }
            guard text[at] == 0x3D else {
                throw fail(
                    text[at] == 0x2C || text[at] == 0x7D
                        ? "unexpected \"\(text[at..<at + 1])\" in label set, expected \"=\""
                        : "unexpected character inside braces: \(shown(at))")
            }
            at += 1
            skipSpace()
            let value = try string()
            guard pairs.count < max else { throw fail("more than \(max) labels", at: start) }
            pairs.append(Label(ByteString(name), value))
            skipSpace()
            guard at < text.count else { throw fail("unexpected end of input inside braces") }
            if text[at] == 0x2C {
                at += 1
            } else if text[at] != 0x7D {
                throw fail("unexpected character inside braces: \(shown(at))")
            }
        }
        at += 1
        skipSpace()
        guard at == text.count else { throw fail("unexpected character: \(shown(at))") }
        let labels = Labels(pairs)
        if labels.count != pairs.count { throw fail("duplicate label name", at: 0) }
        return labels
    }

    /// The character at `offset` as Go's `%q` of a rune.
    func shown(_ offset: Int) -> String {
        let length = max(UTF8Length.at(text, offset), 1)
        return "'\(text[offset..<offset + length])'"
    }

    mutating func string() throws(LabelTextError) -> ByteString {
        guard at < text.count else { throw fail("unexpected end of input inside braces") }
        let quote = text[at]
        let start = at
        guard quote == 0x22 || quote == 0x27 || quote == 0x60 else {
            throw fail("unexpected character inside braces: \(shown(at))")
        }
        at += 1
        if quote == 0x60 {
            guard let end = text.firstIndex(of: 0x60, from: at) else { throw fail("unterminated raw string", at: start) }
            defer { at = end + 1 }
            return ByteString(text[at..<end])
        }
        var bytes: [UInt8] = []
        while true {
            guard at < text.count, text[at] != 0x0A else { throw fail("unterminated quoted string", at: start) }
            let c = text[at]
            at += 1
            if c == quote { return ByteString(bytes) }
            if c != 0x5C {
                bytes.append(c)
                continue
            }
            guard at < text.count else { throw fail("unterminated quoted string", at: start) }
            let escape = text[at]
            at += 1
            switch escape {
            case 0x61: bytes.append(0x07)
            case 0x62: bytes.append(0x08)
            case 0x66: bytes.append(0x0C)
            case 0x6E: bytes.append(0x0A)
            case 0x72: bytes.append(0x0D)
            case 0x74: bytes.append(0x09)
            case 0x76: bytes.append(0x0B)
            case 0x5C: bytes.append(0x5C)
            case quote: bytes.append(quote)
            case 0x78: bytes.append(UInt8(truncatingIfNeeded: try number(digits: 2, radix: 16)))
            case 0x75: try append(rune: number(digits: 4, radix: 16), to: &bytes)
            case 0x55: try append(rune: number(digits: 8, radix: 16), to: &bytes)
            case 0x30...0x37:
                at -= 1
                let value = try number(digits: 3, radix: 8)
                guard value < 256 else { throw fail("octal escape value > 255", at: at - 4) }
                bytes.append(UInt8(truncatingIfNeeded: value))
            default: throw fail("unknown escape sequence", at: at - 2)
            }
        }
    }

    mutating func number(digits: Int, radix: UInt32) throws(LabelTextError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<digits {
            guard at < text.count else { throw fail("escape sequence not terminated") }
            let c = text[at]
            let digit: UInt32 =
                switch c {
                case 0x30...0x39: UInt32(c) - 0x30
                case 0x61...0x66: UInt32(c) - 0x61 + 10
                case 0x41...0x46: UInt32(c) - 0x41 + 10
                default: .max
                }
            guard digit < radix else { throw fail("illegal character \(shown(at)) in escape sequence") }
            // 8 hexadecimal digits fit 32 bits.
            value = value &* radix &+ digit
            at += 1
        }
        return value
    }

    mutating func append(rune: UInt32, to bytes: inout [UInt8]) throws(LabelTextError) {
        guard let scalar = Unicode.Scalar(rune) else {
            throw fail("escape sequence is an invalid Unicode code point")
        }
        bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
    }
}
