import Bytes
import Disk
import LogModel
import Metrics

/// The one thread that writes the log, checks positions and duplicates, and publishes rows.
///
/// Group commit (Gawlick and Kinkade, 1985): whatever arrived while the last sync ran is written and synced together. A
/// batch is answered when its group is durable under the policy and visible to queries.
///
/// - Only this thread changes the filling head, the positions and the batch keys.
/// - Lines and positions of a batch are one record: durable and visible together or not at all.
final class Committer: @unchecked Sendable {
    // Sendable: the stored variables belong to the committer thread once `run` has begun.
    private let core: StoreCore
    private let queue: CommitQueue
    private let sealer: Sealer
    private var wal: WalWriter
    private var keys: BatchKeys
    private var duplicates: DuplicateFinder
    private var nextHead: UInt64 = 2

    private var lastAppend: Int64 = 0
    private var lastSync: Int64 = 0
    private var lastRelease: Int64 = 0
    /// Whether the log says that its last record is synced.
    private var isMarked = true
    /// What the last look at the free space said.
    private var isShortOfSpace = false
    private var spaceAsked: Int64?

    /// Bytes of one group: bounds the time that the first of it waits.
    private static let groupBytesMax = 4 << 20
    private static let groupCountMax = 1000
    /// How long the log is quiet before it gets a mark.
    private static let markDelay: Int64 = 100_000_000
    /// Before a file of the log that could not be deleted is tried again.
    private static let releaseDelay: Int64 = 1_000_000_000
    private static let spaceInterval: Int64 = 1_000_000_000

    init(core: StoreCore, queue: CommitQueue, sealer: Sealer, wal: WalWriter, keys: BatchKeys) {
        self.core = core
        self.queue = queue
        self.sealer = sealer
        self.wal = wal
        self.keys = keys
        duplicates = DuplicateFinder(core: core)
        let now = core.clock.monotonic
        lastAppend = now
        lastSync = now
    }

    /// Until the queue is closed and empty.
    func run() {
        while true {
            let work = queue.monitor.wait(timeout: untilNextDeadline()) {
                state -> (items: [CommitQueue.Item], end: Bool)? in
                if state.items.isEmpty, !state.isClosed, !state.poked { return nil }
                state.poked = false
                let items = Self.takeGroup(&state.items)
                return (items, state.isClosed && items.isEmpty)
            }
            if let work {
                handle(work.items)
                if work.end { break }
            }
            deadlines()
        }
        finish()
    }

    private static func takeGroup(_ items: inout [CommitQueue.Item]) -> [CommitQueue.Item] {
        var bytes = 0
        var count = 0
        for item in items {
            if case .append(let record, _, _) = item {
                if count > 0, bytes + record.arena.count > groupBytesMax { break }
                bytes += record.arena.count
            }
            count += 1
            if count == groupCountMax { break }
        }
        defer { items.removeFirst(count) }
        return Array(items[..<count])
    }

    private func handle(_ items: [CommitQueue.Item]) {
        var group: [Arrival] = []
        for item in items {
            switch item {
            case .append(let record, let reserved, let reply):
                group.append(Arrival(record: record, size: reserved, reply: reply))
            case .flush(let reply):
                commit(group)
                group = []
                flush(reply)
            case .vacate(let reply):
                commit(group)
                group = []
                release(idle: core.snapshot().filling.isEmpty && sealer.isFree)
                wal.cut(behind: core.manifest.floor, now: core.clock.monotonic)
                reply(wal.oldest)
            }
        }
        commit(group)
    }

    // MARK: Appending

    private struct Arrival {
        var record: BatchRecord
        /// Room that was taken for it in the queue.
        var size: Int
        var reply: CommitQueue.Reply<AppendReceipt>
    }

    /// A batch that passed the checks, and its sender.
    private struct Admitted {
        var record: BatchRecord
        var reply: CommitQueue.Reply<AppendReceipt>
        var receipt: AppendReceipt
        var size: Int
    }

    private func commit(_ group: [Arrival]) {
        guard !group.isEmpty else { return }
        if let refusal = makeRoom() {
            for one in group { answer(one.reply, one.size, .failure(refusal)) }
            core.metrics.refused.add(group.count)
            return
        }
        let now = core.clock.monotonic
        var positions = PositionCheck(core.positions)
        var newKeys: [BatchKey] = []
        var written: [Admitted] = []
        // Answered together with the group: what they repeat may be in it.
        var repeated: [Admitted] = []
        duplicates.beginGroup()
        for arrival in group {
            let record = arrival.record
            let reply = arrival.reply
            var one = Admitted(
                record: record,
                reply: reply,
                receipt: AppendReceipt(stored: record.rows.count, duplicates: 0),
                size: arrival.size
            )
            if let key = record.key, keys.contains(key) || newKeys.contains(key) {
                one.receipt = AppendReceipt(stored: 0, duplicates: record.rows.count)
                repeated.append(one)
                continue
            }
            switch positions.admit(record.advances, hasRows: !record.rows.isEmpty) {
            case .refuse(let error):
                answer(reply, one.size, .failure(error))
                continue
            case .duplicate:
                one.receipt = AppendReceipt(stored: 0, duplicates: record.rows.count)
                repeated.append(one)
                continue
            case .store: break
            }
            if record.deduplicates, !record.rows.isEmpty {
                do throws(StoreError) {
                    let keep = try duplicates.filter(record, pending: written.map(\.record))
                    if let keep {
                        one.record = record.filtered(keep)
                        one.receipt = AppendReceipt(
                            stored: one.record.rows.count,
                            duplicates: record.rows.count - one.record.rows.count,
                            kept: one.record.rows.isEmpty ? nil : keep
                        )
                    }
                } catch {
                    answer(reply, one.size, .failure(error))
                    continue
                }
            }
            if one.record.isEmpty {
                repeated.append(one)
                continue
            }
            if let key = record.key { newKeys.append(key) }
            written.append(one)
        }
        if !written.isEmpty {
            do throws(DiskError) {
                let policy = core.settings.sync
                try wal.commit(written.map(\.record), sync: policy == .always, now: now) { unsynced() }
                let end = core.clock.monotonic
                if policy == .always { lastSync = end }
                core.metrics.syncSeconds.observe(Double(end - now) / 1e9)
            } catch {
                let refusal = StoreError(error, "writing the log of \(core.settings.directory)")
                for one in written + repeated {
                    // What was repeated may have been in the group that failed.
                    answer(one.reply, one.size, .failure(refusal.kind == .retryLater ? refusal : retry(refusal)))
                }
                core.metrics.refused.add(written.count)
                return
            }
            publish(written)
        }
        for one in written + repeated {
            answer(one.reply, one.size, .success(one.receipt))
            if one.receipt.duplicates > 0 { core.metrics.duplicates.add(one.receipt.duplicates) }
        }
        if core.snapshot().filling.footprint >= core.settings.headSize { rotate() }
    }

    /// A failed write or sync is the disk's trouble: nothing of the batch is stored, its sender keeps it.
    private func retry(_ error: StoreError) -> StoreError {
        StoreError(.retryLater, error.message + "; nothing of the batch is stored, send it again")
    }

    private func publish(_ written: [Admitted]) {
        let now = core.clock.monotonic
        var sequence = wal.next - UInt64(written.count)
        var lines = 0
        var bytes = 0
        var walBytes = 0
        var batches: [(HeadBatch, BatchRecord)] = []
        for one in written {
            let record = one.record
            walBytes += record.arena.count
            let lineBase = record.lineBase
            let batch = HeadBatch(
                tenant: record.tenant,
                record: record.arena.take(),
                lineBase: lineBase,
                rows: record.rows,
                streams: record.streams,
                metadata: record.metadata,
                sequence: sequence
            )
            sequence += 1
            lines += batch.rows.count
            bytes += batch.lineBytes
            if let key = record.key { keys.insert(key, now: record.receivedAt) }
            batches.append((batch, record))
        }
        let added = batches
        let filling: (id: UInt64, count: Int) = core.update { state in
            let before = state.filling.batches.count
            for (batch, record) in added {
                state.filling.add(
                    batch,
                    advances: record.advances,
                    key: record.key,
                    receivedAt: record.receivedAt,
                    now: now
                )
            }
            return (state.filling.id, before)
        }
        for (i, (_, record)) in batches.enumerated() {
            core.positions.apply(record.advances)
            duplicates.committed(record, head: filling.id, batch: filling.count + i)
        }
        lastAppend = now
        isMarked = false
        core.metrics.lines.add(lines)
        core.metrics.bytes.add(bytes)
        core.metrics.groups.add()
        core.metrics.walBytes.add(walBytes)
        core.metrics.headBytes.set(core.snapshot().heads.reduce(0) { $0 + $1.footprint })
    }

    private func answer<T>(_ reply: CommitQueue.Reply<T>, _ size: Int, _ result: sending Result<T, StoreError>) {
        reply.resume(returning: result)
        queue.release(size)
    }

    /// Records committed but perhaps not synced, for a new file.
    private func unsynced() -> [HeadBatch] { core.snapshot().heads.flatMap(\.batches) }

    /// Nil when there is room for a batch; else why there is none.
    private func makeRoom() -> StoreError? {
        let now = core.clock.monotonic
        if isShortOfSpace || spaceAsked.map({ now - $0 >= Self.spaceInterval }) ?? true {
            spaceAsked = now
            // A file system that will not tell is asked by writing.
            let space = try? core.disk.space(at: core.settings.directory)
            isShortOfSpace = space.map { $0.free < core.settings.freeSpaceMin } ?? false
        }
        if isShortOfSpace {
            return StoreError(
                .retryLater,
                "the disk of \(core.settings.directory) has less than \(core.settings.freeSpaceMin >> 20) MB free: "
                    + "nothing is lost; free some space or lower store.retention, writing goes on by itself"
            )
        }
        if core.snapshot().filling.footprint >= core.settings.headSize {
            // The other head must be out of the way first: this is what slows writers down.
            if let failure = sealer.waitUntilFree() {
                return failure.kind == .retryLater ? failure : retry(failure)
            }
            rotate()
        }
        return nil
    }

    // MARK: Sealing

    /// Hands the filling head to the sealer if that is free.
    private func rotate() {
        guard sealer.isFree else { return }
        keys.expire(before: core.clock.wall.nanoseconds - core.settings.batchKeyAge)
        let id = nextHead
        nextHead += 1
        let head: Head? = core.update { state in
            guard !state.filling.isEmpty, state.sealing == nil else { return nil }
            let full = state.filling
            state.sealing = full
            state.filling = Head(id: id)
            return full
        }
        if let head { sealer.start(head) }
    }

    private func flush(_ reply: CommitQueue.Reply<Void>) {
        if core.snapshot().filling.isEmpty, sealer.isFree {
            release(idle: true)
            reply.resume(returning: .success(()))
            return
        }
        // With a policy that syncs late, what the segment replaces need not be synced; what follows must be in order.
        if let failure = sealer.waitUntilFree(retry: true) {
            reply.resume(returning: .failure(failure))
            return
        }
        rotate()
        sealer.whenDone { [self] failure in
            if let failure {
                reply.resume(returning: .failure(failure))
            } else {
                queue.poke()
                reply.resume(returning: .success(()))
            }
        }
    }

    private func release(idle: Bool) {
        lastRelease = core.clock.monotonic
        wal.release(through: core.manifest.floor, idle: idle, now: core.clock.monotonic)
    }

    // MARK: Deadlines

    /// Nanoseconds of real time until something may be due; nil when nothing is.
    private func untilNextDeadline() -> Int64? {
        let now = core.clock.monotonic
        var next: Int64?
        func at(_ time: Int64) { next = min(next ?? .max, time) }
        if !isMarked { at(lastAppend + Self.markDelay) }
        if case .interval(let span) = core.settings.sync, wal.needsSync { at(lastSync + span) }
        let filling = core.snapshot().filling
        if !filling.isEmpty {
            at(lastAppend + core.settings.idleTime)
            at((filling.since ?? now) + core.settings.headAge)
        } else if sealer.isFree, wal.holds(through: core.manifest.floor) {
            // What is sealed does not stay in the log of a store that nobody writes to.
            at(max(lastAppend + core.settings.idleTime, lastRelease + Self.releaseDelay))
        }
        return next.map { max(1_000_000, $0 - now) }
    }

    private func deadlines() {
        let now = core.clock.monotonic
        if case .interval(let span) = core.settings.sync, wal.needsSync, now - lastSync >= span {
            lastSync = now
            do throws(DiskError) { try wal.syncNow() } catch {
                // The records are still in memory; the next commit writes them to a new file.
                core.damage.add("\(error): the write-ahead log went on in a new file")
            }
        }
        if !isMarked, now - lastAppend >= Self.markDelay {
            wal.mark()
            isMarked = true
        }
        let filling = core.snapshot().filling
        let isIdle = now - lastAppend >= core.settings.idleTime
        if !filling.isEmpty, sealer.isFree, isIdle || now - (filling.since ?? now) >= core.settings.headAge { rotate() }
        release(idle: isIdle && core.snapshot().filling.isEmpty && sealer.isFree)
    }

    /// The queue is closed: everything goes into segments.
    private func finish() {
        if wal.needsSync { try? wal.syncNow() }
        if sealer.waitUntilFree(retry: true) == nil {
            rotate()
            if sealer.waitUntilFree(retry: true) == nil { release(idle: true) }
        }
        wal.close()
    }
}
