import Bytes
import LogModel

/// What `tailrace top` shows of two looks at a process: rates between them, by target, stage and destination.
struct TopTable {
    struct Target: Equatable {
        var job: String
        var type: String
        var labels: String
        var isReady: Bool
        var files: Int
        /// Bytes read and bytes there, of all files.
        var offset: Int64
        var size: Int64
    }

    struct Look {
        /// Seconds on some clock.
        var time: Double
        var targets: [Target]
        var metrics: MetricsText
    }

    private static let shipped: [(title: String, name: String)] = [
        ("entries/s", "tailrace_shipped_entries_total"), ("bytes/s", "tailrace_shipped_bytes_total"),
        ("retries/s", "tailrace_shipping_retries_total"), ("refused/s", "tailrace_shipping_refused_entries_total"),
        ("dropped/s", "tailrace_shipping_dropped_entries_total"),
    ]

    static func text(_ before: Look, _ now: Look, rowsMax: Int = 20) -> String {
        let seconds = max(now.time - before.time, 0.001)
        func rate(_ name: String, where matches: @escaping (Labels) -> Bool = { _ in true }) -> Double {
            let sum: (MetricsText) -> Double = { text in
                text.all(name).filter { matches($0.labels) }.reduce(0) { $0 + $1.value }
            }
            return max(0, sum(now.metrics) - sum(before.metrics)) / seconds
        }
        var out = "read \(number(rate("tailrace_read_lines_total"))) lines/s, \(number(rate("tailrace_read_bytes_total"))) bytes/s"
        out += "; journal \(number(rate("tailrace_journal_entries_total"))) entries/s"
        out += "; dropped \(number(rate("logentry_dropped_lines_total"))) lines/s\n"

        var rows = [["target", "type", "ready", "files", "bytes/s", "behind"]]
        let moved = now.targets.map { target in
            let old = before.targets.first { ($0.job, $0.type, $0.labels) == (target.job, target.type, target.labels) }
            return (target, Double(target.offset - (old?.offset ?? target.offset)) / seconds)
        }.sorted { ($0.1, $0.0.size) > ($1.1, $1.0.size) }
        for (target, speed) in moved.prefix(rowsMax) {
            rows.append([
                "\(target.job) \(target.labels)", target.type, target.isReady ? "yes" : "no", "\(target.files)", number(max(0, speed)),
                number(Double(max(0, target.size - target.offset))),
            ])
        }
        out += "\n" + table(rows)
        if moved.count > rowsMax { out += "and \(moved.count - rowsMax) more targets\n" }

        var stages = [["stage", "lines/s"]]
        for sample in now.metrics.all("tailrace_stage_lines_total").sorted(by: stageOrder).prefix(rowsMax) {
            let old = before.metrics.all(sample.name).first { $0.labels == sample.labels }?.value ?? 0
            stages.append([
                "\(sample.labels["job"]?.string ?? "") \(sample.labels["stage"]?.string ?? "")", number(max(0, sample.value - old) / seconds),
            ])
        }
        if stages.count > 1 { out += "\n" + table(stages) }

        var destinations = [["destination"] + shipped.map(\.title)]
        let hosts = Set(now.metrics.all("tailrace_shipped_entries_total").compactMap { $0.labels["host"] })
        for host in hosts.sorted() {
            destinations.append([host.string] + shipped.map { column in number(rate(column.name) { $0["host"] == host }) })
        }
        if rate("tailrace_intake_lines_total") > 0 || hosts.isEmpty {
            destinations.append(
                ["the store here", number(rate("tailrace_intake_lines_total")), number(rate("tailrace_intake_bytes_total")), "", number(rate("loki_discarded_samples_total")), ""])
        }
        return out + "\n" + table(destinations)
    }

    /// By job, then by the number that a stage's name begins with.
    private static func stageOrder(_ a: MetricsText.Sample, _ b: MetricsText.Sample) -> Bool {
        func key(_ sample: MetricsText.Sample) -> (String, Int) {
            let stage = sample.labels["stage"]?.string ?? ""
            return (sample.labels["job"]?.string ?? "", Int(stage.prefix { $0 != " " }) ?? 0)
        }
        return key(a) < key(b)
    }

    /// Three digits and a letter.
    static func number(_ value: Double) -> String {
        let units: [(Double, String)] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")]
        for (size, unit) in units where value >= size {
            let scaled = value / size
            return (scaled >= 100 ? "\(Int(scaled))" : "\((scaled * 10).rounded(.down) / 10)") + unit
        }
        return value == value.rounded() || value >= 100 ? "\(Int(value))" : "\((value * 10).rounded() / 10)"
    }

    private static func table(_ rows: [[String]]) -> String {
        var widths: [Int] = []
        for row in rows {
            for (i, cell) in row.enumerated() {
                if i == widths.count { widths.append(0) }
                widths[i] = max(widths[i], cell.count)
            }
        }
        var out = ""
        for row in rows {
            for (i, cell) in row.enumerated() {
                let pad = String(repeating: " ", count: max(0, widths[i] - cell.count))
                // Names to the left, numbers to the right.
                out += i == 0 ? cell + pad : "  " + pad + cell
            }
            out += "\n"
        }
        return out
    }
}
