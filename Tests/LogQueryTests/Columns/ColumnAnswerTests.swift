import Bytes
import Disk
import LogModel
import LogStore
import LogTestKit
import Metrics
import Testing

@testable import LogQuery

/// What columns answer must be what looking at every line answers: the same rows from the head, where lines are looked
/// at, and sealed, where columns are.
@Suite struct ColumnAnswerTests {
    private func store(
        _ lines: [(labels: KeyValuePairs<String, String>, text: String, metadata: KeyValuePairs<String, String>)],
        sealed: Bool
    ) async throws -> LogStore {
        var settings = StoreSettings(directory: "data")
        settings.freeSpaceMin = 0
        settings.retentionShare = 0
        let store = try LogStore.open(settings, disk: SimDisk(), registry: Registry(), clock: ManualClock())
        var batch = WriteBatch(tenant: .fake)
        batch.key = BatchKey(client: "test", epoch: 1, sequence: 1)
        for (i, line) in lines.enumerated() {
            let stream = batch.stream(Labels(line.labels))
            let set = batch.metadataSet(Labels(line.metadata))
            line.text.withView { batch.add(timestamp: Int64(i + 1) * 1_000_000_000, stream: stream, metadata: set, line: $0) }
        }
        _ = try await store.append(batch)
        if sealed { try await store.flush() }
        return store
    }

    private func answer(_ query: String, _ store: LogStore) -> String {
        do {
            let request = QueryRequest(text: query, kind: .instant(time: Timestamp(nanoseconds: 3_600_000_000_000)))
            guard case .vector(let samples) = try QueryEngine(store: store).run(request).0 else { return "no vector" }
            return samples.map { "\($0.labels) \($0.point.value)" }.sorted().joined(separator: "; ")
        } catch let error as QueryError {
            return "refused: " + String(error.message.prefix(60))
        } catch { return "\(error)" }
    }

    private static let lines: [(labels: KeyValuePairs<String, String>, text: String, metadata: KeyValuePairs<String, String>)] = [
        (["app": "a"], #"{"n": 1, "m": 2.5, "app": "inner", "s": "x"}"#, [:]),
        (["app": "a"], #"{"n": 2, "m": 3.25, "s": "y", "o": {"p": 7}}"#, [:]),
        (["app": "a"], #"{"n": 3, "m": 1.5, "s": "x", "o_p": 8, "o": {"p": 9}}"#, [:]),
        (["app": "a"], #"{"n": "4", "m": "", "s": null, "o": {"p": null}}"#, [:]),
        (["app": "a"], #"{"n": 5, "n": 50, "s": "\u0078"}"#, [:]),
        (["app": "a"], #"{"n": 6, "s": "é", "a.b": 1, "a_b": 2}"#, ["s": "meta"]),
        (["app": "a"], #"{"n": 1e3, "s": ["x"], "t": true}"#, [:]),
        (["app": "a", "s": "own"], #"{"n": 7, "s": "x"}"#, [:]),
        (["app": "b"], "no json", [:]),
        (["app": "b"], #"{"n": 8, "s": "x"}"#, [:]),
        (["app": "c"], #"{"n": 9, "s": "x"}"#, ["__error__": "E"]),
        (["app": "d"], #"{"n": "abc", "s": "x"}"#, [:]),
        (["app": "e"], "error\tcode 1", [:]),
        (["app": "e"], "warning two", [:]),
        (["app": "e"], "def} three", [:]),
        (["app": "f"], #"{"msg": "job \u{FFFD} done", "n": 1}"#, [:]),
        (["app": "f"], #"{"zo": {"# + (0..<70).map { #""k\#($0)": 1, "# }.joined() + #"" ": "hit"}, "n": 2}"#, [:]),
    ]

    @Test(arguments: [
        #"sum by (app) (count_over_time({app=~"a|b"} | json [2h]))"#,
        #"sum by (app) (count_over_time({app="b"} | json | app="b" [2h]))"#,
        #"sum by (app) (count_over_time({app="b"} | json | n > 1 [2h]))"#,
        #"sum by (app) (count_over_time({app="c"} | json | n > 1 [2h]))"#,
        #"sum by (s) (count_over_time({app="a"} | json [2h]))"#,
        #"sum(count_over_time({app="a"} | json | s="x" [2h]))"#,
        #"sum(count_over_time({app="a"} | json | s!="x" [2h]))"#,
        #"sum(count_over_time({app="a"} | json | s=~"x|own" [2h]))"#,
        #"sum(count_over_time({app="a"} | json | s="" [2h]))"#,
        #"sum(count_over_time({app="a"} | json | s="own" [2h]))"#,
        #"sum by (o_p) (sum_over_time({app="a"} | json | unwrap n [2h]))"#,
        #"sum by (app) (sum_over_time({app="a"} | json | unwrap n [2h]))"#,
        #"sum by (a_b) (max_over_time({app="a"} | json | unwrap n [2h]))"#,
        #"sum by (t) (sum_over_time({app="a"} | json | unwrap m [2h]))"#,
        #"sum(sum_over_time({app="d"} | json | unwrap n [2h]))"#,
        #"sum(count_over_time({app="d"} | json | n > 3 [2h]))"#,
        #"sum(count_over_time({app=~"a|d"} | json | n > 3 or s = "x" [2h]))"#,
        #"sum(count_over_time({app="a"} | json | n > 2 and m < 3 [2h]))"#,
        #"avg by (s) (avg_over_time({app="a"} | json | n >= 2 | unwrap n [2h]))"#,
        #"sum by (s_extracted) (count_over_time({app="a"} | json [2h]))"#,
        #"sum(count_over_time({app="e"} |~ "error\\tcode|warning" [2h]))"#,
        #"sum(count_over_time({app="e"} !~ "error\\tcode|warning" [2h]))"#,
        #"sum(count_over_time({app="e"} |~ "abcd{x|def}" [2h]))"#,
        #"sum(count_over_time({app="f"} | json | msg="job   done" [2h]))"#,
        #"sum(count_over_time({app="f"} | json | zo="hit" [2h]))"#,
        #"sum by (s) (count_over_time({app=~"a|b"} | json [2h]))"#,
        #"quantile_over_time(0.5, {app="a"} | json | unwrap n [2h]) by (app)"#,
    ])
    func sealedRowsAnswerAsLinesDo(query: String) async throws {
        let head = try await store(Self.lines, sealed: false)
        let sealed = try await store(Self.lines, sealed: true)
        #expect(answer(query, sealed) == answer(query, head))
        await head.close()
        await sealed.close()
    }

    @Test func aBraceThatRepeatsNothingIsText() async throws {
        let made = try await store(Self.lines, sealed: false)
        #expect(answer(#"sum(count_over_time({app="e"} |~ "abcd{x|def}" [2h]))"#, made) == "{} 1.0")
        #expect(answer(#"sum(count_over_time({app="e"} |~ "error\\tcode|warning" [2h]))"#, made) == "{} 2.0")
        await made.close()
    }

    @Test func aLineThatIsNoJSONFailsACountByALabelOfItsStream() async throws {
        for sealed in [false, true] {
            let made = try await store(Self.lines, sealed: sealed)
            #expect(answer(#"sum by (app) (count_over_time({app="b"} | json [2h]))"#, made).hasPrefix("refused: pipeline error"))
            #expect(answer(#"sum by (app) (count_over_time({app="c"} | json | n > 1 [2h]))"#, made).hasPrefix("refused"))
            #expect(answer(#"sum by (app) (count_over_time({app="b"} | json | app="b" [2h]))"#, made).hasPrefix("refused"))
            await made.close()
        }
    }
}
