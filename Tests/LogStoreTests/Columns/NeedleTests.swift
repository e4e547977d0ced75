import Bytes
import LogModel
import LogTestKit
import Metrics
import Testing

@testable import LogStore

/// Needles against a plain search of the line: cut across every border of literals and values, of every length.
@Suite struct NeedleTests {
    private static let setup = settings { $0.headSize = 8 << 20 }

    private func line(_ random: inout SeededRandom, _ i: Int) -> String {
        let level = random.chance(0.8) ? "INFO" : "ERROR"
        switch random.below(6) {
        case 0: return "worker \(random.below(9)) took \(random.below(2000)) ms, code 0\(random.below(9))"
        case 1: return #"{"a":"\#(level)","b":"","c":"\#(level)"}"#
        case 2: return #"{"n":\#(random.below(99)),"n":\#(random.below(99)),"x":[1,"\#(level)"]}"#
        default:
            let id = String((random.next() | 1 << 63), radix: 16)
            return #"{"level":"\#(level)", "id":"req_\#(id)", "ms":\#(random.below(9000)), "r":0.\#(random.below(90) + 10), "#
                + #""msg":"took \#(random.below(9999)) of \#(i) steps", "ok":\#(random.chance(0.5))}"#
        }
    }

    @Test(arguments: 0..<3) func everyNeedleFindsWhatAPlainSearchFinds(seed: UInt64) async throws {
        var random = SeededRandom(seed + 100)
        let store = try open(SimDisk(), Self.setup)
        let rows = (0..<700).map { i in
            StoredRow(
                labels: label(["a": "b"]),
                timestamp: noon + Int64(i),
                line: Array(line(&random, i).utf8)
            )
        }
        _ = try await store.append(batch(rows))
        try await store.flush()
        for _ in 0..<400 {
            // Any stretch of any line, sometimes with one byte changed.
            let from = rows[random.below(rows.count)].line
            let low = random.below(from.count)
            var needle = Array(from[low..<min(from.count, low + 1 + random.below(random.chance(0.5) ? 6 : 60))])
            if random.chance(0.2) { needle[random.below(needle.count)] = UInt8(32 + random.below(90)) }
            let text = needle.withView { ByteString($0) }
            let isNegative = random.chance(0.3)
            let predicate: Predicate = isNegative ? .not(.lineContains(text)) : .lineContains(text)
            var found: [Int] = []
            var open = 0
            try store.scan(ScanRequest(tenant: .fake, range: .all, matchers: [], predicate: predicate)) { block in
                for row in 0..<block.count {
                    if block.selected[row] { found.append(Int(block.timestamps[row] - noon)) }
                    if block.undecided[row] { open += 1 }
                }
                return .more
            }
            let expected = rows.indices.filter { i in
                rows[i].line.withView { line in needle.withView { line.contains($0) } } != isNegative
            }
            // Needles that are not planned to their end leave rows open.
            if needle.count > NeedlePlan.needleMax || open > 0 {
                #expect(Set(found).isSubset(of: expected))
                continue
            }
            #expect(found == expected, "\(String(decoding: needle, as: UTF8.self))")
        }
        await store.close()
    }

    /// Long texts and ids have filters: they rule out much and never a line that is there.
    @Test(arguments: 0..<2) func filtersRuleOutNothingThatIsThere(seed: UInt64) async throws {
        var random = SeededRandom(seed + 7)
        let words = (0..<800).map { _ in String(random.next(), radix: 36) }
        let disk = SimDisk()
        let store = try open(disk, settings { $0.headSize = 1 << 20 })
        var rows: [StoredRow] = []
        for i in 0..<6000 {
            let text = (0..<random.below(30)).map { _ in words[random.below(words.count)] }.joined(separator: " ")
            let id = String((random.next() | 1 << 63), radix: 16)
            let line =
                random.chance(0.1)
                ? "Traceback: \(text) in step \(i)"
                : #"{"level":"INFO","trace":"\#(id)","kind":"\#(words[i % 500])","note":"\#(words[random.below(700)]) \#(i % 60)","text":"\#(text)"}"#
            rows.append(StoredRow(labels: label(["a": "b"]), timestamp: noon + Int64(i), line: Array(line.utf8)))
        }
        for part in stride(from: 0, to: rows.count, by: 1500) { _ = try await store.append(batch(Array(rows[part..<part + 1500]))) }
        try await store.flush()
        #expect(store.core.metrics.uncutSegments.value == 0)
        let filtered = store.core.snapshot().segments.flatMap(\.groups).flatMap(\.columns)
        #expect(filtered.contains { $0.filter != nil } && filtered.contains { $0.trigrams != nil })
        let layouts = try store.core.snapshot().segments.map { try $0.layout(PageCodec()) }
        #expect(layouts.flatMap(\.columns).contains { $0.dictionary?.trigrams != nil })
        for _ in 0..<150 {
            let from = rows[random.below(rows.count)].line
            let low = random.below(from.count)
            var needle = Array(from[low..<min(from.count, low + 3 + random.below(40))])
            if random.chance(0.3) { needle[random.below(needle.count)] = UInt8(97 + random.below(26)) }
            let text = needle.withView { ByteString($0) }
            var found: [Int] = []
            try store.scan(ScanRequest(tenant: .fake, range: .all, matchers: [], predicate: .lineContains(text))) { block in
                try block.loadLines()
                for row in 0..<block.count where block.selected[row] || block.undecided[row] {
                    if needle.withView({ block.line(row).contains($0) }) { found.append(Int(block.timestamps[row] - noon)) }
                }
                return .more
            }
            let expected = rows.indices.filter { i in rows[i].line.withView { line in needle.withView { line.contains($0) } } }
            #expect(found == expected, "\(String(decoding: needle, as: UTF8.self))")
        }
        await store.close()
    }

    /// A needle that fits everywhere made states without end: one query kept the server busy for 40 seconds.
    @Test func aNeedleThatRepeatsItselfIsPlannedWithinBounds() async throws {
        let store = try open(SimDisk(), Self.setup)
        let rows = (0..<400).map { i in
            StoredRow(
                labels: label(["a": "b"]),
                timestamp: noon + Int64(i),
                line: Array(#"{"aa":\#(i),"b":\#(i),"c\#(i % 30)":"\#(String(repeating: #","b":"#, count: i))"}"#.utf8)
            )
        }
        _ = try await store.append(batch(rows))
        try await store.flush()
        for count in [10, 16, 17, 60, 390] {
            let needle = String(repeating: #","b":"#, count: count)
            var found: [Int] = []
            try store.scan(
                ScanRequest(tenant: .fake, range: .all, matchers: [], predicate: .lineContains(ByteString(needle)))
            ) { block in
                try block.loadLines()
                for row in 0..<block.count where block.selected[row] || block.undecided[row] {
                    if needle.withView({ block.line(row).contains($0) }) { found.append(Int(block.timestamps[row] - noon)) }
                }
                return .more
            }
            let expected = rows.indices.filter { i in
                rows[i].line.withView { line in needle.withView { line.contains($0) } }
            }
            #expect(found == expected)
        }
        await store.close()
    }
}
