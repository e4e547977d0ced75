import Bytes
import Disk
import LogModel

/// Writes one segment from front to back. Rows come ordered by (stream rank, time, arrival); memory is a page, the
/// columns of one row group, and the index.
final class SegmentWriter {
    private let file: any DiskFile
    private let path: String
    private let codec: Codec
    private let level: Int32
    private let packer: PageCodec

    /// Bytes that wait to be written, and where they will stand.
    private let out = ByteArena(capacity: SegmentWriter.flushSize + (256 << 10))
    private var written = 0
    private static let flushSize = 1 << 20

    private var index: SegmentIndex
    private var tenantNumbers: [Tenant: Int] = [:]

    // The open row group.
    private var groupRows = 0
    private var groupBytes = 0
    private let times = ByteArena(capacity: 64 << 10)
    private let lengths = ByteArena(capacity: 64 << 10)
    private let setOfRow = ByteArena(capacity: 64 << 10)
    private let sets = ByteArena(capacity: 4 << 10)
    private var setNumbers: [UInt64: (number: UInt64, range: Range<Int>)] = [:]
    private var setCount: UInt64 = 1
    private var hasMetadata = false
    private var mayHaveErrors = false
    private var pages: [LinePage] = []
    private var firstRun = 0

    // The open page and run.
    private let page = ByteArena(capacity: SegmentFormat.pageBytesMax)
    private var pageFirstRow = 0
    private var runTimes: [Int64] = []
    private var runBytes = 0
    private var runUnit: Int64 = 1_000_000_000
    private var stream: UInt32 = 0

    init(
        disk: any Disk,
        path: String,
        number: UInt64,
        codec: Codec,
        level: Int32,
        packer: PageCodec
    ) throws(StoreError) {
        do { file = try disk.open(path, .create) } catch { throw StoreError(error, "sealing into a segment") }
        self.path = path
        self.codec = codec
        self.level = level
        self.packer = packer
        index = SegmentIndex(
            info: SegmentInfo(number: number, walFirst: 0, walLast: 0, day: 0, days: 1),
            tenants: [],
            streams: [],
            groups: [],
            runs: []
        )
        out.append(littleEndian: SegmentFormat.magic)
        out.append(littleEndian: SegmentFormat.version)
        out.append(littleEndian: UInt32(0))
        out.append(littleEndian: number)
        while out.count < SegmentFormat.headerSize - 4 { out.append(0 as UInt8) }
        out.append(littleEndian: CRC32C.of(out.view))
    }

    var rows: Int { index.info.rows + groupRows }
    var lineBytes: Int { index.info.lineBytes + groupBytes }

    /// The rows that follow are this stream's.
    func begin(_ tenant: Tenant, _ labels: Labels) {
        endRun()
        let number: Int
        if let known = tenantNumbers[tenant] {
            number = known
        } else {
            number = index.tenants.count
            tenantNumbers[tenant] = number
            index.tenants.append(tenant)
        }
        stream = UInt32(index.streams.count)
        index.streams.append((number, labels))
    }

    /// Adds a row of the stream last begun. `metadata` is an encoded set; nil is the empty one.
    func append(_ timestamp: Int64, metadata: ByteView?, line: ByteView) throws(StoreError) {
        if groupRows == SegmentFormat.groupRowsMax
            || (groupRows > 0 && groupBytes + line.count > SegmentFormat.groupBytesMax)
        {
            try endGroup()
        }
        if !page.isEmpty, page.count + line.count > SegmentFormat.pageBytesMax { try endPage() }
        page.append(line)
        if let last = runTimes.last {
            let delta = timestamp &- last
            while delta % runUnit != 0 { runUnit /= 1000 }
        }
        runTimes.append(timestamp)
        runBytes += line.count
        lengths.append(varint: UInt64(line.count))
        setOfRow.append(varint: metadata.map { number(of: $0) } ?? 0)
        groupRows += 1
        groupBytes += line.count
        index.info.digest &+= XXH3.of(line, seed: UInt64(bitPattern: timestamp))
    }

    private func number(of set: ByteView) -> UInt64 {
        hasMetadata = true
        let hash = XXH3.of(set)
        if let known = setNumbers[hash], sets[known.range] == set { return known.number }
        let start = sets.count
        sets.append(set)
        if HeadBatch.mayNameError(set) { mayHaveErrors = true }
        let number = setCount
        setCount += 1
        // Where two sets share a hash the first keeps the entry; the other is written once for each of its rows.
        if setNumbers[hash] == nil { setNumbers[hash] = (number, start..<sets.count) }
        return number
    }

    private func endRun() {
        guard let first = runTimes.first, let last = runTimes.last else { return }
        var previous = first
        for time in runTimes.dropFirst() {
            times.append(varint: UInt64(bitPattern: (time &- previous) / runUnit))
            previous = time
        }
        index.runs.append(
            Run(
                stream: stream,
                group: UInt32(index.groups.count),
                firstRow: UInt32(groupRows - runTimes.count),
                rows: UInt32(runTimes.count),
                bytes: runBytes,
                first: first,
                last: last,
                unit: runUnit
            )
        )
        index.info.first = min(index.info.first, first)
        index.info.last = max(index.info.last, last)
        runTimes.removeAll(keepingCapacity: true)
        runBytes = 0
        runUnit = 1_000_000_000
    }

    private func endPage() throws(StoreError) {
        let rows = groupRows - pageFirstRow
        guard rows > 0 else { return }
        pages.append(LinePage(chunk: try pack(page.view), firstRow: pageFirstRow, rows: rows))
        pageFirstRow = groupRows
        page.reset()
    }

    private func endGroup() throws(StoreError) {
        endRun()
        try endPage()
        guard groupRows > 0 else { return }
        let timeChunk = try pack(times.view)
        let lengthChunk = try pack(lengths.view)
        var metadata: (rows: Chunk, sets: Chunk)?
        if hasMetadata { metadata = (try pack(setOfRow.view), try pack(sets.view)) }
        index.groups.append(
            RowGroup(
                firstRow: index.info.rows,
                rows: groupRows,
                lineBytes: groupBytes,
                times: timeChunk,
                lengths: lengthChunk,
                metadata: metadata,
                mayHaveErrors: mayHaveErrors,
                pages: pages,
                runs: firstRun..<index.runs.count
            )
        )
        index.info.rows += groupRows
        index.info.lineBytes += groupBytes
        groupRows = 0
        groupBytes = 0
        times.reset()
        lengths.reset()
        setOfRow.reset()
        sets.reset()
        setNumbers.removeAll(keepingCapacity: true)
        setCount = 1
        hasMetadata = false
        mayHaveErrors = false
        pages = []
        pageFirstRow = 0
        firstRun = index.runs.count
    }

    /// Appends the bytes to the file, packed where that is worth it.
    private func pack(_ raw: ByteView) throws(StoreError) -> Chunk {
        let start = out.count
        var used = codec
        if codec != .none {
            do { try packer.compress(raw, codec: codec, level: level, into: out) } catch {
                throw StoreError(.system, "sealing \(path): \(error)")
            }
            if (out.count - start) * 100 > raw.count * SegmentFormat.worthwhile {
                out.truncate(to: start)
                used = .none
            }
        }
        if used == .none { out.append(raw) }
        let chunk = Chunk(
            offset: written + start,
            packed: out.count - start,
            raw: raw.count,
            crc: CRC32C.of(out[start..<out.count]),
            codec: used
        )
        if out.count >= Self.flushSize { try flush() }
        return chunk
    }

    private func flush() throws(StoreError) {
        do { try file.write([out.view], at: written) } catch { throw StoreError(error, "writing segment \(path)") }
        written += out.count
        out.reset()
    }

    /// Writes index and trailer and syncs the file. The directory is the caller's to sync.
    func finish(
        walFirst: UInt64,
        walLast: UInt64,
        day: Int64,
        days: Int64,
        replaces: [UInt64] = []
    ) throws(StoreError) -> (info: SegmentInfo, size: Int) {
        try endGroup()
        index.info.walFirst = walFirst
        index.info.walLast = walLast
        index.info.day = day
        index.info.days = days
        index.info.replaces = replaces
        let encoded = ByteArena(capacity: 64 << 10)
        index.encode(into: encoded)
        let footer = try pack(encoded.view)
        let start = out.count
        out.append(littleEndian: UInt64(footer.offset))
        out.append(littleEndian: UInt64(footer.packed))
        out.append(littleEndian: UInt64(footer.raw))
        out.append(littleEndian: footer.crc)
        out.append(littleEndian: UInt32(footer.codec.rawValue))
        out.append(littleEndian: SegmentFormat.version)
        out.append(littleEndian: CRC32C.of(out[start..<out.count]))
        out.append(littleEndian: SegmentFormat.magic)
        try flush()
        do { try file.sync() } catch { throw StoreError(error, "syncing segment \(path)") }
        file.close()
        return (index.info, written)
    }

    func abandon() { file.close() }
}
