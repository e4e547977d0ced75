import Bytes
import LogModel

/// Makes blocks of rows of a row group.
struct GroupBlocks: Sendable {
    let core: StoreCore
    let selection: Selection
    /// nil: there is nothing to decide, rows stay undecided.
    let predicate: Predicate?
    let memo: PredicateMemo

    init(_ core: StoreCore, _ selection: Selection, _ predicate: Predicate) {
        self.core = core
        self.selection = selection
        if case .all = predicate { self.predicate = nil } else { self.predicate = predicate }
        memo = PredicateMemo()
    }

    /// What the predicate says of a group; nil where there is none, or where columns cannot be read: that is left to
    /// whoever reads the lines, and reported there.
    func outcome(_ group: ScanGroup) -> GroupPredicate.Outcome? {
        guard let predicate else { return nil }
        return try? group.outcome(predicate, memo, selection)
    }

    /// Whether filters tell that no row of a group is wanted; what cannot be read rules nothing out.
    func rulesOut(_ group: ScanGroup) -> Bool {
        guard let predicate else { return false }
        return (try? group.rulesOut(predicate, memo, selection)) ?? false
    }

    /// Spans are in the order of rows; streams follow each other. `order`: see `ColumnBlock`.
    func block(_ group: ScanGroup, _ spans: [ScanGroup.Span], rank: Int) -> ColumnBlock {
        let count = spans.reduce(0) { $0 + $1.rows.count }
        var blockSpans: [ColumnBlock.Span] = []
        blockSpans.reserveCapacity(spans.count)
        var streams: [StreamRef] = []
        var at = 0
        for span in spans {
            if streams.last?.id != span.stream {
                streams.append(StreamRef(id: span.stream, labels: selection.streams[Int(span.stream)].labels))
            }
            blockSpans.append(ColumnBlock.Span(rows: at..<at + span.rows.count, stream: streams.count - 1))
            at += span.rows.count
        }
        let bits = outcome(group)?.bits(spans)
        let core = core
        let firstRow = group.segment.groups[group.number].firstRow + (spans.first?.rows.lowerBound ?? 0)
        return ColumnBlock(
            spans: blockSpans,
            streams: streams,
            order: BlockOrder.of(rank, firstRow),
            selected: bits?.selected ?? Bitmap(count: count),
            undecided: bits?.undecided ?? Bitmap(count: count, repeating: true),
            times: { block in Self.times(block, group, spans, core) },
            metadata: group.hasMetadata ? { block in Self.metadata(block, group, spans, core) } : nil,
            names: { group.mayHaveMetadata($0) },
            columns: { Self.columns($0, group, spans) },
            load: { block in Self.load(block, group, spans, core) }
        )
    }

    /// Each set of the block's rows once, 0 the empty one.
    private static func metadata(
        _ block: ColumnBlock,
        _ group: ScanGroup,
        _ spans: [ScanGroup.Span],
        _ core: StoreCore
    ) -> ColumnBlock.Metadata {
        var result = ColumnBlock.Metadata(setOf: [], sets: [Labels()])
        let metadata: MetadataColumn
        do throws(StoreError) {
            guard let read = try group.metadata() else { throw group.segment.fault("metadata is missing", group.number) }
            metadata = read
        } catch {
            core.report(error)
            for row in 0..<block.count { drop(row, block) }
            result.setOf = [UInt32](repeating: 0, count: block.count)
            return result
        }
        result.setOf.reserveCapacity(block.count)
        // The block's number of each of the group's sets, 0 while it has none.
        var numbers = [UInt32](repeating: 0, count: metadata.ranges.count)
        for span in spans {
            for row in span.rows {
                let set = metadata.setOfRow[row]
                if set != 0, numbers[Int(set)] == 0 {
                    numbers[Int(set)] = UInt32(result.sets.count)
                    result.sets.append(metadata.encoded(set).map(HeadBlocks.labels) ?? Labels())
                }
                result.setOf.append(numbers[Int(set)])
            }
        }
        return result
    }

    private static func times(
        _ block: ColumnBlock,
        _ group: ScanGroup,
        _ spans: [ScanGroup.Span],
        _ core: StoreCore
    ) -> [Int64] {
        do throws(StoreError) {
            let times = try group.times()
            if spans.count == 1, let rows = spans.first?.rows, rows == 0..<times.count { return times }
            var result: [Int64] = []
            result.reserveCapacity(block.count)
            for span in spans { result.append(contentsOf: times[span.rows]) }
            return result
        } catch {
            core.report(error)
            for row in 0..<block.count { drop(row, block) }
            return [Int64](repeating: 0, count: block.count)
        }
    }

    /// The labels of some rows that were asked for. What cannot be read is left out: lines then tell, or that they are
    /// damaged.
    private static func columns(
        _ fields: [FieldRequest],
        _ group: ScanGroup,
        _ spans: [ScanGroup.Span]
    ) -> [ByteString: FieldColumn] {
        let rows = (spans.first?.rows.lowerBound ?? 0)..<(spans.last?.rows.upperBound ?? 0)
        let isDense = spans.reduce(0) { $0 + $1.rows.count } == rows.count
        var result: [ByteString: FieldColumn] = [:]
        for field in fields {
            do throws(StoreError) {
                let reader = GroupFields(try group.open())
                let column = try reader.column(field, rows) { () throws(StoreError) in try group.times()[rows] }
                result[field.name] = isDense ? column : column.picking(spans.map { $0.rows }, of: rows)
            } catch { continue }
        }
        return result
    }

    /// Brings the lines of some spans, of rows that are still in the block. Rows that are damaged leave it; the damage is
    /// reported.
    private static func load(
        _ block: ColumnBlock,
        _ group: ScanGroup,
        _ spans: [ScanGroup.Span],
        _ core: StoreCore
    ) -> ColumnBlock.LineTable {
        var starts = [Int](repeating: 0, count: block.count)
        var lengths = [UInt32](repeating: 0, count: block.count)
        let reader: GroupReader
        let times: [Int64]
        do throws(StoreError) {
            reader = try group.open()
            times = try group.times()
        } catch {
            core.report(error)
            for row in 0..<block.count { drop(row, block) }
            return ColumnBlock.LineTable(bytes: OwnedBytes([]), starts: starts, lengths: lengths)
        }
        // Spans lie in the order of rows, gaps between them are of other streams: rows between first and last are
        // decoded in one go.
        let rows = (spans.first?.rows.lowerBound ?? 0)..<(spans.last?.rows.upperBound ?? 0)
        var wanted = Bitmap(count: rows.count)
        let asked = block.selected.union(block.undecided)
        var at = 0
        for span in spans {
            wanted.copy(asked, at..<at + span.rows.count, to: span.rows.lowerBound - rows.lowerBound)
            at += span.rows.count
        }
        let lines = reader.lines(rows, wanted: wanted.words, times: times[rows])
        for fault in lines.faults { core.report(fault) }
        let damaged = Set(lines.damaged)
        var row = 0
        for span in spans {
            for place in span.rows.lowerBound - rows.lowerBound..<span.rows.upperBound - rows.lowerBound {
                starts[row] = lines.starts[place]
                lengths[row] = lines.lengths[place]
                if !damaged.isEmpty, damaged.contains(place) { drop(row, block) }
                row += 1
            }
        }
        return ColumnBlock.LineTable(bytes: lines.bytes, starts: starts, lengths: lengths)
    }

    private static func drop(_ row: Int, _ block: ColumnBlock) {
        block.selected[row] = false
        block.undecided[row] = false
    }
}

/// Ranks blocks by arrival in 40 bits: 14 for the part of the snapshot, 26 for the row in it.
enum BlockOrder {
    static func of(_ rank: Int, _ row: Int) -> UInt64 {
        UInt64(min(rank, (1 << 14) - 1)) << 26 | UInt64(min(row, (1 << 26) - 1))
    }
}
