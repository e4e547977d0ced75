import Bytes

/// Promtail's `positions.yaml`: a mapping `positions` from paths (or `cursor-<job>`) to strings.
///
/// Reading is tolerant: what a power loss leaves behind (NUL bytes, half a line) costs the lines it hit and nothing else.
package struct PromtailPositions: Sendable, Equatable {
    package var entries: [ByteString: ByteString] = [:]
    /// Lines that could not be understood.
    package var damaged = 0

    package init() {}

    package init(parsing bytes: ByteView) {
        var inside = false
        var longKey: ByteString?
        for piece in bytes.copy().split(whereSeparator: { $0 == 0x0A || $0 == 0 }) {
            let line = [UInt8](piece)
            let text = line.withView { $0.trimmed.copy() }
            if text.isEmpty || text[0] == UInt8(ascii: "#") || text == Array("---".utf8) { continue }
            if line[0] != 0x20, line[0] != 0x09 {
                let name = Array("positions:".utf8)
                inside = text.starts(with: name)
                let rest = text.dropFirst(name.count).filter { $0 != 0x20 }
                if !inside || !(rest.isEmpty || rest == Array("{}".utf8)) { damaged += 1 }
                continue
            }
            guard inside else {
                damaged += 1
                continue
            }
            // Keys that are longer than 128 characters are written as `? key` and `: value`, a line each.
            if text.starts(with: Array("? ".utf8)) {
                longKey = Self.scalar([UInt8](text.dropFirst(2)))?.value
                continue
            }
            if let key = longKey, text.starts(with: Array(": ".utf8)) {
                longKey = nil
                if let value = Self.scalar([UInt8](text.dropFirst(2)))?.value { entries[key] = value } else { damaged += 1 }
                continue
            }
            longKey = nil
            guard let (key, rest) = Self.key(text), let value = Self.scalar(rest)?.value else {
                damaged += 1
                continue
            }
            entries[key] = value
        }
    }

    /// The key of a line, and what follows its colon.
    private static func key(_ text: [UInt8]) -> (ByteString, [UInt8])? {
        if text[0] == UInt8(ascii: "\"") || text[0] == UInt8(ascii: "'") {
            guard let (key, length) = scalar(text), length < text.count, text[length] == UInt8(ascii: ":") else { return nil }
            return (key, trimmed(text[(length + 1)...]))
        }
        // The last colon that is followed by a space or ends the line: the value holds none.
        var cut: Int?
        for i in text.indices where text[i] == UInt8(ascii: ":") {
            if i + 1 == text.count || text[i + 1] == 0x20 { cut = i }
        }
        guard let cut else { return nil }
        return (ByteString([UInt8](text[..<cut])), trimmed(text[(cut + 1)...]))
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> [UInt8] { [UInt8](text).withView { $0.trimmed.copy() } }

    /// A plain, single- or double-quoted scalar at the front, and how long it is; nil when its quote does not end.
    private static func scalar(_ text: [UInt8]) -> (value: ByteString, length: Int)? {
        guard let quote = text.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            return text.isEmpty ? nil : (ByteString(text), text.count)
        }
        var out: [UInt8] = []
        var i = 1
        while i < text.count {
            let byte = text[i]
            if byte == quote {
                if quote == UInt8(ascii: "'"), i + 1 < text.count, text[i + 1] == quote {
                    out.append(quote)
                    i += 2
                    continue
                }
                return (ByteString(out), i + 1)
            }
            guard byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") else {
                out.append(byte)
                i += 1
                continue
            }
            guard i + 1 < text.count else { return nil }
            let escape = text[i + 1]
            i += 2
            switch escape {
            case UInt8(ascii: "n"): out.append(0x0A)
            case UInt8(ascii: "t"): out.append(0x09)
            case UInt8(ascii: "r"): out.append(0x0D)
            case UInt8(ascii: "0"): out.append(0)
            case UInt8(ascii: "x"), UInt8(ascii: "u"), UInt8(ascii: "U"):
                let digits = escape == UInt8(ascii: "x") ? 2 : escape == UInt8(ascii: "u") ? 4 : 8
                guard i + digits <= text.count,
                    let code = UInt32(String(decoding: text[i..<(i + digits)], as: UTF8.self), radix: 16),
                    let scalar = Unicode.Scalar(code)
                else { return nil }
                out.append(contentsOf: Array(String(Character(scalar)).utf8))
                i += digits
            default: out.append(escape)
            }
        }
        return nil
    }

    /// As Promtail writes it: keys sorted, values quoted.
    package func encode(into out: ByteArena) {
        if entries.isEmpty {
            out.append("positions: {}\n" as StaticString)
            return
        }
        out.append("positions:\n" as StaticString)
        for (key, value) in entries.sorted(by: { $0.key < $1.key }) {
            // YAML allows no key of more than 1024 characters on a line.
            let isLong = key.count > 1000
            out.append(isLong ? "  ? " : "  ")
            Self.write(key, quoted: false, into: out)
            out.append(isLong ? "\n  : " : ": ")
            Self.write(value, quoted: true, into: out)
            out.append(UInt8(0x0A))
        }
    }

    private static func write(_ text: ByteString, quoted: Bool, into out: ByteArena) {
        let isPlain =
            !quoted && (text.bytes.first == ByteString.slash || text.hasPrefix("cursor-"))
            && text.bytes.allSatisfy { $0.isAlphanumeric || "/._-+@=,~".utf8.contains($0) }
        if isPlain {
            out.append(text)
            return
        }
        out.append(UInt8(ascii: "\""))
        text.withView { JSONText.escape($0, into: out) }
        out.append(UInt8(ascii: "\""))
    }
}
