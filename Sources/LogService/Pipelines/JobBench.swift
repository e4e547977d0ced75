import Bytes
import LogConfig
import LogModel
import LogPipeline
import LogSources
import Metrics
import Redaction

/// The real pipeline of one job, redaction included, fed line by line by a program.
struct JobBench {
    struct Failure: Error { var message: String }

    let registry = Registry()
    let outline: [PipelineStage]
    private let runner: PipelineRunner
    private let output: PipelineOutput
    private let labels: Labels
    private var offset: UInt64 = 0

    /// `job`: where the file has more than one; `labels`: of the input, those of the job's first target otherwise.
    init(
        _ configuration: Configuration, job name: String?, labels: Labels?, clock: @escaping @Sendable () -> Timestamp,
        inspector: (Redactor?) -> PipelineInspector
    ) throws(Failure) {
        let jobs = configuration.scrapeConfigs
        guard let job = name == nil ? jobs.first : jobs.first(where: { $0.jobName == name }), name != nil || jobs.count == 1 else {
            let names = jobs.isEmpty ? "none" : jobs.map { "`\($0.jobName)`" }.joined(separator: ", ")
            throw Failure(message: name.map { "there is no job `\($0)`: there are \(names)" } ?? "say which `job`: there are \(names)")
        }
        self.labels = labels ?? Labels((job.fileTargets.first?.labels.pairs ?? []).filter { !$0.name.hasPrefix("__") })
        let redactor: Redactor?
        do throws(RedactionError) {
            redactor = if let settings = configuration.redaction { try Redactor(settings) } else { nil }
        } catch { throw Failure(message: "\(error)") }
        var environment = PipelineEnvironment(registry: registry, clock: clock)
        environment.redactor = redactor
        environment.inspector = inspector(redactor)
        do throws(PipelineError) {
            let pipeline = try Pipeline.build(job.stages, environment: environment)
            outline = pipeline.outline
            runner = pipeline.makeRunner()
        } catch { throw Failure(message: error.description) }
        output = PipelineOutput(intake: nil, ships: true, redactor: redactor, registry: registry)
    }

    /// What one more line has let go: nothing, itself, or lines that waited. `time`: when it is read.
    mutating func feed(_ line: ByteView, at time: Int64) -> WriteBatch? {
        let bytes = ByteArena(capacity: line.count + 1)
        bytes.append(line)
        bytes.append(0x0A)
        let end = offset + UInt64(bytes.count)
        let one = LineBatch.Line(start: 0, length: UInt32(line.count), labels: 0, timestamp: time, end: end)
        runner.process(
            LineBatch(
                source: "test", path: "/test", job: 0, labelSets: [labels], bytes: bytes.take(), lines: [one], from: offset,
                to: SourcePosition(offset: end)),
            into: output)
        offset = end
        return made()
    }

    /// What still waits for more lines.
    func flush() -> WriteBatch? {
        runner.flush(into: output, all: true)
        return made()
    }

    private func made() -> WriteBatch? {
        guard let batch = output.take().shipped, !batch.rows.isEmpty else { return nil }
        return batch
    }
}
