import Bytes
import Glibc
import LogModel
import Metrics
import Redaction
import Testing

@testable import LogPipeline

/// What a pipeline made of some lines.
struct Emitted: Equatable, CustomStringConvertible {
    var line: String
    var labels: String
    var metadata: String
    var timestamp: Int64

    var description: String { "\(timestamp) \(labels) \(metadata) \(line)" }
}

/// A pipeline, fed line by line.
struct Bench {
    let registry = Registry()
    let environment: PipelineEnvironment
    let pipeline: Pipeline
    let runner: PipelineRunner
    let output: PipelineOutput
    private var offset: UInt64 = 0

    /// 2026-11-21T08:00:00Z
    static let now: Int64 = 1_795_248_000_000_000_000

    init(_ kinds: [StageKind], redactor: Redactor? = nil, earlier: MetricSnapshot? = nil,
        now: @escaping @Sendable () -> Int64 = { Bench.now }) throws {
        var environment = PipelineEnvironment(registry: registry, clock: { Timestamp(nanoseconds: now()) })
        environment.redactor = redactor
        if let earlier { environment.restore(earlier) }
        self.environment = environment
        pipeline = try Pipeline.build(kinds.map { StageSpec($0) }, environment: environment)
        runner = pipeline.makeRunner()
        output = PipelineOutput(intake: nil, ships: true)
    }

    static func batch(
        _ lines: [String], labels: KeyValuePairs<String, String> = ["job": "j"], from: UInt64 = 0, source: String = "s",
        timestamp: Int64 = Bench.now
    ) -> LineBatch {
        let bytes = ByteArena()
        var list: [LineBatch.Line] = []
        for line in lines {
            let start = bytes.count
            bytes.append(line)
            bytes.append(0x0A)
            list.append(
                LineBatch.Line(
                    start: UInt32(start), length: UInt32(line.utf8.count), labels: 0, timestamp: timestamp,
                    end: from + UInt64(bytes.count)))
        }
        let to = SourcePosition(offset: from + UInt64(bytes.count))
        return LineBatch(
            source: ByteString(source), path: "/var/log/x.log", job: 0, labelSets: [Labels(labels)],
            bytes: bytes.take(), lines: list, from: from, to: to)
    }

    /// Runs the lines and returns what came out of them.
    func run(_ lines: [String], labels: KeyValuePairs<String, String> = ["job": "j"], timestamp: Int64 = Bench.now)
        -> [Emitted]
    {
        runner.process(Self.batch(lines, labels: labels, timestamp: timestamp), into: output)
        return take()
    }

    func run(_ batch: LineBatch) -> [Emitted] {
        runner.process(batch, into: output)
        return take()
    }

    func take() -> [Emitted] {
        guard let batch = output.take().shipped else { return [] }
        return Self.entries(batch)
    }

    static func entries(_ batch: WriteBatch) -> [Emitted] {
        batch.rows.map { row in
            Emitted(
                line: batch.withLine(row) { $0.string }, labels: batch.streams[Int(row.stream)].description,
                metadata: batch.metadata[Int(row.metadata)].description, timestamp: row.timestamp)
        }
    }

    func exposed(_ format: ExpositionFormat = .text) -> String {
        let out = ByteArena()
        registry.expose(into: out, format)
        return out.view.string
    }
}

/// The directory with data that is not part of the repository, or nil (the test then says so and passes).
func sharedDirectory() -> String? {
    var candidates: [String] = []
    if let variable = getenv("TAILRACE_SHARED") { candidates.append(String(cString: variable)) }
    // Tests run in the package's directory, or in one beside it.
    candidates += ["../shared", "../../shared"]
    for path in candidates where access(path + "/conformance/corpus", R_OK) == 0 { return path }
    print("SKIPPED: no shared data; set TAILRACE_SHARED")
    return nil
}

func contents(_ path: String) -> [UInt8]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var out: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let n = fread(&buffer, 1, buffer.count, file)
        if n == 0 { return out }
        out += buffer[..<n]
    }
}
