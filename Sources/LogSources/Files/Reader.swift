import Bytes
import LogModel
import Synchronization

/// The reading half of a `FileSource`: which files have news, whose turn it is, and when a rotated file is done.
struct Reader: ~Copyable {
    private struct Name: Hashable {
        var id: FileID
        var slot: Int
    }

    private var targets: [Int: FileTarget]
    private let settings: FileSourceSettings
    private let events: SourceEvents
    private let budget: DescriptorBudget
    private let inbox: Inbox
    private let once: Bool
    private var context: TailContext

    private var tails: [Name: Tail] = [:]
    /// Targets that read a file, in the order in which they came to it: the index is the slot.
    private var claims: [FileID: [Int]] = [:]
    /// Files with news, first come, first served.
    private var queue: [Tail] = []
    private var queueHead = 0
    private var busy: [Tail] = []
    private var detached: [Tail] = []
    private var failed: [Tail] = []
    /// Open files in the order of opening, to close those that are silent when there are too many.
    private var open: [Tail] = []
    private var openHead = 0
    /// When `open` holds so many it is cleared of what is closed.
    private var openLimit = 64
    /// Turns in a row that found no descriptor.
    private var starved = 0
    private var failuresTold: Set<ByteString> = []

    init(
        targets: [FileTarget], settings: FileSourceSettings, sink: any LineSink, events: SourceEvents, known: KnownPositions,
        budget: DescriptorBudget, inbox: Inbox, once: Bool
    ) {
        self.targets = Dictionary(targets.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
        self.settings = settings
        self.events = events
        self.budget = budget
        self.inbox = inbox
        self.once = once
        context = TailContext(
            settings: settings, sink: sink, events: events, splitter: LineSplitter(maxLineBytes: settings.maxLineBytes),
            known: known, scratch: .allocate(byteCount: FileMark.markerMax, alignment: 64))
    }

    deinit { context.scratch.deallocate() }

    /// Closes all files.
    mutating func end() {
        for tail in tails.values { tail.close() }
        tails = [:]
    }

    mutating func run(
        _ shown: borrowing Mutex<[ObjectIdentifier: TailProgress]>, _ finished: borrowing Mutex<[FileID]>,
        until stopped: borrowing Atomic<Bool>, wakeUp: WakeUp
    ) throws {
        var nextSweep = Monotonic.now()
        var roundBegan = Monotonic.now()
        while !stopped.load(ordering: .relaxed) {
            for notice in inbox.take() { handle(notice, shown) }
            // In time also while there is always something to read: it is the sweep that gives descriptors of rotated files back.
            let now = Monotonic.now()
            if !once, now >= nextSweep {
                try sweep(shown, finished, now)
                nextSweep = now &+ settings.pollInterval.nanoseconds
                starved = 0
            }
            if starved > queue.count - queueHead {
                // Everybody waits for a descriptor: nothing changes before the next sweep, or the next notice.
                starved = 0
                sleep(until: nextSweep, wakeUp)
                continue
            }
            if let tail = next() {
                try turn(tail, shown, finished)
                continue
            }
            if once { return }
            // Small writes are collected: the next round begins some time after this one did.
            let rest = roundBegan &+ settings.pacing.nanoseconds &- now
            if rest > 0 { _ = System.waitReadable([], milliseconds: Int(rest / 1_000_000)) }
            sleep(until: nextSweep, wakeUp)
            roundBegan = Monotonic.now()
        }
    }

    /// Waits for a notice, until `deadline` at most.
    private func sleep(until deadline: Int64, _ wakeUp: WakeUp) {
        let wait = max(0, (deadline &- Monotonic.now()) / 1_000_000 + 1)
        if System.waitReadable([wakeUp.readable], milliseconds: Int(wait))[0] { wakeUp.clear() }
    }

    // MARK: Notices

    private mutating func handle(_ notice: FileNotice, _ shown: borrowing Mutex<[ObjectIdentifier: TailProgress]>) {
        switch notice {
        case .found(let id, let path, let target, let file, let status, let when):
            for tail in detached where tail.lostPath == path && tail.id != id { tail.isReplaced = true }
            found(id, path, target, file, status, when, shown)
        case .stray(let id, let path, let former, let target):
            guard claims[id] == nil else { return }
            guard let tail = found(id, former, target, nil, nil, .later, shown) else { return }
            tail.location = path
            detach(tail, former, shown)
            // Whether its name was taken is not known: as likely as not.
            tail.isReplaced = true
        case .gone(let id, let path):
            for slot in (claims[id] ?? []).indices {
                guard let tail = tails[Name(id: id, slot: slot)] else { continue }
                tail.paths.removeAll { $0 == path }
                if tail.isDetached {
                    detach(tail, path, shown)
                } else if tail.location == path {
                    tail.location = tail.paths[0]
                }
            }
        case .moved(let id, let path):
            for slot in (claims[id] ?? []).indices { tails[Name(id: id, slot: slot)]?.location = path }
        case .touched(let id):
            for slot in (claims[id] ?? []).indices {
                if let tail = tails[Name(id: id, slot: slot)] { enqueue(tail) }
            }
        case .targets(let now):
            targets = Dictionary(now.map { ($0.id, $0) }, uniquingKeysWith: { a, _ in a })
            for tail in tails.values where targets[tail.target.id] == nil { leave(tail, shown) }
        case .resynced:
            let again = failed
            failed = []
            for tail in again {
                tail.hasFailed = false
                enqueue(tail)
            }
        }
    }

    @discardableResult
    private mutating func found(
        _ id: FileID, _ path: ByteString, _ targetID: Int, _ file: Int32?, _ status: FileStatus?, _ when: FileArrival,
        _ shown: borrowing Mutex<[ObjectIdentifier: TailProgress]>
    ) -> Tail? {
        guard let target = targets[targetID] else {
            if let file { give(back: file) }
            return nil
        }
        let slot: Int
        if let known = claims[id]?.firstIndex(of: targetID) {
            slot = known
        } else if let left = claims[id]?.firstIndex(where: { targets[$0] == nil }) {
            // It had a target that is gone: this one goes on where that one was.
            slot = left
            claims[id]?[left] = targetID
            if let tail = tails[Name(id: id, slot: left)] {
                tail.adopt(target, path)
                show(tail, shown)
            }
        } else {
            slot = claims[id]?.count ?? 0
            claims[id, default: []].append(targetID)
        }
        let name = Name(id: id, slot: slot)
        if let tail = tails[name] {
            if let file { give(back: file) }
            if !tail.paths.contains(path) { tail.paths.append(path) }
            tail.location = path
            if tail.detachedAt != nil {
                // Renamed to another name of ours: it goes on.
                tail.detachedAt = nil
                tail.leaveBy = nil
                tail.isReplaced = false
                tail.progress.rotated.store(false, ordering: .relaxed)
                detached.removeAll { $0 === tail }
            }
            enqueue(tail)
            return tail
        }
        let tail = Tail(
            id: id, slot: slot, target: target, path: path, file: file, when: when, limit: once ? status?.size ?? .max : nil,
            now: Monotonic.now())
        tails[name] = tail
        if file != nil { open.append(tail) }
        show(tail, shown)
        if when == .later || !isTooOld(status) { enqueue(tail) }
        return tail
    }

    private func isTooOld(_ status: FileStatus?) -> Bool {
        guard let oldest = settings.ignoreOlder, let status else { return false }
        return Timestamp.now().advanced(by: -oldest.nanoseconds).nanoseconds > status.modified
    }

    /// Its target is gone: what is there is read, and what comes while it is not silent, for some time.
    private mutating func leave(_ tail: Tail, _ shown: borrowing Mutex<[ObjectIdentifier: TailProgress]>) {
        tail.leaveBy = tail.leaveBy ?? Monotonic.now() &+ settings.leaveWait.nanoseconds
        tail.isReplaced = true
        if tail.detachedAt == nil {
            tail.paths = []
            tail.detachedAt = Monotonic.now()
            detached.append(tail)
        }
        enqueue(tail)
    }

    private mutating func detach(_ tail: Tail, _ path: ByteString, _ shown: borrowing Mutex<[ObjectIdentifier: TailProgress]>) {
        guard tail.detachedAt == nil else { return }
        tail.paths = []
        tail.lostPath = path
        tail.detachedAt = Monotonic.now()
        tail.progress.rotated.store(true, ordering: .relaxed)
        context.count(.rotations)
        detached.append(tail)
        enqueue(tail)
    }

    private func show(_ tail: Tail, _ shown: borrowing Mutex<[ObjectIdentifier: TailProgress]>) {
        let progress = tail.progress
        shown.withLock { $0[ObjectIdentifier(tail)] = progress }
    }

    // MARK: Turns

    private mutating func enqueue(_ tail: Tail) {
        guard !tail.isQueued, !tail.hasFailed else { return }
        tail.isQueued = true
        queue.append(tail)
    }

    private mutating func next() -> Tail? {
        while let tail = nextQueued() {
            // It was let go of while it waited: whoever reads the file now goes on where it was then.
            if !tail.isDropped { return tail }
        }
        return nil
    }

    private mutating func nextQueued() -> Tail? {
        guard queueHead < queue.count else {
            if !queue.isEmpty { queue.removeAll(keepingCapacity: queue.count < 4096) }
            queueHead = 0
            return nil
        }
        let tail = queue[queueHead]
        queueHead += 1
        if queueHead >= 4096, queueHead * 2 > queue.count {
            queue.removeFirst(queueHead)
            queueHead = 0
        }
        tail.isQueued = false
        return tail
    }

    /// Up to `turnSize` bytes of one file.
    private mutating func turn(
        _ tail: Tail, _ shown: borrowing Mutex<[ObjectIdentifier: TailProgress]>, _ finished: borrowing Mutex<[FileID]>
    ) throws {
        guard makeRoom(for: tail) else {
            // All descriptors are in use by files that have news themselves, or are rotated.
            starved += 1
            enqueue(tail)
            return
        }
        starved = 0
        let wasOpen = tail.isOpen
        let before = tail.progress
        let now = Monotonic.now()
        var left = settings.turnSize
        var outcome = Tail.Turn.more
        while left > 0, case .more = outcome {
            let from = tail.readOffset
            outcome = try tail.turn(&context, now: now)
            left -= max(1, Int(clamping: tail.readOffset - min(from, tail.readOffset)))
        }
        if tail.isOpen, !wasOpen { open.append(tail) }
        if !tail.isOpen, !wasOpen { budget.give() }
        if tail.progress !== before { show(tail, shown) }
        switch outcome {
        case .more: enqueue(tail)
        case .idle:
            if !tail.isBusy, !once {
                tail.isBusy = true
                busy.append(tail)
            }
            if once {
                do { try tail.deliverUnfinished(&context) } catch let error as SystemError { return fail(tail, error) }
                drop(tail, shown, finished)
            }
        case .failed(let error): fail(tail, error)
        }
    }

    private mutating func fail(_ tail: Tail, _ error: SystemError) {
        // A rotated file may have no name left to open it by.
        if !tail.isDetached || error.isStale { close(tail) }
        if error.isExhausted {
            // Others must close first.
            closeSilent(64)
            tail.hasFailed = true
            failed.append(tail)
            if failuresTold.insert("").inserted {
                events.tell(
                    .warning, tail.progress.path, "\(error): raise the limit of open files (LimitNOFILE=, ulimit -n)")
            }
            return
        }
        if error.isMissing, tail.isDetached || error.call == "open" {
            // Deleted or renamed out of sight before it was opened; the watcher tells if the name comes back.
            context.count(.bytesLost, tail.loseBacklog())
            return
        }
        tail.hasFailed = true
        failed.append(tail)
        context.count(error.call == "open" ? .filesFailed : .readErrors)
        guard failuresTold.count < 10_000, failuresTold.insert(error.path).inserted else { return }
        let words = error.isForbidden ? PermissionHint.text(for: error) : error.description
        events.tell(.error, error.path.string, "cannot read \(error.path): \(words)")
    }

    // MARK: Descriptors

    private func give(back file: Int32) {
        System.close(file)
        budget.give()
    }

    private func close(_ tail: Tail) {
        guard tail.isOpen else { return }
        tail.close()
        budget.give()
    }

    /// Takes a descriptor out of the budget where the tail needs one; closes silent files for it.
    private mutating func makeRoom(for tail: Tail) -> Bool {
        if tail.isOpen || budget.take() { return true }
        closeSilent(max(1, budget.total / 8))
        return budget.take()
    }

    /// Closes up to `count` files without news, longest open first. Amortised O(1) a file.
    private mutating func closeSilent(_ count: Int) {
        var left = count
        var looked = 0
        let all = open.count - openHead
        while left > 0, looked < all, openHead < open.count {
            let tail = open[openHead]
            openHead += 1
            looked += 1
            if !tail.isOpen { continue }
            if tail.isQueued || tail.isDetached || tail.backlog > 0 {
                open.append(tail)
            } else {
                close(tail)
                left -= 1
            }
        }
        if openHead * 2 > open.count {
            open.removeFirst(openHead)
            openHead = 0
        }
    }

    /// Forgets what is closed or let go of: else every file that was ever open would stay in memory. Amortised O(1) a file opened.
    private mutating func compactOpen() {
        guard open.count >= openLimit else { return }
        var kept: Set<ObjectIdentifier> = []
        open = open[openHead...].filter { $0.isOpen && !$0.isDropped && kept.insert(ObjectIdentifier($0)).inserted }
        openHead = 0
        openLimit = max(64, 2 * open.count)
    }

    // MARK: Time

    /// Looks at files that were busy lately, and lets go of rotated ones that have become silent.
    private mutating func sweep(
        _ shown: borrowing Mutex<[ObjectIdentifier: TailProgress]>, _ finished: borrowing Mutex<[FileID]>, _ now: Int64
    ) throws {
        let patience = settings.busyFor.nanoseconds
        var still: [Tail] = []
        for tail in busy where !tail.isDropped {
            if tail.isOpen, now &- tail.lastActive < patience || tail.isDetached {
                still.append(tail)
                enqueue(tail)
            } else {
                tail.isBusy = false
            }
        }
        busy = still
        for tail in detached { try finish(tail, shown, finished, now) }
        detached.removeAll { tails[Name(id: $0.id, slot: $0.slot)] !== $0 }
        compactOpen()
    }

    /// Lets go of a rotated file once it is silent and read to its end. One that cannot be read is kept for `renamedWait`: disks and
    /// servers come back.
    private mutating func finish(
        _ tail: Tail, _ shown: borrowing Mutex<[ObjectIdentifier: TailProgress]>, _ finished: borrowing Mutex<[FileID]>, _ now: Int64
    ) throws {
        if let end = tail.leaveBy, now >= end {
            // Still written to, and nobody's any more. An unfinished line stays for whoever reads on from here.
            drop(tail, shown, finished)
            return
        }
        let since = tail.detachedAt ?? now
        let isPatient = now &- since < max(settings.rotateWait, settings.renamedWait).nanoseconds
        // It has its turn when everything has been looked at.
        if tail.hasFailed, isPatient { return }
        let isOver = tail.isReplaced || tail.links == 0
        let wait = isOver ? settings.rotateWait : max(settings.rotateWait, settings.renamedWait)
        guard tail.hasFailed || now &- max(tail.lastActive, since) >= wait.nanoseconds else { return }
        // Once more, so that nothing written since the last look is left behind.
        guard makeRoom(for: tail) else { return enqueue(tail) }
        let wasOpen = tail.isOpen
        let outcome = try tail.turn(&context, now: now)
        if tail.isOpen, !wasOpen { open.append(tail) }
        if !tail.isOpen, !wasOpen { budget.give() }
        switch outcome {
        case .more: return enqueue(tail)
        case .idle: if tail.lastActive == now { return }
        case .failed(let error):
            if isPatient, !error.isMissing { return fail(tail, error) }
            context.count(.bytesLost, tail.loseBacklog())
        }
        do { try tail.deliverUnfinished(&context) } catch let error as SystemError {
            if isPatient { return fail(tail, error) }
        }
        drop(tail, shown, finished)
    }

    private mutating func drop(
        _ tail: Tail, _ shown: borrowing Mutex<[ObjectIdentifier: TailProgress]>, _ finished: borrowing Mutex<[FileID]>
    ) {
        close(tail)
        tail.isDropped = true
        tail.release(&context)
        if let known = tail.known { context.known.remember(known) }
        context.count(.filesFinished)
        tails[Name(id: tail.id, slot: tail.slot)] = nil
        if (claims[tail.id] ?? []).indices.allSatisfy({ tails[Name(id: tail.id, slot: $0)] == nil }) {
            claims[tail.id] = nil
            let id = tail.id
            finished.withLock { $0.append(id) }
        }
        let key = ObjectIdentifier(tail)
        shown.withLock { $0[key] = nil }
    }
}
