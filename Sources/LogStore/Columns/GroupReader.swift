import Bytes
import LogModel

/// Reads the lines and columns of one row group, any stretch of rows at a time. Column bodies are read once and kept as
/// long as the reader; values are decoded for the rows that are asked for. Not thread-safe.
final class GroupReader {
    let segment: Segment
    let group: Int
    let layout: SegmentLayout
    private let codecs: CodecPool
    private var info: RowGroup { segment.groups[group] }
    /// The template of each row, by the segment's numbers.
    private(set) lazy var templateOf: [UInt32] = local.map { [templates = info.templates] in templates[Int($0)] }
    /// Of each row, an index into the group's templates; empty until `load`.
    private var local: [UInt32] = []
    /// The rows of each of the group's templates in turn.
    private lazy var rowsOf: [UInt64] = RowBits.byCode(local, width: columnsOf.count) ?? []
    private var presences: [Int: [UInt64]] = [:]
    private var bodies: [Int: OwnedBytes] = [:]
    private var texts: [Int: TextColumn] = [:]
    private var odd: [Int: Bitmap] = [:]
    private var dictionaries: [Int: ValueBuffer] = [:]
    /// Which columns the group's templates have: by the group's index of a template.
    private let columnsOf: [Set<Int>]

    init(segment: Segment, group: Int, codecs: CodecPool) throws(StoreError) {
        self.segment = segment
        self.group = group
        self.codecs = codecs
        let info = segment.groups[group]
        layout = try codecs.with { codec throws(StoreError) in try segment.layout(codec) }
        columnsOf = info.templates.map { [layout] in layout.columnsOf[Int($0)] }
        for columns in columnsOf {
            for column in columns where info.chunk(of: column) == nil {
                throw segment.fault("column \(column) is missing", group)
            }
        }
    }

    /// Reads which template each row has. Before it, only `body`, `codes`, `numbers` and `text` may be asked.
    func load() throws(StoreError) {
        let info = info
        guard local.isEmpty else { return }
        let raw = ByteArena(capacity: info.templateOf.raw)
        try codecs.with { codec throws(StoreError) in
            try segment.load(info.templateOf, "templates", group: group, codec: codec, into: raw)
        }
        do throws(DecodeError) {
            local = try CodeColumn.decode(
                raw.view,
                count: info.rows,
                range: 0..<info.rows,
                limit: info.templates.count
            )
        } catch { throw segment.fault("templates: \(error)", group) }
    }

    func chunk(of column: Int) -> ColumnChunk? { segment.groups[group].chunk(of: column) }

    /// The values that rows have in a column, by their place among all values of the column.
    func ranks(of column: Int, rows: Range<Int>) -> Range<Int> {
        if columnsOf.count == 1 { return columnsOf[0].contains(column) ? rows : 0..<0 }
        if rows == 0..<local.count { return 0..<(chunk(of: column)?.count ?? 0) }
        let all = Bitmap(words: presence(of: column), count: local.count)
        let start = all.population(0..<rows.lowerBound)
        return start..<start + all.population(rows)
    }

    /// Which rows of the group have a template, one word for 64 rows.
    func rows(of template: UInt32) -> [UInt64] {
        bits { $0 == template }
    }

    /// Which rows have a value in a column, one word for 64 rows, the first of `rows` at bit 0.
    func presence(of column: Int, rows: Range<Int>) -> [UInt64] {
        let all = presence(of: column)
        return rows == 0..<local.count ? all : Bitmap(words: all, count: local.count).slice(rows).words
    }

    private func presence(of column: Int) -> [UInt64] {
        if let known = presences[column] { return known }
        let all = bits { layout.columnsOf[Int($0)].contains(column) }
        presences[column] = all
        return all
    }

    /// The rows of some templates.
    private func bits(_ isWanted: (UInt32) -> Bool) -> [UInt64] {
        let words = (local.count + 63) / 64
        let rowsOf = rowsOf
        var bits = [UInt64](repeating: 0, count: words)
        for (place, template) in info.templates.enumerated() where isWanted(template) {
            let from = place * words
            for i in 0..<words { bits[i] |= rowsOf[from + i] }
        }
        return bits
    }

    // MARK: Values

    /// The body of a column, unpacked.
    func body(of column: Int) throws(StoreError) -> ByteView {
        if let known = bodies[column] { return known.view }
        guard let chunk = chunk(of: column) else { throw segment.fault("column \(column) is missing", group) }
        let raw = ByteArena(capacity: chunk.body.raw)
        try load(chunk.body, column, into: raw)
        let owned = raw.take()
        bodies[column] = owned
        return owned.view
    }

    func text(of column: Int) throws(StoreError) -> TextColumn {
        if let known = texts[column] { return known }
        guard let chunk = chunk(of: column) else { throw segment.fault("column \(column) is missing", group) }
        let body = try body(of: column)
        do throws(DecodeError) {
            let text = try TextColumn(body, count: chunk.count)
            texts[column] = text
            return text
        } catch { throw segment.fault("column \(column): \(error)", group) }
    }

    /// Codes of a dictionary column, values `ranks`.
    func codes(of column: Int, ranks: Range<Int>) throws(StoreError) -> [UInt32] {
        let entries = try entries(of: column)
        guard let chunk = chunk(of: column) else { throw segment.fault("column \(column) is missing", group) }
        let body = try body(of: column)
        do throws(DecodeError) {
            return try CodeColumn.decode(body, count: chunk.count, range: ranks, limit: entries.count)
        } catch { throw segment.fault("column \(column): \(error)", group) }
    }

    func entries(of column: Int) throws(StoreError) -> ValueBuffer {
        if let known = dictionaries[column] { return known }
        let entries = try codecs.dictionaries.entries(of: column, in: segment, codecs)
        dictionaries[column] = entries
        return entries
    }

    /// Entries of a column's dictionary that are not the text of the label they make – escapes, other letters, `null` – or
    /// that are empty, which the parser has a rule for.
    func oddEntries(of column: Int) throws(StoreError) -> Bitmap {
        if let known = odd[column] { return known }
        let entries = try entries(of: column).list
        let isAtom = layout.columns[column].kind == .atom
        var bits = Bitmap(count: entries.count)
        for i in 0..<entries.count {
            bits[i] = isAtom ? entries[i] == ByteView("null") : entries[i].isEmpty || !GroupFields.isPlain(entries[i])
        }
        odd[column] = bits
        return bits
    }

    private func load(_ chunk: Chunk, _ column: Int, into out: ByteArena) throws(StoreError) {
        try codecs.with { codec throws(StoreError) in
            try segment.load(chunk, "column \(column)", group: group, codec: codec, into: out)
        }
    }

    /// Numbers of a column of integers, or mantissas of one of decimals with their format.
    func numbers(of column: Int, ranks: Range<Int>) throws(StoreError) -> (values: [Int64], format: DecimalFormat?) {
        guard let chunk = chunk(of: column) else { throw segment.fault("column \(column) is missing", group) }
        let body = try body(of: column)
        do throws(DecodeError) {
            guard chunk.form == .decimals else {
                return (try IntegerBlocks.unpack(body, count: chunk.count, range: ranks), nil)
            }
            var reader = ByteReader(body)
            let scale = try reader.byte()
            guard let format = DecimalFormat(scale: Int(scale), style: Int(try reader.byte())) else {
                throw DecodeError("bad decimals")
            }
            return (try IntegerBlocks.unpack(body.suffix(from: 2), count: chunk.count, range: ranks), format)
        } catch { throw segment.fault("column \(column): \(error)", group) }
    }

    /// The values of a column as text, values `ranks`. `times`: of the entries of these values, asked for where needed.
    func values(
        of column: Int,
        ranks: Range<Int>,
        times: () throws(StoreError) -> [Int64]
    ) throws(StoreError) -> DecodedColumn {
        guard let chunk = chunk(of: column) else { throw segment.fault("column \(column) is missing", group) }
        guard ranks.upperBound <= chunk.count else { throw segment.fault("column \(column) is too short", group) }
        switch chunk.form {
        case .constant:
            let result = ValueBuffer(capacity: 64, values: ranks.count)
            result.fill(try body(of: column), count: ranks.count)
            return .values(result)
        case .integers, .decimals:
            let (numbers, format) = try numbers(of: column, ranks: ranks)
            let result = ValueBuffer(capacity: 64, values: ranks.count)
            if let format { result.append(decimals: numbers, format) } else { result.append(integers: numbers) }
            return .values(result)
        case .dictionary:
            let codes = try codes(of: column, ranks: ranks)
            guard let picked = ValueBuffer.picking(codes[...], of: try entries(of: column)) else {
                throw segment.fault("column \(column): a code outside the dictionary", group)
            }
            return .picked(picked)
        case .times:
            let body = try body(of: column)
            let entryTimes = try times()
            do throws(DecodeError) {
                var reader = ByteReader(body)
                let pattern = try TimePattern.decode(&reader)
                let unit = Int64(truncatingIfNeeded: try reader.varint())
                var clock = try IntegerBlocks.unpack(
                    body.suffix(from: reader.offset),
                    count: chunk.count,
                    range: ranks
                )
                guard entryTimes.count == clock.count else { throw DecodeError("times and values differ") }
                for i in clock.indices { clock[i] = clock[i] &* unit &+ entryTimes[i] }
                let result = ValueBuffer(capacity: 64, values: ranks.count)
                result.append(times: clock, pattern)
                return .values(result)
            } catch { throw segment.fault("column \(column): \(error)", group) }
        case .shape:
            let body = try body(of: column)
            do throws(DecodeError) {
                var reader = ByteReader(body)
                let shape = try TextShape(decoding: &reader)
                let from = reader.offset + ranks.lowerBound * shape.stride
                let (size, overflow) = shape.stride.multipliedReportingOverflow(by: ranks.count)
                guard !overflow, from + size <= body.count,
                    let result = shape.unpack(body[from..<from + size], count: ranks.count)
                else { throw DecodeError("ids and rows differ") }
                return .values(result)
            } catch { throw segment.fault("column \(column): \(error)", group) }
        case .text:
            let text = try text(of: column)
            do throws(DecodeError) { return .values(try text.values(ranks)) } catch {
                throw segment.fault("column \(column): \(error)", group)
            }
        case .raw, .prose: return .values(try raw(chunk, ranks))
        }
    }

    /// Values of a column whose bytes lie in pages.
    private func raw(_ chunk: ColumnChunk, _ ranks: Range<Int>) throws(StoreError) -> ValueBuffer {
        let body = try body(of: chunk.column)
        let result = ValueBuffer(capacity: 4096, values: ranks.count)
        for page in chunk.pages where page.first < ranks.upperBound && page.first + page.count > ranks.lowerBound {
            let stored = ByteArena(capacity: page.chunk.raw)
            try load(page.chunk, chunk.column, into: stored)
            let bytes: ByteArena
            if chunk.form == .prose {
                bytes = ByteArena(capacity: stored.count)
                do throws(DecodeError) {
                    try ProsePage.unpack(stored.view, limit: PageCodec.pageMax, into: bytes)
                } catch { throw segment.fault("column \(chunk.column): \(error)", group) }
            } else {
                bytes = stored
            }
            let wanted = max(ranks.lowerBound, page.first)..<min(ranks.upperBound, page.first + page.count)
            do throws(DecodeError) {
                let lengths = try IntegerBlocks.unpack(
                    body,
                    count: chunk.count,
                    range: page.first..<page.first + page.count
                )
                var at = 0
                var from = 0
                var to = 0
                for (i, length) in lengths.enumerated() {
                    guard length >= 0, length <= Int64(bytes.count - at) else { throw DecodeError("values and page differ") }
                    if page.first + i == wanted.lowerBound { from = at }
                    at += Int(length)
                    if page.first + i == wanted.upperBound - 1 { to = at }
                }
                guard at == bytes.count else { throw DecodeError("values and page differ") }
                let low = wanted.lowerBound - page.first
                guard result.append(bytes[from..<to], lengths: Array(lengths[low..<low + wanted.count])) else {
                    throw DecodeError("values and page differ")
                }
            } catch { throw segment.fault("column \(chunk.column): \(error)", group) }
        }
        return result
    }

    // MARK: Lines

    /// The lines of some rows.
    struct Lines {
        var bytes: OwnedBytes
        /// For each row; empty where it was not wanted or is damaged.
        var starts: [Int]
        var lengths: [UInt32]
        /// Rows whose line cannot be read, among those wanted.
        var damaged: [Int] = []
        var faults: [StoreError] = []
    }

    /// Puts the lines of rows together whose bit is set in `wanted` – the first of `rows` at bit 0. `times`: of `rows`.
    func lines(_ rows: Range<Int>, wanted: [UInt64], times: ArraySlice<Int64>) -> Lines {
        var faults: [StoreError] = []
        do throws(StoreError) { try load() } catch { return nothing(rows, wanted, error) }
        var decoded = [DecodedColumn?](repeating: nil, count: layout.columns.count)
        var broken: Set<Int> = []
        for column in neededColumns(rows, wanted) {
            let ranks = ranks(of: column, rows: rows)
            do throws(StoreError) {
                decoded[column] = try values(of: column, ranks: ranks) { self.times(of: column, rows, times) }
            } catch {
                faults.append(error)
                broken.insert(column)
            }
        }
        let isBroken = columnsOf.map { !$0.isDisjoint(with: broken) }
        var damaged: [Int] = []
        var readable = wanted
        if !broken.isEmpty {
            for (i, row) in rows.enumerated()
            where wanted[i >> 6] >> UInt64(i & 63) & 1 == 1 && isBroken[Int(local[row])] {
                damaged.append(i)
                readable[i >> 6] &= ~(1 << UInt64(i & 63))
            }
        }
        let out = ByteArena(capacity: 64 << 10)
        do throws(DecodeError) {
            // The lists point into what `decoded` holds.
            defer { withExtendedLifetime(decoded) {} }
            let (starts, lengths) = try layout.templates.rebuild(
                templateOf[rows],
                wanted: readable,
                decoded.map { $0?.list },
                into: out
            )
            return Lines(bytes: out.take(), starts: starts, lengths: lengths, damaged: damaged, faults: faults)
        } catch {
            var nothing = nothing(rows, wanted, segment.fault("lines: \(error)", group))
            nothing.faults = faults + nothing.faults
            return nothing
        }
    }

    /// None of the wanted lines can be read.
    private func nothing(_ rows: Range<Int>, _ wanted: [UInt64], _ fault: StoreError) -> Lines {
        Lines(
            bytes: OwnedBytes([]),
            starts: [Int](repeating: 0, count: rows.count),
            lengths: [UInt32](repeating: 0, count: rows.count),
            damaged: (0..<rows.count).filter { wanted[$0 >> 6] >> UInt64($0 & 63) & 1 == 1 },
            faults: [fault]
        )
    }

    /// The length of each line of the group.
    func lengths(times: [Int64]) throws(StoreError) -> [UInt32] {
        try load()
        let rows = 0..<info.rows
        var decoded = [DecodedColumn?](repeating: nil, count: layout.columns.count)
        for column in info.columns.map(\.column) {
            decoded[column] = try values(of: column, ranks: ranks(of: column, rows: rows)) {
                self.times(of: column, rows, times[...])
            }
        }
        do throws(DecodeError) {
            defer { withExtendedLifetime(decoded) {} }
            return try layout.templates.lengths(templateOf[...], decoded.map { $0?.list })
        } catch { throw segment.fault("lines: \(error)", group) }
    }

    /// The times of the rows that have a column.
    private func times(of column: Int, _ rows: Range<Int>, _ times: ArraySlice<Int64>) -> [Int64] {
        let has = columnsOf.map { $0.contains(column) }
        if has.allSatisfy({ $0 }) { return Array(times) }
        var result: [Int64] = []
        for (row, time) in zip(rows, times) where has[Int(local[row])] { result.append(time) }
        return result
    }

    private func neededColumns(_ rows: Range<Int>, _ wanted: [UInt64]) -> [Int] {
        if columnsOf.count == 1 { return wanted.allSatisfy({ $0 == 0 }) ? [] : columnsOf[0].sorted() }
        var seen = [Bool](repeating: false, count: columnsOf.count)
        for (i, row) in rows.enumerated() where wanted[i >> 6] >> UInt64(i & 63) & 1 == 1 { seen[Int(local[row])] = true }
        var needed: Set<Int> = []
        for (i, columns) in columnsOf.enumerated() where seen[i] { needed.formUnion(columns) }
        return needed.sorted()
    }
}

/// Values of a column, decoded.
enum DecodedColumn {
    case values(ValueBuffer)
    case picked(PickedValues)

    var list: ValueList {
        switch self {
        case .values(let buffer): buffer.list
        case .picked(let picked): picked.list
        }
    }
}
