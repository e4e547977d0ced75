import Bytes
import LogModel
import Synchronization

/// How the helper process is started: a program, and what comes before the helper's own arguments.
package struct HelperCommand: Sendable, Equatable {
    package var path: String
    package var arguments: [String]

    package init(path: String, arguments: [String]) {
        self.path = path
        self.arguments = arguments
    }

    /// This very program with its hidden subcommand.
    package static let own = HelperCommand(path: "/proc/self/exe", arguments: [JournalHelper.command])
}

/// Reads a journal through a helper process and hands its entries to a sink, each once and in the journal's order.
///
/// The position is a running count, its detail the cursor of the last entry. A helper that dies is started again behind the
/// entry that was handed over last; after a restart of the collector, behind the one that was committed.
package final class JournalSource: CollectorSource {
    package struct Status: Sendable, Equatable {
        package var job: Int
        package var jobName: String
        package var cursor: String
        package var entries: UInt64
        package var isConnected: Bool
    }

    private let settings: JournalSettings
    private let sink: any LineSink
    private let events: SourceEvents
    private let once: Bool
    private let helper: HelperCommand
    private let stopped = Atomic<Bool>(false)
    private let wakeUp: WakeUp
    private let shown: Mutex<Status>
    private let health = Mutex(JournalHealth())
    private let staleAfter: Int64

    /// Wait before the next start of a helper that died: doubled each time, up to `backOffMax`, from `backOffMin`, to which an
    /// entry brings it back. Nanoseconds.
    private static let backOffMin: Int64 = 100_000_000
    private static let backOffMax: Int64 = 30_000_000_000

    package init(
        settings: JournalSettings, sink: any LineSink, once: Bool = false, events: SourceEvents = SourceEvents(),
        helper: HelperCommand = .own, staleAfter: Int64 = JournalHealth.staleAfter
    ) throws(SystemError) {
        self.settings = settings
        self.sink = sink
        self.events = events
        self.once = once
        self.helper = helper
        self.staleAfter = staleAfter
        wakeUp = try WakeUp()
        shown = Mutex(
            Status(job: settings.job, jobName: settings.jobName, cursor: "", entries: 0, isConnected: false))
    }

    package var name: String { "journal:\(settings.jobName)" }
    package var isReady: Bool { trouble == nil }
    package var trouble: String? { health.withLock { $0.trouble(now: Monotonic.now(), staleAfter: staleAfter) } }

    package func status() -> Status { shown.withLock { $0 } }

    /// Makes `run` return. From any thread.
    package func stop() {
        stopped.store(true, ordering: .relaxed)
        wakeUp.signal()
    }

    /// Key of the position.
    package static func source(jobName: String) -> ByteString { ByteString("journal:\(jobName)") }

    /// Reads until `stop`, or in once mode to the entry that was the last at start. Blocks: call it on a thread of its own.
    /// Throws what the sink throws when it is closing; in once mode also when the journal cannot be read.
    package func run() throws {
        let source = Self.source(jobName: settings.jobName)
        let committed = sink.positions(withPrefix: source).first { $0.source == source }?.position
        var state = JournalBatcher(settings: settings, source: source, sink: sink, events: events, committed: committed)
        var wait = Self.backOffMin
        while !stopped.load(ordering: .relaxed) {
            let before = state.count
            let ending = try follow(&state)
            shown.withLock { $0.isConnected = false }
            if case .failed(let words) = ending { health.withLock { $0.failed(words, now: Monotonic.now()) } }
            switch ending {
            case .stopped, .ended: return
            case .failed(let words):
                if stopped.load(ordering: .relaxed) { return }
                if state.count > before { wait = Self.backOffMin }
                events.count(.journalRestarts, 1)
                events.tell(
                    .warning, "journal:\(settings.jobName)",
                    "the journal's reader ended: \(words); it goes on behind the last entry in \(wait / 1_000_000) ms")
                if once, wait > 3_000_000_000 {
                    throw StoreError(.system, "journal \(settings.jobName): \(words)")
                }
            }
            pause(wait)
            wait = min(wait * 2, Self.backOffMax)
        }
    }

    private func pause(_ nanoseconds: Int64) {
        let until = Monotonic.now() &+ nanoseconds
        while !stopped.load(ordering: .relaxed) {
            let left = (until &- Monotonic.now()) / 1_000_000
            if left <= 0 { return }
            if System.waitReadable([wakeUp.readable], milliseconds: Int(left))[0] { wakeUp.clear() }
        }
    }

    private enum Ending {
        case stopped
        case ended
        case failed(String)
    }

    private func follow(_ state: inout JournalBatcher) throws -> Ending {
        var arguments = JournalHelper.Arguments()
        arguments.options.place = settings.place
        arguments.options.matches = settings.matches
        arguments.options.cursor = state.cursor
        if state.cursor == nil {
            let now = Timestamp.now().nanoseconds / 1_000
            arguments.options.since = UInt64(max(0, now - settings.maxAge.nanoseconds / 1_000))
        }
        arguments.options.fieldMax = settings.maxLineBytes
        arguments.once = once
        let child: ChildProcess
        do { child = try ChildProcess(helper.path, helper.arguments + arguments.words) } catch { return .failed("\(error)") }
        shown.withLock { $0.isConnected = true }
        health.withLock { $0.started(now: Monotonic.now()) }
        let input = ByteArena(capacity: 256 << 10)
        var problem: String?
        do {
            while problem == nil {
                if stopped.load(ordering: .relaxed) {
                    _ = child.end()
                    return .stopped
                }
                let ready = System.waitReadable([child.output, wakeUp.readable], milliseconds: 1_000)
                if ready[1] { wakeUp.clear() }
                guard ready[0] else { continue }
                var count = 0
                input.appendUnsafe(capacity: 256 << 10) { room in
                    count = System.readSome(child.output, room)
                    return max(0, count)
                }
                if count == 0 { break }
                if count < 0 { continue }
                health.withLock { $0.heard() }
                var used = 0
                frames: while let (frame, length) = try JournalFrame.decode(input.view.suffix(from: used)) {
                    used += length
                    switch frame {
                    case .entry(let entry):
                        health.withLock { $0.moved() }
                        try state.add(entry)
                    case .alive: health.withLock { $0.idle(now: Monotonic.now()) }
                    case .end:
                        try state.flush()
                        show(state)
                        _ = child.wait()
                        return .ended
                    case .lost: lost(state)
                    case .failure(let words):
                        problem = words
                        break frames
                    }
                }
                try state.flush()
                show(state)
                health.withLock { $0.listens(now: Monotonic.now()) }
                if used > 0 {
                    let rest = input.view.suffix(from: used).copy()
                    input.reset()
                    input.append(rest)
                }
            }
        } catch let error as DecodeError {
            problem = "it sent \(error)"
        } catch {
            _ = child.end()
            throw error
        }
        if let problem {
            _ = child.end()
            return .failed(problem)
        }
        return .failed(child.wait())
    }

    private func show(_ state: JournalBatcher) {
        shown.withLock { status in
            status.cursor = state.cursor ?? ""
            status.entries = state.count
        }
    }

    private func lost(_ state: JournalBatcher) {
        events.count(.journalCursorsLost, 1)
        events.tell(
            .warning, "journal:\(settings.jobName)",
            "the entry read last (\(state.cursor ?? "")) is not in the journal any more; entries after it may have been "
                + "vacuumed. Raise SystemMaxUse= in journald.conf if this happens often")
    }
}

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

/// An entry as a JSON object: fields by name, of equal names the last, values as strings, escaped as Go does.
enum JournalJSON {
    static func append(_ fields: [JournalEntry.Field], into out: ByteArena) {
        var byName: [ByteString: ByteString] = [:]
        for field in fields { byName[field.name] = field.value }
        out.append(UInt8(ascii: "{"))
        for (i, name) in byName.keys.sorted().enumerated() {
            if i > 0 { out.append(UInt8(ascii: ",")) }
            out.append(UInt8(ascii: "\""))
            name.withView { JSONText.escape($0, into: out, html: true) }
            out.append("\":\"" as StaticString)
            (byName[name] ?? "").withView { JSONText.escape($0, into: out, html: true) }
            out.append(UInt8(ascii: "\""))
        }
        out.append(UInt8(ascii: "}"))
    }
}
