import Bytes
import LogModel
import Testing

@testable import LogPipeline

@Suite("detected_level against answers recorded from Loki")
struct LevelOracleTests {
    /// Lines and levels of the recorded answers to plain selectors: streams as labels → entries.
    private func recorded(_ document: ByteView) -> [(labels: [String: String], line: ByteString)] {
        var cursor = JSONCursor()
        guard (try? cursor.scan(document)) != nil else { return [] }
        func text(_ token: Int) -> ByteString {
            let raw = JSONCursor.raw(cursor[token], in: document)
            let out = ByteArena()
            return withExtendedLifetime(out) { JSONText.unescape(raw, into: out) ? ByteString(out.view) : ByteString() }
        }
        func member(_ object: Int?, _ name: String) -> Int? {
            guard let object, cursor[object].type == .object else { return nil }
            var i = object + 1
            while i < cursor[object].next {
                if text(i).string == name { return i + 1 }
                i = cursor[i + 1].next
            }
            return nil
        }
        func children(_ array: Int?) -> [Int] {
            guard let array, cursor[array].type == .array else { return [] }
            var out: [Int] = []
            var i = array + 1
            while i < cursor[array].next {
                out.append(i)
                i = cursor[i].next
            }
            return out
        }
        guard let query = member(member(0, "params"), "query"), cursor[query].type == .string,
            !text(query).string.contains("|"), !text(query).string.contains("("),
            let result = member(member(member(member(0, "expect"), "body"), "data"), "result")
        else { return [] }
        var out: [(labels: [String: String], line: ByteString)] = []
        for stream in children(result) {
            guard let set = member(stream, "stream") else { continue }
            var labels: [String: String] = [:]
            var i = set + 1
            while i < cursor[set].next {
                labels[text(i).string] = text(i + 1).string
                i = cursor[i + 1].next
            }
            for value in children(member(stream, "values")) {
                let parts = children(value)
                if parts.count == 2 { out.append((labels, text(parts[1]))) }
            }
        }
        return out
    }

    @Test("Every recorded line gets the level that Loki gave it")
    func oracle() throws {
        guard let shared = sharedDirectory(), let cases = contents(shared + "/conformance/cases-open.jsonl") else { return }
        let levelLabels = Set(LevelDetector.keys.map(\.string) + ["severity_number"])
        var compared = 0
        cases.withView { view in
            var start = 0
            while start < view.count {
                let end = view.firstIndex(of: 0x0A, from: start) ?? view.count
                for entry in recorded(view[start..<end]) {
                    guard let expected = entry.labels["detected_level"],
                        levelLabels.isDisjoint(with: entry.labels.keys)
                    else { continue }
                    // Metadata that names a level itself is among the merged labels of an answer too.
                    if entry.labels["app"] == "smlvl" { continue }
                    let level = entry.line.withView { String(describing: LevelDetector.detect($0)) }
                    #expect(level == expected, "\(entry.line)")
                    compared += 1
                }
                start = end + 1
            }
        }
        #expect(compared > 100)
    }
}
