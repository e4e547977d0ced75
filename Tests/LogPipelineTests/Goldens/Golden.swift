import Bytes
import LogConfig
import LogModel
import Metrics
import Synchronization
import Testing

@testable import LogPipeline

/// What a pipeline makes of lines, written down: stages as a person writes them, lines in, entries out.
///
/// Expected entries are written `{labels} time line`, with `{metadata}` between time and line where there is any. Times are
/// `now`, `now+1` (nanoseconds), or RFC 3339.
struct Golden: Sendable, CustomTestStringConvertible {
    enum Step: Sendable, ExpressibleByStringLiteral {
        /// A line of the stream `{job="j"}`.
        case line(String)
        /// A line of another stream.
        case of(KeyValuePairs<String, String>, String)
        case bytes([UInt8])
        /// So many seconds pass in silence.
        case silence(Double)
        /// The collector stops.
        case stop

        init(stringLiteral text: String) { self = .line(text) }
    }

    var name: String
    /// `pipeline_stages`, a YAML list.
    var stages: String
    var steps: [Step]
    var expected: [String]
    /// Lines of `/metrics` afterwards.
    var metrics: [String] = []
    /// Why this is on purpose another result than Promtail's.
    var differs: String?
    /// Wall clock, nanoseconds.
    var now = Bench.now

    init(
        _ name: String, _ stages: String, _ steps: [Step], _ expected: [String], metrics: [String] = [],
        differs: String? = nil, now: Int64 = Bench.now
    ) {
        self.name = name
        self.stages = stages
        self.steps = steps
        self.expected = expected
        self.metrics = metrics
        self.differs = differs
        self.now = now
    }

    var testDescription: String { differs.map { "\(name) (not as Promtail: \($0))" } ?? name }

    /// A promtail.yaml around the stages, through the loader that reads real ones.
    static func configuration(_ stages: String) throws(ConfigurationErrors) -> Configuration {
        let indented = stages.split(separator: "\n").map { "      " + $0 }.joined(separator: "\n")
        let text = """
            clients: [{url: "http://127.0.0.1:1/loki/api/v1/push"}]
            scrape_configs:
              - job_name: golden
                static_configs: [{targets: [localhost], labels: {job: j, __path__: /var/log/x.log}}]
                pipeline_stages:
            \(indented)
            """
        return try ConfigurationLoader.parse(text: text, file: "golden.yaml")
    }

    func run() throws {
        let stages = try Self.configuration(stages).scrapeConfigs[0].stages
        let time = Clock(now)
        let registry = Registry()
        let pipeline = try Pipeline.build(
            stages, environment: PipelineEnvironment(registry: registry, clock: { Timestamp(nanoseconds: time.now) }))
        let runner = pipeline.makeRunner()
        let output = PipelineOutput(intake: nil, ships: true)
        var got: [String] = []
        func take() {
            guard let batch = output.take().shipped else { return }
            got += Bench.entries(batch).map { entry in
                let metadata = entry.metadata == "{}" ? "" : entry.metadata + " "
                return "\(entry.labels) \(Self.time(entry.timestamp, now: now)) \(metadata)\(entry.line)"
            }
        }
        var offset: UInt64 = 0
        func feed(_ line: [UInt8], _ labels: Labels) {
            let bytes = ByteArena()
            bytes.append(line)
            bytes.append(0x0A)
            let end = offset + UInt64(bytes.count)
            let list = [
                LineBatch.Line(start: 0, length: UInt32(line.count), labels: 0, timestamp: time.now, end: end)
            ]
            runner.process(
                LineBatch(
                    source: "s", path: "/var/log/x.log", job: 0, labelSets: [labels], bytes: bytes.take(), lines: list,
                    from: offset, to: SourcePosition(offset: end)),
                into: output)
            offset = end
        }
        for step in steps {
            switch step {
            case .line(let text): feed(Array(text.utf8), Labels(["job": "j"]))
            case .of(let labels, let text): feed(Array(text.utf8), Labels(labels))
            case .bytes(let bytes): feed(bytes, Labels(["job": "j"]))
            case .silence(let seconds):
                time.pass(Int64(seconds * 1e9))
                runner.flush(into: output)
            case .stop: runner.flush(into: output, all: true)
            }
            take()
        }
        #expect(got == expected)
        if !metrics.isEmpty {
            let out = ByteArena()
            registry.expose(into: out)
            let shown = out.view.string.split(separator: "\n").map(String.init)
            for line in metrics { #expect(shown.contains(line), "\(line) is not among \(shown.filter { !$0.hasPrefix("#") })") }
        }
    }

    private final class Clock: Sendable {
        private let nanoseconds: Atomic<Int64>
        init(_ start: Int64) { nanoseconds = Atomic(start) }
        var now: Int64 { nanoseconds.load(ordering: .relaxed) }
        func pass(_ time: Int64) { nanoseconds.add(time, ordering: .relaxed) }
    }

    /// Of times after 1970.
    static func time(_ nanoseconds: Int64, now: Int64) -> String {
        let off = nanoseconds - now
        if off == 0 { return "now" }
        if off > 0, off < 1_000 { return "now+\(off)" }
        let whole = Int(nanoseconds / 1_000_000_000)
        let fraction = nanoseconds % 1_000_000_000
        let day = whole / 86_400
        let inDay = whole - day * 86_400
        // In eras of 400 years, which begin with March.
        let days = day + 719_468
        let era = days / 146_097
        let ofEra = days - era * 146_097
        let year = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        let date = (month < 10 ? month + 3 : month - 9, ofYear - (153 * month + 2) / 5 + 1)
        func two(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        var text = "\(year + era * 400 + (date.0 <= 2 ? 1 : 0))-\(two(date.0))-\(two(date.1))T"
        text += "\(two(inDay / 3600)):\(two(inDay / 60 % 60)):\(two(inDay % 60))"
        if fraction > 0 {
            var digits = String(fraction)
            digits = String(repeating: "0", count: 9 - digits.count) + digits
            while digits.hasSuffix("0") { digits.removeLast() }
            text += "." + digits
        }
        return text + "Z"
    }
}

/// Stages that are refused when the file is read.
struct GoldenMistake: Sendable, CustomTestStringConvertible {
    var stages: String
    /// Part of the message.
    var words: String

    init(_ stages: String, _ words: String) {
        self.stages = stages
        self.words = words
    }

    var testDescription: String { stages }

    func run() {
        do throws(ConfigurationErrors) {
            _ = try Golden.configuration(stages)
            Issue.record("accepted: \(stages)")
        } catch {
            #expect(error.items.contains { $0.description.contains(words) }, "\(error)")
            // The stage's place: line 6 of the file is its first.
            #expect(error.items.allSatisfy { $0.line >= 6 }, "\(error)")
        }
    }
}

@Suite("Goldens: every stage, from YAML to entries")
struct GoldenTests {
    @Test(arguments: Goldens.parsing) func parsing(_ golden: Golden) throws { try golden.run() }
    @Test(arguments: Goldens.times) func times(_ golden: Golden) throws { try golden.run() }
    @Test(arguments: Goldens.containers) func containers(_ golden: Golden) throws { try golden.run() }
    @Test(arguments: Goldens.transforming) func transforming(_ golden: Golden) throws { try golden.run() }
    @Test(arguments: Goldens.labels) func labels(_ golden: Golden) throws { try golden.run() }
    @Test(arguments: Goldens.filtering) func filtering(_ golden: Golden) throws { try golden.run() }
    @Test(arguments: Goldens.metrics) func metrics(_ golden: Golden) throws { try golden.run() }
    @Test(arguments: Goldens.mistakes) func mistakes(_ golden: GoldenMistake) { golden.run() }

    /// Each stage that a file may name is in at least one of them.
    @Test func allStagesHaveOne() {
        let all = [
            Goldens.parsing, Goldens.times, Goldens.containers, Goldens.transforming, Goldens.labels, Goldens.filtering,
            Goldens.metrics,
        ].joined().map(\.stages).joined(separator: "\n")
        for name in StageKind.names where name != "redact" { #expect(all.contains("- \(name):"), "no golden of \(name)") }
    }
}

/// By kind of stage, in files of their own.
enum Goldens {}
