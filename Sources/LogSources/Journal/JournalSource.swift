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
                guard ready[0] else {
                    let silence = health.withLock { $0.deadSilence(now: Monotonic.now(), staleAfter: staleAfter) }
                    if let silence { problem = "it said nothing for \(silence / 1_000_000_000) s" }
                    continue
                }
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
