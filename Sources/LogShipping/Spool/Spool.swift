import Bytes
import Disk
import LogModel
import Synchronization

/// Batches on disk, on their way to one destination: what is in here may be forgotten by its source.
///
/// - `append` returns once the batch is as durable as `syncs` says; only then may positions move.
/// - A record carries the positions of its sources. So after a kill it is the spool that knows how far was read, and no line
///   comes twice because the positions file was a second behind.
/// - A record's requests bear the same `X-Tailrace-Batch` whenever they are sent, in this run or a later one.
/// - Records leave in order; how far they were acknowledged stands in `progress`, which is not synced: after a loss of power
///   some are sent again under their old numbers.
/// - A part is removed when all of it is acknowledged and the positions in it are saved elsewhere; until then it stays.
/// - A part that cannot be read is set aside as `.damaged` with what is good in it kept; never an obstacle to starting.
///
/// Blocking calls: `open`, `append`, `next`, `makeRoom`. Format: `docs/formats/spool.md`.
package final class Spool: Sendable {
    package struct Advance: Sendable, Equatable {
        package var source: ByteString
        package var path: String
        package var to: SourcePosition

        package init(source: ByteString, path: String, to: SourcePosition) {
            self.source = source
            self.path = path
            self.to = to
        }
    }

    struct Part: Sendable {
        var number: UInt64
        var identity: SpoolIdentity
        var size: Int
        /// Behind its last record.
        var end: UInt64
    }

    struct Item: Sendable {
        var part: UInt64
        var offset: Int
        var length: Int
        var entries: Int
        var isDone = false
    }

    struct State: Sendable {
        var parts: [Part] = []
        /// Records from `origin` on.
        var items: [Item] = []
        var origin: UInt64 = 0
        /// The first that is not done.
        var base: UInt64 = 0
        /// The next one to be handed out.
        var cursor: UInt64 = 0
        var bytes = 0
        var entries = 0
        /// The part that is written to.
        var current: UInt64?
        var isFinishing = false
        var isGivenUp = false

        var end: UInt64 { origin + UInt64(items.count) }

        /// Where a record from `origin` on stands in `items`.
        func index(_ ordinal: UInt64) -> Int { Int(ordinal - origin) }

        mutating func skipDone() {
            while base < end, items[index(base)].isDone { base += 1 }
            cursor = max(cursor, base)
            // Seldom, or a spool of many small records would be moved for each of them.
            guard index(base) > items.count / 2 else { return }
            items.removeFirst(index(base))
            origin = base
        }
    }

    private struct Writer {
        var file: (any DiskFile)?
        var number: UInt64
        var offset = 0
        var sequence: UInt64 = 0
    }

    private struct Progress {
        var file: (any DiskFile)?
        var generation: UInt64 = 0
        var done: UInt64 = 0
    }

    enum Appended: Sendable, Equatable {
        case stored
        /// `sizeMax` is reached.
        case full
        case failed(String)
    }

    let settings: SpoolSettings
    private let disk: any Disk
    private let lock: any DiskLock
    private let identity = SpoolIdentity.make()
    private let state: Monitor<State>
    private let writer: Mutex<Writer>
    private let progress: Mutex<Progress>
    private let report: @Sendable (String) -> Void
    private let mayForget = Mutex<@Sendable ([Advance]) -> Bool>({ _ in true })
    /// Positions of the sources whose lines are, or were, in here: the latest of each.
    package let advances: [Advance]
    /// Damaged parts found when it was opened.
    package let damagedParts: Int

    /// Bytes of one part: an eighth of the whole, 16 MiB at most.
    private var partSize: Int { min(16 << 20, max(1 << 20, settings.sizeMax / 8)) }

    /// Makes the directory where it is missing. Throws where that cannot be, or where another process has it.
    package init(
        _ settings: SpoolSettings, disk: any Disk = PosixDisk(), report: @escaping @Sendable (String) -> Void
    ) throws(DiskError) {
        self.settings = settings
        self.disk = disk
        self.report = report
        try disk.makeDirectory(settings.directory)
        lock = try disk.lock(DiskPath.join(settings.directory, SpoolFormat.lockName))
        let found = try SpoolRecovery(settings.directory, disk, report).run()
        advances = found.advances
        damagedParts = found.damaged
        state = Monitor(found.state)
        writer = Mutex(Writer(file: nil, number: found.highest))
        progress = Mutex(Progress(file: found.progress, generation: found.generation, done: found.state.base))
    }

    /// `mayForget` is asked before a part is removed, with the latest position of each source in it: whether they are safe elsewhere. A
    /// part may be acknowledged before the positions file has been told of it, and a disk may not take that file. Blocks.
    package func beforeRelease(_ mayForget: @escaping @Sendable ([Advance]) -> Bool) { self.mayForget.withLock { $0 = mayForget } }

    package var summary: (bytes: Int, entries: Int) { state.withLock { ($0.bytes, $0.entries) } }
    var isEmpty: Bool { state.withLock { $0.base == $0.end } }

    /// Numbers for so many requests, the first of them.
    func sequences(_ count: Int) -> UInt64 {
        writer.withLock { writer in
            defer { writer.sequence += UInt64(count) }
            return writer.sequence + 1
        }
    }

    func header(_ sequence: UInt64) -> String { identity.header(sequence) }

    // MARK: Writing

    /// One record. `sequences`: a number for each parcel, from `sequences(_:)`. May be called again after a failure.
    func append(_ advances: [Advance], _ parcels: [Parcel], _ sequences: [UInt64]) -> Appended {
        writer.withLock { writer in
            let (ordinal, used) = state.withLock { ($0.end, $0.bytes) }
            let record = SpoolFormat.record(ordinal: ordinal, advances: advances, parcels: parcels, sequences: sequences)
            defer { withExtendedLifetime(record) {} }
            guard record.count <= SpoolFormat.recordMax else { return .failed("a batch is too large for a spool") }
            guard used + record.count + SpoolFormat.headSize <= settings.sizeMax else {
                endIdlePart(&writer)
                return record.count + SpoolFormat.headSize > settings.sizeMax
                    ? .failed("a batch of \(record.count) bytes is larger than queue.max_bytes") : .full
            }
            do throws(DiskError) {
                if writer.file == nil || writer.offset + record.count > partSize { try roll(&writer) }
                guard let file = writer.file else { return .failed("no part is open") }
                do throws(DiskError) {
                    try file.write([record.view], at: writer.offset)
                    if settings.syncs { try file.sync() }
                } catch {
                    // What was half written is cut off, and where that fails too the part is given up: a record that
                    // follows it in the next part has the same ordinal, which is how reading tells.
                    let size = writer.offset
                    if error.operation == .sync || (try? file.truncate(to: size)) == nil { writer.file = nil }
                    throw error
                }
            } catch {
                return .failed("\(error)")
            }
            let entries = parcels.reduce(0) { $0 + $1.entries }
            let item = Item(part: writer.number, offset: writer.offset, length: record.count, entries: entries)
            writer.offset += record.count
            state.change { state in
                state.items.append(item)
                state.bytes += item.length
                state.entries += entries
                if let last = state.parts.indices.last {
                    state.parts[last].size += item.length
                    state.parts[last].end = state.end
                }
            }
            return .stored
        }
    }

    /// A part that is large beside `sizeMax` would stay for ever as the one that is written to, though all of it is done.
    private func endIdlePart(_ writer: inout Writer) {
        let isIdle = state.change { state in
            guard state.base == state.end, state.current != nil else { return false }
            state.current = nil
            return true
        }
        guard isIdle else { return }
        writer.file?.close()
        writer.file = nil
    }

    private func roll(_ writer: inout Writer) throws(DiskError) {
        writer.file?.close()
        writer.file = nil
        state.withLock { $0.current = nil }
        writer.number += 1
        let path = DiskPath.join(settings.directory, SpoolFormat.partName(writer.number))
        let file = try disk.open(path, .create)
        let head = SpoolFormat.head(number: writer.number, identity: identity)
        defer { withExtendedLifetime(head) {} }
        do throws(DiskError) {
            try file.write([head.view], at: 0)
            if settings.syncs {
                try file.sync()
                try disk.syncDirectory(settings.directory)
            }
        } catch {
            file.close()
            try? disk.unlink(path)
            throw error
        }
        writer.file = file
        writer.offset = SpoolFormat.headSize
        let number = writer.number
        state.change { state in
            state.parts.append(Part(number: number, identity: identity, size: SpoolFormat.headSize, end: state.end))
            state.bytes += SpoolFormat.headSize
            state.current = number
        }
    }

    /// Waits until something was acknowledged or given up, a second at most. For who found it full.
    func waitForRoom() {
        let before = state.withLock { ($0.base, $0.bytes) }
        _ = state.wait(timeout: 1_000_000_000) { state in
            (state.base, state.bytes) != before || state.isGivenUp ? true : nil
        }
    }

    /// Removes the oldest part with what nobody has taken of it. Returns how many entries are lost by that.
    func makeRoom() -> Int {
        writer.withLock { writer in
            if state.withLock({ $0.parts.count == 1 && $0.current == $0.parts.first?.number }) {
                writer.file?.close()
                writer.file = nil
                state.withLock { $0.current = nil }
            }
        }
        var lost = 0
        let part: Part? = state.change { state in
            guard let part = state.parts.first, part.number != state.current else { return nil }
            for index in state.items.indices where state.items[index].part == part.number && !state.items[index].isDone {
                guard state.origin + UInt64(index) >= state.cursor else { continue }
                state.items[index].isDone = true
                state.entries -= state.items[index].entries
                lost += state.items[index].entries
            }
            state.cursor = max(state.cursor, part.end)
            state.skipDone()
            return part
        }
        if let part { release(part, isWanted: false) }
        note()
        return lost
    }

    // MARK: Reading

    /// The next record, in order; nil when there will be none. `unreadable`: told of entries that the disk does not give
    /// back. Blocks. For one thread.
    func next(unreadable: (Int) -> Void = { _ in }) -> (ordinal: UInt64, parcels: [Parcel])? {
        enum Step: Sendable {
            case read(UInt64, Item, SpoolIdentity)
            case release([Part])
            case end
        }
        // A part whose positions were not safe elsewhere is tried again a while later.
        var pause: Int64?
        var resumes = ContinuousClock.now
        while true {
            let step: Step? = state.wait(timeout: pause) { state -> Step? in
                if state.isGivenUp { return .end }
                if pause == nil || ContinuousClock.now >= resumes {
                    let done = state.base
                    let free = state.parts.prefix { $0.end <= done && $0.number != state.current }
                    if !free.isEmpty { return .release(Array(free)) }
                }
                while state.cursor < state.end {
                    let item = state.items[state.index(state.cursor)]
                    let ordinal = state.cursor
                    state.cursor += 1
                    if item.isDone { continue }
                    guard let part = state.parts.first(where: { $0.number == item.part }) else { continue }
                    return .read(ordinal, item, part.identity)
                }
                return state.isFinishing ? .end : nil
            }
            switch step {
            case .release(let parts):
                pause = parts.allSatisfy { release($0) } ? nil : Self.releasePause
                resumes = ContinuousClock.now + .nanoseconds(pause ?? 0)
            case nil: continue
            case .read(let ordinal, let item, let identity):
                do { return (ordinal, try read(item, identity)) } catch {
                    report("a record of the spool cannot be read, \(item.entries) lines of it are lost: \(error)")
                    unreadable(item.entries)
                    done(ordinal)
                }
            case .end: return nil
            }
        }
    }

    private func read(_ item: Item, _ identity: SpoolIdentity) throws -> [Parcel] {
        let path = DiskPath.join(settings.directory, SpoolFormat.partName(item.part))
        let file = try disk.open(path, .read)
        defer { file.close() }
        let bytes = ByteArena(capacity: item.length)
        try file.read(item.length, at: item.offset, into: bytes)
        defer { withExtendedLifetime(bytes) {} }
        var head = ByteReader(bytes.view)
        let length = try head.littleEndian(UInt32.self)
        let sum = try head.littleEndian(UInt32.self)
        let payload = bytes.view.suffix(from: SpoolFormat.recordHeadSize)
        guard Int(length) == payload.count, sum == CRC32C.of(payload) else { throw DecodeError("checksum mismatch") }
        return try SpoolFormat.decode(payload, identity: identity, keepsBodies: true).parcels
    }

    /// All requests of a record have an outcome that is final. From any thread; writes 20 bytes.
    func done(_ ordinal: UInt64) {
        state.change { state in
            guard ordinal >= state.base, ordinal < state.end else { return }
            let index = state.index(ordinal)
            if !state.items[index].isDone {
                state.items[index].isDone = true
                state.entries -= state.items[index].entries
            }
            state.skipDone()
        }
        note()
    }

    /// Writes how far everything is done, where that has changed.
    private func note() {
        progress.withLock { progress in
            let done = state.withLock { $0.base }
            guard done > progress.done, let file = progress.file else { return }
            progress.done = done
            progress.generation += 1
            let slot = SpoolFormat.slot(generation: progress.generation, done: done)
            defer { withExtendedLifetime(slot) {} }
            // Lost, it costs that some is sent again under its old number.
            try? file.write([slot.view], at: progress.generation % 2 == 0 ? 0 : SpoolFormat.slotSize)
        }
    }

    /// Nanoseconds until a part that had to stay is tried again.
    private static let releasePause: Int64 = 500_000_000

    /// Removes a part. False where it has to stay. `isWanted`: its positions are; not where room is made by force.
    @discardableResult
    private func release(_ part: Part, isWanted: Bool = true) -> Bool {
        let path = DiskPath.join(settings.directory, SpoolFormat.partName(part.number))
        guard mayForget.withLock({ $0 })(SpoolPart.advances(path, part.identity, disk)) || !isWanted else { return false }
        let isThere = state.change { state in
            guard let index = state.parts.firstIndex(where: { $0.number == part.number }) else { return false }
            state.parts.remove(at: index)
            state.bytes -= part.size
            return true
        }
        guard isThere else { return true }
        do throws(DiskError) { try disk.unlink(path) } catch { report("a part of the spool stays: \(error)") }
        return true
    }

    // MARK: The end

    /// `next` returns nil once everything was handed out.
    func finish() { state.change { $0.isFinishing = true } }

    /// `next` returns nil, and nobody waits any more.
    func giveUp() { state.change { $0.isGivenUp = true } }

    var isGivenUp: Bool { state.withLock { $0.isGivenUp } }

    /// What is there stays for a later run.
    package func close() {
        writer.withLock { writer in
            writer.file?.close()
            writer.file = nil
        }
        progress.withLock { progress in
            progress.file?.close()
            progress.file = nil
        }
        lock.release()
    }
}
