import Bytes
import LogModel
import LogTestKit
import Metrics
import Testing

@testable import LogStore

/// What columns count must be what looking at every line counts (I4): features and their numbers, sealed, merged, in the
/// head, at borders of windows, and by a label.
@Suite struct CensusTests {
    private static func rows(_ seed: UInt64, count: Int) -> [StoredRow] {
        var random = SeededRandom(seed)
        let words = ["lost", "found", "lease", "shard", "queue", "retry", "peer", "closed", "slow"]
        let models = ["llama-3-8b", "llama-2-70b", "mistral"]
        func message() -> String {
            var parts: [String] = []
            for _ in 0..<3 + random.below(3) { parts.append(words[random.below(words.count)]) }
            parts.insert("\(random.below(10_000))", at: random.below(parts.count))
            return parts.joined(separator: " ")
        }
        let few = (0..<30).map { _ in message() }
        return (0..<count).map { i in
            let time = noon + Int64(i) * second / 10
            let line: String
            switch random.below(20) {
            case 0: line = "INFO 10:\(10 + random.below(50)):01 " + few[random.below(30)]
            case 1: line = message()
            case 2: line = #"{"odd\#(random.below(9))":[1,{"x":null}],"a":1,"a":"\#(models[random.below(3)])"}"#
            case 3: line = ["", "{", "17", "{}", "[1,2]", "level=info msg=\"a b\" n=5"][random.below(6)]
            case 4:
                // Shapes that hardly repeat.
                line = #"{"k\#(random.below(500))":{"deep":{"er":"\#(models[random.below(3)])"}},"n":\#(random.below(4))}"#
            case 5:
                line =
                    #"{"id": "\#(String(random.next() | 1 << 63, radix: 16))", "path": "/v1/items/\#(random.below(900))", "ok": \#(random.chance(0.5)), "nothing": null}"#
            default:
                line =
                    #"{"ts": "\#(i)", "level": "\#(random.chance(0.9) ? "INFO" : "ERROR")", "request": "req_\#(String(random.next() | 1 << 63, radix: 16))", "user": "user \#(random.below(50_000))", "model": "\#(models[random.below(3)])", "ms": \#(random.below(30_000)), "status": \#([200, 200, 404, 500][random.below(4)]), "ratio": 0.\#(random.below(90) + 10), "msg": "\#(random.chance(0.7) ? few[random.below(30)] : message())", "note": "\#(random.chance(0.5) ? "" : "caf\u{e9} \\n x")"}"#
            }
            return StoredRow(
                labels: label(["host": "h\(random.below(5))", "app": "a"]), timestamp: time, line: Array(line.utf8))
        }
    }

    private static func request(_ rows: [StoredRow], by: Bool) -> CensusRequest {
        let quarter = Int64(rows.count) / 4 * second / 10
        let windows = [
            TimeRange(Timestamp(nanoseconds: noon + quarter / 3), Timestamp(nanoseconds: noon + 2 * quarter)),
            TimeRange(Timestamp(nanoseconds: noon + 2 * quarter + 5), Timestamp(nanoseconds: noon + 4 * quarter - 7)),
        ]
        return CensusRequest(
            tenant: .fake, matchers: [], windows: windows, by: by ? "host" : nil, groups: by ? ["h0", "h3", "h4"] : [])
    }

    private static func plain(_ rows: [StoredRow], _ request: CensusRequest) -> Census {
        let census = Census(cells: request.cells)
        let lines = LineCensus(census)
        for row in rows {
            guard let window = request.window(of: row.timestamp) else { continue }
            let cell = request.group(of: row.labels) * 2 + window
            for pair in row.labels.pairs {
                guard let field = census.field(path: pair.name, kind: .string, isLabel: true) else { continue }
                census.add(pair.value.withView { census.feature(of: $0, in: field) }, cell: cell, 1)
            }
            row.line.withView { lines.add($0, cell: cell) }
        }
        lines.finish()
        census.settle()
        return census
    }

    /// Everything telling: `kind field kind text` and its counts.
    private static func table(_ census: Census) -> [String: [Int]] {
        var result: [String: [Int]] = [:]
        for feature in census.features.indices where census.isTelling(feature) {
            let about = census.features[feature]
            let counts = (0..<census.cells).map { census.count(feature, cell: $0) }
            guard counts.contains(where: { $0 > 0 }) else { continue }
            let field = about.field < 0 ? "" : "\(census.fields[about.field].name) \(census.fields[about.field].kind)"
            let name = about.kind == .field ? "field \(about.text)" : "\(about.kind) \(field) \(about.text)"
            result[name, default: [Int](repeating: 0, count: census.cells)] = counts
        }
        return result
    }

    private func compare(_ census: Census, _ plain: Census) {
        #expect(census.rows == plain.rows)
        let (a, b) = (Self.table(census), Self.table(plain))
        let different = Set(a.keys).union(b.keys).filter { a[$0] != b[$0] }.sorted()
        #expect(b.count > 100)
        for name in different.prefix(5) {
            Issue.record("\(name): columns \(a[name].map { "\($0)" } ?? "none"), lines \(b[name].map { "\($0)" } ?? "none")")
        }
        #expect(different.isEmpty)
    }

    @Test(arguments: [false, true], [1, 2, 3] as [UInt64])
    func columnsCountWhatLinesSay(by: Bool, seed: UInt64) async throws {
        let rows = Self.rows(seed, count: 12_000)
        let store = try open(
            SimDisk(),
            settings {
                $0.headSize = 64 << 20
                $0.segmentSize = 64 << 20
            }
        )
        let request = Self.request(rows, by: by)
        let plain = Self.plain(rows, request)
        // In the head, then in four segments and the head, then merged.
        for part in 0..<4 {
            _ = try await store.append(batch(Array(rows[part * 3_000..<(part + 1) * 3_000])))
            if part == 1 { try await store.flush() }
        }
        compare(try #require(try store.census(request)), plain)
        try await store.flush()
        compare(try #require(try store.census(request)), plain)
        try await store.compact()
        compare(try #require(try store.census(request)), plain)
        await store.close()
    }

    @Test func codesAreCountedInEveryForm() throws {
        var random = SeededRandom(6)
        let columns: [[UInt32]] = [
            [5], [UInt32](repeating: 3, count: 100), (0..<1000).map { _ in UInt32(random.below(200)) },
            (0..<3000).map { _ in UInt32(random.below(60_000)) }, (0..<4000).map { UInt32($0 / 500) * 1000 },
        ]
        for codes in columns {
            let out = ByteArena()
            _ = CodeColumn.encode(codes, into: out)
            let n = codes.count
            for slots in [
                [CensusSlot(range: 0..<n, cell: 1)],
                [CensusSlot(range: 0..<n / 3, cell: 0), CensusSlot(range: n / 2..<n, cell: 1)],
                [CensusSlot(range: n / 3..<n / 3 + min(1, n), cell: 0)].filter { $0.range.upperBound <= n },
            ] {
                var expected = [UInt32](repeating: 0, count: 60_000 * 2)
                for slot in slots { for row in slot.range { expected[Int(codes[row]) * 2 + slot.cell] += 1 } }
                var counts = [UInt32](repeating: 0, count: 60_000 * 2)
                try CodeColumn.tally(out.view, count: n, slots: slots, cells: 2, limit: 60_000, into: &counts)
                #expect(counts == expected)
            }
            var none = [UInt32](repeating: 0, count: 60_000 * 2)
            #expect(throws: DecodeError.self) {
                try CodeColumn.tally(
                    out.view, count: n, slots: [CensusSlot(range: 0..<n, cell: 0)], cells: 2, limit: 3, into: &none)
            }
        }
    }

    /// Ids must not swamp the list, however few lines there are.
    @Test func whatIsDifferentInEveryLineIsLeftOut() async throws {
        let store = try open(SimDisk())
        let rows = (0..<400).map { i in
            StoredRow(
                labels: label(["a": "b"]), timestamp: noon + Int64(i),
                line: Array(#"{"id":"x\#(i)","n":\#(i),"kind":"k\#(i % 3)","msg":"job \#(i) done"}"#.utf8))
        }
        _ = try await store.append(batch(rows))
        for isSealed in [false, true] {
            if isSealed { try await store.flush() }
            let all = CensusRequest(
                tenant: .fake, matchers: [],
                windows: [
                    TimeRange(Timestamp(nanoseconds: noon), Timestamp(nanoseconds: noon + 200)),
                    TimeRange(Timestamp(nanoseconds: noon + 200), Timestamp(nanoseconds: noon + 400)),
                ])
            let table = Self.table(try #require(try store.census(all)))
            #expect(
                Set(table.keys) == [
                    "value kind string k0", "value kind string k1", "value kind string k2", "text msg string job <_> done",
                    "field id", "field n", "field kind", "field msg", "shape  id, kind, msg, n", "label a string b",
                ])
            #expect(table["text msg string job <_> done"] == [200, 200])
        }
        await store.close()
    }
}
