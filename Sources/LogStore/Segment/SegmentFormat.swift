import Bytes
import LogModel

/// Bytes of a segment: docs/formats/segment.md, version 2. One immutable file of rows ordered by (stream, time,
/// arrival), their lines cut into columns.
enum SegmentFormat {
    static let version: UInt32 = 2
    static let magic: UInt64 = 0x3147_4553_4352_5254  // "TRRCSEG1", little endian
    static let headerSize = 64
    static let trailerSize = 48
    /// Rows of a row group: a time column of 8 bytes a row fits the second-level cache.
    static let groupRowsMax = 65_536
    /// Bytes of lines of a row group.
    static let groupBytesMax = 16 << 20
    /// What the shredder learns at most, in a segment.
    static let columnsMax = 1024
    static let templatesMax = 4096
    /// Bytes of values of a page: decoded in one go, small enough for partial reads.
    static let pageBytesMax = 2 << 20
    /// Bytes of text that are worth a filter of trigrams.
    static let searchedBytesMin = 4 << 10
    /// A codec that saves less than 8 % is not worth its decoding.
    static let worthwhile = 92
    static let dayNanoseconds: Int64 = 86_400_000_000_000

    /// Days since 1970 of a time, also before it.
    static func day(_ timestamp: Int64) -> Int64 {
        timestamp >= 0 ? timestamp / dayNanoseconds : -((-1 - timestamp) / dayNanoseconds) - 1
    }
}

/// Some bytes of a segment: where they lie and how they are packed.
struct Chunk: Sendable, Equatable {
    var offset: Int
    /// Bytes in the file.
    var packed: Int
    /// Bytes decoded.
    var raw: Int
    /// Of the bytes in the file.
    var crc: UInt32
    var codec: Codec

    func encode(into out: ByteArena) {
        out.append(varint: UInt64(offset))
        out.append(varint: UInt64(packed))
        out.append(varint: UInt64(raw))
        out.append(littleEndian: crc)
        out.append(codec.rawValue)
    }

    /// `limit` is the offset at which the chunks of the file end.
    static func decode(_ reader: inout ByteReader, limit: Int) throws(DecodeError) -> Chunk {
        let offset = try reader.varint()
        let packed = try reader.varint()
        let raw = try reader.varint()
        let crc = try reader.littleEndian(UInt32.self)
        guard let codec = Codec(rawValue: try reader.byte()) else {
            throw DecodeError("unknown codec", at: reader.offset)
        }
        let (end, overflow) = offset.addingReportingOverflow(packed)
        guard !overflow, end <= UInt64(limit), raw <= UInt64(PageCodec.pageMax) else {
            throw DecodeError("a chunk lies outside the file", at: reader.offset)
        }
        return Chunk(offset: Int(offset), packed: Int(packed), raw: Int(raw), crc: crc, codec: codec)
    }
}

struct RowGroup: Sendable {
    /// Of its first row, in the segment.
    var firstRow: Int
    var rows: Int
    var lineBytes: Int
    var times: Chunk
    /// Templates that occur, by the segment's numbers, and of each row an index into them.
    var templates: [UInt32]
    var templateOf: Chunk
    /// By column.
    var columns: [ColumnChunk]
    /// Index of each row's metadata set, and the sets. Nil: no row has metadata.
    var metadata: (rows: Chunk, sets: Chunk)?
    /// Whether a set may name `__error__`: such rows cannot be counted without a look at them. A hint that may be wrong
    /// in one direction only.
    var mayHaveErrors = false
    /// Its runs, in the segment's list.
    var runs: Range<Int>

    /// Columns stand in ascending order. O(log columns).
    func chunk(of column: Int) -> ColumnChunk? {
        var low = 0
        var high = columns.count
        while low < high {
            let middle = (low + high) / 2
            if columns[middle].column < column { low = middle + 1 } else { high = middle }
        }
        return low < columns.count && columns[low].column == column ? columns[low] : nil
    }
}

/// Rows of one stream that lie together in one row group.
struct Run: Sendable {
    /// Index into the segment's streams.
    var stream: UInt32
    var group: UInt32
    /// In the row group.
    var firstRow: UInt32
    var rows: UInt32
    /// Bytes of lines.
    var bytes: Int
    var first: Int64
    var last: Int64
    /// Differences of its times are multiples of this, nanoseconds.
    var unit: Int64
}

/// What a segment says about itself.
struct SegmentInfo: Sendable, Equatable {
    var number: UInt64
    var rows = 0
    /// Bytes of lines.
    var lineBytes = 0
    var first: Int64 = .max
    var last: Int64 = .min
    /// Records of the write-ahead log whose rows it holds. Order of arrival among segments.
    var walFirst: UInt64
    var walLast: UInt64
    /// UTC days that it may hold: the first, and how many.
    var day: Int64
    var days: Int64
    /// Segments that it was merged from.
    var replaces: [UInt64] = []
    /// Σ XXH3(line, seed: time) mod 2^64: independent of order, so a merge can prove that it lost nothing.
    var digest: UInt64 = 0
}

/// The index of a segment, decoded.
struct SegmentIndex: Sendable {
    var info: SegmentInfo
    /// Columns, templates and dictionaries: `SegmentLayout`.
    var layout: Chunk
    var columnCount: Int
    var templateCount: Int
    var tenants: [Tenant]
    var streams: [(tenant: Int, labels: Labels)]
    var groups: [RowGroup]
    var runs: [Run]

    func encode(into out: ByteArena) {
        out.append(varint: info.number)
        out.append(varint: UInt64(info.rows))
        out.append(varint: UInt64(info.lineBytes))
        out.append(signedVarint: info.first)
        out.append(signedVarint: info.last)
        out.append(varint: info.walFirst)
        out.append(varint: info.walLast)
        out.append(signedVarint: info.day)
        out.append(signedVarint: info.days)
        out.append(littleEndian: info.digest)
        out.append(varint: UInt64(info.replaces.count))
        for number in info.replaces { out.append(varint: number) }
        layout.encode(into: out)
        out.append(varint: UInt64(columnCount))
        out.append(varint: UInt64(templateCount))
        out.append(varint: UInt64(tenants.count))
        for tenant in tenants { tenant.name.withView { out.append(prefixed: $0) } }
        out.append(varint: UInt64(streams.count))
        for stream in streams {
            out.append(varint: UInt64(stream.tenant))
            stream.labels.encode(into: out)
        }
        out.append(varint: UInt64(groups.count))
        for group in groups {
            out.append(varint: UInt64(group.rows))
            out.append(varint: UInt64(group.lineBytes))
            group.times.encode(into: out)
            out.append(varint: UInt64(group.templates.count))
            for template in group.templates { out.append(varint: UInt64(template)) }
            group.templateOf.encode(into: out)
            out.append(varint: UInt64(group.columns.count))
            for column in group.columns { column.encode(into: out) }
            out.append(group.metadata == nil ? 0 : group.mayHaveErrors ? 3 : 1 as UInt8)
            if let metadata = group.metadata {
                metadata.rows.encode(into: out)
                metadata.sets.encode(into: out)
            }
            out.append(varint: UInt64(group.runs.count))
            for run in runs[group.runs] {
                out.append(varint: UInt64(run.stream))
                out.append(varint: UInt64(run.rows))
                out.append(varint: UInt64(run.bytes))
                out.append(signedVarint: run.first)
                out.append(varint: UInt64(bitPattern: run.last &- run.first))
                out.append(varint: UInt64(bitPattern: run.unit))
            }
        }
    }

    /// `limit` is where the chunks end. Every index and length is checked, so that readers need not.
    static func decode(_ view: ByteView, limit: Int) throws(DecodeError) -> SegmentIndex {
        var reader = ByteReader(view)
        func bad(_ what: String) -> DecodeError { DecodeError(what, at: reader.offset) }
        func size() throws(DecodeError) -> Int {
            let value = try reader.varint()
            guard value <= UInt64(Int.max >> 1) else { throw bad("a size is out of bounds") }
            return Int(value)
        }
        var info = SegmentInfo(number: try reader.varint(), walFirst: 0, walLast: 0, day: 0, days: 1)
        info.rows = try size()
        info.lineBytes = try size()
        info.first = try reader.signedVarint()
        info.last = try reader.signedVarint()
        info.walFirst = try reader.varint()
        info.walLast = try reader.varint()
        info.day = try reader.signedVarint()
        info.days = try reader.signedVarint()
        info.digest = try reader.littleEndian(UInt64.self)
        for _ in 0..<(try reader.count()) { info.replaces.append(try reader.varint()) }
        let layout = try Chunk.decode(&reader, limit: limit)
        let columnCount = try size()
        let templateCount = try size()
        guard columnCount <= SegmentFormat.columnsMax, templateCount <= SegmentFormat.templatesMax else {
            throw bad("too many columns or templates")
        }
        var tenants: [Tenant] = []
        for _ in 0..<(try reader.count()) {
            let name = try reader.prefixed().string
            guard let tenant = name == Tenant.fake.name ? .fake : Tenant(name) else { throw bad("not a tenant") }
            tenants.append(tenant)
        }
        var streams: [(tenant: Int, labels: Labels)] = []
        let streamCount = try reader.count()
        streams.reserveCapacity(streamCount)
        for _ in 0..<streamCount {
            let tenant = try size()
            guard tenant < tenants.count else { throw bad("a stream of no tenant") }
            streams.append((tenant, try Labels.decode(&reader)))
        }
        var groups: [RowGroup] = []
        var runs: [Run] = []
        var firstRow = 0
        var lineBytes = 0
        for _ in 0..<(try reader.count()) {
            let rows = try size()
            guard rows > 0, rows <= SegmentFormat.groupRowsMax else { throw bad("row group of \(rows) rows") }
            let groupBytes = try size()
            guard groupBytes <= SegmentFormat.groupBytesMax + PageCodec.pageMax else {
                throw bad("row group of \(groupBytes) bytes")
            }
            let times = try Chunk.decode(&reader, limit: limit)
            var templates: [UInt32] = []
            for _ in 0..<(try reader.count()) {
                let template = try size()
                guard template < templateCount else { throw bad("a template that the segment does not have") }
                templates.append(UInt32(template))
            }
            let templateOf = try Chunk.decode(&reader, limit: limit)
            var columns: [ColumnChunk] = []
            for _ in 0..<(try reader.count()) {
                let column = try ColumnChunk.decode(&reader, rows: rows, columns: columnCount, limit: limit)
                guard column.column > columns.last?.column ?? -1 else { throw bad("columns are out of order") }
                columns.append(column)
            }
            var metadata: (rows: Chunk, sets: Chunk)?
            let flags = try reader.byte()
            if flags != 0 {
                let rows = try Chunk.decode(&reader, limit: limit)
                metadata = (rows, try Chunk.decode(&reader, limit: limit))
            }
            let firstRun = runs.count
            var runRow = 0
            var runBytes = 0
            for _ in 0..<(try reader.count()) {
                let stream = try size()
                let runRows = try size()
                let bytes = try size()
                let first = try reader.signedVarint()
                let last = first &+ Int64(bitPattern: try reader.varint())
                let unit = Int64(bitPattern: try reader.varint())
                runBytes = bytes <= groupBytes ? runBytes + bytes : .max
                guard runBytes <= groupBytes else { throw bad("runs and bytes differ") }
                guard stream < streams.count, runRows > 0, runRows <= rows - runRow, last >= first, unit > 0 else {
                    throw bad("a run is out of bounds")
                }
                runs.append(
                    Run(
                        stream: UInt32(stream),
                        group: UInt32(groups.count),
                        firstRow: UInt32(runRow),
                        rows: UInt32(runRows),
                        bytes: bytes,
                        first: first,
                        last: last,
                        unit: unit
                    )
                )
                runRow += runRows
            }
            guard runRow == rows, runBytes == groupBytes else { throw bad("runs and rows differ") }
            groups.append(
                RowGroup(
                    firstRow: firstRow,
                    rows: rows,
                    lineBytes: groupBytes,
                    times: times,
                    templates: templates,
                    templateOf: templateOf,
                    columns: columns,
                    metadata: metadata,
                    mayHaveErrors: flags & 2 != 0,
                    runs: firstRun..<runs.count
                )
            )
            firstRow += rows
            lineBytes += groupBytes
        }
        guard firstRow == info.rows, lineBytes == info.lineBytes, reader.isAtEnd else {
            throw bad("totals and row groups differ")
        }
        return SegmentIndex(
            info: info,
            layout: layout,
            columnCount: columnCount,
            templateCount: templateCount,
            tenants: tenants,
            streams: streams,
            groups: groups,
            runs: runs
        )
    }
}
