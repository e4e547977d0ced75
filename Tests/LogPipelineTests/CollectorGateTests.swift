import Bytes
import LogModel
import Metrics
import Synchronization
import Testing

@testable import LogPipeline

@Suite("limits_config")
struct CollectorGateTests {
    /// Nanoseconds that a test moves.
    final class Clock: Sendable {
        private let time = Atomic<Int64>(0)
        var now: Int64 { time.load(ordering: .relaxed) }
        func advance(_ nanoseconds: Int64) { time.add(nanoseconds, ordering: .relaxed) }
    }

    private func gate(
        _ registry: Registry = Registry(), _ clock: Clock = Clock(), _ change: (inout CollectorLimits) -> Void
    ) -> CollectorGate? {
        var limits = CollectorLimits()
        change(&limits)
        return CollectorGate(limits, registry: registry, clock: { clock.now })
    }

    private func admit(_ gate: CollectorGate?, _ line: String) -> String? {
        let scratch = ByteArena()
        return line.withView { view in gate?.admit(view, scratch: scratch)?.string }
    }

    @Test("Nothing limited, no gate")
    func none() { #expect(gate { _ in } == nil) }

    @Test("Long lines are dropped, or cut before a character that does not fit")
    func lineSize() {
        let registry = Registry()
        let drops = gate(registry) { $0.maxLineSize = 4 }
        #expect(admit(drops, "1234") == "1234")
        #expect(admit(drops, "12345") == nil)
        #expect(registry.value("logentry_dropped_lines_total", ["reason": "line_too_long"]) == 1)
        let cuts = gate(registry) {
            $0.maxLineSize = 4
            $0.maxLineSizeTruncate = true
        }
        #expect(admit(cuts, "12345") == "1234")
        #expect(admit(cuts, "123é") == "123")
        #expect(registry.value("tailrace_collector_truncated_lines_total") == 2)
    }

    @Test("Lines over the rate are dropped until the bucket fills again")
    func rateDrops() {
        let registry = Registry()
        let clock = Clock()
        let gate = gate(registry, clock) {
            $0.readlineRateEnabled = true
            $0.readlineRate = 2
            $0.readlineBurst = 3
        }
        let taken = (0..<5).compactMap { admit(gate, "\($0)") }
        #expect(taken == ["0", "1", "2"])
        clock.advance(1_000_000_000)
        #expect((0..<5).compactMap { admit(gate, "\($0)") } == ["0", "1"])
        #expect(registry.value("logentry_dropped_lines_total", ["reason": "global_rate_limiter_drop"]) == 5)
        #expect(gate?.pause(afterLines: 100) == 0)
    }

    @Test("Or reading waits, and no line is dropped")
    func rateWaits() {
        let clock = Clock()
        let gate = gate(Registry(), clock) {
            $0.readlineRateEnabled = true
            $0.readlineRateDrop = false
            $0.readlineRate = 10
            $0.readlineBurst = 20
        }
        #expect((0..<100).allSatisfy { admit(gate, "\($0)") != nil })
        #expect(gate?.pause(afterLines: 20) == 0)
        #expect(gate?.pause(afterLines: 5) == 500_000_000)
        clock.advance(500_000_000)
        #expect(gate?.pause(afterLines: 1) == 100_000_000)
        clock.advance(10_000_000_000)
        #expect(gate?.pause(afterLines: 20) == 0)
    }

    @Test("Of more streams than allowed in a batch the new ones are dropped, and only they; the next batch begins anew")
    func streams() throws {
        let registry = Registry()
        let gate = gate(registry) { $0.maxStreams = 2 }
        let output = PipelineOutput(intake: nil, ships: true, gate: gate)
        let runner = try Pipeline.build([], environment: PipelineEnvironment(registry: registry)).makeRunner()
        func deliver(_ apps: [String]) {
            let text = Array("x".utf8)
            runner.process(
                LineBatch(
                    source: "s", path: "/s", job: 0, labelSets: apps.map { Labels(["app": $0]) }, bytes: OwnedBytes(text),
                    lines: apps.indices.map {
                        LineBatch.Line(start: 0, length: 1, labels: UInt32($0), timestamp: 1, end: 2)
                    }, from: 0, to: SourcePosition(offset: 2)), into: output)
        }
        deliver(["a", "b", "a", "c", "d", "b"])
        #expect(output.take().shipped?.rows.count == 4)
        #expect(registry.value("logentry_dropped_lines_total", ["reason": "stream_limited"]) == 2)
        deliver(["c", "d"])
        #expect(output.take().shipped?.rows.count == 2)
    }
}
