import Bytes
import LogModel

/// One line of an export: docs/formats/export.md.
///
/// ```
/// {"stream":{"app":"api"},"ts":"1700000000000000000","line":"…","metadata":{"trace":"1f"}}
/// ```
///
/// JSON holds text only. A line, or a set of labels, with bytes that are not UTF-8 stands in Base64 under a name of its
/// own, so that every byte comes back.
enum ExportFormat {
    static func write(_ row: ExportRow, into out: ByteArena) {
        out.append("{")
        if row.tenant != .fake {
            out.append("\"tenant\":\"")
            row.tenant.name.withView { JSONText.escape($0, into: out) }
            out.append("\",")
        }
        labels(row.labels, "stream", into: out)
        out.append(",\"ts\":\"")
        out.append(decimal: row.timestamp)
        out.append("\",")
        if row.line.isUTF8 {
            out.append("\"line\":\"")
            JSONText.escape(row.line, into: out)
        } else {
            out.append("\"line_base64\":\"")
            Base64.encode(row.line, into: out)
        }
        out.append("\"")
        if !row.metadata.isEmpty {
            out.append(",")
            labels(row.metadata, "metadata", into: out)
        }
        out.append("}\n")
    }

    private static func labels(_ labels: Labels, _ name: String, into out: ByteArena) {
        let isText = labels.pairs.allSatisfy { pair in
            pair.name.withView { $0.isUTF8 } && pair.value.withView { $0.isUTF8 }
        }
        out.append(isText ? "\"\(name)\":{" : "\"\(name)_base64\":{")
        func text(_ bytes: ByteString) {
            bytes.withView { if isText { JSONText.escape($0, into: out) } else { Base64.encode($0, into: out) } }
        }
        for (i, pair) in labels.pairs.enumerated() {
            out.append(i == 0 ? "\"" : ",\"")
            text(pair.name)
            out.append("\":\"")
            text(pair.value)
            out.append("\"")
        }
        out.append("}")
    }

    /// Reads a line back. `cursor` is working memory. Members that are not known are passed over.
    static func read(_ text: ByteView, _ cursor: inout JSONCursor) throws(DecodeError) -> ReadRow {
        do { try cursor.scan(text) } catch { throw DecodeError("not JSON: \(error)") }
        guard cursor.count > 0, cursor[0].type == .object else { throw DecodeError("not a JSON object") }
        let document = JSONDocument(cursor: cursor, text: text)
        var row = ReadRow()
        if let tenant = document.member("tenant", of: 0) {
            guard let named = Tenant(document.text(tenant).string) else { throw DecodeError("`tenant` is no tenant") }
            row.tenant = named
        }
        guard let time = document.member("ts", of: 0), let nanoseconds = Int64(document.text(time).string) else {
            throw DecodeError("`ts` must be nanoseconds since 1970, as a string")
        }
        row.timestamp = nanoseconds
        guard let stream = try labels(document, "stream"), !stream.isEmpty else {
            throw DecodeError("`stream` must be an object of labels")
        }
        row.labels = stream
        row.metadata = try labels(document, "metadata") ?? Labels()
        if let line = document.member("line", of: 0), cursor[line].type == .string {
            row.line = document.text(line)
        } else if let line = document.member("line_base64", of: 0) {
            guard let bytes = document.text(line).withView({ Base64.decode($0) }) else {
                throw DecodeError("`line_base64` is not Base64")
            }
            row.line = ByteString(bytes)
        } else {
            throw DecodeError("`line` is missing")
        }
        return row
    }

    private static func labels(_ document: JSONDocument, _ name: String) throws(DecodeError) -> Labels? {
        if let object = document.member(name, of: 0) {
            guard document.cursor[object].type == .object else { throw DecodeError("`\(name)` must be an object") }
            return document.labels(object)
        }
        guard let object = document.member("\(name)_base64", of: 0) else { return nil }
        var pairs: [Label] = []
        for pair in document.labels(object).pairs {
            guard let label = pair.name.withView({ Base64.decode($0) }), let value = pair.value.withView({ Base64.decode($0) })
            else { throw DecodeError("`\(name)_base64` is not Base64") }
            pairs.append(Label(ByteString(label), ByteString(value)))
        }
        return Labels(pairs)
    }
}

/// A row on its way into the format.
struct ExportRow {
    var tenant: Tenant
    var labels: Labels
    var timestamp: Int64
    var metadata: Labels
    var line: ByteView
}

/// A row as it was read.
struct ReadRow: Equatable {
    /// Nil: the export says nothing, which is the tenant `fake`.
    var tenant: Tenant?
    var labels = Labels()
    var timestamp: Int64 = 0
    var metadata = Labels()
    var line = ByteString()
}

/// RFC 4648, with padding.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (i, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(i) }
        return values
    }()

    static func encode(_ bytes: ByteView, into out: ByteArena) {
        var at = 0
        while at < bytes.count {
            let count = min(3, bytes.count - at)
            var word = UInt32(bytes[at]) << 16
            if count > 1 { word |= UInt32(bytes[at + 1]) << 8 }
            if count > 2 { word |= UInt32(bytes[at + 2]) }
            for i in 0..<4 { out.append(i <= count ? alphabet[Int(word >> UInt32(18 - 6 * i) & 63)] : 0x3D) }
            at += 3
        }
    }

    /// Nil for anything that `encode` does not write.
    static func decode(_ text: ByteView) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(text.count / 4 * 3)
        var at = 0
        while at < text.count {
            var padding = 0
            if at + 4 == text.count {
                if text[at + 3] == 0x3D { padding = text[at + 2] == 0x3D ? 2 : 1 }
            }
            var word: UInt32 = 0
            for i in 0..<4 {
                let value = i >= 4 - padding ? 0 : values[Int(text[at + i])]
                if value == 0xFF { return nil }
                word = word << 6 | UInt32(value)
            }
            if padding > 0, word & (padding == 1 ? 0xFF : 0xFFFF) != 0 { return nil }
            for i in 0..<3 - padding { out.append(UInt8(truncatingIfNeeded: word >> UInt32(16 - 8 * i))) }
            at += 4
        }
        return out
    }
}
