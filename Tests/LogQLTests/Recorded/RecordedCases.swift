import Bytes
import Glibc

/// Requests and answers recorded from Grafana Loki, as far as they concern the language. They lie beside the
/// repository (`../shared/conformance`, or below the directory that TAILRACE_SHARED names) and may be absent.
struct RecordedCase: Sendable, CustomStringConvertible {
    var id: String
    var group: String
    var path: String
    var query: String
    var status: Int
    /// Plain text answers; of `format_query`, the formatted text or the error.
    var answer: String

    var description: String { "\(id) \(query)" }

    static let all: [RecordedCase]? = {
        guard let path = locate(), let bytes = read(path) else { return nil }
        var cursor = JSONCursor()
        var cases: [RecordedCase] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            [UInt8](line).withView { view in
                guard (try? cursor.scan(view)) != nil else { return }
                let root = 0
                guard let params = member("params", of: root, cursor, view),
                    let query = member("query", of: params, cursor, view), cursor[query].type == .string,
                    let expect = member("expect", of: root, cursor, view),
                    let status = member("status", of: expect, cursor, view),
                    let body = member("body", of: expect, cursor, view)
                else { return }
                func text(_ index: Int?) -> String {
                    guard let index, cursor[index].type == .string else { return "" }
                    let out = ByteArena()
                    JSONText.unescape(JSONCursor.raw(cursor[index], in: view), into: out)
                    return out.view.string
                }
                var answer = text(body)
                if cursor[body].type == .object {
                    answer = text(member("data", of: body, cursor, view))
                    if answer.isEmpty { answer = text(member("error", of: body, cursor, view)) }
                }
                cases.append(
                    RecordedCase(
                        id: text(member("id", of: root, cursor, view)),
                        group: text(member("group", of: root, cursor, view)),
                        path: text(member("path", of: root, cursor, view)),
                        query: text(query),
                        status: Int(JSONCursor.raw(cursor[status], in: view).string) ?? 0,
                        answer: answer
                    )
                )
            }
        }
        return cases
    }()

    private static func member(_ name: String, of object: Int, _ cursor: JSONCursor, _ view: ByteView) -> Int? {
        guard cursor[object].type == .object else { return nil }
        var index = object + 1
        while index < cursor[object].next {
            if JSONCursor.raw(cursor[index], in: view).string == name { return index + 1 }
            index = cursor[index + 1].next
        }
        return nil
    }

    private static func locate() -> String? {
        if let named = getenv("TAILRACE_SHARED") { return String(cString: named) + "/conformance/cases-open.jsonl" }
        guard let resolved = realpath(#filePath, nil) else { return nil }
        defer { free(resolved) }
        var parts = String(cString: resolved).split(separator: "/")
        // Recorded, LogQLTests, Tests, the repository: its sibling is meant.
        parts.removeLast(min(5, parts.count))
        return "/" + parts.joined(separator: "/") + "/shared/conformance/cases-open.jsonl"
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return bytes }
            bytes += buffer[0..<count]
        }
    }
}
