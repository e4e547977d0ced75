import Bytes
import LogConfig
import LogModel
import LogPipeline
import LogQL
import LogSources
import Metrics
import Redaction
import Synchronization

/// The pipeline of one job, fed line by line, with every stage watched.
struct TestBench {
    struct Failure: Error { var message: String }

    /// One thing that came out, and the way it took.
    private struct Made {
        var line: String
        var labels: Labels
        var metadata: Labels
        var timestamp: Int64
        var steps: [PipelineInspector.Step]
    }

    private final class Watcher: Sendable {
        let steps = Mutex<[PipelineInspector.Step]>([])
        func take() -> [PipelineInspector.Step] {
            steps.withLock { steps in
                defer { steps = [] }
                return steps
            }
        }
    }

    private let registry = Registry()
    private let watcher = Watcher()
    private let runner: PipelineRunner
    private let output: PipelineOutput
    private let labels: Labels

    init(_ configuration: Configuration, _ test: PipelineTestCase) throws(Failure) {
        let jobs = configuration.scrapeConfigs
        guard let job = test.job == nil ? jobs.first : jobs.first(where: { $0.jobName == test.job }), test.job != nil || jobs.count == 1 else {
            let names = jobs.map { "`\($0.jobName)`" }.joined(separator: ", ")
            throw Failure(message: test.job.map { "there is no job `\($0)`: there are \(names)" } ?? "say which `job`: there are \(names)")
        }
        labels = test.labels ?? Labels((job.fileTargets.first?.labels.pairs ?? []).filter { !$0.name.hasPrefix("__") })
        let redactor: Redactor?
        do throws(RedactionError) {
            redactor = if let settings = configuration.redaction { try Redactor(settings) } else { nil }
        } catch { throw Failure(message: "\(error)") }
        let now = test.now
        var environment = PipelineEnvironment(registry: registry, clock: { Timestamp(nanoseconds: now) })
        environment.redactor = redactor
        environment.inspector = PipelineInspector(redactor: redactor) { [watcher] step in watcher.steps.withLock { $0.append(step) } }
        do throws(PipelineError) {
            runner = try Pipeline.build(job.stages, environment: environment).makeRunner()
        } catch { throw Failure(message: error.description) }
        output = PipelineOutput(intake: nil, ships: true, redactor: redactor, registry: registry)
    }

    /// What differs, in words; empty: nothing.
    func run(_ test: PipelineTestCase) -> [String] {
        var made: [Made] = []
        var lost: [[PipelineInspector.Step]] = []
        var offset: UInt64 = 0
        func take(_ made: inout [Made], lost: inout [[PipelineInspector.Step]]) {
            let steps = watcher.take()
            guard let batch = output.take().shipped, !batch.rows.isEmpty else {
                lost.append(steps)
                return
            }
            // Of several entries that one line has let go the steps are those of all.
            for row in batch.rows {
                made.append(
                    Made(
                        line: batch.withLine(row) { $0.string }, labels: batch.streams[Int(row.stream)],
                        metadata: batch.metadata[Int(row.metadata)], timestamp: row.timestamp, steps: steps))
            }
        }
        for line in test.input {
            let bytes = ByteArena()
            bytes.append(line)
            let length = bytes.count
            bytes.append(0x0A)
            let end = offset + UInt64(bytes.count)
            let one = LineBatch.Line(start: 0, length: UInt32(length), labels: 0, timestamp: test.now, end: end)
            runner.process(
                LineBatch(
                    source: "test", path: "/test", job: 0, labelSets: [labels], bytes: bytes.take(), lines: [one], from: offset,
                    to: SourcePosition(offset: end)),
                into: output)
            offset = end
            take(&made, lost: &lost)
        }
        runner.flush(into: output, all: true)
        take(&made, lost: &lost)

        var differences: [String] = []
        if let entries = test.entries { compare(entries, made, lost, &differences) }
        if let dropped = test.dropped, test.input.count - made.count != dropped {
            differences.append("dropped: \(test.input.count - made.count), not \(dropped)" + Self.ends(lost))
        }
        compare(test.metrics, &differences)
        return differences
    }

    // MARK: Entries

    private func compare(
        _ wanted: [PipelineTestCase.Entry], _ made: [Made], _ lost: [[PipelineInspector.Step]], _ out: inout [String]
    ) {
        if wanted.count != made.count {
            out.append("\(made.count) entries, not \(wanted.count)" + (made.count < wanted.count ? Self.ends(lost) : ""))
        }
        for (number, (wanted, made)) in zip(wanted, made).enumerated() {
            let place = "entry \(number + 1)"
            if let labels = wanted.labels, labels != made.labels {
                for name in Set(labels.pairs.map(\.name) + made.labels.pairs.map(\.name)).sorted() where labels[name] != made.labels[name] {
                    let what = "\(place): label \(name.string): \(Self.text(made.labels[name])), not \(Self.text(labels[name]))"
                    out.append(what + Self.blame(made.steps) { $0.labels[name] != $1.labels[name] })
                }
            }
            if let metadata = wanted.metadata, metadata != made.metadata {
                out.append(
                    "\(place): structured metadata \(made.metadata), not \(metadata)" + Self.blame(made.steps) { $0.metadata != $1.metadata })
            }
            if let time = wanted.timestamp, time != made.timestamp {
                out.append(
                    "\(place): time \(Self.time(made.timestamp)), not \(Self.time(time))"
                        + Self.blame(made.steps) { $0.timestamp != $1.timestamp })
            }
            func line(_ what: String) { out.append("\(place): line \(Self.quoted(made.line)) \(what)" + Self.blame(made.steps) { $0.line != $1.line }) }
            if let text = wanted.line, text != made.line { line("is not \(Self.quoted(text))") }
            if let pattern = wanted.lineMatches, let regex = try? CompiledRegex(pattern), !made.line.withView({ regex.matches($0) }) {
                line("does not match \(pattern)")
            }
            for text in wanted.lineContains where !Self.contains(made.line, text) { line("does not hold \(Self.quoted(text))") }
            for text in wanted.lineNotContains where Self.contains(made.line, text) { line("holds \(Self.quoted(text))") }
        }
    }

    private static func contains(_ line: String, _ text: String) -> Bool { line.withView { line in text.withView { line.contains($0) } } }

    /// Which stage made it so: the last one behind which it looked otherwise than before.
    private static func blame(
        _ steps: [PipelineInspector.Step], _ changed: (PipelineInspector.Picture, PipelineInspector.Picture) -> Bool
    ) -> String {
        guard let step = steps.last(where: { step in step.after.map { changed(step.before, $0) } ?? false }) else {
            return "\nno stage has changed it"
        }
        return "\nstage \(step.number) `\(step.stage)` made it so"
    }

    private static func ends(_ lost: [[PipelineInspector.Step]]) -> String {
        var words = ""
        for steps in lost {
            guard let last = steps.last, last.after == nil else { continue }
            words += "\nends at stage \(last.number) `\(last.stage)`: \(quoted(last.before.line))"
        }
        return words
    }

    private static func text(_ value: ByteString?) -> String { value.map { quoted($0.string) } ?? "none" }
    private static func quoted(_ text: String) -> String { GoQuote.quote(text) }
    private static func time(_ nanoseconds: Int64) -> String { PipelineInspector.time(nanoseconds) }

    // MARK: Metrics

    /// What a scraper reads: `name{label="value",…} number`.
    private static func samples(_ registry: Registry) -> [(name: String, labels: Labels, value: Double)] {
        let text = ByteArena()
        registry.expose(into: text)
        var found: [(name: String, labels: Labels, value: Double)] = []
        for line in text.view.string.split(separator: "\n") where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " "), let value = Double(line[line.index(after: space)...]) else { continue }
            let series = line[..<space]
            guard let brace = series.firstIndex(of: "{") else {
                found.append((String(series), Labels(), value))
                continue
            }
            let matchers = (try? LogQL.parseLog(String(series[brace...])).matchers) ?? []
            found.append((String(series[..<brace]), Labels(matchers.map { Label($0.name, $0.value) }), value))
        }
        return found
    }

    private func compare(_ wanted: [(selector: String, value: Double)], _ out: inout [String]) {
        guard !wanted.isEmpty else { return }
        let samples = Self.samples(registry)
        for (selector, value) in wanted {
            let name = String(selector.prefix { $0 != "{" })
            var matchers: [LabelMatcher] = []
            if name != selector {
                do throws(LogQLError) { matchers = try LogQL.parseLog(String(selector.dropFirst(name.count))).matchers } catch {
                    out.append("metric \(selector): \(error)")
                    continue
                }
            }
            let found = samples.filter { $0.name == name && matchers.matches($0.labels) }
            let sum = found.reduce(0) { $0 + $1.value }
            if found.isEmpty {
                let others = samples.filter { $0.name == name }.map { "\($0.labels)" }
                out.append("metric \(selector): there is none, not \(value)" + (others.isEmpty ? "" : "\nthere are \(others.joined(separator: ", "))"))
            } else if abs(sum - value) > 1e-9 * max(1, abs(value)) {
                out.append("metric \(selector): \(sum), not \(value)")
            }
        }
    }
}
