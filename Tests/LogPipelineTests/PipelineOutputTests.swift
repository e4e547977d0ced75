import Bytes
import LogModel
import Metrics
import Redaction
import Synchronization
import Testing

@testable import LogPipeline

@Suite("What leaves a pipeline")
struct PipelineOutputTests {
    private let specs = [
        StageSpec(.json(JSONStageOptions(expressions: ["level", "id"].map { StageMapping($0) }))), StageSpec(.labels([StageMapping("level")])),
        StageSpec(.structuredMetadata([StageMapping("owner", "id")])),
    ]

    private func process(_ output: PipelineOutput, _ lines: [String], _ specs: [StageSpec]) throws -> PipelineOutput.Taken {
        let pipeline = try Pipeline.build(specs, environment: PipelineEnvironment(clock: { Timestamp(nanoseconds: Bench.now) }))
        pipeline.makeRunner().process(Bench.batch(lines), into: output)
        return output.take()
    }

    private var intake: Intake { Intake(clock: { Timestamp(nanoseconds: Bench.now) }) }

    @Test("The store gets service_name and detected_level, the wire only what the stages made; both get the advance")
    func both() throws {
        let output = PipelineOutput(intake: intake, ships: true)
        let taken = try process(output, [#"{"level":"WARN","id":"r1"}"#, "an error"], specs)
        let stored = try #require(taken.stored)
        #expect(stored.messages.isEmpty)
        #expect(Bench.entries(stored.batch).map(\.labels) == [#"{job="j", level="WARN", service_name="j"}"#, #"{job="j", service_name="j"}"#])
        #expect(Bench.entries(stored.batch).map(\.metadata) == [#"{detected_level="warn", owner="r1"}"#, #"{detected_level="error"}"#])
        let shipped = try #require(taken.shipped)
        #expect(Bench.entries(shipped).map(\.labels) == [#"{job="j", level="WARN"}"#, #"{job="j"}"#])
        #expect(Bench.entries(shipped).map(\.metadata) == [#"{owner="r1"}"#, "{}"])
        #expect(stored.batch.advances == shipped.advances && shipped.advances.count == 1)
        #expect(output.isEmpty && output.count == 0 && output.byteCount == 0)
    }

    @Test("A level in the metadata is the line's level")
    func levelFromMetadata() throws {
        let taken = try process(
            PipelineOutput(intake: intake, ships: false), [#"{"level":"Notice","id":"error"}"#],
            [specs[0], StageSpec(.structuredMetadata([StageMapping("severity_text", "level")]))])
        #expect(taken.stored?.batch.metadata.last?.description == #"{detected_level="Notice", severity_text="Notice"}"#)
    }

    @Test("An output may be taken and filled again, by several runners")
    func reuse() throws {
        let pipeline = try Pipeline.build(specs, environment: PipelineEnvironment())
        let runners = [pipeline.makeRunner(), pipeline.makeRunner()]
        let output = PipelineOutput(intake: nil, ships: true)
        for round in 0..<3 {
            for (i, runner) in runners.enumerated() {
                runner.process(Bench.batch([#"{"level":"l\#(i)"}"#, "x"], from: UInt64(round) * 14, source: "s\(i)"), into: output)
            }
            let batch = try #require(output.take().shipped)
            #expect(Bench.entries(batch).map(\.labels) == [#"{job="j", level="l0"}"#, #"{job="j"}"#, #"{job="j", level="l1"}"#, #"{job="j"}"#])
        }
    }

    @Test("Redaction reaches line, labels and metadata on every way out (I6)", arguments: [true, false])
    func redaction(asStage: Bool) throws {
        let secret = "jane.doe@example.com"
        let line = #"{"level":"\#(secret)","id":"\#(secret)"}"#
        var specs = specs
        if asStage { specs = [StageSpec(.redact(RedactionSettings())), specs[0], specs[1], specs[2]] }
        let output = PipelineOutput(intake: intake, ships: true, redactor: asStage ? nil : try Redactor(RedactionSettings()))
        let taken = try process(output, [line, "mail \(secret)"], specs)
        for batch in [taken.stored?.batch, taken.shipped] {
            let batch = try #require(batch)
            #expect(batch.rows.count == 2)
            for entry in Bench.entries(batch) { #expect(!entry.description.contains(secret), "\(entry)") }
        }
    }

    @Test("A stage that redacts after values were extracted still cleans labels and metadata")
    func lateRedaction() throws {
        let secret = "jane.doe@example.com"
        let taken = try process(
            PipelineOutput(intake: nil, ships: true), [#"{"id":"\#(secret)","level":"\#(secret)"}"#], specs + [StageSpec(.redact(RedactionSettings()))])
        for entry in Bench.entries(try #require(taken.shipped)) { #expect(!entry.description.contains(secret), "\(entry)") }
    }

    @Test("Many label sets: numbers begin anew, lines do not suffer")
    func manySets() throws {
        let pipeline = try Pipeline.build(specs, environment: PipelineEnvironment())
        let runner = pipeline.makeRunner()
        let output = PipelineOutput(intake: nil, ships: true)
        var n = 0
        while runner.sets.generation == 0, n < 3 * LabelSets.countMax {
            runner.process(Bench.batch((0..<1000).map { #"{"level":"\#(n + $0)"}"# }), into: output)
            n += 1000
            let rows = Bench.entries(try #require(output.take().shipped))
            #expect(rows.last?.labels == #"{job="j", level="\#(n - 1)"}"#)
        }
        #expect(runner.sets.generation == 1)
    }

    /// A `labels: {request_id}` made a stream a line, and the server at the other end died of it.
    @Test("A label that takes too many values ships as metadata, and that is said once")
    func wideLabels() throws {
        let said = Mutex<[String]>([])
        let registry = Registry()
        let guarding = LabelGuard(registry: registry, clock: { Timestamp(nanoseconds: Bench.now) }) { text in said.withLock { $0.append(text) } }
        let output = PipelineOutput(intake: nil, ships: true, labelGuard: (guarding, 10))
        let specs = [specs[0], StageSpec(.labels([StageMapping("id"), StageMapping("level")]))]
        let taken = try process(output, (0..<50).map { #"{"id":"r\#($0)","level":"info"}"# }, specs)
        let entries = Bench.entries(try #require(taken.shipped))
        #expect(entries.count == 50 && Set(entries.map(\.labels)).count == 11)
        #expect(entries.last?.labels == #"{job="j", level="info"}"# && entries.last?.metadata == #"{id="r49"}"#)
        // The next batch begins without numbers, and remembers all the same.
        let next = try process(output, [#"{"id":"r1","level":"warn"}"#], specs)
        #expect(Bench.entries(try #require(next.shipped)).map(\.labels) == [#"{job="j", level="warn"}"#])
        #expect(said.withLock { $0.count } == 1 && registry.value("tailrace_demoted_labels_total") == 1)
    }

    @Test("Structured metadata that comes with lines is kept, also while they wait; what a stage sets goes over it")
    func metadataOfLines() throws {
        let output = PipelineOutput(intake: nil, ships: true)
        let pipeline = try Pipeline.build([
            StageSpec(.multiline(MultilineStageOptions(firstline: "^>"))), StageSpec(.logfmt(LogfmtStageOptions(mapping: [StageMapping("owner")]))),
            StageSpec(.structuredMetadata([StageMapping("owner")])),
        ], environment: PipelineEnvironment())
        let runner = pipeline.makeRunner()
        var batch = Bench.batch(["a", "b", "> owner=stage", "and more"])
        batch.metadataSets = [Labels(), Labels(["trace.id": "1", "owner": "sender"]), Labels(["trace.id": "2"])]
        for (line, set) in [1, 0, 1, 2].enumerated() { batch.lines[line].metadata = UInt32(set) }
        runner.process(batch, into: output)
        runner.flush(into: output, all: true)
        // A number that stands for nothing.
        batch.lines = [batch.lines[0]]
        batch.lines[0].metadata = 9
        runner.process(batch, into: output)
        let entries = Bench.entries(try #require(output.take().shipped))
        #expect(
            entries.map { $0.line + $0.metadata } == [
                #"a{owner="sender", trace_id="1"}"#, "b{}", "> owner=stage\nand more" + #"{owner="stage", trace_id="1"}"#, "a{}",
            ])
    }

    @Test("Times of arrival are set apart, times of the sender stay")
    func keptTimes() throws {
        for keeps in [false, true] {
            let output = PipelineOutput(intake: nil, ships: true)
            var batch = Bench.batch(["a", "a", "a"])
            batch.lines[2].timestamp -= 5
            batch.keepsTimes = keeps
            try Pipeline.build([], environment: PipelineEnvironment()).makeRunner().process(batch, into: output)
            let times = Bench.entries(try #require(output.take().shipped)).map { $0.timestamp - Bench.now }
            #expect(times == (keeps ? [0, 0, -5] : [0, 1, 2]))
        }
    }
}
