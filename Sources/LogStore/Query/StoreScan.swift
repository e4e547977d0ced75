import Bytes
import LogModel

/// One scan over a snapshot: blocks in the order of their first time (forward) or of their last (backward).
///
/// A heap holds pieces of the snapshot by a bound of their times. A piece is opened only when it comes first: then the
/// times of its row group are read, it falls apart into blocks of whole pages, and those go back into the heap by their
/// exact times. So the newest hundred lines cost the last pages of each stream, and whatever a sink narrows away is
/// never opened. Memory: the time columns of the row groups under way.
struct StoreScan {
    private let core: StoreCore
    private let selection: Selection
    private let request: ScanRequest
    private let backward: Bool
    /// Whether there is anything to decide.
    private let isPushed: Bool
    private var range: TimeRange
    private var heap: [Item] = []
    private let memo = PredicateMemo()

    /// Bytes of lines and rows of a block: small enough to overlap little, large enough to cost nothing.
    private let blockBytes: Int
    private let blockRows: Int

    /// The columns of a row group, shared by its blocks. Each is read when it is first asked for.
    private final class Group {
        let segment: Segment
        let number: Int
        private let codecs: CodecPool
        private var readTimes: [Int64]?
        private var readMetadata: MetadataColumn??
        private var reader: GroupReader?
        /// What the predicate says of its rows, once it was asked.
        private var outcome: GroupPredicate.Outcome?

        init(segment: Segment, number: Int, codecs: CodecPool) {
            self.segment = segment
            self.number = number
            self.codecs = codecs
        }

        func times() throws(StoreError) -> [Int64] {
            if let readTimes { return readTimes }
            let read = try codecs.with { codec throws(StoreError) in try segment.times(group: number, codec: codec) }
            readTimes = read
            return read
        }

        func metadata() throws(StoreError) -> MetadataColumn? {
            if let readMetadata { return readMetadata }
            let read = try codecs.with { codec throws(StoreError) in try segment.metadata(group: number, codec: codec) }
            readMetadata = .some(read)
            return read
        }

        func open() throws(StoreError) -> GroupReader {
            if let reader { return reader }
            let opened = try GroupReader(segment: segment, group: number, codecs: codecs)
            reader = opened
            return opened
        }

        /// What the predicate says of all rows. Evaluated once.
        func outcome(
            _ predicate: Predicate,
            _ memo: PredicateMemo,
            labels: @escaping (UInt32) -> Labels?
        ) throws(StoreError) -> GroupPredicate.Outcome {
            if let outcome { return outcome }
            var decider = GroupPredicate(
                try open(),
                memo: memo,
                times: { () throws(StoreError) in try self.times() },
                metadata: { () throws(StoreError) in try self.metadata()?.bytes },
                labels: labels
            )
            let decided = try decider.outcome(predicate)
            outcome = decided
            return decided
        }
    }

    /// Rows of a row group that lie together and belong to one stream.
    private struct Span {
        var rows: Range<Int>
        var stream: UInt32
    }

    private struct HeadRef {
        var timestamp: Int64
        var stream: UInt32
        /// In the piece's batches.
        var batch: UInt32
        var row: UInt32
    }

    private enum Piece {
        case runs(Segment, rank: Int, group: Int, runs: [Int])
        case rows(Group, rank: Int, spans: [Span])
        case batches([HeadBatch], rank: Int)
        case refs([HeadBatch], rank: Int, refs: [HeadRef], ordinal: Int)
    }

    private struct Item {
        /// Smaller comes first.
        var key: Int64
        var serial: Int
        var piece: Piece
    }

    init(core: StoreCore, request: ScanRequest) {
        self.core = core
        self.request = request
        backward = request.direction == .backward
        if case .all = request.predicate { isPushed = false } else { isPushed = true }
        range = request.range
        selection = Selection(core: core, tenant: request.tenant, matchers: request.matchers)
        if let limit = request.limit, limit <= 10_000 {
            blockBytes = 256 << 10
            blockRows = max(256, limit)
        } else {
            blockBytes = 1 << 20
            blockRows = 8192
        }
    }

    mutating func run(_ sink: (ColumnBlock) throws -> ScanFlow) throws {
        guard !selection.isEmpty, !range.isEmpty else { return }
        plan()
        while let item = pop() {
            if request.cancel.isCancelled { throw QueryError(.cancelled, "the query was cancelled") }
            switch item.piece {
            case .runs(let segment, let rank, let group, let runs): open(segment, rank, group, runs)
            case .batches(let batches, let rank): open(batches, rank)
            case .rows(let group, let rank, let spans):
                // They were read when the group fell apart into blocks.
                let times = (try? group.times()) ?? []
                let clipped = spans.compactMap { clip($0, times) }
                guard let key = key(clipped, times) else { continue }
                if key != item.key, let next = heap.first, next.key < key {
                    push(key, .rows(group, rank: rank, spans: clipped))
                    continue
                }
                let wanted = survivors(clipped, group)
                if wanted.isEmpty { continue }
                let block = block(group, times, rank, wanted)
                decide(block, group, wanted)
                if isPushed, block.selected.isEmpty, block.undecided.isEmpty { continue }
                if try !deliver(block, sink) { return }
            case .refs(let batches, let rank, let refs, let ordinal):
                let clipped = refs.filter { range.contains(Timestamp(nanoseconds: $0.timestamp)) }
                guard let key = key(clipped) else { continue }
                if key != item.key, let next = heap.first, next.key < key {
                    push(key, .refs(batches, rank: rank, refs: clipped, ordinal: ordinal))
                    continue
                }
                if try !deliver(block(batches, rank, clipped, ordinal), sink) { return }
            }
        }
    }

    /// The rows of some spans that the predicate leaves, in spans of their own where they are few: a block then costs what
    /// is wanted of it.
    private func survivors(_ spans: [Span], _ group: Group) -> [Span] {
        // What cannot be read is left to whoever reads the lines, and reported there.
        guard isPushed, let outcome = try? decision(group) else { return spans }
        let left = outcome.yes.union(outcome.open)
        var count = 0
        var rows = 0
        for span in spans {
            count += left.slice(span.rows).population
            rows += span.rows.count
        }
        if count == 0 { return [] }
        if count * 8 > rows { return spans }
        var few: [Span] = []
        few.reserveCapacity(count)
        for span in spans {
            let bits = left.slice(span.rows)
            for word in bits.words.indices {
                var rest = bits.words[word]
                while rest != 0 {
                    let row = span.rows.lowerBound + word << 6 + rest.trailingZeroBitCount
                    rest &= rest - 1
                    if let last = few.last, last.rows.upperBound == row, last.stream == span.stream {
                        few[few.count - 1].rows = last.rows.lowerBound..<row + 1
                    } else {
                        few.append(Span(rows: row..<row + 1, stream: span.stream))
                    }
                }
            }
        }
        return few
    }

    /// Marks the rows that surely satisfy the predicate, and drops those that surely do not.
    private func decide(_ block: ColumnBlock, _ group: Group, _ spans: [Span]) {
        guard isPushed else { return }
        let outcome: GroupPredicate.Outcome
        // What cannot be read is left to whoever reads the lines, and reported there.
        do throws(StoreError) { outcome = try decision(group) } catch { return }
        if spans.count == 1, let span = spans.first {
            block.selected = outcome.yes.slice(span.rows)
            block.undecided = outcome.open.slice(span.rows)
            return
        }
        var at = 0
        for span in spans {
            for row in span.rows {
                if outcome.yes[row] {
                    block.selected[at] = true
                    block.undecided[at] = false
                } else if !outcome.open[row] {
                    block.undecided[at] = false
                }
                at += 1
            }
        }
    }

    private func decision(_ group: Group) throws(StoreError) -> GroupPredicate.Outcome {
        let (wanted, streams) = (selection.wanted, selection.streams)
        return try group.outcome(request.predicate, memo) { wanted.contains($0) ? streams[Int($0)].labels : nil }
    }

    /// False when the sink has enough.
    private mutating func deliver(_ block: ColumnBlock, _ sink: (ColumnBlock) throws -> ScanFlow) throws -> Bool {
        switch try sink(block) {
        case .more: return true
        case .stop: return false
        case .narrow(let wanted):
            range = TimeRange(max(range.start, wanted.start), min(range.end, wanted.end))
            return !range.isEmpty
        }
    }

    // MARK: Planning

    private mutating func plan() {
        for (rank, segment) in selection.view.segments.enumerated() where selection.overlaps(segment, range) {
            let runs = selection.runs(segment, range)
            var at = 0
            while at < runs.count {
                let group = segment.runs[runs[at]].group
                var first = Int64.max
                var last = Int64.min
                let start = at
                while at < runs.count, segment.runs[runs[at]].group == group {
                    first = min(first, segment.runs[runs[at]].first)
                    last = max(last, segment.runs[runs[at]].last)
                    at += 1
                }
                push(bound(first, last), .runs(segment, rank: rank, group: Int(group), runs: Array(runs[start..<at])))
            }
        }
        var rank = selection.view.segments.count
        for head in selection.view.heads {
            var at = 0
            while at < head.batches.count {
                var some: [HeadBatch] = []
                var bytes = 0
                var rows = 0
                while at < head.batches.count, some.isEmpty || (bytes < 1 << 20 && rows < 8192) {
                    let batch = head.batches[at]
                    at += 1
                    bytes += batch.lineBytes
                    rows += batch.rows.count
                    if selection.overlaps(batch, range), batch.runs.contains(where: { selection.overlaps($0, range) }) {
                        some.append(batch)
                    }
                }
                if !some.isEmpty {
                    push(
                        bound(some.map(\.first).min() ?? 0, some.map(\.last).max() ?? 0),
                        .batches(some, rank: rank)
                    )
                }
                rank += 1
            }
        }
    }

    /// The key of a piece whose rows inside the range lie between two times.
    private func bound(_ first: Int64, _ last: Int64) -> Int64 {
        backward ? ~min(last, range.end.nanoseconds &- 1) : max(first, range.start.nanoseconds)
    }

    private mutating func open(_ segment: Segment, _ rank: Int, _ number: Int, _ runs: [Int]) {
        // Narrowed away since it was planned?
        guard runs.contains(where: { overlaps(segment.runs[$0]) }) else { return }
        let group = Group(segment: segment, number: number, codecs: core.codecs)
        // Where no row is wanted, not even the times are read. What cannot be read shows when lines are.
        if isPushed, let outcome = try? decision(group), outcome.yes.isEmpty, outcome.open.isEmpty { return }
        let times: [Int64]
        do throws(StoreError) {
            times = try group.times()
            _ = try group.metadata()
        } catch {
            core.damage.add(error.message)
            core.count()
            return
        }
        // Blocks of so many rows, whatever streams they are of.
        let mean = max(1, segment.groups[number].lineBytes / max(1, segment.groups[number].rows))
        let rowsOfBlock = max(64, min(blockRows, blockBytes / mean))
        var spans: [Span] = []
        var blockEnd = 0
        for index in runs {
            let run = segment.runs[index]
            let whole = Span(
                rows: Int(run.firstRow)..<Int(run.firstRow + run.rows),
                stream: segment.stream(of: run)
            )
            guard var rest = clip(whole, times) else { continue }
            while !rest.rows.isEmpty {
                if rest.rows.lowerBound >= blockEnd {
                    push(spans, group, times, rank)
                    spans = []
                    blockEnd = rest.rows.lowerBound + rowsOfBlock
                }
                let end = min(rest.rows.upperBound, blockEnd)
                spans.append(Span(rows: rest.rows.lowerBound..<end, stream: rest.stream))
                rest.rows = end..<rest.rows.upperBound
            }
        }
        push(spans, group, times, rank)
    }

    private mutating func push(_ spans: [Span], _ group: Group, _ times: [Int64], _ rank: Int) {
        if let key = key(spans, times) { push(key, .rows(group, rank: rank, spans: spans)) }
    }

    private func overlaps(_ run: Run) -> Bool {
        range.overlaps(first: Timestamp(nanoseconds: run.first), last: Timestamp(nanoseconds: run.last))
    }

    /// The rows of a span inside the range.
    private func clip(_ span: Span, _ times: [Int64]) -> Span? {
        let low = lowerBound(times, span.rows.lowerBound, span.rows.upperBound, range.start.nanoseconds)
        let high = lowerBound(times, low, span.rows.upperBound, range.end.nanoseconds)
        return low < high ? Span(rows: low..<high, stream: span.stream) : nil
    }

    private func key(_ spans: [Span], _ times: [Int64]) -> Int64? {
        backward
            ? spans.map { times[$0.rows.upperBound - 1] }.max().map { ~$0 }
            : spans.map { times[$0.rows.lowerBound] }.min()
    }

    private func key(_ refs: [HeadRef]) -> Int64? {
        backward ? refs.lazy.map(\.timestamp).max().map { ~$0 } : refs.lazy.map(\.timestamp).min()
    }

    private mutating func open(_ batches: [HeadBatch], _ rank: Int) {
        var refs: [HeadRef] = []
        for (b, batch) in batches.enumerated() {
            let wanted = batch.streams.map { selection.wanted.contains($0) }
            for (r, row) in batch.rows.enumerated()
            where wanted[Int(row.stream)] && range.contains(Timestamp(nanoseconds: row.timestamp)) {
                refs.append(
                    HeadRef(
                        timestamp: row.timestamp,
                        stream: batch.streams[Int(row.stream)],
                        batch: UInt32(b),
                        row: UInt32(r)
                    )
                )
            }
        }
        refs.sort { a, b in
            if a.stream != b.stream { return a.stream < b.stream }
            if a.timestamp != b.timestamp { return a.timestamp < b.timestamp }
            return a.batch != b.batch ? a.batch < b.batch : a.row < b.row
        }
        var start = 0
        while start < refs.count {
            var end = start
            var bytes = 0
            while end < refs.count, end == start || (end - start < blockRows && bytes < blockBytes) {
                bytes += Int(batches[Int(refs[end].batch)].rows[Int(refs[end].row)].length)
                end += 1
            }
            let some = Array(refs[start..<end])
            if let key = key(some) { push(key, .refs(batches, rank: rank, refs: some, ordinal: start)) }
            start = end
        }
    }

    // MARK: Blocks

    /// Ranks blocks by arrival in 40 bits: 14 for the part, 26 for the row in it.
    private func order(_ rank: Int, _ row: Int) -> UInt64 {
        UInt64(min(rank, (1 << 14) - 1)) << 26 | UInt64(min(row, (1 << 26) - 1))
    }

    private func block(_ group: Group, _ groupTimes: [Int64], _ rank: Int, _ spans: [Span]) -> ColumnBlock {
        let metadata = (try? group.metadata()) ?? nil
        let count = spans.reduce(0) { $0 + $1.rows.count }
        var times: [Int64] = []
        var streamOf: [UInt32] = []
        var metadataOf: [UInt32] = []
        times.reserveCapacity(count)
        streamOf.reserveCapacity(count)
        var streams: [StreamRef] = []
        var sets = [Labels()]
        // The block's number of each of the group's sets, 0 while it has none.
        var setNumbers = [UInt32](repeating: 0, count: metadata?.ranges.count ?? 0)
        for span in spans {
            if streams.last?.id != span.stream {
                streams.append(
                    StreamRef(id: span.stream, labels: selection.streams[Int(span.stream)].labels)
                )
            }
            times.append(contentsOf: groupTimes[span.rows])
            streamOf.append(contentsOf: repeatElement(UInt32(streams.count - 1), count: span.rows.count))
            guard let metadata else { continue }
            for row in span.rows {
                let set = metadata.setOfRow[row]
                let known = setNumbers[Int(set)]
                if known != 0 || set == 0 {
                    metadataOf.append(known)
                    continue
                }
                setNumbers[Int(set)] = UInt32(sets.count)
                metadataOf.append(UInt32(sets.count))
                sets.append(metadata.encoded(set).map(Self.labels) ?? Labels())
            }
        }
        if metadata == nil { metadataOf = [UInt32](repeating: 0, count: count) }
        let core = self.core
        return ColumnBlock(
            timestamps: times,
            streamOf: streamOf,
            streams: streams,
            metadataOf: metadataOf,
            metadataSets: sets,
            order: order(rank, group.segment.groups[group.number].firstRow + (spans.first?.rows.lowerBound ?? 0)),
            selected: Bitmap(count: count),
            undecided: Bitmap(count: count, repeating: true),
            columns: { Self.columns($0, group, spans) },
            load: { block in Self.load(block, group, spans, core) }
        )
    }

    /// The labels of some rows that were asked for. What cannot be read is left out: lines then tell, or that they are
    /// damaged.
    private static func columns(
        _ fields: [FieldRequest],
        _ group: Group,
        _ spans: [Span]
    ) -> [ByteString: FieldColumn] {
        let rows = (spans.first?.rows.lowerBound ?? 0)..<(spans.last?.rows.upperBound ?? 0)
        var result: [ByteString: FieldColumn] = [:]
        for field in fields {
            do throws(StoreError) {
                let reader = GroupFields(try group.open())
                let column = try reader.column(field, rows, times: try group.times()[rows])
                result[field.name] = spans.count == 1 ? column : column.picking(spans.map { $0.rows }, of: rows)
            } catch { continue }
        }
        return result
    }

    /// Encoded sets were written by us and checked; what does not decode all the same shows as no metadata.
    private static func labels(_ encoded: ByteView) -> Labels {
        var reader = ByteReader(encoded)
        return (try? Labels.decode(&reader)) ?? Labels()
    }

    /// Brings the lines of some spans, of rows that are still in the block. Rows that are damaged leave it; the damage is
    /// reported.
    private static func load(
        _ block: ColumnBlock,
        _ group: Group,
        _ spans: [Span],
        _ core: StoreCore
    ) -> ColumnBlock.LineTable {
        func report(_ error: StoreError) {
            core.damage.add(error.message)
            core.count()
        }
        var starts = [Int](repeating: 0, count: block.count)
        var lengths = [UInt32](repeating: 0, count: block.count)
        let reader: GroupReader
        let times: [Int64]
        do throws(StoreError) {
            reader = try group.open()
            times = try group.times()
        } catch {
            report(error)
            for row in 0..<block.count { drop(row, block) }
            return ColumnBlock.LineTable(bytes: OwnedBytes([]), starts: starts, lengths: lengths)
        }
        // Spans lie in the order of rows, gaps between them are of other streams: rows between first and last are
        // decoded in one go.
        let rows = (spans.first?.rows.lowerBound ?? 0)..<(spans.last?.rows.upperBound ?? 0)
        var wanted = [UInt64](repeating: 0, count: (rows.count + 63) / 64)
        var places: [Int] = []
        places.reserveCapacity(block.count)
        for span in spans {
            for row in span.rows {
                let at = row - rows.lowerBound
                if block.selected[places.count] || block.undecided[places.count] {
                    wanted[at >> 6] |= 1 << UInt64(at & 63)
                }
                places.append(at)
            }
        }
        let lines = reader.lines(rows, wanted: wanted, times: times[rows])
        for fault in lines.faults { report(fault) }
        for (row, at) in places.enumerated() {
            starts[row] = lines.starts[at]
            lengths[row] = lines.lengths[at]
        }
        if !lines.damaged.isEmpty {
            let damaged = Set(lines.damaged)
            for (row, at) in places.enumerated() where damaged.contains(at) { drop(row, block) }
        }
        return ColumnBlock.LineTable(bytes: lines.bytes, starts: starts, lengths: lengths)
    }

    private static func drop(_ row: Int, _ block: ColumnBlock) {
        block.selected[row] = false
        block.undecided[row] = false
    }

    private func block(_ batches: [HeadBatch], _ rank: Int, _ refs: [HeadRef], _ ordinal: Int) -> ColumnBlock {
        var streams: [StreamRef] = []
        var streamOf: [UInt32] = []
        var metadataOf: [UInt32] = []
        streamOf.reserveCapacity(refs.count)
        metadataOf.reserveCapacity(refs.count)
        var sets = [Labels()]
        var setNumbers: [UInt64: UInt32] = [:]
        for ref in refs {
            if streams.last?.id != ref.stream {
                streams.append(StreamRef(id: ref.stream, labels: selection.streams[Int(ref.stream)].labels))
            }
            streamOf.append(UInt32(streams.count - 1))
            let batch = batches[Int(ref.batch)]
            let set = batch.rows[Int(ref.row)].metadata
            let encoded = batch.metadataBytes(set)
            if encoded.count <= 1 {
                metadataOf.append(0)
                continue
            }
            let key = UInt64(ref.batch) << 32 | UInt64(set)
            if let known = setNumbers[key] {
                metadataOf.append(known)
            } else {
                setNumbers[key] = UInt32(sets.count)
                metadataOf.append(UInt32(sets.count))
                sets.append(Self.labels(encoded))
            }
        }
        return ColumnBlock(
            timestamps: refs.map(\.timestamp),
            streamOf: streamOf,
            streams: streams,
            metadataOf: metadataOf,
            metadataSets: sets,
            order: order(rank, ordinal),
            selected: Bitmap(count: refs.count),
            undecided: Bitmap(count: refs.count, repeating: true),
            load: { _ in Self.load(batches, refs) }
        )
    }

    private static func load(_ batches: [HeadBatch], _ refs: [HeadRef]) -> ColumnBlock.LineTable {
        // Of one batch the record itself serves; of several the lines are put together.
        if let first = refs.first, refs.allSatisfy({ $0.batch == first.batch }) {
            let batch = batches[Int(first.batch)]
            let rows = refs.map { batch.rows[Int($0.row)] }
            return ColumnBlock.LineTable(
                bytes: batch.record,
                starts: rows.map { batch.lineBase + Int($0.start) },
                lengths: rows.map(\.length)
            )
        }
        let total = refs.reduce(0) { $0 + Int(batches[Int($1.batch)].rows[Int($1.row)].length) }
        let out = ByteArena(capacity: total)
        var starts: [Int] = []
        var lengths: [UInt32] = []
        for ref in refs {
            let batch = batches[Int(ref.batch)]
            let row = batch.rows[Int(ref.row)]
            starts.append(out.count)
            lengths.append(row.length)
            out.append(batch.line(row))
        }
        return ColumnBlock.LineTable(bytes: out.take(), starts: starts, lengths: lengths)
    }

    // MARK: Heap

    private var nextSerial: Int = 0

    private mutating func push(_ key: Int64, _ piece: Piece) {
        heap.append(Item(key: key, serial: nextSerial, piece: piece))
        nextSerial += 1
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if !precedes(heap[child], heap[parent]) { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func pop() -> Item? {
        guard let first = heap.first else { return nil }
        let tail = heap.removeLast()
        if heap.isEmpty { return first }
        heap[0] = tail
        var parent = 0
        while true {
            var best = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if precedes(heap[child], heap[best]) { best = child }
            }
            if best == parent { return first }
            heap.swapAt(best, parent)
            parent = best
        }
    }

    private func precedes(_ a: Item, _ b: Item) -> Bool { a.key != b.key ? a.key < b.key : a.serial < b.serial }
}
