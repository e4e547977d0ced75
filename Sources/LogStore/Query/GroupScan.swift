import Bytes
import Disk
import LogModel
import Synchronization

/// A scan whose reader does not care for the order of rows: row groups one by one, whole where no lines are read, divided
/// among the processors.
///
/// Parts are cut by rows alone, so the same rows fall into the same parts whatever else the machine does, and sums come
/// out the same to the last bit. Memory: one row group a part.
struct GroupScan: Sendable {
    private let core: StoreCore
    private let request: ScanRequest
    private let selection: Selection
    /// Rows and bytes of lines of a block where lines are read.
    private static let blockRows = 8192
    private static let blockBytes = 1 << 20

    private enum Piece: Sendable {
        case runs(Segment, rank: Int, group: Int, runs: Range<Int>, of: [Int])
        case batches([HeadBatch], rank: Int)
    }

    init(core: StoreCore, request: ScanRequest) {
        self.core = core
        self.request = request
        selection = Selection(core: core, tenant: request.tenant, matchers: request.matchers)
    }

    func run(parts: Int, _ sink: @escaping @Sendable (Int, ColumnBlock) throws -> Void) throws {
        guard !selection.isEmpty, !request.range.isEmpty else { return }
        let (pieces, ends) = plan()
        guard let total = ends.last else { return }
        let parts = max(1, min(parts, pieces.count))
        // Piece i belongs to the part in which its middle lies.
        var of = [[Int]](repeating: [], count: parts)
        for i in pieces.indices {
            let middle = ((i > 0 ? ends[i - 1] : 0) + ends[i]) / 2
            of[min(parts - 1, middle * parts / max(1, total))].append(i)
        }
        let failures = Mutex<[Int: any Error]>([:])
        let shares = of
        let blocks = GroupBlocks(core, selection, request.predicate)
        WorkerPool.processors.run(parts) { part in
            do {
                for i in shares[part] {
                    if failures.withLock({ !$0.isEmpty }) { return }
                    if request.cancel.isCancelled { throw QueryError(.cancelled, "the query was cancelled") }
                    try read(pieces[i], blocks) { try sink(part, $0) }
                }
            } catch {
                failures.withLock { $0[part] = error }
            }
        }
        if let first = failures.withLock({ $0.min { $0.key < $1.key } }) { throw first.value }
    }

    /// Pieces, and how many rows come up to the end of each.
    private func plan() -> ([Piece], [Int]) {
        var pieces: [Piece] = []
        var ends: [Int] = []
        var rows = 0
        for (rank, segment) in selection.view.segments.enumerated() where selection.overlaps(segment, request.range) {
            let runs = selection.runs(segment, request.range)
            var at = 0
            while at < runs.count {
                let group = segment.runs[runs[at]].group
                let start = at
                while at < runs.count, segment.runs[runs[at]].group == group {
                    rows += Int(segment.runs[runs[at]].rows)
                    at += 1
                }
                pieces.append(.runs(segment, rank: rank, group: Int(group), runs: start..<at, of: runs))
                ends.append(rows)
            }
        }
        var rank = selection.view.segments.count
        for head in selection.view.heads {
            for lot in HeadBlocks(selection: selection).lots(head, request.range) {
                if !lot.isEmpty {
                    rows += lot.reduce(0) { $0 + $1.rows.count }
                    pieces.append(.batches(lot, rank: rank))
                    ends.append(rows)
                }
                rank += 1
            }
        }
        return (pieces, ends)
    }

    private func read(_ piece: Piece, _ blocks: GroupBlocks, _ sink: (ColumnBlock) throws -> Void) throws {
        switch piece {
        case .runs(let segment, let rank, let number, let some, let runs):
            let group = ScanGroup(segment: segment, number: number, codecs: core.codecs)
            let outcome = blocks.outcome(group)
            if let outcome, outcome.yes.isEmpty, outcome.open.isEmpty { return }
            var spans: [ScanGroup.Span] = []
            for index in runs[some] {
                let run = segment.runs[index]
                let whole = ScanGroup.Span(
                    rows: Int(run.firstRow)..<Int(run.firstRow + run.rows),
                    stream: segment.stream(of: run)
                )
                if request.range.contains(Timestamp(nanoseconds: run.first)),
                    request.range.contains(Timestamp(nanoseconds: run.last))
                {
                    spans.append(whole)
                    continue
                }
                do throws(StoreError) {
                    if let part = group.clip(whole, request.range, try group.times()) { spans.append(part) }
                } catch {
                    core.report(error)
                    return
                }
            }
            if request.readsLines {
                do throws(StoreError) { _ = try group.metadata() } catch { return core.report(error) }
                let mean = max(1, segment.groups[number].lineBytes / max(1, segment.groups[number].rows))
                let rows = max(64, min(Self.blockRows, Self.blockBytes / mean))
                for some in Self.cut(spans, rows: rows) {
                    let wanted = outcome?.survivors(some) ?? some
                    if !wanted.isEmpty { try sink(blocks.block(group, wanted, rank: rank)) }
                }
            } else if !spans.isEmpty {
                try sink(blocks.block(group, spans, rank: rank))
            }
        case .batches(let batches, let rank):
            let maker = HeadBlocks(selection: selection)
            var ordinal = 0
            for refs in maker.pieces(batches, request.range, bytes: Self.blockBytes, rows: Self.blockRows) {
                try sink(maker.block(batches, rank: rank, refs, ordinal: ordinal))
                ordinal += refs.count
            }
        }
    }

    /// Spans in lots of about so many rows.
    static func cut(_ spans: [ScanGroup.Span], rows: Int) -> [[ScanGroup.Span]] {
        var result: [[ScanGroup.Span]] = []
        var lot: [ScanGroup.Span] = []
        var end = 0
        for span in spans {
            var rest = span
            while !rest.rows.isEmpty {
                if rest.rows.lowerBound >= end {
                    if !lot.isEmpty { result.append(lot) }
                    lot = []
                    end = rest.rows.lowerBound + rows
                }
                let upper = min(rest.rows.upperBound, end)
                lot.append(ScanGroup.Span(rows: rest.rows.lowerBound..<upper, stream: rest.stream))
                rest.rows = upper..<rest.rows.upperBound
            }
        }
        if !lot.isEmpty { result.append(lot) }
        return result
    }
}
