import Bytes

/// JSON as Go's encoder writes it after decoding into maps: compact, keys sorted, `<`, `>`, `&` escaped, numbers in their
/// shortest form. Unlike Go, whole numbers keep all their digits.
package enum GoJSON {
    /// Whether a JSON number is already the text that a float of the same value prints without exponent: whole numbers,
    /// and fractions of at most 15 digits without a zero at their end.
    package static func isCanonical(_ number: ByteView) -> Bool {
        var digits = 0
        var point = false
        for i in number.indices {
            switch number[i] {
            case UInt8(ascii: "-"): continue
            case UInt8(ascii: "."): point = true
            case UInt8(ascii: "e"), UInt8(ascii: "E"): return false
            default: digits += 1
            }
        }
        return !point || (digits <= 15 && number.last != UInt8(ascii: "0"))
    }

    /// Appends a number that is not canonical as `strconv.FormatFloat(x, 'f', -1, 64)` prints it; one beyond the range
    /// of doubles as it stands.
    package static func appendDecimal(_ number: ByteView, into out: ByteArena) {
        if let value = Double(number.string), value.isFinite {
            out.append(GoFormat.plain(value))
        } else {
            out.append(number)
        }
    }

    /// Appends what the inside of a JSON string stands for; bytes that are not UTF-8 become U+FFFD.
    package static func appendDecoded(_ raw: ByteView, escaped: Bool, into out: ByteArena) {
        let start = out.count
        if escaped {
            if !JSONText.unescape(raw, into: out) { out.append(raw) }
        } else {
            out.append(raw)
        }
        let written = out[start..<out.count]
        if written.isUTF8 { return }
        let repaired = written.string
        out.truncate(to: start)
        out.append(repaired)
    }

    /// Appends the value at a token of the tape. Recursion is bounded by `JSONCursor.depthMax`.
    package static func appendCompact(_ at: Int, _ text: ByteView, _ cursor: JSONCursor, into out: ByteArena) {
        let token = cursor[at]
        switch token.type {
        case .null: out.append("null")
        case .true: out.append("true")
        case .false: out.append("false")
        case .number: appendNumber(text[token.start..<token.end], into: out)
        case .string: appendQuoted(decoded(token, text), into: out)
        case .array:
            out.append(UInt8(ascii: "["))
            var i = at + 1
            while i < token.next {
                if i > at + 1 { out.append(UInt8(ascii: ",")) }
                appendCompact(i, text, cursor, into: out)
                i = cursor[i].next
            }
            out.append(UInt8(ascii: "]"))
        case .object:
            // The last of equal keys counts; then by bytes.
            var members: [ByteString: Int] = [:]
            var i = at + 1
            while i < token.next {
                members[decoded(cursor[i], text)] = i + 1
                i = cursor[i + 1].next
            }
            out.append(UInt8(ascii: "{"))
            for (n, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if n > 0 { out.append(UInt8(ascii: ",")) }
                appendQuoted(member.key, into: out)
                out.append(UInt8(ascii: ":"))
                appendCompact(member.value, text, cursor, into: out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    /// Appends a JSON string with its quotes, escaped as Go's encoder does.
    package static func appendQuoted(_ string: ByteString, into out: ByteArena) {
        out.append(UInt8(ascii: "\""))
        string.withView { JSONText.escape($0, into: out, html: true) }
        out.append(UInt8(ascii: "\""))
    }

    private static func decoded(_ token: JSONCursor.Token, _ text: ByteView) -> ByteString {
        let out = ByteArena(capacity: 64)
        appendDecoded(text[token.start..<token.end], escaped: token.isEscaped, into: out)
        return ByteString(out.view)
    }

    /// `encoding/json` prints floats without exponent between 1e-6 and 1e21.
    private static func appendNumber(_ number: ByteView, into out: ByteArena) {
        if isCanonical(number) {
            out.append(number)
            return
        }
        guard let value = Double(number.string), value.isFinite else {
            out.append(number)
            return
        }
        let magnitude = value.magnitude
        if magnitude != 0, magnitude < 1e-6 || magnitude >= 1e21 {
            var text = GoFormat.scientific(value)
            // e-09 is written e-9.
            if text.hasSuffix("e-0\(text.last.map(String.init) ?? "")") {
                let last = text.removeLast()
                text.removeLast()
                text.append(last)
            }
            out.append(text)
        } else {
            out.append(GoFormat.plain(value))
        }
    }
}
