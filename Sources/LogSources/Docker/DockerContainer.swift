import Bytes
import LogModel

/// A container whose log is read or was read: its labels, how far it was delivered, and the stream that is open. Of one thread.
final class DockerContainer {
    enum Reading {
        /// Nothing to be read now.
        case idle
        /// Up to its end and on, as long as the container runs.
        case following
        /// What is there, of a container that has stopped.
        case draining
    }

    let id: String
    private(set) var target: DockerTarget
    private(set) var exchange: HTTPExchange?
    private(set) var reading = Reading.idle
    /// Whether its output is a terminal; nil: not asked yet.
    var isTerminal: Bool?
    /// It was started again while its former log was still being read.
    var isStartedAgain = false
    /// When to open its log again after it broke off, monotonic nanoseconds.
    var retryAt: Int64?
    var retryWait = DockerContainer.retryMin
    /// Whether a line came since the log was opened.
    private(set) var hasProgress = false

    /// Wait before a log is opened again that ended although its container runs. Doubled each time. Nanoseconds.
    static let retryMin: Int64 = 100_000_000
    static let retryMax: Int64 = 10_000_000_000

    private let settings: DockerSettings
    private let sink: any LineSink
    private let events: SourceEvents
    private let source: ByteString
    private var cursor: DockerCursor
    private var delivered: UInt64
    private var lines: DockerLines
    /// Stream labels by output; nil: dropped by a rule, or nothing was left of them.
    private var labels: [Labels?] = []
    private var hasToldOfLabels = false

    init(
        _ target: DockerTarget, _ settings: DockerSettings, _ position: SourcePosition?, sink: any LineSink, events: SourceEvents
    ) {
        id = target.id
        self.target = target
        self.settings = settings
        self.sink = sink
        self.events = events
        source = DockerSource.key(settings, target.id)
        let imported = position == nil ? sink.importedOffset(path: "cursor-\(target.id)") : nil
        cursor = DockerCursor(position, importedSeconds: imported)
        delivered = position?.offset ?? 0
        lines = DockerLines(isTerminal: false, maxLineBytes: settings.maxLineBytes)
        relabel()
    }

    /// Whether any output is to be delivered.
    var isWanted: Bool { labels.contains { $0 != nil } }

    /// What the daemon says of it now.
    func update(_ target: DockerTarget) {
        let isOther = target.labels != self.target.labels
        self.target = target
        if isOther { relabel() }
    }

    /// As `/targets` shows it: its outputs.
    func status() -> [TargetStatus] {
        DockerStream.allCases.compactMap { stream in
            guard let labels = labels[stream.rawValue], stream == .stdout || isTerminal == false else { return nil }
            var status = TargetStatus(job: settings.jobName, type: "docker", isReady: true)
            status.labels = labels
            status.discovered = discovered(stream)
            return status
        }
    }

    private func discovered(_ stream: DockerStream) -> Labels {
        var all = target.labels
        all["__meta_docker_container_log_stream"] = stream == .stdout ? "stdout" : "stderr"
        return all
    }

    private func relabel() {
        labels = DockerStream.allCases.map { stream in
            guard let relabelled = RelabelRule.apply(settings.relabel, to: discovered(stream)) else { return nil }
            let own = Labels(relabelled.pairs.filter { !$0.name.hasPrefix("__") || $0.name == "__tenant_id__" })
            if own.isEmpty, !hasToldOfLabels {
                hasToldOfLabels = true
                events.tell(
                    .warning, subject,
                    "container \(target.name) has no labels after relabel_configs and is left out: give it one, for instance container from "
                        + "__meta_docker_container_name")
            }
            return own.isEmpty ? nil : own
        }
    }

    var subject: String { "docker:\(settings.jobName)" }

    // MARK: Reading

    /// The path of its log from where it was delivered.
    func path(follow: Bool, _ version: String) -> String {
        let wanted = DockerStream.allCases.map { isTerminal ?? false ? "1" : labels[$0.rawValue] != nil ? "1" : "0" }
        var path = "\(version)/containers/\(id)/logs?stdout=\(wanted[0])&stderr=\(wanted[1])&timestamps=1&tail=all&follow=\(follow ? 1 : 0)"
        if let since = cursor.since {
            let digits = String(since % 1_000_000_000)
            path += "&since=\(since / 1_000_000_000).\(String(repeating: "0", count: 9 - digits.count))\(digits)"
        }
        return path
    }

    func open(_ exchange: HTTPExchange, _ reading: Reading) {
        self.exchange = exchange
        self.reading = reading
        hasProgress = false
        retryAt = nil
        isStartedAgain = false
        cursor.restart()
        lines = DockerLines(isTerminal: isTerminal ?? false, maxLineBytes: settings.maxLineBytes)
    }

    func close() {
        exchange = nil
        reading = .idle
    }

    /// Delivers what has come; at the `end` of a log that nobody goes on writing, a line without a newline too. Throws what the sink throws, and a failure of the format.
    func deliver(end: Bool) throws {
        guard let exchange else { return }
        let arena = ByteArena(capacity: max(256, exchange.body.count))
        var batch: [LineBatch.Line] = []
        var sets: [Labels] = []
        var numbers: [UInt32?] = [nil, nil]
        var left = 0
        var cursor = cursor
        let labels = labels
        func take(_ stream: DockerStream, _ time: Int64, _ line: ByteView) {
            guard let ordinal = cursor.take(time, line) else { return }
            guard let own = labels[stream.rawValue] else {
                left += 1
                return
            }
            let number = numbers[stream.rawValue] ?? UInt32(sets.count)
            if Int(number) == sets.count {
                sets.append(own)
                numbers[stream.rawValue] = number
            }
            batch.append(
                LineBatch.Line(
                    start: UInt32(arena.count), length: UInt32(line.count), labels: number, timestamp: time, end: ordinal))
            arena.append(line)
        }
        if !exchange.body.isEmpty {
            // A container that was busy once must not hold its buffer for ever.
            defer { if exchange.body.footprint > 8 << 10 { _ = exchange.body.take() } else { exchange.body.reset() } }
            try lines.feed(exchange.body.view) { take($0, $1, $2) }
        }
        if end { try lines.end { take($0, $1, $2) } }
        let counts = lines.takeCounts()
        if counts.cutLines > 0 { events.count(.linesCut, UInt64(counts.cutLines)) }
        if counts.cutBytes > 0 { events.count(.bytesCut, UInt64(counts.cutBytes)) }
        if counts.untimed > 0 { events.count(.dockerErrors, UInt64(counts.untimed)) }
        if left > 0 { events.count(.dockerDropped, UInt64(left)) }
        self.cursor = cursor
        guard cursor.ordinal > delivered else { return }
        hasProgress = true
        retryWait = Self.retryMin
        events.count(.dockerEntries, UInt64(batch.count))
        let from = delivered
        delivered = cursor.ordinal
        // The position stands behind the last line also where that one was left out.
        try sink.deliver(
            LineBatch(
                source: source, path: "docker:\(target.name)", job: settings.job, labelSets: sets, bytes: arena.take(), lines: batch,
                from: from, to: cursor.position))
    }
}
