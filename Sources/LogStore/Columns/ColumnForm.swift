import Bytes

/// How the values of a column of one row group are coded. The raw value stands on disk. Each form gives back the bytes
/// that went in.
enum ColumnForm: UInt8, Sendable, CaseIterable {
    /// One value for all rows.
    case constant = 0
    /// Canonical integers: `IntegerBlocks`.
    case integers = 1
    /// Mantissas of decimal fractions of one style: `DecimalFormat`, `IntegerBlocks`.
    case decimals = 2
    /// Differences from the times of the entries: `TimePattern`, unit, `IntegerBlocks`.
    case times = 3
    /// Packed ids: `TextShape`.
    case shape = 4
    /// Codes of the segment's dictionary of this column: `CodeColumn`.
    case dictionary = 5
    /// Types and numbers: see `TextColumn`.
    case text = 6
    /// Lengths in the body, bytes in pages.
    case raw = 7
    /// As `raw`, each page a `ProsePage`.
    case prose = 8

    var hasPages: Bool { self == .raw || self == .prose }
}

/// A column of a row group: where it lies and what can be said of it without reading it.
struct ColumnChunk: Sendable {
    /// The segment's number of the column.
    var column: Int
    var form: ColumnForm
    /// Values: rows of templates that have the column.
    var count: Int
    var body: Chunk
    /// Of forms with pages: the bytes, in the order of values.
    var pages: [ValuePage] = []
    /// Lengths of the values, bytes: bounds.
    var lengths: ClosedRange<Int>
    /// Bytes that may occur in values. Nil: any.
    var charset: ByteSet?
    /// Least and greatest number of `integers` and `decimals`.
    var numbers: ClosedRange<Int64>?
    /// `ValueFilter` of the values.
    var filter: Chunk?
    /// `TrigramFilter` of the values.
    var trigrams: Chunk?

    /// All chunks that it refers to.
    var chunks: [Chunk] { [body] + pages.map(\.chunk) + filters }
    /// What speeds searches up and is no part of any line.
    var filters: [Chunk] { [filter, trigrams].compactMap { $0 } }

    func encode(into out: ByteArena) {
        out.append(varint: UInt64(column))
        out.append(
            form.rawValue | (charset == nil ? 0 : 0x10) | (numbers == nil ? 0 : 0x20) | (filter == nil ? 0 : 0x40)
                | (trigrams == nil ? 0 : 0x80)
        )
        out.append(varint: UInt64(count))
        body.encode(into: out)
        out.append(varint: UInt64(lengths.lowerBound))
        out.append(varint: UInt64(lengths.upperBound - lengths.lowerBound))
        if let charset {
            out.append(littleEndian: charset.words.0)
            out.append(littleEndian: charset.words.1)
            out.append(littleEndian: charset.words.2)
            out.append(littleEndian: charset.words.3)
        }
        if let numbers {
            out.append(signedVarint: numbers.lowerBound)
            out.append(signedVarint: numbers.upperBound)
        }
        filter?.encode(into: out)
        trigrams?.encode(into: out)
        if form.hasPages {
            out.append(varint: UInt64(pages.count))
            for page in pages {
                out.append(varint: UInt64(page.count))
                page.chunk.encode(into: out)
            }
        }
    }

    /// `rows`: of the row group. `limit`: where the chunks of the file end.
    static func decode(
        _ reader: inout ByteReader,
        rows: Int,
        columns: Int,
        limit: Int
    ) throws(DecodeError) -> ColumnChunk {
        func bad(_ what: String) -> DecodeError { DecodeError(what, at: reader.offset) }
        let column = try reader.varint()
        guard column < UInt64(columns) else { throw bad("a column that the segment does not have") }
        let flags = try reader.byte()
        guard let form = ColumnForm(rawValue: flags & 0x0F) else { throw bad("unknown form of a column") }
        let count = try reader.varint()
        guard count > 0, count <= UInt64(rows) else { throw bad("a column of \(count) values") }
        let body = try Chunk.decode(&reader, limit: limit)
        let shortest = try reader.varint()
        let more = try reader.varint()
        guard shortest <= UInt64(PageCodec.pageMax), more <= UInt64(PageCodec.pageMax) else { throw bad("long values") }
        var charset: ByteSet?
        if flags & 0x10 != 0 {
            charset = ByteSet(
                words: (
                    try reader.littleEndian(), try reader.littleEndian(), try reader.littleEndian(),
                    try reader.littleEndian()
                )
            )
        }
        var numbers: ClosedRange<Int64>?
        if flags & 0x20 != 0 {
            let low = try reader.signedVarint()
            let high = try reader.signedVarint()
            guard low <= high else { throw bad("bad bounds of numbers") }
            numbers = low...high
        }
        let filter = flags & 0x40 == 0 ? nil : try Chunk.decode(&reader, limit: limit)
        let trigrams = flags & 0x80 == 0 ? nil : try Chunk.decode(&reader, limit: limit)
        var pages: [ValuePage] = []
        if form.hasPages {
            var first = 0
            for _ in 0..<(try reader.count()) {
                let held = try reader.varint()
                guard held > 0, held <= count - UInt64(first) else { throw bad("a page has too many values") }
                pages.append(ValuePage(chunk: try Chunk.decode(&reader, limit: limit), first: first, count: Int(held)))
                first += Int(held)
            }
            guard first == Int(count) else { throw bad("pages and values differ") }
        }
        return ColumnChunk(
            column: Int(column),
            form: form,
            count: Int(count),
            body: body,
            pages: pages,
            lengths: Int(shortest)...Int(shortest + more),
            charset: charset,
            numbers: numbers,
            filter: filter,
            trigrams: trigrams
        )
    }
}

/// A page of values.
struct ValuePage: Sendable {
    var chunk: Chunk
    /// In the column.
    var first: Int
    var count: Int
}
