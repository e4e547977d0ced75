import Bytes
import Disk
import LogModel
import LogStore
import LogTestKit
import Metrics

@testable import LogQuery

/// A service before and after a deploy that changed one thing: thousands of message templates of very different rates, as
/// fields of JSON and as plain lines, on several hosts, with ids and measurements in every line, and another volume after.
struct DeployScenario {
    enum Plant: String, CaseIterable, Sendable {
        case newText, goneText, doubledText, newValue, oneHost
    }

    let plant: Plant
    let before: TimeRange
    let after: TimeRange
    private(set) var lines: [(labels: Labels, time: Int64, text: String)] = []
    /// What the report should say first.
    private(set) var direction = DiffReport.Direction.new
    private(set) var field = "message"
    private(set) var text = ""
    private(set) var groups: [ByteString] = []

    private static let hosts = 8
    private static let words = [
        "accept", "batch", "broker", "cache", "client", "closed", "commit", "drain", "evict", "failed", "flush", "handle",
        "idle", "index", "lease", "limit", "lost", "merge", "node", "opened", "page", "peer", "plan", "queue", "ready",
        "retry", "route", "shard", "slow", "socket", "stalled", "stream", "token", "upload", "vote", "worker",
    ]

    private struct Template {
        /// Words, empty for a number.
        var words: [String]
        var isPlain: Bool
        var level: String
        /// Sum of the rates up to and with this one.
        var end: Double
    }

    init(seed: UInt64, plant: Plant, templates count: Int, rows: Int) {
        self.plant = plant
        var random = SeededRandom(seed)
        let hour: Int64 = 3_600_000_000_000
        let deploy = 400_000 * hour
        before = TimeRange(Timestamp(nanoseconds: deploy - hour), Timestamp(nanoseconds: deploy))
        after = TimeRange(Timestamp(nanoseconds: deploy), Timestamp(nanoseconds: deploy + hour))
        var templates = Self.templates(count + 1, &random)
        // The last one is the new one, if any; until it is planted it has no lines.
        let fresh = templates.removeLast()
        let growth = 0.6 + Double(random.below(110)) / 100
        let total = templates.last?.end ?? 1
        // One that is frequent enough to be missed, and not so frequent that nobody could overlook it.
        let most = Double(rows) / total
        let wanted: Double = plant == .oneHost ? 160 : plant == .doubledText ? 180 : 80
        let rates = templates.indices.map { i in
            (templates[i].end - (i > 0 ? templates[i - 1].end : 0)) * most * min(growth, 1)
        }
        let candidates = templates.indices.filter { rates[$0] > wanted && rates[$0] < wanted * 12 }
        let frequent = templates.indices.max { rates[$0] < rates[$1] } ?? 0
        let chosen = candidates.isEmpty ? frequent : candidates[random.below(candidates.count)]
        let host = random.below(Self.hosts)
        for (isAfter, window, rows) in [(false, before, rows), (true, after, Int(Double(rows) * growth))] {
            func add(_ template: Template, host: Int, model: String?) {
                let time = window.start.nanoseconds + Int64(random.next() % UInt64(hour))
                let number = model ?? "m\(random.below(4))"
                lines.append(Self.line(template, host: host, model: number, time, &random))
            }
            for _ in 0..<rows {
                let at = Double(random.next() >> 11) / 9_007_199_254_740_992 * total
                var low = 0
                var high = templates.count - 1
                while low < high {
                    let middle = (low + high) / 2
                    if templates[middle].end <= at { low = middle + 1 } else { high = middle }
                }
                let here = random.below(Self.hosts)
                if isAfter, plant == .goneText, low == chosen { continue }
                let isNewValue = isAfter && plant == .newValue && random.below(rows) < 60
                add(templates[low], host: here, model: isNewValue ? "m-next" : nil)
                if isAfter, low == chosen, plant == .doubledText { add(templates[low], host: here, model: nil) }
                if isAfter, low == chosen, plant == .oneHost, here == host {
                    for _ in 0..<4 { add(templates[low], host: here, model: nil) }
                }
            }
            if isAfter, plant == .newText { for _ in 0..<60 { add(fresh, host: random.below(Self.hosts), model: nil) } }
        }
        let planted = plant == .newText ? fresh : templates[chosen]
        field = planted.isPlain ? "line" : "message"
        let form = TextForm()
        text = ByteString(Self.message(planted, &random)).withView { form.form(of: $0)?.string ?? "" }
        switch plant {
        case .newText: direction = .new
        case .goneText: direction = .gone
        case .doubledText: direction = .more
        case .newValue: (direction, field, text) = (.new, "model", "m-next")
        case .oneHost: (direction, groups) = (.more, [ByteString("h\(host)")])
        }
        lines.sort { $0.time < $1.time }
    }

    private static func templates(_ count: Int, _ random: inout SeededRandom) -> [Template] {
        var seen: Set<[String]> = []
        var result: [Template] = []
        var end = 0.0
        while result.count < count {
            var parts = (0..<4 + random.below(3)).map { _ in words[random.below(words.count)] }
            for _ in 0..<random.below(3) { parts.insert("", at: random.below(parts.count + 1)) }
            // Two that differ in their numbers only are one.
            guard seen.insert(parts.filter { !$0.isEmpty }).inserted else { continue }
            // Rates as of words: a few make most lines.
            end += 1 / (Double(random.below(count)) + 20)
            let level = ["info", "info", "info", "warn", "error"][random.below(5)]
            result.append(Template(words: parts, isPlain: random.below(4) == 0, level: level, end: end))
        }
        return result
    }

    private static func message(_ template: Template, _ random: inout SeededRandom) -> String {
        let text = template.words.map { $0.isEmpty ? "\(random.below(100_000))" : $0 }.joined(separator: " ")
        return template.isPlain ? "\(template.level) [\(random.below(1000))] \(text)" : text
    }

    private static func line(
        _ template: Template, host: Int, model: String, _ time: Int64, _ random: inout SeededRandom
    ) -> (labels: Labels, time: Int64, text: String) {
        let text = message(template, &random)
        if template.isPlain { return (Labels(["app": "engine", "host": "h\(host)"]), time, text) }
        let id = String(random.next() | 1 << 63, radix: 16)
        return (
            Labels(["app": "api", "host": "h\(host)"]), time,
            "{\"id\":\"req_\(id)\",\"level\":\"\(template.level)\",\"model\":\"\(model)\",\"ms\":\(random.below(20_000)),"
                + "\"user\":\"u\(random.below(30_000))\",\"message\":\"\(text)\"}"
        )
    }

    /// The lines in the real store: most of them sealed in two segments, the last ones still in the head.
    func store() async throws -> LogStore {
        var settings = StoreSettings(directory: "data")
        settings.freeSpaceMin = 0
        settings.retentionShare = 0
        settings.headSize = 256 << 20
        settings.walFileSize = 256 << 20
        settings.verifySeals = false
        let store = try LogStore.open(settings, disk: SimDisk(), registry: Registry(), clock: ManualClock())
        let borders = [0, lines.count / 2, lines.count * 9 / 10, lines.count]
        for part in 0..<3 {
            var batch = WriteBatch(tenant: .fake)
            batch.key = BatchKey(client: "test", epoch: 1, sequence: UInt64(part + 1))
            for line in lines[borders[part]..<borders[part + 1]] {
                let stream = batch.stream(line.labels)
                line.text.withView { batch.add(timestamp: line.time, stream: stream, metadata: 0, line: $0) }
            }
            _ = try await store.append(batch)
            if part < 2 { try await store.flush() }
        }
        return store
    }

    /// Whether the planted change is what a report names first.
    func isFirst(in report: DiffReport) -> Bool {
        guard let first = report.changes.first else { return false }
        return first.direction == direction && first.field == field && first.text == ByteString(text)
            && first.groups == groups
    }
}
