import Bytes
import Disk
import LogModel

/// Reads the write-ahead log back after a stop of whatever kind.
///
/// The log is the records 1, 2, 3 … without a hole. Where one is missing, what stands behind it decides: if a record
/// says that the missing one had been synced, acknowledged data is damaged – that is reported, and reading goes on
/// behind it; otherwise the group was never finished, and the log ends before the hole.
///
/// Two passes: the first checks every record and keeps its place, the second hands the bodies out one at a time.
/// Memory is one record and 48 bytes for each.
struct WalReplay {
    struct Entry {
        var file: Int
        var offset: Int
        var length: Int
        var sequence: UInt64
        var durable: UInt64
        var kind: UInt16
    }

    struct File {
        var number: UInt64
        var handle: any DiskFile
        var header: WalFormat.FileHeader
        /// Records from this number on are void: a younger file has them.
        var limit: UInt64 = .max
        var last: UInt64 = 0
        var isDamaged = false
    }

    private(set) var files: [File] = []
    private(set) var entries: [Entry] = []
    private(set) var damaged: [String] = []
    /// Files without a readable header, and whether anything is in them.
    private(set) var unreadable: [(number: UInt64, hasRecords: Bool)] = []
    /// Highest file number seen.
    private(set) var lastNumber: UInt64 = 0
    /// Bytes of unfinished writes that were left out.
    private(set) var tornBytes = 0

    /// First number that the log on disk can hold; nil without files.
    var first: UInt64? { files.first?.header.first }

    /// The first pass.
    static func read(disk: any Disk, directory: String, names: [String]) throws(StoreError) -> WalReplay {
        var replay = WalReplay()
        let numbers = names.compactMap { StoreNames.wal($0) }.sorted()
        replay.lastNumber = numbers.last ?? 0
        for number in numbers {
            let path = DiskPath.join(directory, WalFormat.fileName(number))
            do throws(DiskError) {
                let file = try disk.open(path, .read)
                let size = try file.size()
                let head = ByteArena(capacity: WalFormat.dataStart)
                try file.read(min(size, WalFormat.dataStart), at: 0, into: head)
                switch WalFormat.FileHeader.decode(head.view) {
                case .header(let header, let whole):
                    // A file that was cut off while it was made has nothing in it, and nothing is lost.
                    if !whole, try hasRecords(file, size) {
                        replay.damaged.append("write-ahead log \(path): one copy of its header is damaged")
                    }
                    replay.files.append(File(number: number, handle: file, header: header))
                case .otherVersion(let version):
                    throw StoreFault.refuse(
                        "\(path) has format \(version), this program reads \(WalFormat.version): run the tailrace that "
                            + "wrote it"
                    )
                case .damaged:
                    replay.unreadable.append((number, try hasRecords(file, size)))
                    if try hasRecords(file, size) {
                        replay.damaged.append(
                            "write-ahead log \(path): the header is damaged, \(size) bytes are left out"
                        )
                    }
                }
            } catch {
                if let refusal = StoreFault.refusal(error) { throw refusal }
                replay.unreadable.append((number, true))
                replay.damaged.append("write-ahead log: \(error)")
            }
        }
        var limit = UInt64.max
        for i in replay.files.indices.reversed() {
            replay.files[i].limit = limit
            limit = min(limit, replay.files[i].header.first)
        }
        for i in replay.files.indices { replay.index(i) }
        return replay
    }

    /// Finds the records of a file.
    private mutating func index(_ at: Int) {
        let file = files[at]
        let nonce = file.header.nonce
        var size = 0
        let buffer = ByteArena(capacity: 64 << 10)
        do throws(DiskError) {
            size = try file.handle.size()
            var offset = WalFormat.dataStart
            while offset + WalFormat.recordHeaderSize <= size {
                if let entry = try WalReplay.entry(file.handle, at, offset, size, nonce, buffer) {
                    entries.append(entry)
                    if entry.kind == WalFormat.Kind.batch.rawValue, entry.sequence < file.limit {
                        files[at].last = max(files[at].last, entry.sequence)
                    }
                    offset += entry.length
                } else if let found = try WalReplay.search(file.handle, at, offset + 1, size, nonce, buffer) {
                    // Whether the bytes between are damage or leftovers shows when the numbers are compared.
                    offset = found
                } else {
                    // Zeros are space reserved beforehand, and no torn write.
                    if try !WalReplay.isZero(file.handle, from: offset, to: size, buffer) { tornBytes += size - offset }
                    return
                }
            }
        } catch {
            files[at].isDamaged = true
            damaged.append("write-ahead log: \(error)")
        }
    }

    private static func entry(
        _ file: any DiskFile,
        _ number: Int,
        _ offset: Int,
        _ size: Int,
        _ nonce: UInt64,
        _ buffer: ByteArena
    ) throws(DiskError) -> Entry? {
        buffer.reset()
        try file.read(WalFormat.recordHeaderSize, at: offset, into: buffer)
        guard let header = WalFormat.recordHeader(buffer.view, nonce: nonce),
            Int(header.bodyLength) <= min(WalFormat.bodyMax, size - offset - WalFormat.recordHeaderSize)
        else { return nil }
        try file.read(Int(header.bodyLength), at: offset + WalFormat.recordHeaderSize, into: buffer)
        guard WalFormat.isIntact(buffer.view, header: header, nonce: nonce) else { return nil }
        return Entry(
            file: number,
            offset: offset,
            length: buffer.count,
            sequence: header.sequence,
            durable: header.durable,
            kind: header.kind
        )
    }

    /// The next intact record at or behind `start`. The magic holds the file's nonce, so lines cannot counterfeit it.
    private static func search(
        _ file: any DiskFile,
        _ number: Int,
        _ start: Int,
        _ size: Int,
        _ nonce: UInt64,
        _ buffer: ByteArena
    ) throws(DiskError) -> Int? {
        let needle = ByteArena()
        needle.append(littleEndian: WalFormat.magic(nonce: nonce))
        let window = ByteArena(capacity: 1 << 20)
        var at = start
        while at + WalFormat.recordHeaderSize <= size {
            window.reset()
            let count = min(size - at, 1 << 20)
            try file.read(count, at: at, into: window)
            var from = 0
            while from < count, let hit = window.view.firstRange(of: needle.view, from: from) {
                if at + hit + WalFormat.recordHeaderSize <= size,
                    try entry(file, number, at + hit, size, nonce, buffer) != nil
                {
                    return at + hit
                }
                from = hit + 1
            }
            // A magic may lie across the border.
            at += max(1, count - 3)
            if count <= 3 { break }
        }
        return nil
    }

    /// Whether there is anything behind the header of a file; space reserved beforehand is zeros.
    private static func hasRecords(_ file: any DiskFile, _ size: Int) throws(DiskError) -> Bool {
        if size <= WalFormat.dataStart { return false }
        return try !isZero(file, from: WalFormat.dataStart, to: size, ByteArena(capacity: 64 << 10))
    }

    private static func isZero(
        _ file: any DiskFile,
        from start: Int,
        to end: Int,
        _ buffer: ByteArena
    ) throws(DiskError) -> Bool {
        var at = start
        while at < end {
            buffer.reset()
            let count = min(end - at, 64 << 10)
            try file.read(count, at: at, into: buffer)
            let allZero = buffer.view.withUnsafeBytes { bytes in bytes.allSatisfy { $0 == 0 } }
            if !allZero { return false }
            at += count
        }
        return true
    }

    /// The second pass: hands out the records behind `floor`, in order, each once. Returns the last number of the log.
    mutating func apply(
        behind floor: UInt64,
        _ body: (_ sequence: UInt64, OwnedBytes) throws(StoreError) -> Void
    ) throws(StoreError) -> UInt64 {
        let valid = entries.filter { $0.sequence < files[$0.file].limit }
        let durable = valid.reduce(0 as UInt64) { max($0, $1.durable) }
        var expected = floor + 1
        // A log that begins later than the manifest ends: what lies between is missing, and was synced, for the older
        // files are deleted only when a segment has their records.
        if let first, first > expected {
            damaged.append("write-ahead log: records \(expected)–\(first - 1) are missing")
            expected = first
        }
        for entry in valid where entry.sequence >= expected {
            if entry.sequence > expected {
                guard durable >= expected else {
                    // The rest of a group that was never finished.
                    tornBytes += valid.reduce(0) { $0 + ($1.sequence > expected ? $1.length : 0) }
                    return expected - 1
                }
                let path = files[entry.file].handle.path
                damaged.append(
                    "write-ahead log \(path) is damaged before byte \(entry.offset): records "
                        + "\(expected)–\(entry.sequence - 1) are lost"
                )
                for i in files.indices where files[i].number <= files[entry.file].number {
                    if files[i].last == 0 || files[i].last >= expected - 1 { files[i].isDamaged = true }
                }
                expected = entry.sequence
            }
            guard entry.kind == WalFormat.Kind.batch.rawValue else { continue }
            let bytes = ByteArena(capacity: entry.length)
            do throws(DiskError) {
                try files[entry.file].handle.read(entry.length, at: entry.offset, into: bytes)
            } catch {
                damaged.append("write-ahead log: \(error); record \(entry.sequence) is lost")
                files[entry.file].isDamaged = true
                expected = entry.sequence + 1
                continue
            }
            try body(entry.sequence, bytes.take())
            expected = entry.sequence + 1
        }
        if durable >= expected {
            damaged.append("write-ahead log: records \(expected)–\(durable) are lost")
            expected = durable + 1
        }
        return expected - 1
    }
}

/// Carries a refusal through code that throws disk errors.
private enum StoreFault {
    static let refusalCode: Int32 = -100

    static func refuse(_ text: String) -> DiskError { DiskError(.inspect, text, refusalCode) }

    static func refusal(_ error: DiskError) -> StoreError? {
        error.code == refusalCode ? StoreError(.invalid, error.path) : nil
    }
}
