import Bytes
import Disk
import LogModel

/// The writing end of the write-ahead log. Owned by the committer thread.
///
/// - Numbers without a hole; a record that failed gives its number back.
/// - After a failed sync a file is given up and never synced again; what it may have lost is written to a new one.
/// - A file's header says from which number on the files before it are void, so that leftovers of failed writes never
///   count.
struct WalWriter {
    struct ClosedFile {
        var number: UInt64
        /// First record in it, or less.
        var first: UInt64 = 0
        /// Last record in it.
        var last: UInt64
        /// Holds damage: kept aside, not deleted.
        var isDamaged = false
    }

    let disk: any Disk
    let directory: String
    let fileSize: Int
    private var file: (any DiskFile)?
    private var header = WalFormat.FileHeader(number: 0, nonce: 0, first: 1)
    private var end = 0
    /// Number that the next record gets.
    private(set) var next: UInt64
    /// Last record known to be synced.
    private(set) var durable: UInt64
    private(set) var closed: [ClosedFile]
    private var lastNumber: UInt64
    /// Monotonic time at which the open file was begun.
    private var begunAt: Int64 = 0
    /// A file that fills up faster than this is load, and the next one gets its space beforehand.
    private static let loadTime: Int64 = 10_000_000_000

    init(
        disk: any Disk,
        directory: String,
        fileSize: Int,
        next: UInt64,
        lastNumber: UInt64,
        closed: [ClosedFile]
    ) {
        self.disk = disk
        self.directory = directory
        self.fileSize = fileSize
        self.next = next
        durable = next - 1
        self.lastNumber = lastNumber
        self.closed = closed
    }

    /// Bytes of the open file.
    var size: Int { end }
    var hasRecords: Bool { file != nil && end > WalFormat.dataStart }

    /// The oldest record that a file may hold; `next` where they hold none.
    var oldest: UInt64 {
        closed.reduce(hasRecords ? min(header.first, next) : next) { min($0, $1.first) }
    }

    /// Whether a file could go already but for being the open one, or is gone only in part.
    func holds(through floor: UInt64) -> Bool { (hasRecords && next - 1 <= floor) || closed.contains { $0.last <= floor } }

    /// Begins a file with copies of `again`, committed records that older files may have lost. The file gets its name
    /// last, when header and copies are durable: from then on the older files are void from `first` on.
    private mutating func begin(
        first: UInt64, again: [HeadBatch] = [], preallocate: Bool, now: Int64
    ) throws(DiskError) {
        let number = lastNumber + 1
        var random = SystemRandomNumberGenerator()
        let fresh = WalFormat.FileHeader(number: number, nonce: random.next(), first: first)
        let path = DiskPath.join(directory, WalFormat.fileName(number))
        // Whatever happens below, the number is used up: a file of that name may exist.
        lastNumber = number
        let temporary = again.isEmpty ? path : path + StoreNames.unfinished
        try? disk.unlink(temporary)
        let file = try disk.open(temporary, .create)
        let out = ByteArena(capacity: WalFormat.dataStart)
        fresh.encode(into: out)
        var size = out.count
        do throws(DiskError) {
            try file.write([out.view], at: 0)
            if preallocate { try file.preallocate(fileSize) }
            for batch in again {
                let copy = ByteArena(capacity: batch.record.count)
                copy.append(batch.record.view)
                WalFormat.seal(
                    copy,
                    at: 0,
                    kind: .batch,
                    sequence: batch.sequence,
                    durable: durable,
                    body: CRC32C.of(copy.view.suffix(from: WalFormat.recordHeaderSize)),
                    nonce: fresh.nonce
                )
                try file.write([copy.view], at: size)
                size += copy.count
            }
            // The header must be durable before anything older is void or deleted.
            try file.sync()
            if temporary != path { try disk.rename(temporary, to: path) }
            try disk.syncDirectory(directory)
        } catch {
            file.close()
            try? disk.unlink(temporary)
            try? disk.unlink(path)
            throw error
        }
        self.file = file
        header = fresh
        end = size
        begunAt = now
        if let last = again.last { durable = max(durable, last.sequence) }
    }

    /// Writes a group of records and, if `sync`, makes them durable. On an error none of them is in the log.
    ///
    /// `unsynced` gives the committed records behind `durable`, in order, for the case that they must be written again.
    mutating func commit(
        _ group: [BatchRecord],
        sync: Bool,
        now: Int64,
        unsynced: () -> [HeadBatch]
    ) throws(DiskError) {
        var failures = 0
        while true {
            do throws(DiskError) {
                try place(now: now, unsynced: unsynced)
                guard let file else { throw DiskError(.open, directory, DiskError.endOfFile) }
                var sequence = next
                for record in group {
                    WalFormat.seal(
                        record.arena,
                        at: 0,
                        kind: .batch,
                        sequence: sequence,
                        durable: durable,
                        body: record.bodyChecksum,
                        nonce: header.nonce
                    )
                    sequence += 1
                }
                try file.write(group.map(\.arena.view), at: end)
                if sync { try file.sync() }
                end += group.reduce(0) { $0 + $1.arena.count }
                next = sequence
                if sync { durable = next - 1 }
                return
            } catch {
                failures += 1
                switch error.operation {
                case .write:
                    // Take back what was written. Where even that fails, the next file's header makes it void.
                    do throws(DiskError) { try file?.truncate(to: end) } catch { abandon() }
                    throw error
                case .sync where failures < 2: abandon()
                default:
                    abandon()
                    throw error
                }
            }
        }
    }

    /// Sees to it that there is a file to write to, and that committed records are in files that can be trusted.
    private mutating func place(now: Int64, unsynced: () -> [HeadBatch]) throws(DiskError) {
        if file != nil, end >= fileSize {
            if durable + 1 < next { try syncFile() }
            let busy = now - begunAt < Self.loadTime
            closed.append(ClosedFile(number: header.number, first: header.first, last: next - 1))
            file?.close()
            file = nil
            try begin(first: next, preallocate: busy, now: now)
        } else if file == nil {
            let again = unsynced().filter { $0.sequence > durable }
            try begin(first: again.first?.sequence ?? next, again: again, preallocate: false, now: now)
        }
    }

    private mutating func syncFile() throws(DiskError) {
        try file?.sync()
        durable = next - 1
    }

    /// For policies that sync now and then. On an error the file is given up; the next commit writes its records again.
    mutating func syncNow() throws(DiskError) {
        guard file != nil, durable + 1 < next else { return }
        do throws(DiskError) { try syncFile() } catch {
            abandon()
            throw error
        }
    }

    var needsSync: Bool { durable + 1 < next }

    private mutating func abandon() {
        guard let file else { return }
        closed.append(ClosedFile(number: header.number, first: header.first, last: next - 1))
        file.close()
        self.file = nil
    }

    /// Says in the log that everything before is synced, so that damage there cannot be taken for a torn tail.
    /// Not synced itself: it may be lost, and nothing with it.
    mutating func mark() {
        guard let file, durable == next - 1 else { return }
        let record = ByteArena(capacity: 64)
        for _ in 0..<4 { record.append(littleEndian: UInt64(0)) }
        WalFormat.seal(
            record,
            at: 0,
            kind: .mark,
            sequence: next,
            durable: durable,
            body: CRC32C.of(ByteView()),
            nonce: header.nonce
        )
        do throws(DiskError) {
            try file.write([record.view], at: end)
            end += record.count
        } catch { return }
    }

    /// Deletes files whose records are all in segments. `idle`: the open one too, an empty one takes its place.
    mutating func release(through floor: UInt64, idle: Bool, now: Int64) {
        if idle, file != nil, next - 1 <= floor, end > WalFormat.dataStart {
            let old = ClosedFile(number: header.number, first: header.first, last: next - 1)
            let oldFile = file
            do throws(DiskError) {
                try begin(first: next, preallocate: false, now: now)
                oldFile?.close()
                closed.append(old)
            } catch { return }
        }
        if idle, file == nil, closed.contains(where: { $0.last <= floor }) {
            do throws(DiskError) { try begin(first: next, preallocate: false, now: now) } catch { return }
        }
        // A file may go once a younger one stands: its header tells where numbers go on.
        guard file != nil else { return }
        var kept: [ClosedFile] = []
        for old in closed {
            if old.last > floor || !remove(old) { kept.append(old) }
        }
        closed = kept
    }

    /// Goes on in a new file where the open one holds records up to `floor` beside younger ones: it can go when those are
    /// in segments too, however slowly it would have filled up.
    mutating func cut(behind floor: UInt64, now: Int64) {
        guard let old = file, hasRecords, header.first <= floor, next - 1 > floor else { return }
        do throws(DiskError) {
            if needsSync { try syncFile() }
            let held = ClosedFile(number: header.number, first: header.first, last: next - 1)
            try begin(first: next, preallocate: false, now: now)
            old.close()
            closed.append(held)
        } catch { return }
    }

    private func remove(_ old: ClosedFile) -> Bool {
        let path = DiskPath.join(directory, WalFormat.fileName(old.number))
        do throws(DiskError) {
            if old.isDamaged { try disk.rename(path, to: path + ".damaged") } else { try disk.unlink(path) }
            return true
        } catch { return error.isMissing }
    }

    mutating func close() {
        file?.close()
        file = nil
    }
}
