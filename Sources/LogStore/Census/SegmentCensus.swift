import Bytes
import LogModel

/// Counts the row groups of one segment. Codes of dictionaries are added up over all groups before their entries are
/// looked at, templates are worked out once.
struct SegmentCensus {
    private let segment: Segment
    private let codecs: CodecPool
    private let census: Census
    private let lines: LineCensus
    private var layout: SegmentLayout?
    /// By the segment's number of a column; −1: not counted.
    private var fieldOf: [Int] = []
    /// By the segment's number of a template.
    private var featuresOf: [UInt32: [Int]] = [:]
    /// By column: for each entry of its dictionary a number for each cell.
    private var codes: [Int: [UInt32]] = [:]

    /// Values whose form says that they are ids are looked at all the same where there are so few.
    private static let idsMin = 16 * Census.wordsMax
    /// Free text of more bytes a value is prompts and documents rather than messages, when no dictionary holds it.
    private static let longMean = 256
    /// Bytes that a text may have and a word may not: see `Census.isText`.
    private static let textMarks = ByteSet(ByteView(" /:"))

    init(_ segment: Segment, _ codecs: CodecPool, _ census: Census, _ lines: LineCensus) {
        self.segment = segment
        self.codecs = codecs
        self.census = census
        self.lines = lines
    }

    private mutating func load(_ reader: GroupReader) {
        guard layout == nil else { return }
        layout = reader.layout
        for column in reader.layout.columns {
            var path: [UInt8] = []
            for key in column.path { path += key.bytes + [0] }
            path.append(UInt8(truncatingIfNeeded: column.earlier))
            fieldOf.append(census.field(path: ByteString(path), kind: column.kind) ?? -1)
        }
    }

    /// `slots`: of rows of the group, in their order.
    mutating func add(_ group: Int, _ slots: [CensusSlot]) throws(StoreError) {
        let reader = try GroupReader(segment: segment, group: group, codecs: codecs)
        load(reader)
        let info = segment.groups[group]
        let templates = info.templates
        var local: [UInt32] = []
        var counts = [UInt32](repeating: 0, count: templates.count * census.cells)
        let isWhole = slots.count == 1 && slots[0].range == 0..<info.rows
        if templates.count == 1 {
            for slot in slots { counts[slot.cell] &+= UInt32(slot.range.count) }
        } else {
            let raw = ByteArena(capacity: info.templateOf.raw)
            try codecs.with { codec throws(StoreError) in
                try segment.load(info.templateOf, "templates", group: group, codec: codec, into: raw)
            }
            do throws(DecodeError) {
                try CodeColumn.tally(
                    raw.view, count: info.rows, slots: slots, cells: census.cells, limit: templates.count, into: &counts)
                if !isWhole {
                    local = try CodeColumn.decode(
                        raw.view, count: info.rows, range: 0..<info.rows, limit: templates.count)
                }
            } catch { throw segment.fault("templates: \(error)", group) }
        }
        for (place, template) in templates.enumerated() {
            for cell in 0..<census.cells {
                let rows = Int(counts[place * census.cells + cell])
                if rows > 0 { for feature in features(of: template) { census.add(feature, cell: cell, rows) } }
            }
        }
        var known: [[Bool]: [CensusSlot]] = [:]
        for chunk in info.columns where isWanted(chunk) {
            var ranks = slots
            if isWhole {
                ranks[0].range = 0..<chunk.count
            } else if templates.count > 1 {
                let has = templates.map { reader.layout.columnsOf[Int($0)].contains(chunk.column) }
                ranks = known[has] ?? Self.ranks(slots, local, has)
                known[has] = ranks
            }
            if !ranks.isEmpty { try count(chunk, ranks, reader) }
        }
    }

    /// The places of the values of a column that belong to slots of rows.
    private static func ranks(_ slots: [CensusSlot], _ local: [UInt32], _ has: [Bool]) -> [CensusSlot] {
        let flags = has.map { $0 ? 1 : 0 }
        var result: [CensusSlot] = []
        var rank = 0
        var at = 0
        for slot in slots {
            while at < slot.range.lowerBound {
                rank &+= flags[Int(local[at])]
                at += 1
            }
            let start = rank
            while at < slot.range.upperBound {
                rank &+= flags[Int(local[at])]
                at += 1
            }
            result.add(start..<rank, cell: slot.cell)
        }
        return result
    }

    private mutating func features(of template: UInt32) -> [Int] {
        if let known = featuresOf[template] { return known }
        let columns = layout?.templates.columns(of: Int(template)) ?? []
        let found = template == 0 ? [] : census.features(ofFields: columns.map { fieldOf[$0] }.filter { $0 >= 0 })
        featuresOf[template] = found
        return found
    }

    // MARK: Columns

    /// False where no value of the column can count: without reading it.
    private func isWanted(_ chunk: ColumnChunk) -> Bool {
        let field = fieldOf[chunk.column]
        guard field >= 0, !census.skips(field) else { return false }
        guard census.isWide(field), census.fields[field].kind != .line else { return true }
        // Of a field of ids only texts count, and these have bytes that ids do not have.
        let charset = chunk.form == .dictionary ? layout?.columns[chunk.column].dictionary?.charset : chunk.charset
        return charset.map { mayHoldText($0) } ?? true
    }

    private func charset(of column: Int) -> ByteSet { layout?.columns[column].dictionary?.charset ?? .all }

    private func mayHoldText(_ charset: ByteSet) -> Bool { charset.intersects(Self.textMarks) }

    private mutating func count(_ chunk: ColumnChunk, _ ranks: [CensusSlot], _ reader: GroupReader) throws(StoreError) {
        let column = chunk.column
        let field = fieldOf[column]
        let kind = census.fields[field].kind
        switch chunk.form {
        case .constant:
            let value = try reader.body(of: column)
            for slot in ranks { lines.count(value, in: field, cell: slot.cell, slot.range.count) }
        case .dictionary:
            let entries = reader.layout.columns[column].dictionary?.count ?? 0
            let body = try reader.body(of: column)
            var counts = codes.removeValue(forKey: column) ?? [UInt32](repeating: 0, count: entries * census.cells)
            do throws(DecodeError) {
                try CodeColumn.tally(
                    body, count: chunk.count, slots: ranks, cells: census.cells, limit: entries, into: &counts)
            } catch { throw segment.fault("column \(column): \(error)", reader.group) }
            codes[column] = counts
        case .integers:
            if kind == .line { return }
            try countNumbers(chunk, ranks, field, reader)
        case .decimals where kind == .number, .times where !mayHoldText(chunk.charset ?? .all):
            census.markWide(field)
        case .times:
            // Only digits differ, so that any time stands for all.
            let any = try reader.values(of: column, ranks: 0..<1) { () throws(StoreError) in [0] }
            for slot in ranks { lines.count(any.list[0], in: field, cell: slot.cell, slot.range.count) }
            withExtendedLifetime(any) {}
        case .shape where chunk.count > Self.idsMin && !mayHoldText(chunk.charset ?? .all):
            census.markWide(field)
        case .text: try countText(chunk, ranks, field, reader)
        case .raw, .prose:
            if kind == .string, try isLong(chunk, reader) {
                census.markLong(field)
            } else {
                try countValues(chunk, ranks, field, reader)
            }
        case .decimals, .shape: try countValues(chunk, ranks, field, reader)
        }
    }

    /// By the lengths of the values, without their bytes.
    private func isLong(_ chunk: ColumnChunk, _ reader: GroupReader) throws(StoreError) -> Bool {
        if chunk.lengths.upperBound <= Self.longMean { return false }
        let body = try reader.body(of: chunk.column)
        do throws(DecodeError) {
            let lengths = try IntegerBlocks.unpack(body, count: chunk.count, range: 0..<chunk.count)
            return lengths.reduce(0 as Int64) { $0 &+ $1 } > Int64(Self.longMean * chunk.count)
        } catch { throw segment.fault("column \(chunk.column): \(error)", reader.group) }
    }

    private func countValues(
        _ chunk: ColumnChunk,
        _ ranks: [CensusSlot],
        _ field: Int,
        _ reader: GroupReader
    ) throws(StoreError) {
        for slot in ranks {
            let values = try reader.values(of: chunk.column, ranks: slot.range) { () throws(StoreError) in [] }
            lines.count(values.list, in: field) { _ in slot.cell }
            withExtendedLifetime(values) {}
        }
    }

    private func countNumbers(
        _ chunk: ColumnChunk,
        _ ranks: [CensusSlot],
        _ field: Int,
        _ reader: GroupReader
    ) throws(StoreError) {
        let most = census.fields[field].kind == .number ? Census.numbersMax : Census.wordsMax
        var places: [Int64: Int] = [:]
        var counts: [UInt32] = []
        for slot in ranks {
            var last: (number: Int64, place: Int)?
            for number in try reader.numbers(of: chunk.column, ranks: slot.range).values {
                let place: Int
                if let last, last.number == number { place = last.place } else if let known = places[number] {
                    place = known
                } else {
                    place = places.count
                    // No need to look further: it holds measurements.
                    if place == most {
                        census.markWide(field)
                        return
                    }
                    places[number] = place
                    counts.append(contentsOf: repeatElement(0, count: census.cells))
                }
                last = (number, place)
                counts[place * census.cells + slot.cell] &+= 1
            }
        }
        let spelled = ByteArena(capacity: 24)
        for (number, place) in places {
            spelled.reset()
            spelled.append(decimal: number)
            lines.add(spelled.view, in: field, counts[...], place)
        }
    }

    private func countText(
        _ chunk: ColumnChunk,
        _ ranks: [CensusSlot],
        _ field: Int,
        _ reader: GroupReader
    ) throws(StoreError) {
        let text = try reader.text(of: chunk.column)
        let spellings = text.spellings
        let span = ranks.reach
        let types: [UInt32]
        do throws(DecodeError) { types = try text.codes(span) } catch {
            throw segment.fault("column \(chunk.column): \(error)", reader.group)
        }
        var counts = [UInt32](repeating: 0, count: spellings.count * census.cells)
        for slot in ranks {
            for rank in slot.range { counts[Int(types[rank - span.lowerBound]) * census.cells + slot.cell] &+= 1 }
        }
        var rest: Set<UInt32> = []
        for type in 0..<spellings.count {
            let rows = counts[type * census.cells..<(type + 1) * census.cells].contains { $0 > 0 }
            if rows, !lines.count(spelling: spellings[type], in: field, counts[...], type) { rest.insert(UInt32(type)) }
        }
        // Words and objects must be looked at one by one.
        if rest.isEmpty || (census.isWide(field) && census.fields[field].kind != .line) { return }
        for slot in ranks {
            let values = try reader.values(of: chunk.column, ranks: slot.range) { () throws(StoreError) in [] }
            let list = values.list
            for rank in slot.range where rest.contains(types[rank - span.lowerBound]) {
                lines.count(list[rank - slot.range.lowerBound], in: field, cell: slot.cell, 1)
            }
            withExtendedLifetime(values) {}
        }
    }

    /// Looks at the entries of dictionaries. To be called behind the last group.
    mutating func finish() throws(StoreError) {
        for (column, counts) in codes.sorted(by: { $0.key < $1.key }) {
            let field = fieldOf[column]
            // Known for ids by now?
            if census.skips(field) || (census.isWide(field) && !mayHoldText(charset(of: column))) { continue }
            let entries = try codecs.dictionaries.entries(of: column, in: segment, codecs)
            let list = entries.list
            for entry in 0..<min(list.count, counts.count / census.cells) {
                lines.add(list[entry], in: field, counts[...], entry)
            }
            withExtendedLifetime(entries) {}
        }
        codes = [:]
    }
}
