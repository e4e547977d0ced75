import Bytes
import LogConfig
import LogModel
import LogPipeline
import LogQL
import Metrics
import Synchronization

/// The pipeline of one job, fed line by line, with every stage watched.
struct TestBench {
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

    private let watcher: Watcher
    private var bench: JobBench
    /// What this test, and those of the same job before it, have touched.
    var coverage: PipelineCoverage

    init(_ configuration: Configuration, _ test: PipelineTestCase) throws(JobBench.Failure) {
        let now = test.now
        let watcher = Watcher()
        self.watcher = watcher
        bench = try JobBench(configuration, job: test.job, labels: test.labels, clock: { Timestamp(nanoseconds: now) }) { redactor in
            PipelineInspector(redactor: redactor) { step in watcher.steps.withLock { $0.append(step) } }
        }
        coverage = PipelineCoverage(bench.outline)
    }

    /// What differs, in words; empty: nothing.
    mutating func run(_ test: PipelineTestCase) -> [String] {
        var made: [Made] = []
        var lost: [[PipelineInspector.Step]] = []
        func take(_ batch: WriteBatch?) {
            let steps = watcher.take()
            coverage.add(steps)
            guard let batch else {
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
        for line in test.input { take(line.withView { bench.feed($0, at: test.now) }) }
        take(bench.flush())

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
        let samples = Self.samples(bench.registry)
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
