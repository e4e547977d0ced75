import Bytes
import LogModel

extension DiffReport {
    /// Reads the answer of `/tailrace/api/v1/diff`. Throws with words for the user when it is none.
    package static func parse(_ body: ByteView) throws(DecodeError) -> DiffReport {
        var cursor = JSONCursor(capacity: 4096)
        do { try cursor.scan(body) } catch { throw DecodeError("the answer is not JSON: \(error)") }
        let document = JSONDocument(cursor: cursor, text: body)
        func string(_ key: String, _ object: Int) -> ByteString {
            document.member(key, of: object).map { document.text($0) } ?? ByteString()
        }
        func number(_ key: String, _ object: Int) -> Double { Double(string(key, object).string) ?? 0 }
        func window(_ key: String) throws(DecodeError) -> Window {
            guard let object = document.member(key, of: 0), let start = Int64(string("start", object).string),
                let end = Int64(string("end", object).string)
            else { throw DecodeError("the answer has no window '\(key)': is this a Tailrace server?") }
            return Window(
                range: TimeRange(Timestamp(nanoseconds: start), Timestamp(nanoseconds: end)),
                rows: Int(string("rows", object).string) ?? 0)
        }
        func strings(_ key: String, _ object: Int) -> [ByteString] {
            document.member(key, of: object).map { document.items(of: $0).map { document.text($0) } } ?? []
        }
        var changes: [Change] = []
        for item in document.member("changes", of: 0).map({ document.items(of: $0) }) ?? [] {
            guard let direction = Direction(rawValue: string("change", item).string) else { continue }
            changes.append(
                Change(
                    direction: direction, kind: string("kind", item).string, field: string("field", item).string,
                    text: string("text", item), before: Int(string("before", item).string) ?? 0,
                    after: Int(string("after", item).string) ?? 0, expected: number("expected", item),
                    score: number("score", item), groups: strings("groups", item)))
        }
        return DiffReport(
            before: try window("before"), after: try window("after"),
            by: document.member("by", of: 0).map { document.text($0) }, scale: number("scale", 0), changes: changes,
            found: Int(string("found", 0).string) ?? changes.count, compared: Int(string("compared", 0).string) ?? 0,
            leftOut: strings("left_out", 0).map(\.string), isCut: string("truncated", 0).string == "true")
    }
}
