import Bytes
import LogModel

/// Makes batches of entries.
struct JournalBatcher {
    private let settings: JournalSettings
    private let source: ByteString
    private let sink: any LineSink
    private let events: SourceEvents
    private var labeler: JournalLabels

    /// Entries seen so far, those of former runs included.
    private(set) var count: UInt64
    /// Of the entry seen last.
    private(set) var cursor: String?
    private var delivered: UInt64
    private var arena = ByteArena(capacity: 64)
    private var lines: [LineBatch.Line] = []
    private var labelSets: [Labels] = []
    private var labelNumbers: [Labels: UInt32] = [:]

    private static let batchBytes = 512 << 10
    private static let batchLines = 4096

    init(settings: JournalSettings, source: ByteString, sink: any LineSink, events: SourceEvents, committed: SourcePosition?) {
        self.settings = settings
        self.source = source
        self.sink = sink
        self.events = events
        labeler = JournalLabels(settings)
        count = committed?.offset ?? 0
        delivered = count
        cursor = committed.map(\.detail.string) ?? settings.importedCursor
        if cursor?.isEmpty ?? false { cursor = nil }
    }

    mutating func add(_ entry: JournalEntry) throws {
        count += 1
        cursor = entry.cursor.string
        events.count(.journalEntries, 1)
        guard let labels = labeler.labels(of: entry) else {
            events.count(.journalDropped, 1)
            return
        }
        if labels.isEmpty {
            events.count(.journalWithoutLabels, 1)
            return
        }
        let start = arena.count
        if settings.json {
            JournalJSON.append(entry.fields, into: arena)
            if arena.count - start > settings.maxLineBytes { arena.truncate(to: start + settings.maxLineBytes) }
        } else if let message = entry["MESSAGE"] {
            message.withView { arena.append($0.prefix(settings.maxLineBytes)) }
        } else {
            events.count(.journalWithoutMessage, 1)
            return
        }
        let number: UInt32
        if let known = labelNumbers[labels] {
            number = known
        } else {
            number = UInt32(labelSets.count)
            labelSets.append(labels)
            labelNumbers[labels] = number
        }
        let nanoseconds = Int64(clamping: entry.realtime).multipliedReportingOverflow(by: 1_000)
        lines.append(
            LineBatch.Line(
                start: UInt32(start), length: UInt32(arena.count - start), labels: number,
                timestamp: nanoseconds.overflow ? .max : nanoseconds.partialValue, end: count))
        if arena.count >= Self.batchBytes || lines.count >= Self.batchLines { try flush() }
    }

    /// Hands over what has come, also when all of it was left out: the position moves all the same.
    mutating func flush() throws {
        guard count > delivered else { return }
        events.count(.journalBytes, UInt64(arena.count))
        let batch = LineBatch(
            source: source, path: source.string, job: settings.job, labelSets: labelSets, bytes: arena.take(), lines: lines,
            from: delivered, to: SourcePosition(offset: count, detail: ByteString(cursor ?? "")))
        delivered = count
        lines.removeAll(keepingCapacity: true)
        labelSets.removeAll(keepingCapacity: true)
        labelNumbers.removeAll(keepingCapacity: true)
        try sink.deliver(batch)
    }
}
