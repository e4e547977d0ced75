import Bytes

/// The cells of one series, in time order, each with a summary of its samples.
struct WindowCells<Summary: WindowSummary> {
    private(set) var cells: [(cell: WindowGrid.Cell, summary: Summary)] = []
    /// Where the last sample went: the next one mostly goes there too, or just behind.
    private var cursor = 0

    /// True when the sample opened a new cell. O(1) in time order, else O(log cells) (a new cell in the middle: O(cells)).
    @inline(__always)
    mutating func add(_ sample: Sample, to cell: WindowGrid.Cell) -> Bool {
        if cursor < cells.count, cells[cursor].cell == cell {
            cells[cursor].summary.add(sample)
            return false
        }
        return find(sample, cell)
    }

    /// As `add`, for what is summed up already and comes in any order.
    mutating func merge(_ summary: Summary, to cell: WindowGrid.Cell) -> Bool {
        let (place, isKnown) = place(of: cell)
        cursor = place
        if isKnown {
            cells[place].summary = Summary.merge(cells[place].summary, summary)
        } else {
            cells.insert((cell, summary), at: place)
        }
        return !isKnown
    }

    /// Where a cell is or belongs.
    private func place(of cell: WindowGrid.Cell) -> (Int, isKnown: Bool) {
        if cursor < cells.count, cells[cursor].cell == cell { return (cursor, true) }
        if let last = cells.last, cell < last.cell || cell == last.cell {
            var low = 0
            var high = cells.count
            while low < high {
                let middle = (low + high) / 2
                if cells[middle].cell < cell { low = middle + 1 } else { high = middle }
            }
            return (low, cells[low].cell == cell)
        }
        return (cells.count, false)
    }

    private mutating func find(_ sample: Sample, _ cell: WindowGrid.Cell) -> Bool {
        let (place, isKnown) = place(of: cell)
        cursor = place
        if isKnown { cells[place].summary.add(sample) } else { cells.insert((cell, Summary(sample)), at: place) }
        return !isKnown
    }

    /// Calls `body` with the summary of each window that has samples, in order of steps.
    ///
    /// Two-stack queue: every cell is merged at most twice, whatever the overlap of windows, and nothing is ever
    /// subtracted (a sum that held a NaN or 1e300 would never recover). O(cells + steps).
    func forEachWindow(steps: Int, _ body: (Int, Summary) -> Void) {
        var entered = 0
        var left = 0
        // Summaries of front[i...] of the cells at the front, oldest at the end.
        var front: [Summary] = []
        var back: Summary?
        for step in 0..<steps {
            while entered < cells.count, Int(cells[entered].cell.first) <= step {
                back = back.map { Summary.merge($0, cells[entered].summary) } ?? cells[entered].summary
                entered += 1
            }
            while left < entered, Int(cells[left].cell.end) <= step {
                if front.isEmpty {
                    var i = entered - 1
                    var whole: Summary?
                    while i >= left {
                        whole = whole.map { Summary.merge(cells[i].summary, $0) } ?? cells[i].summary
                        if let whole { front.append(whole) }
                        i -= 1
                    }
                    back = nil
                }
                front.removeLast()
                left += 1
            }
            if let old = front.last {
                body(step, back.map { Summary.merge(old, $0) } ?? old)
            } else if let back {
                body(step, back)
            } else if entered >= cells.count {
                return
            }
        }
    }
}

/// Whole samples of one series, for what cannot be summarised: distinct values and counters.
struct WindowSamples {
    private(set) var samples: [Sample] = []
    private var isSorted = true

    mutating func add(_ sample: Sample) {
        if let last = samples.last, sample.isBefore(last) { isSorted = false }
        samples.append(sample)
    }

    mutating func sort() {
        if !isSorted { samples.sort { $0.isBefore($1) } }
        isSorted = true
    }

    /// Calls `body` with the indices of the samples of each window that has any, in order of steps. `sort` comes first.
    func forEachWindow(_ grid: WindowGrid, _ body: (Int, Range<Int>) -> Void) {
        var finder = CellFinder(grid)
        let cells = samples.map { finder.cell(at: $0.time) }
        var entered = 0
        var left = 0
        for step in 0..<grid.steps.count {
            while entered < cells.count, Int(cells[entered].first) <= step { entered += 1 }
            while left < entered, Int(cells[left].end) <= step { left += 1 }
            if left < entered { body(step, left..<entered) }
        }
    }
}

/// Quantiles as Prometheus has them.
enum Quantile {
    /// Linear interpolation between the two values around rank q·(n − 1); `values` are reordered. NaN counts as smallest.
    /// O(n) on average.
    static func of(_ q: Double, _ values: inout [Double]) -> Double {
        guard !values.isEmpty else { return .nan }
        if q < 0 { return -.infinity }
        if q > 1 { return .infinity }
        if q.isNaN { return .nan }
        let rank = q * Double(values.count - 1)
        let lower = max(0, rank.rounded(.down))
        let upper = min(Double(values.count - 1), lower + 1)
        let weight = rank - rank.rounded(.down)
        let (below, next) = Doubles.select(Int(lower), &values)
        let above = upper == lower ? below : next
        return below * (1 - weight) + above * weight
    }
}
