import Bytes
import Disk
import LogModel
import Synchronization

/// Reads the files of all file targets of a configuration, for as long as it runs, and hands their lines to a sink.
///
/// Two threads: the watcher knows which name leads to which file and never waits for anyone; the reader (the one that
/// calls `run`) reads the files that have news, in turn, and waits while the sink has no room. Files are identified by
/// device, inode and contents (`FileMark`), so names may change while and between runs.
///
/// Each line that was in a file when the collector looked is delivered once, also across rotation by rename, restarts
/// (from the sink's committed positions), and stalls of the sink. Of a file that `copytruncate`
/// cuts the rest is read from the copy; lines written between the copy and the cut are lost by the nature of that method.
///
/// After `stop`, and before another source reads the same files, the sink must have committed what was delivered.
package final class FileSource: CollectorSource {
    /// Targets by who knows of them: "" the configuration, else a discovery. In the order in which they came.
    private let owned: Mutex<[(owner: String, targets: [FileTarget])]>
    private let changes: TargetChanges
    private let settings: FileSourceSettings
    private let sink: any LineSink
    private let events: SourceEvents
    private let once: Bool
    private let stopped = Atomic<Bool>(false)
    private let shown = Mutex<[ObjectIdentifier: TailProgress]>([:])
    private let finished = Mutex<[FileID]>([])
    private let readerWakeUp: WakeUp
    private let watcherWakeUp: WakeUp
    private let ready = Atomic<Bool>(false)

    /// `once`: deliver what is there at start, then end.
    package init(
        targets: [FileTarget], settings: FileSourceSettings = FileSourceSettings(), sink: any LineSink, once: Bool = false,
        events: SourceEvents = SourceEvents()
    ) throws(SystemError) {
        owned = Mutex([("", targets)])
        self.settings = settings
        self.sink = sink
        self.once = once
        self.events = events
        readerWakeUp = try WakeUp()
        let wakeUp = try WakeUp()
        watcherWakeUp = wakeUp
        changes = TargetChanges(wakeUp)
    }

    /// Targets followed now, each once.
    package var targets: [FileTarget] {
        var seen: Set<Int> = []
        return owned.withLock { Array($0) }.flatMap(\.targets).filter { seen.insert($0.id).inserted }
    }

    /// Replaces the targets that `owner` has given before, also while `run` is at work. From any thread.
    ///
    /// Files of new targets are read from their committed positions, else from their beginning. Files of targets that are gone
    /// are read until they are silent, for `leaveWait` at most, and let go of; a new target that leads to the same file goes
    /// on where the old one was.
    package func replace(_ targets: [FileTarget], of owner: String) {
        // Under the lock to the end: of two changes the later one wins in the watcher as well.
        owned.withLock { owned in
            if let index = owned.firstIndex(where: { $0.owner == owner }) {
                owned[index].targets = targets
            } else {
                owned.append((owner, targets))
            }
            var seen: Set<Int> = []
            changes.post(owned.flatMap(\.targets).filter { seen.insert($0.id).inserted })
        }
    }

    package var name: String { "files" }

    /// Each target with the files that it leads to now, by path; rotated ones are with the target that they had.
    package func targetStatus() -> [TargetStatus] {
        var files: [Int: [TargetStatus.File]] = [:]
        for tail in shown.withLock({ Array($0.values) }) {
            files[tail.target, default: []].append(
                TargetStatus.File(
                    path: tail.path, offset: tail.offset.load(ordering: .relaxed), size: tail.size.load(ordering: .relaxed),
                    lines: tail.lines.load(ordering: .relaxed), isRotated: tail.rotated.load(ordering: .relaxed)))
        }
        return targets.map { target in
            var status = TargetStatus(job: target.jobName, type: "files", isReady: isReady)
            status.labels = target.labels
            status.discovered = target.discovered
            status.files = files[target.id, default: []].sorted { ($0.path, $0.offset) < ($1.path, $1.offset) }
            return status
        }
    }

    /// Whether the file system was looked through once.
    package var isReady: Bool { ready.load(ordering: .relaxed) }

    /// Makes `run` return after the batch it is at. From any thread.
    package func stop() {
        stopped.store(true, ordering: .relaxed)
        readerWakeUp.signal()
        watcherWakeUp.signal()
    }

    /// Reads until `stop`, or in once mode until everything is delivered. Blocks: call it on a thread of its own.
    /// Throws what the sink throws when it is closing.
    package func run() throws {
        let inbox = Inbox(readerWakeUp)
        let most = settings.maxOpenFiles > 0 ? settings.maxOpenFiles : max(16, System.descriptorLimit / 2)
        let budget = DescriptorBudget(most)
        let known = KnownPositions(sink.positions(withPrefix: FileSourceKey.prefix))
        _ = changes.take()
        let targets = targets
        let watcher = Watcher(
            targets: targets, changes: changes, settings: settings, events: events, inbox: inbox, budget: budget)
        var reader = Reader(
            targets: targets, settings: settings, sink: sink, events: events, known: known, budget: budget, inbox: inbox,
            once: once)
        defer { reader.end() }
        if once {
            var watcher = watcher
            watcher.start(watching: false, known: known)
            ready.store(true, ordering: .relaxed)
            try reader.run(shown, finished, until: stopped, wakeUp: readerWakeUp)
        } else {
            let thread = try startWatcher(watcher, known)
            defer {
                stop()
                thread.join()
                // Descriptors that nobody took over.
                for case .found(_, _, _, let file?, _, _) in inbox.take() { System.close(file) }
            }
            try reader.run(shown, finished, until: stopped, wakeUp: readerWakeUp)
        }
    }

    private func startWatcher(_ watcher: consuming Watcher, _ known: KnownPositions) throws(SystemError) -> Worker {
        let box = Mutex<Watcher?>(watcher)
        let worker = Worker("tail-watch") { [self] in
            // The lock is held for as long as the thread runs; nobody else asks for it.
            box.withLock { watcher in
                watcher?.start(watching: settings.watches, known: known)
                ready.store(true, ordering: .relaxed)
                watcher?.run(until: stopped, wakeUp: watcherWakeUp, finished: finished)
                watcher = nil
            }
        }
        guard let worker else { throw SystemError("start a thread", code: 11) }
        return worker
    }
}
