import Bytes
import Disk
import LogModel
import Synchronization

/// An open segment: its index in memory, its rows on disk. Immutable, shared by snapshots.
///
/// A segment that was merged or expired is removed from the disk when the last snapshot lets it go.
final class Segment: Sendable {
    let path: String
    /// Of this opening of the file: tells it from an earlier file of the same name.
    let serial = Segment.opened.add(1, ordering: .relaxed).newValue
    private static let opened = Atomic<UInt64>(0)
    /// Bytes on disk.
    let size: Int
    let info: SegmentInfo
    /// The store's number of each of its streams.
    let streams: [UInt32]
    let groups: [RowGroup]
    let runs: [Run]
    /// Where the runs of each stream begin in `runs`; one more entry than streams.
    let runsOfStream: [Int]
    /// Indices into `streams`, ordered by the store's number.
    private let byNumber: [UInt32]
    private let file: any DiskFile
    private let disk: any Disk
    let layoutChunk: Chunk
    /// Of the index: bytes in the file, and decoded.
    let indexSize: (packed: Int, raw: Int)
    private let shared = Mutex(Shared())
    private let obsolete = Atomic<Bool>(false)
    private let faulty = Atomic<Bool>(false)

    /// What row groups share, once it was needed.
    private struct Shared {
        var layout: SegmentLayout?
    }

    private init(
        disk: any Disk,
        path: String,
        file: any DiskFile,
        size: Int,
        index: SegmentIndex,
        indexSize: (packed: Int, raw: Int),
        streams: [UInt32]
    ) throws(DecodeError) {
        self.disk = disk
        self.path = path
        self.file = file
        self.size = size
        info = index.info
        layoutChunk = index.layout
        self.indexSize = indexSize
        self.streams = streams
        groups = index.groups
        runs = index.runs
        // Runs come in the order of streams, and every stream has one.
        var starts: [Int] = []
        starts.reserveCapacity(streams.count + 1)
        for (i, run) in index.runs.enumerated() {
            if starts.count == Int(run.stream) {
                starts.append(i)
            } else if starts.count != Int(run.stream) + 1 {
                throw DecodeError("runs are out of order")
            }
        }
        guard starts.count == streams.count else { throw DecodeError("a stream without rows") }
        starts.append(index.runs.count)
        runsOfStream = starts
        byNumber = (0..<UInt32(streams.count)).sorted { streams[Int($0)] < streams[Int($1)] }
    }

    deinit {
        file.close()
        // Failing is harmless: what is not in the manifest is removed at the next start.
        if obsolete.load(ordering: .relaxed) { try? disk.unlink(path) }
    }

    /// From now on nobody new will see it.
    func retire() { obsolete.store(true, ordering: .relaxed) }

    /// Opens a file by its trailer and index. `.damaged` when it is not what was written.
    static func open(
        disk: any Disk,
        path: String,
        register: (Tenant, Labels) -> UInt32
    ) throws(StoreError) -> Segment {
        do {
            let file = try disk.open(path, .read)
            let size = try file.size()
            let (index, indexSize) = try readIndex(file, path: path, size: size)
            let streams = index.streams.map { register(index.tenants[$0.tenant], $0.labels) }
            return try Segment(
                disk: disk, path: path, file: file, size: size, index: index, indexSize: indexSize, streams: streams)
        } catch let error as StoreError {
            throw error
        } catch let error as DiskError {
            throw StoreError(error.isMissing ? .damaged : .system, "segment \(path): \(error)")
        } catch {
            throw StoreError(.damaged, "segment \(path) is damaged: \(error)")
        }
    }

    private static func readIndex(
        _ file: any DiskFile, path: String, size: Int
    ) throws -> (SegmentIndex, size: (packed: Int, raw: Int)) {
        guard size >= SegmentFormat.headerSize + SegmentFormat.trailerSize else {
            throw StoreError(.damaged, "segment \(path) is damaged: it is only \(size) bytes long")
        }
        // One read gets trailer and, mostly, the index.
        let tailSize = min(size, 64 << 10)
        let tail = ByteArena(capacity: tailSize)
        try file.read(tailSize, at: size - tailSize, into: tail)
        let trailer = tail.view.suffix(SegmentFormat.trailerSize)
        var reader = ByteReader(trailer)
        let offset = try reader.littleEndian(UInt64.self)
        let packed = try reader.littleEndian(UInt64.self)
        let raw = try reader.littleEndian(UInt64.self)
        let crc = try reader.littleEndian(UInt32.self)
        let codecNumber = try reader.littleEndian(UInt32.self)
        let version = try reader.littleEndian(UInt32.self)
        let ownCRC = try reader.littleEndian(UInt32.self)
        guard try reader.littleEndian(UInt64.self) == SegmentFormat.magic,
            CRC32C.of(trailer[0..<SegmentFormat.trailerSize - 12]) == ownCRC
        else { throw DecodeError("the trailer does not match its checksum", at: size - SegmentFormat.trailerSize) }
        guard version == SegmentFormat.version else {
            throw StoreError(
                .invalid,
                "segment \(path) has format \(version), this program reads \(SegmentFormat.version): use the program "
                    + "that wrote it, or a newer one"
            )
        }
        let end = size - SegmentFormat.trailerSize
        guard offset >= UInt64(SegmentFormat.headerSize), offset <= UInt64(end), packed == UInt64(end) - offset,
            raw <= UInt64(PageCodec.pageMax), let codec = Codec(rawValue: UInt8(truncatingIfNeeded: codecNumber)),
            codecNumber <= 255
        else { throw DecodeError("the trailer points outside the file", at: end) }
        let footer = ByteArena(capacity: Int(packed))
        if Int(packed) + SegmentFormat.trailerSize <= tailSize {
            let start = tailSize - SegmentFormat.trailerSize - Int(packed)
            footer.append(tail[start..<start + Int(packed)])
        } else {
            try file.read(Int(packed), at: Int(offset), into: footer)
        }
        guard CRC32C.of(footer.view) == crc else {
            throw DecodeError("the index does not match its checksum", at: Int(offset))
        }
        let head = ByteArena(capacity: SegmentFormat.headerSize)
        try file.read(SegmentFormat.headerSize, at: 0, into: head)
        var header = ByteReader(head.view)
        guard try header.littleEndian(UInt64.self) == SegmentFormat.magic else {
            throw DecodeError("this is not the head of a segment")
        }
        try header.seek(to: SegmentFormat.headerSize - 4)
        guard try header.littleEndian(UInt32.self) == CRC32C.of(head[0..<SegmentFormat.headerSize - 4]) else {
            throw DecodeError("the head does not match its checksum")
        }
        let decoded = ByteArena(capacity: Int(raw))
        try PageCodec().decompress(footer.view, codec: codec, size: Int(raw), into: decoded)
        return (try SegmentIndex.decode(decoded.view, limit: Int(offset)), (Int(packed), Int(raw)))
    }

    /// The index of a stream by its number in the store. O(log streams).
    func local(_ stream: UInt32) -> Int? {
        var low = 0
        var high = byNumber.count
        while low < high {
            let middle = (low + high) / 2
            if streams[Int(byNumber[middle])] < stream { low = middle + 1 } else { high = middle }
        }
        guard low < byNumber.count, streams[Int(byNumber[low])] == stream else { return nil }
        return Int(byNumber[low])
    }

    func stream(of run: Run) -> UInt32 { streams[Int(run.stream)] }

    /// Bytes of memory that the open segment takes, about.
    var footprint: Int {
        groups.reduce(512) { sum, group in
            group.columns.reduce(sum + 160) {
                $0 + MemoryLayout<ColumnChunk>.stride + $1.pages.count * MemoryLayout<ValuePage>.stride
            }
        }
            + runs.count * MemoryLayout<Run>.stride + streams.count * 16
    }

    // MARK: Reading

    /// Columns, templates and dictionaries. Read once.
    func layout(_ codec: PageCodec) throws(StoreError) -> SegmentLayout {
        if let known = shared.withLock({ $0.layout }) { return known }
        let raw = ByteArena(capacity: layoutChunk.raw)
        try load(layoutChunk, "its layout", codec: codec, into: raw)
        let layout: SegmentLayout
        do throws(DecodeError) {
            layout = try SegmentLayout.decode(raw.view, limit: layoutChunk.offset)
        } catch { throw StoreError(.damaged, "segment \(path) is damaged: its layout: \(error)") }
        for group in groups {
            for template in group.templates where Int(template) >= layout.templates.count {
                throw StoreError(.damaged, "segment \(path) is damaged: template \(template) is missing")
            }
            for column in group.columns where column.column >= layout.columns.count {
                throw StoreError(.damaged, "segment \(path) is damaged: column \(column.column) is missing")
            }
        }
        shared.withLock { $0.layout = layout }
        return layout
    }

    /// The entries of a column's dictionary. `DictionaryCache` keeps them.
    func dictionary(_ column: Int, _ codec: PageCodec) throws(StoreError) -> ValueBuffer {
        let layout = try layout(codec)
        guard let chunks = layout.columns[column].dictionary else {
            throw StoreError(.damaged, "segment \(path) is damaged: column \(column) has no dictionary")
        }
        let lengths = ByteArena(capacity: chunks.lengths.raw)
        try load(chunks.lengths, "a dictionary", codec: codec, into: lengths)
        let bytes = ByteArena(capacity: chunks.bytes.raw)
        try load(chunks.bytes, "a dictionary", codec: codec, into: bytes)
        let entries = ValueBuffer(capacity: bytes.count, values: chunks.count)
        do throws(DecodeError) {
            let sizes = try IntegerBlocks.unpack(lengths.view, count: chunks.count, range: 0..<chunks.count)
            guard entries.append(bytes.view, lengths: sizes) else { throw DecodeError("lengths and entries differ") }
        } catch { throw StoreError(.damaged, "segment \(path) is damaged: the dictionary of column \(column): \(error)") }
        return entries
    }

    private func fault(_ what: String, _ group: Int?) -> StoreError {
        guard let group else {
            faulty.store(true, ordering: .relaxed)
            return StoreError(.damaged, "segment \(path) is damaged: \(what)")
        }
        return fault(what, group)
    }

    /// Whether some part of it could not be read since it was opened.
    var isDamaged: Bool { faulty.load(ordering: .relaxed) }

    func fault(_ what: String, _ group: Int) -> StoreError {
        faulty.store(true, ordering: .relaxed)
        return StoreError(
            .damaged,
            "segment \(path) is damaged in rows \(groups[group].firstRow)–"
                + "\(groups[group].firstRow + groups[group].rows): \(what)"
        )
    }

    /// Appends a chunk, decoded, after checking it.
    func load(
        _ chunk: Chunk,
        _ what: String,
        group: Int? = nil,
        codec: PageCodec,
        into out: ByteArena
    ) throws(StoreError) {
        let packed = ByteArena(capacity: chunk.packed)
        do { try file.read(chunk.packed, at: chunk.offset, into: packed) } catch {
            throw fault("\(what) at byte \(chunk.offset): \(error)", group)
        }
        try unpack(packed.view, chunk, what, group: group, codec: codec, into: out)
    }

    private func unpack(
        _ packed: ByteView,
        _ chunk: Chunk,
        _ what: String,
        group: Int?,
        codec: PageCodec,
        into out: ByteArena
    ) throws(StoreError) {
        guard CRC32C.of(packed) == chunk.crc else {
            throw fault("\(what) at byte \(chunk.offset) do not match their checksum", group)
        }
        do { try codec.decompress(packed, codec: chunk.codec, size: chunk.raw, into: out) } catch {
            throw fault("\(what) at byte \(chunk.offset): \(error)", group)
        }
    }

    /// The times of a row group, one a row.
    func times(group: Int, codec: PageCodec) throws(StoreError) -> [Int64] {
        let here = groups[group]
        let raw = ByteArena(capacity: here.times.raw)
        try load(here.times, "times", group: group, codec: codec, into: raw)
        var result: [Int64] = []
        result.reserveCapacity(here.rows)
        var offset = 0
        for run in runs[here.runs] {
            do {
                offset = try VarintColumn.decodeTimes(
                    raw.view,
                    from: offset,
                    count: Int(run.rows),
                    first: run.first,
                    unit: run.unit,
                    into: &result
                )
            } catch {
                throw fault("times: \(error)", group)
            }
            guard result.last == run.last else { throw fault("times and runs differ", group) }
        }
        guard offset == raw.count else { throw fault("times and rows differ", group) }
        return result
    }

    /// The length of each line of a row group. O(values): all columns are decoded.
    func lengths(group: Int, codecs: CodecPool) throws(StoreError) -> [UInt32] {
        let reader = try GroupReader(segment: self, group: group, codecs: codecs)
        let times = try codecs.with { codec throws(StoreError) in try self.times(group: group, codec: codec) }
        return try reader.lengths(times: times)
    }

    /// Index of each row's metadata set, and the encoded sets; set 0 is empty. Nil when no row has any.
    func metadata(group: Int, codec: PageCodec) throws(StoreError) -> MetadataColumn? {
        guard let chunks = groups[group].metadata else { return nil }
        let raw = ByteArena(capacity: chunks.rows.raw)
        try load(chunks.rows, "metadata", group: group, codec: codec, into: raw)
        let values = try column(raw, group: group, what: "metadata")
        guard let owned = try metadataSets(group: group, codec: codec) else { return nil }
        var ranges: [Range<Int>] = [0..<0]
        var reader = ByteReader(owned.view)
        do throws(DecodeError) {
            while !reader.isAtEnd {
                let start = reader.offset
                for _ in 0..<(try reader.count()) {
                    _ = try reader.prefixed()
                    _ = try reader.prefixed()
                }
                ranges.append(start..<reader.offset)
            }
        } catch { throw fault("metadata sets: \(error)", group) }
        guard values.allSatisfy({ $0 < UInt64(ranges.count) }) else { throw fault("metadata of no set", group) }
        return MetadataColumn(setOfRow: values.map { UInt32(truncatingIfNeeded: $0) }, bytes: owned, ranges: ranges)
    }

    /// The encoded sets of metadata of a row group, back to back. Nil when no row has any.
    func metadataSets(group: Int, codec: PageCodec) throws(StoreError) -> OwnedBytes? {
        guard let chunks = groups[group].metadata else { return nil }
        let sets = ByteArena(capacity: chunks.sets.raw)
        try load(chunks.sets, "metadata sets", group: group, codec: codec, into: sets)
        return sets.take()
    }

    private func column(_ raw: ByteArena, group: Int, what: String) throws(StoreError) -> [UInt64] {
        var values: [UInt64] = []
        do {
            let end = try VarintColumn.decode(raw.view, from: 0, count: groups[group].rows, into: &values)
            guard end == raw.count else { throw DecodeError("column is too long", at: end) }
        } catch { throw fault("\(what): \(error)", group) }
        return values
    }
}

struct MetadataColumn: Sendable {
    var setOfRow: [UInt32]
    var bytes: OwnedBytes
    var ranges: [Range<Int>]

    /// The encoded set; nil for the empty one.
    func encoded(_ set: UInt32) -> ByteView? { set == 0 ? nil : bytes.view[ranges[Int(set)]] }

    /// Whether a set of metadata names a label. What does not decode counts as naming it.
    static func names(_ name: ByteString, in sets: ByteView) -> Bool {
        guard name.withView({ sets.contains($0) }) else { return false }
        return name.withView { name in
            var reader = ByteReader(sets)
            do throws(DecodeError) {
                while !reader.isAtEnd {
                    for _ in 0..<(try reader.count()) {
                        if try reader.prefixed() == name { return true }
                        _ = try reader.prefixed()
                    }
                }
                return false
            } catch { return true }
        }
    }
}
