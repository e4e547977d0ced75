import Bytes
import Disk
import LogModel
import Metrics
import Synchronization

/// The embedded store: rows in a write-ahead log and in memory first, in immutable segments soon after.
///
/// The life of a batch: `append` encodes it on the caller's thread; the committer checks positions and duplicates,
/// writes it with others and syncs them once; it is then visible in the head and acknowledged. The sealer turns a
/// full or idle head into segments and lets the log go; the compactor merges and expires segments. Readers hold
/// immutable snapshots.
///
/// What it promises: I1 lines come back byte for byte; I2 what is acknowledged survives kill -9, and power loss under
/// `Sync.always`; I3 a source range or numbered batch is stored once; I5 damage is found, left out and reported.
///
/// Formats: docs/formats/wal.md, segment.md, manifest.md.
package final class LogStore: StoreReader, StoreWriter {
    let core: StoreCore
    /// What queries must not show any more. LogQuery looks at it (`HidingReader`); the store itself knows no queries.
    package let deletions: StoreDeletions
    private let queue: CommitQueue
    private let sealer: Sealer
    private let compactor: Compactor
    private let scrubber: Scrubber
    private let lock: any DiskLock
    private let workers: Mutex<[Worker]>

    private init(
        core: StoreCore,
        deletions: StoreDeletions,
        queue: CommitQueue,
        sealer: Sealer,
        compactor: Compactor,
        scrubber: Scrubber,
        lock: any DiskLock,
        workers: sending [Worker]
    ) {
        self.core = core
        self.deletions = deletions
        self.queue = queue
        self.sealer = sealer
        self.compactor = compactor
        self.scrubber = scrubber
        self.lock = lock
        self.workers = Mutex(workers)
    }

    /// Hears, once each, of every part that is or was found damaged and left out, and of a log that ends in a torn write.
    package func onDamage(_ tell: @escaping @Sendable (String) -> Void) { core.damage.onFinding(tell) }

    /// What an operator should know now: why queries would not see everything stored (nil: they do), and remarks.
    /// Asks the file system.
    package func condition() -> (missing: String?, notes: [String]) {
        var notes: [String] = []
        let damaged = core.damage.all.count
        if damaged > 0 {
            notes.append("\(damaged) damaged part\(damaged == 1 ? "" : "s") of the store left out: see the log and /metrics")
        }
        let directory = core.settings.directory
        if let space = try? core.disk.space(at: directory), space.free < core.settings.freeSpaceMin {
            notes.append("the disk of \(directory) is nearly full: writes are refused until there is space")
        }
        let current = try? core.disk.size(of: core.path(StoreNames.current))
        return (current == .some(nil) ? "the files of the store in \(directory) are gone" : nil, notes)
    }

    deinit {
        // Nobody waits for the threads then; they end by themselves.
        queue.close()
        sealer.stop()
        compactor.stop()
        scrubber.stop()
    }

    /// Opens the store in `settings.directory`, making it where it is missing, and recovers what a crash left.
    ///
    /// Throws `.locked` when another process has it, `.invalid` for a directory of another format, `.system` when the
    /// disk refuses. Damage does not throw: the rest is served, see `catalogue().damaged`.
    package static func open(
        _ settings: StoreSettings,
        disk: any Disk = PosixDisk(),
        registry: Registry,
        clock: any TimeSource = HostTime()
    ) throws(StoreError) -> LogStore {
        let lock = try takeLock(settings.directory, disk)
        do throws(StoreError) {
            let recovered = try Recovery(settings: settings, disk: disk, clock: clock, metrics: StoreMetrics(registry))
                .run()
            let core = recovered.core
            let deletions = try StoreDeletions.open(
                settings,
                disk: disk,
                now: clock.wall.nanoseconds,
                damage: core.damage
            )
            // Records under way: a quarter of what the heads may hold.
            let queue = CommitQueue(capacity: max(1 << 20, min(16 << 20, settings.memory / 14)))
            let compactor = Compactor(core: core, deletions: deletions) { [weak queue] in queue?.vacate() }
            let scrubber = Scrubber(core: core)
            let sealer = Sealer(core: core) { [weak queue] in
                queue?.poke()
                compactor.poke()
            }
            let committer = Committer(
                core: core,
                queue: queue,
                sealer: sealer,
                wal: recovered.wal,
                keys: recovered.keys
            )
            guard let first = Worker("store-seal", { sealer.run() }),
                let second = Worker("store-merge", { compactor.run() }),
                let scrub = Worker("store-scrub", { scrubber.run() }),
                let third = Worker(
                    "store-commit",
                    {
                        committer.run()
                        sealer.stop()
                        compactor.stop()
                        scrubber.stop()
                    }
                )
            else { throw StoreError(.system, "the system has no threads left for the store") }
            core.count()
            return LogStore(
                core: core,
                deletions: deletions,
                queue: queue,
                sealer: sealer,
                compactor: compactor,
                scrubber: scrubber,
                lock: lock,
                workers: [third, first, second, scrub]
            )
        } catch {
            lock.release()
            throw error
        }
    }

    private static func takeLock(_ directory: String, _ disk: any Disk) throws(StoreError) -> any DiskLock {
        do throws(DiskError) {
            try disk.makeDirectory(directory)
            return try disk.lock(DiskPath.join(directory, StoreNames.lock))
        } catch {
            if error.isLocked {
                let holder = error.holder.map { "process \($0)" } ?? "another process"
                throw StoreError(
                    .locked,
                    "data directory \(directory) is in use by \(holder): stop that one, or give another directory"
                )
            }
            throw StoreError(error, "opening data directory \(directory)")
        }
    }

    /// Takes no more batches, seals what there is, and lets the directory go.
    package func close() async {
        queue.close()
        let threads = workers.withLock { workers in
            defer { workers = [] }
            return workers
        }
        guard !threads.isEmpty else { return }
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
            // Joining blocks, which a cooperative thread must not.
            let joiner = Worker("store-close") {
                for thread in threads { thread.join() }
                done.resume()
            }
            if joiner == nil {
                for thread in threads { thread.join() }
                done.resume()
            }
        }
        core.manifest.close()
        lock.release()
    }

    // MARK: Writing

    /// Bytes of lines in one batch. Larger ones would make a head of their own.
    package static let batchBytesMax = 256 << 20
    /// Bytes of one line: its page is decoded in one piece.
    package static let lineBytesMax = 64 << 20

    package func append(_ batch: WriteBatch) async throws(StoreError) -> AppendReceipt {
        guard batch.bytes.count <= Self.batchBytesMax else {
            throw StoreError(
                .invalid,
                "a batch of \(batch.bytes.count >> 20) MB: at most \(Self.batchBytesMax >> 20), split it"
            )
        }
        if batch.rows.contains(where: { $0.length > UInt32(Self.lineBytesMax) }) {
            throw StoreError(.invalid, "a line longer than \(Self.lineBytesMax >> 20) MB: cut or drop it before")
        }
        if batch.rows.isEmpty, batch.advances.isEmpty, batch.key == nil {
            return AppendReceipt(stored: 0, duplicates: 0)
        }
        let size = batch.bytes.count + batch.rows.count * MemoryLayout<HeadRow>.stride + 1024
        try await queue.admit(size)
        let streams = core.streams.register(batch.tenant, batch.streams)
        let record = BatchRecord.encode(batch, streams: streams, receivedAt: core.clock.wall.nanoseconds)
        let result = await withCheckedContinuation { (reply: CommitQueue.Reply<AppendReceipt>) in
            if !queue.push(.append(record, reserved: size, reply)) {
                queue.release(size)
                reply.resume(returning: .failure(CommitQueue.closing))
            }
        }
        return try result.get()
    }

    package func position(of source: ByteString) -> SourcePosition? { core.positions[source] }

    package func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] {
        core.positions.withPrefix(prefix)
    }

    package func flush() async throws(StoreError) {
        let result = await withCheckedContinuation { (reply: CommitQueue.Reply<Void>) in
            if !queue.push(.flush(reply)) { reply.resume(returning: .failure(CommitQueue.closing)) }
        }
        try result.get()
    }

    /// Merges whatever fits together and drops what is expired; returns when nothing is left to do.
    package func compact() async throws(StoreError) {
        try await maintain(.all)
    }

    /// Does the merges and removals that are due; returns when they are done.
    package func maintain() async throws(StoreError) {
        try await maintain(.due)
    }

    /// From now on the lines of delete requests leave the disk in time, and not only the answers of queries. The store
    /// knows no query language: `judge` does.
    package func deletePhysically(by judge: any DeletionJudge) { compactor.delete(by: judge) }

    /// Takes the lines of all delete requests off the disk now, those in memory included, without waiting for the end
    /// of their cancel period.
    package func deleteNow() async throws(StoreError) {
        try await flush()
        try await maintain(.deletions)
    }

    /// Changes what is stored, what is in memory included: by editors that `make` makes, one for each segment. When it returns, no
    /// file of the store holds what was changed, but for `EditTally.unreadable`. Copies (snapshots, exports) are not reached.
    package func edit(by make: @escaping @Sendable () throws -> any RowEditor) async throws(StoreError) -> EditTally {
        try await flush()
        let result = await withCheckedContinuation { (reply: CommitQueue.Reply<EditTally>) in
            compactor.edit(by: make) { reply.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Reads everything stored and compares it with its checksums; returns when that is done. What is damaged is told as
    /// damage always is.
    package func scrub() async {
        await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in scrubber.request { done.resume() } }
    }

    private func maintain(_ what: Compactor.Request) async throws(StoreError) {
        let result = await withCheckedContinuation { (reply: CommitQueue.Reply<Void>) in
            compactor.request(what) { failure in
                reply.resume(returning: failure.map { .failure($0) } ?? .success(()))
            }
        }
        try result.get()
    }

    // MARK: - Testing

    /// Makes the threads look at the clock, for clocks that are moved by hand.
    package func clockMoved() { queue.poke() }

    /// Rows in memory that are in no segment yet, and the number of segments.
    package var parts: (headRows: Int, segments: Int) {
        let view = core.snapshot()
        return (view.heads.reduce(0) { $0 + $1.rows }, view.segments.count)
    }
}
