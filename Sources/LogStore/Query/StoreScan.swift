import Disk
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
    private let blocks: GroupBlocks
    private let heads: HeadBlocks
    private var range: TimeRange
    private var heap: [Item] = []
    /// Row groups that were decided ahead and keep what was read of them.
    private static let keptAhead = 4
    /// How many row groups are decided at once.
    private var lookAhead = 1
    /// Bytes of lines and rows of a block: small enough to overlap little, large enough to cost nothing.
    private let blockBytes: Int
    private let blockRows: Int

    private enum Piece {
        case runs(Segment, rank: Int, group: Int, runs: [Int])
        case rows(ScanGroup, rank: Int, spans: [ScanGroup.Span])
        case batches([HeadBatch], rank: Int)
        case refs([HeadBatch], rank: Int, refs: [HeadBlocks.Ref], ordinal: Int)
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
        range = request.range
        selection = Selection(core: core, tenant: request.tenant, matchers: request.matchers)
        blocks = GroupBlocks(core, selection, request.predicate)
        heads = HeadBlocks(selection: selection)
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
            case .runs(let segment, let rank, let group, let runs):
                open(segment, rank, group, runs)
                openMore()
            case .batches(let batches, let rank): open(batches, rank)
            case .rows(let group, let rank, let spans):
                // They were read when the group fell apart into blocks.
                let times = (try? group.times()) ?? []
                let clipped = spans.compactMap { group.clip($0, range, times) }
                guard let key = key(clipped, times) else { continue }
                if key != item.key, let next = heap.first, next.key < key {
                    push(key, .rows(group, rank: rank, spans: clipped))
                    continue
                }
                let wanted = blocks.outcome(group)?.survivors(clipped) ?? clipped
                if wanted.isEmpty { continue }
                if try !deliver(blocks.block(group, wanted, rank: rank), sink) { return }
            case .refs(let batches, let rank, let refs, let ordinal):
                let clipped = refs.filter { range.contains(Timestamp(nanoseconds: $0.timestamp)) }
                guard let key = key(clipped) else { continue }
                if key != item.key, let next = heap.first, next.key < key {
                    push(key, .refs(batches, rank: rank, refs: clipped, ordinal: ordinal))
                    continue
                }
                if try !deliver(heads.block(batches, rank: rank, clipped, ordinal: ordinal), sink) { return }
            }
        }
        // What was cancelled while groups were looked at is not whole.
        if request.cancel.isCancelled { throw QueryError(.cancelled, "the query was cancelled") }
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
            for lot in heads.lots(head, range) {
                if !lot.isEmpty {
                    let (first, last) = (lot.map(\.first).min() ?? 0, lot.map(\.last).max() ?? 0)
                    push(bound(first, last), .batches(lot, rank: rank))
                }
                rank += 1
            }
        }
    }

    /// The key of a piece whose rows inside the range lie between two times.
    private func bound(_ first: Int64, _ last: Int64) -> Int64 {
        backward ? ~min(last, range.end.nanoseconds &- 1) : max(first, range.start.nanoseconds)
    }

    /// Where a predicate decides, the row groups that come next are decided by all processors at once: a few more each
    /// time, for a query that has its lines soon reads no more than it must.
    private mutating func openMore() {
        guard blocks.predicate != nil else { return }
        lookAhead = min(lookAhead * 2, WorkerPool.processors.width * 8)
        var next: [(group: ScanGroup, segment: Segment, rank: Int, runs: [Int])] = []
        while next.count < lookAhead, let item = heap.first,
            case .runs(let segment, let rank, let number, let runs) = item.piece
        {
            _ = pop()
            if request.cancel.isCancelled { break }
            guard runs.contains(where: { overlaps(segment.runs[$0]) }) else { continue }
            let group = ScanGroup(segment: segment, number: number, codecs: core.codecs)
            // Before other threads are woken: most groups of a search for an id end here.
            if blocks.rulesOut(group) { continue }
            next.append((group, segment, rank, runs))
        }
        let groups = next.map(\.group)
        let (blocks, cancel) = (blocks, request.cancel)
        WorkerPool.processors.run(groups.count) { i in
            if cancel.isCancelled { return }
            _ = blocks.outcome(groups[i])
            // Columns that are not needed soon are not kept.
            if i >= Self.keptAhead { groups[i].shed() }
        }
        for piece in next { open(piece.group, piece.segment, piece.rank, piece.runs) }
    }

    private mutating func open(_ segment: Segment, _ rank: Int, _ number: Int, _ runs: [Int]) {
        // Narrowed away since it was planned?
        guard runs.contains(where: { overlaps(segment.runs[$0]) }) else { return }
        open(ScanGroup(segment: segment, number: number, codecs: core.codecs), segment, rank, runs)
    }

    private mutating func open(_ group: ScanGroup, _ segment: Segment, _ rank: Int, _ runs: [Int]) {
        let number = group.number
        // Where no row is wanted, not even the times are read.
        if let outcome = blocks.outcome(group), outcome.yes.isEmpty, outcome.open.isEmpty { return }
        let times: [Int64]
        do throws(StoreError) {
            times = try group.times()
            _ = try group.metadata()
        } catch {
            core.report(error)
            return
        }
        // Blocks of so many rows, whatever streams they are of.
        let mean = max(1, segment.groups[number].lineBytes / max(1, segment.groups[number].rows))
        let rowsOfBlock = max(64, min(blockRows, blockBytes / mean))
        let spans = runs.compactMap { index -> ScanGroup.Span? in
            let run = segment.runs[index]
            let rows = Int(run.firstRow)..<Int(run.firstRow + run.rows)
            return group.clip(ScanGroup.Span(rows: rows, stream: segment.stream(of: run)), range, times)
        }
        for lot in GroupScan.cut(spans, rows: rowsOfBlock) {
            if let key = key(lot, times) { push(key, .rows(group, rank: rank, spans: lot)) }
        }
    }

    private func overlaps(_ run: Run) -> Bool {
        range.overlaps(first: Timestamp(nanoseconds: run.first), last: Timestamp(nanoseconds: run.last))
    }

    private func key(_ spans: [ScanGroup.Span], _ times: [Int64]) -> Int64? {
        backward
            ? spans.map { times[$0.rows.upperBound - 1] }.max().map { ~$0 }
            : spans.map { times[$0.rows.lowerBound] }.min()
    }

    private func key(_ refs: [HeadBlocks.Ref]) -> Int64? {
        backward ? refs.lazy.map(\.timestamp).max().map { ~$0 } : refs.lazy.map(\.timestamp).min()
    }

    private mutating func open(_ batches: [HeadBatch], _ rank: Int) {
        var ordinal = 0
        for refs in heads.pieces(batches, range, bytes: blockBytes, rows: blockRows) {
            if let key = key(refs) { push(key, .refs(batches, rank: rank, refs: refs, ordinal: ordinal)) }
            ordinal += refs.count
        }
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
