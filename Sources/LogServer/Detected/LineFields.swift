import Bytes
import LogModel

/// The fields of one line, found without being told how it is written: JSON, else logfmt.
///
/// A field whose name a stream label has is called `name_extracted`; of two values of one name the first stays.
struct LineFields {
    struct Field {
        var name: ByteString
        var value: ByteString
        /// Keys from the outermost in, as the document writes them; empty for logfmt.
        var path: [ByteString] = []
    }

    /// `json` or `logfmt`.
    private(set) var parser = ""
    private(set) var fields: [Field] = []
    private var seen: Set<ByteString> = []
    private let stream: Labels

    /// Fields of one line that are looked at.
    private static let fieldsMax = 2_000

    init(_ line: ByteView, stream: Labels) {
        self.stream = stream
        if json(line) {
            parser = "json"
        } else {
            fields.removeAll()
            seen.removeAll()
            parser = "logfmt"
            logfmt(line)
        }
    }

    private mutating func add(_ name: ByteString, _ value: ByteString, path: [ByteString] = []) {
        guard !name.isEmpty, fields.count < Self.fieldsMax else { return }
        let name = stream[name] == nil ? name : ByteString(name.bytes + Array("_extracted".utf8))
        if seen.insert(name).inserted { fields.append(Field(name: name, value: value, path: path)) }
    }

    /// Letters, digits and `_` stay, any other character becomes `_`; one is put in front of a leading digit.
    static func sanitized(_ key: ByteString, isFirst: Bool) -> [UInt8] {
        let text = key.withView { $0.trimmed.string }
        var out: [UInt8] = []
        for scalar in text.unicodeScalars {
            let c = scalar.isASCII ? UInt8(truncatingIfNeeded: scalar.value) : 0
            if isFirst, out.isEmpty, c.isDigit { out.append(0x5F) }
            out.append(c.isAlphanumeric ? c : 0x5F)
        }
        return out
    }

    // MARK: JSON

    /// Objects nested deeper are passed over.
    private static let depthMax = 64

    /// Reads as tolerantly as Loki's parser: a comma before a brace, `01`, and whatever stands behind the object are fine.
    private mutating func json(_ line: ByteView) -> Bool {
        var at = 0
        Self.skipSpace(line, &at)
        guard at < line.count, line[at] == 0x7B else { return false }
        return object(line, &at, name: [], path: [])
    }

    /// The object whose brace is at `at`; false where it is none.
    private mutating func object(_ text: ByteView, _ at: inout Int, name: [UInt8], path: [ByteString]) -> Bool {
        at += 1
        while true {
            Self.skipSpace(text, &at)
            guard at < text.count else { return false }
            if text[at] == 0x7D {
                at += 1
                return true
            }
            guard let rawKey = Self.quoted(text, &at) else { return false }
            Self.skipSpace(text, &at)
            guard at < text.count, text[at] == 0x3A else { return false }
            at += 1
            Self.skipSpace(text, &at)
            guard at < text.count else { return false }
            let key = Self.unescaped(rawKey)
            let full = name + (name.isEmpty ? [] : [0x5F]) + Self.sanitized(key, isFirst: name.isEmpty)
            switch text[at] {
            case 0x22:
                guard let raw = Self.quoted(text, &at) else { return false }
                add(ByteString(full), Self.unescaped(raw), path: path + [key])
            case 0x7B where path.count < Self.depthMax:
                guard object(text, &at, name: full, path: path + [key]) else { return false }
            case 0x7B, 0x5B:
                guard Self.skipBlock(text, &at) else { return false }
            default:
                let start = at
                while at < text.count, !text[at].isJSONSpace, ![0x2C, 0x7D, 0x5D].contains(text[at]) { at += 1 }
                let word = text[start..<at]
                if word == ByteView("null") { break }
                guard let first = word.first,
                    first.isDigit || first == 0x2D || word == ByteView("true") || word == ByteView("false")
                else { return false }
                add(ByteString(full), ByteString(word), path: path + [key])
            }
            Self.skipSpace(text, &at)
            guard at < text.count, text[at] == 0x2C || text[at] == 0x7D else { return false }
            if text[at] == 0x2C { at += 1 }
        }
    }

    private static func skipSpace(_ text: ByteView, _ at: inout Int) {
        while at < text.count, text[at].isJSONSpace { at += 1 }
    }

    /// The inside of the string whose quote is at `at`.
    private static func quoted(_ text: ByteView, _ at: inout Int) -> ByteView? {
        guard at < text.count, text[at] == 0x22 else { return nil }
        let start = at + 1
        var from = start
        while let quote = text.firstIndex(of: 0x22, from: from) {
            var slashes = 0
            while quote - slashes > start, text[quote - slashes - 1] == 0x5C { slashes += 1 }
            if slashes % 2 == 0 {
                at = quote + 1
                return text[start..<quote]
            }
            from = quote + 1
        }
        return nil
    }

    /// What it stands for; nothing where an escape is none.
    private static func unescaped(_ raw: ByteView) -> ByteString {
        guard raw.contains(0x5C) else { return ByteString(raw) }
        let out = ByteArena(capacity: raw.count)
        JSONText.unescape(raw, into: out)
        return ByteString(out.view)
    }

    /// Passes over the container at `at`, by counting its own kind of bracket.
    private static func skipBlock(_ text: ByteView, _ at: inout Int) -> Bool {
        let open = text[at]
        let close: UInt8 = open == 0x7B ? 0x7D : 0x5D
        var depth = 0
        while at < text.count {
            if text[at] == 0x22 {
                guard quoted(text, &at) != nil else { return false }
                continue
            }
            if text[at] == open { depth += 1 }
            if text[at] == close { depth -= 1 }
            at += 1
            if depth == 0 { return true }
        }
        return false
    }

    // MARK: logfmt

    private mutating func logfmt(_ line: ByteView) {
        var at = 0
        while at < line.count {
            while at < line.count, line[at] <= 0x20 { at += 1 }
            let start = at
            while at < line.count, line[at] > 0x20, line[at] != 0x3D, line[at] != 0x22 { at += 1 }
            let key = line[start..<at]
            guard at < line.count, line[at] == 0x3D, !key.isEmpty else {
                // A word alone, or a fault: go on behind it.
                while at < line.count, line[at] > 0x20 { at += 1 }
                continue
            }
            at += 1
            guard let value = value(line, &at) else { continue }
            if !value.isEmpty { add(ByteString(Self.sanitized(ByteString(key), isFirst: true)), value) }
        }
    }

    /// The value at `at`; nil where it is none.
    private func value(_ line: ByteView, _ at: inout Int) -> ByteString? {
        guard at < line.count, line[at] == 0x22 else {
            let start = at
            while at < line.count, line[at] > 0x20, line[at] != 0x22, line[at] != 0x3D { at += 1 }
            let end = at
            while at < line.count, line[at] > 0x20 { at += 1 }
            return end == at ? ByteString(line[start..<end]) : nil
        }
        guard let raw = Self.quoted(line, &at) else {
            at = line.count
            return nil
        }
        guard raw.contains(0x5C) else { return ByteString(raw) }
        let out = ByteArena(capacity: raw.count)
        return JSONText.unescape(raw, into: out) ? ByteString(out.view) : nil
    }
}
