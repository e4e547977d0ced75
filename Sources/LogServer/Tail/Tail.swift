import Bytes
import LogModel
import LogQuery
import LokiWire
import Metrics
import NIOCore
import Synchronization

/// One live tail: history first, then what is stored, to a reader that may be slow.
///
/// ```
/// hub → pending batches → (thread of the hub: LiveQuery) → messages → reader
/// ```
/// - Both queues end somewhere: the second at `messagesMax`, and while it is full nothing is taken from the first, which
///   ends at `pendingMax` bytes. A batch that finds no room is left out, and the reader is told its entries' times and
///   streams, up to `droppedMax` of them. They were not looked at closer, so some may not have been lines of the query.
/// - Nothing that the history held comes again: of batches that were under way while the history was read, entries equal
///   to one of the history are skipped, as often as it held them.
final class Tail: Sendable {
    /// Why a tail is over.
    enum End: Sendable, Equatable {
        case clientLeft, tooLong, stopping
    }

    private struct Arrival {
        var batch: WriteBatch
        var kept: [Bool]?
        var begun: UInt64
        var due: NIODeadline
        var size: Int
    }

    private struct State {
        /// Not yet: the history is still being read.
        var runs = false
        var history: ArraySlice<LiveQuery.Entry> = []
        var pending: [Arrival] = []
        var pendingBytes = 0
        var messages: [TailAnswer] = []
        var dropped: [(timestamp: Int64, labels: Labels)] = []
        /// A thread of the hub has been asked to work.
        var working = false
        var waiter: CheckedContinuation<Void, Never>?
        var end: End?
        var alarm: Scheduled<Void>?
    }

    /// What only the thread that works for this tail touches.
    private final class Workshop: @unchecked Sendable {
        // Sendable: `State.working` lets one thread in at a time.
        let query: LiveQuery
        var rows: LiveQuery.Rows?
        /// How often the history holds an entry, by hash, and the moment after which no append can be in it.
        var seen: [Int: Int] = [:]
        var seenUntil: UInt64 = 0
        var checks = false

        init(_ query: LiveQuery) { self.query = query }
    }

    struct Settings: Sendable {
        /// Messages that wait for the reader, as Loki has it.
        var messagesMax = 10
        /// Entries of one message.
        var entriesMax = 100
        /// Bytes of lines of one message; one line more may be in it.
        var messageBytesMax = 1 << 20
        /// Bytes of batches that wait to be looked at; one batch alone may be larger.
        var pendingMax = 16 << 20
        /// Entries left out that are remembered until the reader is told.
        var droppedMax = 1_000
        /// Nanoseconds for which lines are held back.
        var delay: Int64 = 0
        /// Nanoseconds until the tail ends by itself; 0: never.
        var durationMax: Int64 = 0
    }

    let tenant: Tenant
    private let hub: TailHub
    private let loop: any EventLoop
    private let settings: Settings
    private let matchers: [LabelMatcher]
    private let workshop: Workshop
    private let state = Mutex(State())

    init(_ query: sending LiveQuery, tenant: Tenant, hub: TailHub, loop: any EventLoop, settings: Settings) {
        self.tenant = tenant
        self.hub = hub
        self.loop = loop
        self.settings = settings
        matchers = query.matchers
        workshop = Workshop(query)
    }

    // MARK: In

    /// Begins with the entries of the history, in order of their times.
    func begin(_ history: [LiveQuery.Entry]) {
        for entry in history { workshop.seen[Self.hash(entry), default: 0] += 1 }
        workshop.seenUntil = hub.historyRead()
        let (start, waiter) = state.withLock { state in
            state.runs = true
            state.history = history[...]
            return (Self.mayWork(&state), Self.takeWaiter(&state))
        }
        waiter?.resume()
        if start { work() }
        guard settings.durationMax > 0 else { return }
        let alarm = loop.scheduleTask(in: .nanoseconds(settings.durationMax)) { [weak self] in
            if let self { finish(.tooLong) }
        }
        let late = state.withLock { state in
            state.alarm = alarm
            return state.end != nil
        }
        if late { alarm.cancel() }
    }

    /// Takes a batch that has been stored, or notes what it leaves out. Never waits.
    func offer(_ batch: WriteBatch, kept: [Bool]?, begun: UInt64) {
        let size = batch.bytes.count + batch.rows.count * MemoryLayout<WriteBatch.Row>.stride
        let due = NIODeadline.now() + .nanoseconds(settings.delay)
        let (start, waiter) = state.withLock { state -> (Bool, CheckedContinuation<Void, Never>?) in
            guard state.end == nil else { return (false, nil) }
            guard state.pending.isEmpty || state.pendingBytes + size <= settings.pendingMax else {
                let missed = LiveQuery.Rows(batch, kept: kept, matchers: matchers)
                guard !missed.isEmpty else { return (false, nil) }
                state.dropped += missed.rest(settings.droppedMax - state.dropped.count)
                hub.metrics?.dropped.add(missed.restCount)
                return (false, Self.takeWaiter(&state))
            }
            state.pending.append(Arrival(batch: batch, kept: kept, begun: begun, due: due, size: size))
            state.pendingBytes += size
            return (Self.mayWork(&state), nil)
        }
        waiter?.resume()
        if start { work() }
    }

    /// Whether somebody must be asked to work; then it counts as asked.
    private static func mayWork(_ state: inout State) -> Bool {
        guard state.runs, !state.working, !state.pending.isEmpty, state.end == nil else { return false }
        state.working = true
        return true
    }

    private static func takeWaiter(_ state: inout State) -> CheckedContinuation<Void, Never>? {
        defer { state.waiter = nil }
        return state.waiter
    }

    // MARK: Work

    private func work() { hub.run { [self] in lookAtBatches() } }

    private enum Step {
        case look(Arrival)
        case wait(until: NIODeadline)
        case rest
    }

    /// On a thread of the hub. Others get their turn after a while.
    private func lookAtBatches() {
        for _ in 0..<32 {
            let step = state.withLock { state -> Step in
                guard state.end == nil, state.messages.count < settings.messagesMax, let first = state.pending.first
                else {
                    state.working = false
                    return .rest
                }
                return first.due <= .now() ? .look(first) : .wait(until: first.due)
            }
            switch step {
            case .rest: return
            case .wait(let time):
                // Still "working", so that nobody else begins.
                loop.scheduleTask(deadline: time) { [self] in work() }
                return
            case .look(let arrival): look(arrival)
            }
        }
        work()
    }

    private func look(_ arrival: Arrival) {
        let shop = workshop
        var rows: LiveQuery.Rows
        if let begun = shop.rows {
            rows = begun
        } else {
            rows = LiveQuery.Rows(arrival.batch, kept: arrival.kept, matchers: matchers)
            shop.checks = arrival.begun < shop.seenUntil && !shop.seen.isEmpty
        }
        shop.rows = nil
        var found = shop.query.read(&rows, entries: settings.entriesMax, bytes: settings.messageBytesMax)
        if shop.checks { found.removeAll { wasInHistory($0) } }
        let done = rows.isEmpty
        if !done { shop.rows = rows }
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if done, !state.pending.isEmpty {
                state.pendingBytes -= state.pending.removeFirst().size
            }
            guard state.end == nil, !found.isEmpty else { return nil }
            if let last = state.messages.indices.last, hasRoom(state.messages[last], for: found) {
                state.messages[last].entries += found
            } else {
                var message = TailAnswer()
                message.entries = found
                state.messages.append(message)
            }
            return Self.takeWaiter(&state)
        }
        hub.metrics?.lines.add(found.count)
        waiter?.resume()
    }

    private func hasRoom(_ message: TailAnswer, for more: [LiveQuery.Entry]) -> Bool {
        message.entries.count + more.count <= settings.entriesMax
            && message.entries.reduce(0) { $0 + $1.entry.line.count } < settings.messageBytesMax
    }

    private func wasInHistory(_ entry: LiveQuery.Entry) -> Bool {
        let hash = Self.hash(entry)
        guard let times = workshop.seen[hash] else { return false }
        workshop.seen[hash] = times > 1 ? times - 1 : nil
        return true
    }

    private static func hash(_ entry: LiveQuery.Entry) -> Int {
        var hasher = Hasher()
        hasher.combine(entry.labels)
        hasher.combine(entry.entry.timestamp)
        hasher.combine(entry.entry.line)
        hasher.combine(entry.entry.metadata)
        hasher.combine(entry.entry.parsed)
        return hasher.finalize()
    }

    // MARK: Out

    /// The next message; waits for one, and is nil when the tail is over. One reader at a time.
    func next() async -> TailAnswer? {
        while true {
            let (message, over, start) = state.withLock { state -> (TailAnswer?, Bool, Bool) in
                if state.end != nil { return (nil, true, false) }
                var message = TailAnswer()
                if !state.history.isEmpty {
                    var size = 0
                    while message.entries.count < settings.entriesMax, size < settings.messageBytesMax,
                        let entry = state.history.popFirst()
                    {
                        size += entry.entry.line.count
                        message.entries.append(entry)
                    }
                } else if !state.messages.isEmpty {
                    message = state.messages.removeFirst()
                }
                swap(&message.dropped, &state.dropped)
                return (message.isEmpty ? nil : message, false, Self.mayWork(&state))
            }
            if start { work() }
            if over { return nil }
            if let message { return message }
            await withTaskCancellationHandler {
                await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                    let ready = state.withLock { state in
                        let idle =
                            state.end == nil && state.history.isEmpty && state.messages.isEmpty && state.dropped.isEmpty
                        if idle { state.waiter = continuation }
                        return !idle
                    }
                    if ready { continuation.resume() }
                }
            } onCancel: {
                finish(.stopping)
            }
        }
    }

    /// Ends the tail; only the first reason counts.
    func finish(_ end: End) {
        let (waiter, alarm) = state.withLock { state in
            if state.end == nil { state.end = end }
            state.pending = []
            state.pendingBytes = 0
            state.messages = []
            state.history = []
            return (Self.takeWaiter(&state), state.alarm)
        }
        alarm?.cancel()
        hub.remove(self)
        waiter?.resume()
    }

    var end: End? { state.withLock { $0.end } }

    /// Bytes of batches that have not been looked at and of lines whose reader has not taken them.
    var waitingBytes: Int {
        state.withLock { state in
            let made = state.messages.lazy.flatMap(\.entries).reduce(0) { $0 + $1.entry.line.count }
            return state.history.reduce(state.pendingBytes + made) { $0 + $1.entry.line.count }
        }
    }
}
