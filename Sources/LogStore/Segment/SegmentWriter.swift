import Bytes
import Disk
import LogModel

/// Writes one segment from front to back. Rows come ordered by (stream rank, time, arrival); memory is the lines and
/// columns of one row group, the dictionaries, and the index.
final class SegmentWriter {
    private let file: any DiskFile
    private let path: String
    private let codec: Codec
    private let level: Int32
    /// Of what is text: it is worth more work.
    private let textLevel: Int32
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
    private let lines = ByteArena(capacity: 1 << 20)
    private let lineTable = LineTable()
    private var rowTimes: [Int64] = []
    private let times = ByteArena(capacity: 64 << 10)
    private let setOfRow = ByteArena(capacity: 64 << 10)
    private let sets = ByteArena(capacity: 4 << 10)
    private var setNumbers: [UInt64: (number: UInt64, range: Range<Int>)] = [:]
    private var setCount: UInt64 = 1
    private var hasMetadata = false
    private var mayHaveErrors = false
    private var firstRun = 0

    private let shredder = LineShredder()
    private let encoder = ColumnEncoder()
    /// Whether lines are cut at all, or kept whole.
    private let cuts: Bool

    // The open run.
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
        textLevel: Int32? = nil,
        packer: PageCodec,
        cuts: Bool = true
    ) throws(StoreError) {
        self.cuts = cuts
        do { file = try disk.open(path, .create) } catch { throw StoreError(error, "sealing into a segment") }
        self.path = path
        self.codec = codec
        self.level = level
        self.textLevel = textLevel ?? level
        self.packer = packer
        index = SegmentIndex(
            info: SegmentInfo(number: number, walFirst: 0, walLast: 0, day: 0, days: 1),
            layout: Chunk(offset: 0, packed: 0, raw: 0, crc: 0, codec: .none),
            columnCount: 0,
            templateCount: 0,
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
        lineTable.append(start: lines.count, length: line.count)
        lines.append(line)
        rowTimes.append(timestamp)
        if let last = runTimes.last {
            let delta = timestamp &- last
            while delta % runUnit != 0 { runUnit /= 1000 }
        }
        runTimes.append(timestamp)
        runBytes += line.count
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

    private func endGroup() throws(StoreError) {
        endRun()
        guard groupRows > 0 else { return }
        let timeChunk = try pack(times.view)
        var metadata: (rows: Chunk, sets: Chunk)?
        if hasMetadata { metadata = (try pack(setOfRow.view), try pack(sets.view)) }
        let (templates, templateOf, columns) = try endColumns()
        index.groups.append(
            RowGroup(
                firstRow: index.info.rows,
                rows: groupRows,
                lineBytes: groupBytes,
                times: timeChunk,
                templates: templates,
                templateOf: templateOf,
                columns: columns,
                metadata: metadata,
                mayHaveErrors: mayHaveErrors,
                runs: firstRun..<index.runs.count
            )
        )
        index.info.rows += groupRows
        index.info.lineBytes += groupBytes
        groupRows = 0
        groupBytes = 0
        lines.reset()
        lineTable.reset()
        rowTimes.removeAll(keepingCapacity: true)
        times.reset()
        setOfRow.reset()
        sets.reset()
        setNumbers.removeAll(keepingCapacity: true)
        setCount = 1
        hasMetadata = false
        mayHaveErrors = false
        firstRun = index.runs.count
    }

    /// Cuts the lines of the group into columns and writes them.
    private func endColumns() throws(StoreError) -> (templates: [UInt32], templateOf: Chunk, columns: [ColumnChunk]) {
        guard let cut = shredder.run(lines.view, lineTable, cuts: cuts) else {
            throw StoreError(.system, "sealing \(path): out of memory")
        }
        // Few templates occur in a group: its rows count from 0.
        var local = [UInt32](repeating: .max, count: shredder.templateCount)
        var templates: [UInt32] = []
        var codes: [UInt32] = []
        codes.reserveCapacity(cut.count)
        for template in cut {
            if local[Int(template)] == .max {
                local[Int(template)] = UInt32(templates.count)
                templates.append(template)
            }
            codes.append(local[Int(template)])
        }
        let body = ByteArena(capacity: 1024)
        let isCompressible = CodeColumn.encode(codes, into: body)
        let templateOf = try pack(body.view, compress: isCompressible)
        var columns: [ColumnChunk] = []
        for column in 0..<shredder.columnCount {
            guard let values = shredder.values(of: column) else { continue }
            let coded = encoder.encode(values, column: column) {
                values.count == cut.count ? rowTimes : times(of: column, cut)
            }
            columns.append(
                ColumnChunk(
                    column: column,
                    form: coded.form,
                    count: values.count,
                    body: try pack(coded.body.view, compress: coded.isCompressible),
                    pages: coded.form.hasPages ? try pages(of: values) : [],
                    lengths: coded.lengths,
                    charset: coded.charset,
                    numbers: coded.numbers,
                    filter: coded.isSearched ? try filter(of: values) : nil,
                    trigrams: coded.form == .text || coded.form == .prose ? try trigrams(of: values) : nil
                )
            )
        }
        return (templates, templateOf, columns)
    }

    /// The times of the rows that have a column.
    private func times(of column: Int, _ cut: [UInt32]) -> [Int64] {
        var has = [Bool?](repeating: nil, count: shredder.templateCount)
        var result: [Int64] = []
        for (row, template) in cut.enumerated() {
            let known = has[Int(template)] ?? shredder.template(Int(template), has: column)
            has[Int(template)] = known
            if known { result.append(rowTimes[row]) }
        }
        return result
    }

    private func filter(of values: ValueList) throws(StoreError) -> Chunk {
        let filter = ByteArena(capacity: 64 << 10)
        ValueFilter.append(values, to: filter)
        return try pack(filter.view, compress: false)
    }

    /// Nil where there is little to search, or too much variety.
    private func trigrams(of values: ValueList) throws(StoreError) -> Chunk? {
        guard values.byteCount >= SegmentFormat.searchedBytesMin else { return nil }
        let filter = ByteArena(capacity: 8 << 10)
        return TrigramFilter.append(values, to: filter) ? try pack(filter.view, compress: false) : nil
    }

    /// Writes values page by page, a long one in a page of its own.
    private func pages(of values: ValueList) throws(StoreError) -> [ValuePage] {
        var pages: [ValuePage] = []
        let page = ByteArena(capacity: min(SegmentFormat.pageBytesMax, values.byteCount))
        let packed = ByteArena(capacity: 4096)
        var first = 0
        func end(_ next: Int) throws(StoreError) {
            packed.reset()
            ProsePage.pack(page.view, into: packed)
            // Little text has little to repeat: what there is should be found. Small pages of a large group are many.
            let isLittle = page.count <= 256 << 10 && groupBytes <= 4 << 20
            let level = codec == .zstd && isLittle ? max(textLevel, 6) : textLevel
            pages.append(ValuePage(chunk: try pack(packed.view, level: level), first: first, count: next - first))
            page.reset()
            first = next
        }
        for i in 0..<values.count {
            let value = values[i]
            if i > first, page.count + value.count > SegmentFormat.pageBytesMax { try end(i) }
            page.append(value)
        }
        try end(values.count)
        return pages
    }

    /// Writes what the groups share.
    private func endLayout() throws(StoreError) {
        var dictionaries: [Int: SegmentLayout.DictionaryChunks] = [:]
        for (column, entries) in encoder.entries {
            let lengths = ByteArena(capacity: 4096)
            IntegerBlocks.pack(entries.lengths, into: lengths)
            let bytes = ByteArena(capacity: entries.byteCount)
            for i in 0..<entries.count { bytes.append(entries[i]) }
            dictionaries[column] = SegmentLayout.DictionaryChunks(
                count: entries.count,
                lengths: try pack(lengths.view, compress: false),
                bytes: try pack(bytes.view, level: textLevel),
                charset: ByteSet(bytes.view),
                trigrams: try trigrams(of: entries)
            )
        }
        let layout = ByteArena(capacity: 16 << 10)
        SegmentLayout.encode(shredder, dictionaries, into: layout)
        index.layout = try pack(layout.view, level: textLevel)
        index.columnCount = shredder.columnCount
        index.templateCount = shredder.templateCount
    }

    /// Appends the bytes to the file, packed where that is worth it.
    private func pack(_ raw: ByteView, compress: Bool = true, level: Int32? = nil) throws(StoreError) -> Chunk {
        let start = out.count
        var used = compress && raw.count > 32 ? codec : .none
        if used != .none {
            do { try packer.compress(raw, codec: codec, level: level ?? self.level, into: out) } catch {
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
        try endLayout()
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
