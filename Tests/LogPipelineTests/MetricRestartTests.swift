import Bytes
import LogModel
import Metrics
import Redaction
import Testing

@testable import LogPipeline

/// Counters and histograms go on over a restart, and no line is in them twice.
@Suite("metrics: restarts")
struct MetricRestartTests {
    private static let stages: [StageKind] = [
        .json(JSONStageOptions(expressions: [StageMapping("user"), StageMapping("v")])),
        .metrics([
            MetricOptions(name: "c", kind: .counter, prefix: "", source: "v", action: .inc, labels: [StageMapping("user")]),
            MetricOptions(name: "h", kind: .histogram, prefix: "", source: "v", buckets: [1, 5], labels: []),
            MetricOptions(name: "g", kind: .gauge, prefix: "", source: "v", action: .set, labels: []),
        ]),
    ]

    /// As it goes through a file.
    private func restarted(_ bench: Bench) throws -> MetricSnapshot {
        let bytes = bench.environment.metricSnapshot().encode()
        return try withExtendedLifetime(bytes) { try MetricSnapshot(bytes.view) }
    }

    @Test("Numbers go on; gauges do not")
    func numbers() throws {
        let first = try Bench(Self.stages)
        _ = first.run([#"{"user":"a","v":1}"#, #"{"user":"a","v":7}"#])
        let second = try Bench(Self.stages, earlier: try restarted(first))
        #expect(second.registry.value("c", ["user": "a"]) == 2)
        #expect(second.registry.value("g") == nil)
        _ = second.run(Bench.batch([#"{"user":"a","v":3}"#], from: 1_000))
        #expect(second.registry.value("c", ["user": "a"]) == 3)
        let text = second.exposed()
        #expect(text.contains("h_bucket{le=\"1\"} 1") && text.contains("h_bucket{le=\"5\"} 2") && text.contains("h_sum 11"), "\(text)")
    }

    /// Lines are counted when they pass; what was not delivered is read again.
    @Test("Lines that are read again do not count again", arguments: [0, 1, 2, 3])
    func readAgain(committed: Int) throws {
        let lines = (0..<3).map { #"{"user":"a","v":\#($0)}"# }
        let first = try Bench(Self.stages)
        _ = first.run(Bench.batch(lines, source: "file:1:2:ab.77"))
        let second = try Bench(Self.stages, earlier: try restarted(first))
        let offset = UInt64(lines.prefix(committed).reduce(0) { $0 + $1.utf8.count + 1 })
        let again = second.run(Bench.batch(Array(lines.dropFirst(committed)) + [#"{"user":"a","v":9}"#], from: offset, source: "file:1:2:ab.77"))
        #expect(again.count == 4 - committed, "they are delivered")
        #expect(second.registry.value("c", ["user": "a"]) == 4)
        #expect(second.registry.value("h") == 4)
        // A crash in the middle of what is read again.
        let third = try Bench(Self.stages, earlier: try restarted(second))
        _ = third.run(Bench.batch(lines, source: "file:1:2:ab.77"))
        #expect(third.registry.value("c", ["user": "a"]) == 4)
    }

    /// It got no position, so it has a new name; the time when it was first seen is the only difference.
    @Test("A file of which nothing was ever committed is known again, another file is not")
    func neverCommitted() throws {
        let first = try Bench(Self.stages)
        _ = first.run(Bench.batch([#"{"user":"a","v":1}"#], source: "file:1:2:ab.77"))
        let second = try Bench(Self.stages, earlier: try restarted(first))
        _ = second.run(Bench.batch([#"{"user":"a","v":1}"#], source: "file:1:2:ab.99"))
        #expect(second.registry.value("c", ["user": "a"]) == 1)
        _ = second.run(Bench.batch([#"{"user":"a","v":1}"#], source: "file:1:3:ab.99"))
        #expect(second.registry.value("c", ["user": "a"]) == 2)
        // Two targets that read one file are two sources.
        _ = second.run(Bench.batch([#"{"user":"a","v":1}"#], source: "file:1:2:ab.99+1"))
        #expect(second.registry.value("c", ["user": "a"]) == 3)
    }

    @Test("A line that waits for more is counted after the restart, those behind it are not counted again")
    func waiting() throws {
        let stages: [StageKind] = [
            .metrics([MetricOptions(name: "raw", kind: .counter, prefix: "", action: .inc, matchAll: true, labels: [])]),
            .multiline(MultilineStageOptions(firstline: "^first")),
            .metrics([MetricOptions(name: "joined", kind: .counter, prefix: "", action: .inc, matchAll: true, labels: [])]),
        ]
        let first = try Bench(stages)
        _ = first.run(Bench.batch(["first 1", "more", "first 2", "more"], source: "f"))
        #expect(first.registry.value("joined") == 1)
        // Killed: the second entry was never emitted, and is read again from its first line.
        let second = try Bench(stages, earlier: try restarted(first))
        _ = second.run(Bench.batch(["first 2", "more", "more"], from: 13, source: "f"))
        second.runner.flush(into: second.output, all: true)
        #expect(second.registry.value("joined") == 2)
        #expect(second.registry.value("raw") == 5)
    }

    @Test("Labels of an earlier run pass the rules of this one; other labels and buckets are left behind")
    func changed() throws {
        let first = try Bench(Self.stages)
        _ = first.run([#"{"user":"alice@example.com","v":1}"#])
        let earlier = try restarted(first)
        let redacting = try Bench(Self.stages, redactor: try Redactor(), earlier: earlier)
        #expect(redacting.registry.value("c", ["user": "[REDACTED:email]"]) == 1)
        #expect(!redacting.exposed().contains("alice"))
        let other = try Bench([
            .metrics([
                MetricOptions(name: "c", kind: .counter, prefix: "", source: "v", action: .inc, labels: [StageMapping("model")]),
                MetricOptions(name: "h", kind: .histogram, prefix: "", source: "v", buckets: [2], labels: []),
            ])
        ], earlier: earlier)
        #expect(other.registry.kind(of: "c") == nil)
        #expect(other.registry.value("h") == 0)
        // What nobody counts now is kept for who counts it again.
        #expect(try restarted(try Bench([], earlier: earlier)).families["c"]?.series.count == 1)
    }

    @Test("Damage is told, not believed")
    func damage() throws {
        let bench = try Bench(Self.stages)
        _ = bench.run([#"{"user":"a","v":1}"#])
        let bytes = bench.environment.metricSnapshot().encode().view.copy()
        for cut in 0..<bytes.count {
            #expect(throws: DecodeError.self) { try Array(bytes[..<cut]).withView { view throws(DecodeError) in _ = try MetricSnapshot(view) } }
        }
        for at in stride(from: 0, to: bytes.count, by: 3) {
            var flipped = bytes
            flipped[at] ^= 0x40
            #expect(throws: DecodeError.self) { try flipped.withView { view throws(DecodeError) in _ = try MetricSnapshot(view) } }
        }
    }
}
