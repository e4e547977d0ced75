import Disk
import LogModel
import Synchronization

/// Rows and bytes by cells of a grid. A run that lies wholly in the same cells counts by its table entry; of others the
/// times and lengths are read, row groups divided among the processors. Cells are filled by differences, so a row costs
/// the same whether windows overlap or not.
struct StoreCounts: Sendable {
    private let core: StoreCore
    private let selection: Selection
    private let cells: GridCells
    private let countsBytes: Bool
    private let cancel: CancelFlag
    private let budget: QueryBudget
    private let count: Int

    /// Row groups read by one thread in turn.
    private static let lotSize = 4

    init(
        core: StoreCore,
        tenant: Tenant,
        matchers: [LabelMatcher],
        grid: TimeGrid,
        budget: QueryBudget,
        cancel: CancelFlag
    ) {
        self.core = core
        selection = Selection(core: core, tenant: tenant, matchers: matchers)
        cells = GridCells(grid)
        count = max(0, grid.count)
        countsBytes = grid.countsBytes
        self.budget = budget
        self.cancel = cancel
    }

    /// A row group of which some runs are cut by a cell.
    private struct CutGroup: Sendable {
        var segment: Segment
        var group: Int
        var runs: [Int]
    }

    func run() throws -> [StreamCounts] {
        let range = cells.range
        guard !selection.isEmpty, !range.isEmpty else { return [] }
        var tally = CellTally(count, budget)
        defer { tally.release() }
        var cut: [CutGroup] = []
        for segment in selection.view.segments where selection.overlaps(segment, range) {
            try add(segment, range, to: &tally, &cut)
        }
        try read(cut, range, into: &tally)
        for head in selection.view.heads {
            for batch in head.batches where selection.overlaps(batch, range) { try add(batch, range, to: &tally) }
        }
        return tally.counts { selection.streams[Int($0)].labels }
    }

    /// Runs that one cell holds are counted, the others are left to be read.
    private func add(
        _ segment: Segment,
        _ range: TimeRange,
        to tally: inout CellTally,
        _ cut: inout [CutGroup]
    ) throws {
        for index in selection.runs(segment, range) {
            let run = segment.runs[index]
            let group = Int(run.group)
            if let same = cells.same(run.first, run.last) {
                let stream = segment.stream(of: run)
                if let same { try tally.add(stream, same, rows: Int(run.rows), bytes: run.bytes) }
                if segment.groups[group].mayHaveErrors { tally.markErrors(stream) }
            } else if let last = cut.last, last.segment === segment, last.group == group {
                cut[cut.count - 1].runs.append(index)
            } else {
                cut.append(CutGroup(segment: segment, group: group, runs: [index]))
            }
        }
    }

    private func read(_ groups: [CutGroup], _ range: TimeRange, into tally: inout CellTally) throws {
        let lots = (groups.count + Self.lotSize - 1) / Self.lotSize
        if lots <= 1 {
            for group in groups { try add(group, range, to: &tally) }
            return
        }
        let results = Mutex<(tally: CellTally, failure: (any Error)?)>((tally, nil))
        WorkerPool.processors.run(lots) { lot in
            var part = CellTally(count, budget)
            do {
                for group in groups[lot * Self.lotSize..<min(groups.count, (lot + 1) * Self.lotSize)] {
                    if results.withLock({ $0.failure != nil }) { break }
                    try add(group, range, to: &part)
                }
                // Whole numbers: the order does not matter.
                try results.withLock { try $0.tally.add(part) }
            } catch {
                results.withLock { $0.failure = error }
            }
            part.release()
        }
        let failure = results.withLock { results in
            tally = results.tally
            return results.failure
        }
        if let failure { throw failure }
    }

    private func add(_ cut: CutGroup, _ range: TimeRange, to tally: inout CellTally) throws {
        if cancel.isCancelled { throw QueryError(.cancelled, "the query was cancelled") }
        let segment = cut.segment
        let times: [Int64]
        let lengths: [UInt32]
        do throws(StoreError) {
            times = try core.codecs.with { codec throws(StoreError) in
                try segment.times(group: cut.group, codec: codec)
            }
            lengths = countsBytes ? try segment.lengths(group: cut.group, codecs: core.codecs) : []
        } catch { return core.report(error) }
        for index in cut.runs {
            let run = segment.runs[index]
            let stream = segment.stream(of: run)
            let end = Int(run.firstRow + run.rows)
            var row = lowerBound(times, Int(run.firstRow), end, range.start.nanoseconds)
            guard row < end else { continue }
            var cursor = cells.cursor(at: times[row])
            while row < end {
                // Rows of the same cells lie together: where they end is searched for, not asked of each.
                let time = times[row]
                if time >= range.end.nanoseconds { break }
                cursor.advance(to: time)
                let last = cursor.lastTime
                var next = row + 1
                // Of many streams each has few rows a cell.
                if next < end, times[next] <= last { next = last == .max ? end : lowerBound(times, next, end, last + 1) }
                if let here = cursor.cells {
                    var bytes = 0
                    if countsBytes { for length in lengths[row..<next] { bytes &+= Int(length) } }
                    try tally.add(stream, here, rows: next - row, bytes: bytes)
                }
                row = next
            }
            if segment.groups[cut.group].mayHaveErrors { tally.markErrors(stream) }
        }
    }

    private func add(_ batch: HeadBatch, _ range: TimeRange, to tally: inout CellTally) throws {
        if cancel.isCancelled { throw QueryError(.cancelled, "the query was cancelled") }
        var byRow: Set<UInt32> = []
        for run in batch.runs where selection.overlaps(run, range) {
            if let same = cells.same(run.first, run.last) {
                if let same { try tally.add(run.stream, same, rows: run.rows, bytes: run.bytes) }
            } else {
                byRow.insert(run.stream)
            }
        }
        if !byRow.isEmpty {
            let wanted = batch.streams.map { byRow.contains($0) }
            for row in batch.rows where wanted[Int(row.stream)] {
                if let here = cells.cells(of: row.timestamp) {
                    try tally.add(batch.streams[Int(row.stream)], here, rows: 1, bytes: Int(row.length))
                }
            }
        }
        if batch.mayHaveErrors { for run in batch.runs { tally.markErrors(run.stream) } }
    }
}

/// Rows and bytes of streams by cell.
private struct CellTally: Sendable {
    private let count: Int
    private let budget: QueryBudget
    private var taken = 0
    private var places: [UInt32: Int] = [:]
    private var streams: [UInt32] = []
    private var mayHaveErrors: [Bool] = []
    /// Differences from cell to cell, one more than cells for each stream.
    private var rows: [Int] = []
    private var bytes: [Int] = []
    /// The stream asked for last.
    private var last: (stream: UInt32, place: Int) = (.max, 0)

    init(_ count: Int, _ budget: QueryBudget) {
        self.count = count
        self.budget = budget
    }

    /// Gives back what it took of the budget.
    mutating func release() {
        budget.give(taken)
        taken = 0
    }

    private mutating func place(of stream: UInt32) throws -> Int {
        if last.stream == stream, !streams.isEmpty { return last.place }
        let place: Int
        if let known = places[stream] {
            place = known
        } else {
            let size = (count + 1) * 2 * MemoryLayout<Int>.stride
            taken += size
            guard budget.take(size) else {
                throw QueryError(
                    .invalid,
                    "the query needs more than its \(budget.memoryLimit >> 20) MB of memory: fewer streams or steps"
                )
            }
            place = streams.count
            places[stream] = place
            streams.append(stream)
            mayHaveErrors.append(false)
            rows.append(contentsOf: repeatElement(0, count: count + 1))
            bytes.append(contentsOf: repeatElement(0, count: count + 1))
        }
        last = (stream, place)
        return place
    }

    mutating func add(_ stream: UInt32, _ cells: ClosedRange<Int>, rows: Int, bytes: Int) throws {
        let from = try place(of: stream) * (count + 1)
        self.rows[from + cells.lowerBound] += rows
        self.rows[from + cells.upperBound + 1] -= rows
        self.bytes[from + cells.lowerBound] += bytes
        self.bytes[from + cells.upperBound + 1] -= bytes
    }

    mutating func add(_ other: CellTally) throws {
        for (number, stream) in other.streams.enumerated() {
            let place = try place(of: stream)
            let (to, from) = (place * (count + 1), number * (count + 1))
            for cell in 0...count {
                rows[to + cell] += other.rows[from + cell]
                bytes[to + cell] += other.bytes[from + cell]
            }
            if other.mayHaveErrors[number] { mayHaveErrors[place] = true }
        }
    }

    /// Only of streams that have rows.
    mutating func markErrors(_ stream: UInt32) {
        if let place = places[stream] { mayHaveErrors[place] = true }
    }

    func counts(labels: (UInt32) -> Labels) -> [StreamCounts] {
        var result: [StreamCounts] = []
        for (place, stream) in streams.enumerated().sorted(by: { $0.element < $1.element }) {
            var rows = [Int](repeating: 0, count: count)
            var bytes = rows
            var rowSum = 0
            var byteSum = 0
            let from = place * (count + 1)
            for cell in 0..<count {
                rowSum += self.rows[from + cell]
                byteSum += self.bytes[from + cell]
                rows[cell] = rowSum
                bytes[cell] = byteSum
            }
            if rows.contains(where: { $0 > 0 }) {
                result.append(
                    StreamCounts(
                        labels: labels(stream), rows: rows, bytes: bytes, mayHaveErrors: mayHaveErrors[place]))
            }
        }
        return result
    }
}

/// Which cells of a grid a time lies in: i with start + i·step − window < t ≤ start + i·step.
struct GridCells {
    private let start: Int64
    private let step: Int64
    private let window: Int64
    private let count: Int

    init(_ grid: TimeGrid) {
        start = grid.start.nanoseconds
        step = max(1, grid.step)
        window = max(1, grid.window)
        count = max(0, grid.count)
    }

    /// Times that lie in any cell or in a gap between two.
    var range: TimeRange {
        guard count > 0 else { return TimeRange(.min, .min) }
        let first = Timestamp(nanoseconds: start).advanced(by: -window).advanced(by: 1)
        let (span, overflow) = step.multipliedReportingOverflow(by: Int64(count - 1))
        return TimeRange(first, Timestamp(nanoseconds: start).advanced(by: overflow ? .max : span).advanced(by: 1))
    }

    /// First cell that ends at or behind `t`.
    private func low(_ t: Int64) -> Int {
        if t <= start { return 0 }
        let (distance, overflow) = t.subtractingReportingOverflow(start)
        if overflow { return count }
        return Int(min(Int64(count), (distance - 1) / step + 1))
    }

    /// First cell that begins at or behind `t`, so does not hold it.
    private func high(_ t: Int64) -> Int {
        let (begin, underflow) = start.subtractingReportingOverflow(window)
        // Cell 0 holds times behind `begin`.
        if !underflow, t <= begin { return 0 }
        let (distance, overflow) = t.subtractingReportingOverflow(underflow ? .min : begin)
        if overflow { return count }
        return Int(min(Int64(count), max(0, distance - 1) / step + 1))
    }

    /// The cells that hold `t`; nil when none does.
    func cells(of t: Int64) -> ClosedRange<Int>? {
        let first = low(t)
        let end = high(t)
        return first < end ? first...end - 1 : nil
    }

    /// Which cells the times of a run lie in, one after the other: no division while steps are small.
    struct Cursor {
        private let grid: GridCells
        private var low: Int
        private var high: Int
        /// Up to these times `low` and `high` stay as they are.
        private var lowEnd: Int64
        private var highEnd: Int64

        fileprivate init(_ grid: GridCells, _ t: Int64) {
            self.grid = grid
            low = grid.low(t)
            high = grid.high(t)
            lowEnd = grid.end(ofLow: low)
            highEnd = grid.end(ofHigh: high)
        }

        /// The cells that hold the time; nil when none does.
        var cells: ClosedRange<Int>? { low < high ? low...high - 1 : nil }

        /// The last time that lies in the same cells.
        var lastTime: Int64 { min(lowEnd, highEnd) }

        /// `t` must not lie before the time of the call before.
        @inline(__always)
        mutating func advance(to t: Int64) {
            if t > lowEnd {
                low = isNext(t, lowEnd) ? low + 1 : grid.low(t)
                lowEnd = grid.end(ofLow: low)
            }
            if t > highEnd {
                high = isNext(t, highEnd) ? high + 1 : grid.high(t)
                highEnd = grid.end(ofHigh: high)
            }
        }

        @inline(__always)
        private func isNext(_ t: Int64, _ end: Int64) -> Bool {
            let (distance, overflow) = t.subtractingReportingOverflow(end)
            return !overflow && distance <= grid.step
        }
    }

    func cursor(at t: Int64) -> Cursor { Cursor(self, t) }

    private func end(ofLow cell: Int) -> Int64 { end(start, cell) }

    private func end(ofHigh cell: Int) -> Int64 {
        let (begin, underflow) = start.subtractingReportingOverflow(window)
        return end(underflow ? .min : begin, cell)
    }

    private func end(_ border: Int64, _ cell: Int) -> Int64 {
        let (distance, far) = step.multipliedReportingOverflow(by: Int64(cell))
        if far || cell >= count { return .max }
        let (time, overflow) = border.addingReportingOverflow(distance)
        return overflow ? .max : time
    }

    /// Whether all times from `first` to `last` lie in the same cells – no cell, for a span in one gap or outside; nil
    /// when they do not.
    func same(_ first: Int64, _ last: Int64) -> ClosedRange<Int>?? {
        // Both borders only ever move on with time, so equal ends mean equal cells between them.
        let low = (self.low(first), self.low(last))
        let high = (self.high(first), self.high(last))
        guard low.0 == low.1, high.0 == high.1 else { return nil }
        return .some(low.0 < high.0 ? low.0...high.0 - 1 : nil)
    }
}
