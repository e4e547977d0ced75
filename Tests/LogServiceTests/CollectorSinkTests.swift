import Bytes
import Disk
import LogModel
import LogPipeline
import Metrics
import Testing

@testable import LogService

@Suite struct CollectorSinkTests {
    static func sink(
        _ stages: [[StageKind]], _ destination: FakeDestination, batchSize: Int = 1 << 20, batchWait: Int64 = 0,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) throws -> CollectorSink {
        let registry = Registry()
        let environment = PipelineEnvironment(registry: registry)
        return CollectorSink(
            pipelines: try stages.map { try Pipeline.build($0.map { StageSpec($0) }, environment: environment) }, intake: nil,
            redactor: nil, registry: registry, destination: destination,
            settings: CollectorSink.Settings(batchSize: batchSize, batchWait: batchWait), report: report)
    }

    static func batch(_ lines: [String], job: Int = 0, source: String = "s", path: String = "/var/log/a.log", from: UInt64 = 0)
        -> LineBatch
    {
        let bytes = ByteArena()
        var list: [LineBatch.Line] = []
        for line in lines {
            let start = bytes.count
            bytes.append(line)
            bytes.append(0x0A)
            list.append(
                LineBatch.Line(
                    start: UInt32(start), length: UInt32(line.utf8.count), labels: 0, timestamp: 1,
                    end: from + UInt64(bytes.count)))
        }
        let to = SourcePosition(offset: from + UInt64(bytes.count))
        return LineBatch(
            source: ByteString(source), path: path, job: job, labelSets: [Labels(["job": "j"])], bytes: bytes.take(),
            lines: list, from: from, to: to)
    }

    /// A block of `multiline` was let go two seconds after the batch with its first line had been cut. Its position was
    /// saved under the path "", and the paths of Promtail's file were wrong from then on.
    @Test func positionsOfWaitingLinesKeepTheirPath() throws {
        let destination = FakeDestination()
        let sink = try Self.sink([[.multiline(MultilineStageOptions(firstline: "^START"))]], destination)
        try sink.deliver(Self.batch(["before", "START", "more"]))
        sink.tick()
        sink.tick(all: true)
        #expect(destination.lines == ["before", "START\nmore"])
        for batch in destination.batches {
            #expect(!batch.batch.advances.isEmpty)
            for advance in batch.batch.advances { #expect(batch.paths[advance.source] == "/var/log/a.log") }
        }
        #expect(destination.batches.last?.batch.advances.last?.to.offset == 18)
    }

    @Test func pathsOfSourcesThatWaitForNothingAreForgotten() throws {
        let destination = FakeDestination()
        let sink = try Self.sink([[]], destination)
        try sink.deliver(Self.batch(["a"], source: "s1"))
        sink.tick()
        try sink.deliver(Self.batch(["b"], source: "s2", path: "/var/log/b.log"))
        sink.tick()
        #expect(destination.batches.map(\.paths) == [["s1": "/var/log/a.log"], ["s2": "/var/log/b.log"]])
    }

    /// Submitting happened under the lane's lock: when the destination stood still, the clock waited for that lock and no
    /// other job's lines were handed on.
    @Test(.timeLimit(.minutes(2))) func aStalledJobDoesNotStopTheClock() throws {
        let destination = FakeDestination()
        let sink = try Self.sink([[], []], destination, batchSize: 1)
        destination.stall(true)
        let stuck = Worker("stuck") { try? sink.deliver(Self.batch(["one"], job: 0)) }
        try #require(destination.waitUntil(inside: 1))
        // The clock's own submission stalls as well, but it gets there, past the stalled lane.
        let other = Worker("other") { try? sink.deliver(Self.batch(["two"], job: 1, source: "t")) }
        try #require(destination.waitUntil(inside: 2))
        sink.tick()
        destination.stall(false)
        stuck?.join()
        other?.join()
        sink.tick(all: true)
        #expect(Set(destination.lines) == ["one", "two"])
    }

    @Test(.timeLimit(.minutes(2))) func batchesOfAJobGoInTheOrderOfTheirLines() throws {
        let destination = FakeDestination()
        let sink = try Self.sink([[]], destination, batchSize: 1)
        destination.stall(true)
        let reader = Worker("reader") {
            for number in 0..<200 {
                try? sink.deliver(Self.batch(["\(number)"], from: UInt64(number) * 10))
            }
        }
        try #require(destination.waitUntil(inside: 1))
        sink.tick()
        destination.stall(false)
        let running = Monitor(true)
        let clock = Worker("clock") { while running.withLock({ $0 }) { sink.tick() } }
        reader?.join()
        running.change { $0 = false }
        clock?.join()
        sink.tick(all: true)
        #expect(destination.lines == (0..<200).map(String.init))
    }

    @Test func aDaemonKeepsTheLatestWordsOnly() throws {
        let destination = FakeDestination()
        let sink = try Self.sink([[]], destination, batchSize: 1)
        for number in 0..<50 { try sink.deliver(Self.batch(["\(number)"], from: UInt64(number) * 10)) }
        destination.report(.refused("no"))
        #expect(sink.summary.refused.count == 50)
        #expect(sink.summary.refused.latest.count == Incidents.latestMax)
        #expect(sink.summary.underWay == 0)
        #expect(sink.summary.hasLost)
    }

    @Test func aClosedSinkTurnsSourcesAway() throws {
        let sink = try Self.sink([[]], FakeDestination())
        sink.close()
        #expect(throws: CollectorSink.Closed.self) { try sink.deliver(Self.batch(["a"])) }
    }
}

@Suite struct RefusalReportTests {
    private let future = #"entry for stream '{job="j"}' has timestamp too new: 2026-11-21T12:00:00Z"#

    @Test func manyLinesAreOneReport() throws {
        let text = try #require(RefusalReport.line(count: 21, messages: [future, future + "1"]))
        #expect(text.hasPrefix("21 lines refused: their time is too far in the future; for example: \(future)"))
        #expect(text.contains("time zone"))
        #expect(!text.contains("\n"))
    }

    @Test func otherReasonsAreNamedWithoutAHint() throws {
        let text = try #require(
            RefusalReport.line(count: 1, messages: ["max entry size '10' bytes exceeded for stream '{}' while adding an entry"]))
        #expect(text.hasPrefix("1 line refused: they are longer than limits.max_line_size; for example: max entry size"))
        #expect(!text.contains("time zone"))
        #expect(RefusalReport.line(count: 0, messages: []) == nil)
    }
}

@Suite struct TenantStageTests {
    @Test func theStageIsFoundInsideMatch() {
        let tenant = StageSpec(.tenant(label: nil, source: nil, value: "a"))
        let inside = StageSpec(.match(MatchStageOptions(selector: #"{job="j"}"#, stages: [tenant])))
        #expect(TenantStages.warning([("plain", [])]) == nil)
        #expect(TenantStages.warning([("plain", []), ("nested", [inside])])?.contains("job nested ") == true)
    }
}
