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

    init(_ line: ByteView, stream: Labels, cursor: inout JSONCursor) {
        self.stream = stream
        if json(line, &cursor) {
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

    private mutating func json(_ line: ByteView, _ cursor: inout JSONCursor) -> Bool {
        var text = line
        do throws(JSONCursor.Failure) {
            try cursor.scan(line)
        } catch {
            // What stands behind a whole object does not concern Loki's parser.
            guard case .trailing(let end) = error, end <= line.count else { return false }
            text = line[0..<end]
            guard (try? cursor.scan(text)) != nil else { return false }
        }
        guard cursor.count > 0, cursor[0].type == .object else { return false }
        // Containers that are open: where each ends on the tape, and its keys so far.
        var path: [ByteString] = []
        var ends: [(end: Int, name: [UInt8])] = [(cursor[0].next, [])]
        var i = 1
        while i + 1 < cursor.count, let level = ends.last {
            if i >= level.end {
                ends.removeLast()
                if !path.isEmpty { path.removeLast() }
                continue
            }
            let key = Self.string(cursor[i], in: text)
            let value = cursor[i + 1]
            var name = level.name
            if !name.isEmpty { name.append(0x5F) }
            name += Self.sanitized(key, isFirst: name.isEmpty)
            switch value.type {
            case .object:
                ends.append((value.next, name))
                path.append(key)
                i += 2
                continue
            case .string: add(ByteString(name), Self.string(value, in: text), path: path + [key])
            case .number, .true, .false:
                add(ByteString(name), ByteString(JSONCursor.raw(value, in: text)), path: path + [key])
            case .array, .null: break
            }
            i = max(value.next, i + 2)
        }
        return true
    }

    private static func string(_ token: JSONCursor.Token, in text: ByteView) -> ByteString {
        let raw = JSONCursor.raw(token, in: text)
        guard token.isEscaped else { return ByteString(raw) }
        let out = ByteArena(capacity: raw.count)
        JSONText.unescape(raw, into: out)
        return ByteString(out.view)
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
        let start = at + 1
        var from = start
        while let quote = line.firstIndex(of: 0x22, from: from) {
            var slashes = 0
            while quote - slashes > start, line[quote - slashes - 1] == 0x5C { slashes += 1 }
            from = quote + 1
            guard slashes % 2 == 0 else { continue }
            at = quote + 1
            let raw = line[start..<quote]
            guard raw.contains(0x5C) else { return ByteString(raw) }
            let out = ByteArena(capacity: raw.count)
            return JSONText.unescape(raw, into: out) ? ByteString(out.view) : nil
        }
        at = line.count
        return nil
    }
}
