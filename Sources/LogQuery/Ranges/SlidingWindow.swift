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

    private mutating func find(_ sample: Sample, _ cell: WindowGrid.Cell) -> Bool {
        if let last = cells.last, cell < last.cell || cell == last.cell {
            var low = 0
            var high = cells.count
            while low < high {
                let middle = (low + high) / 2
                if cells[middle].cell < cell { low = middle + 1 } else { high = middle }
            }
            cursor = low
            if cells[low].cell == cell {
                cells[low].summary.add(sample)
                return false
            }
            cells.insert((cell, Summary(sample)), at: low)
            return true
        }
        cursor = cells.count
        cells.append((cell, Summary(sample)))
        return true
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

/// Whole samples of one series, for what cannot be summarised: quantiles and counters.
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
        let below = select(Int(lower), &values)
        let above: Double
        if upper == lower {
            above = below
        } else {
            // What lies behind position `lower` is not smaller: the next in order is the least of it.
            var least = values[Int(lower) + 1]
            for i in (Int(lower) + 1)..<values.count where precedes(values[i], least) { least = values[i] }
            above = least
        }
        return below * (1 - weight) + above * weight
    }

    @inline(__always)
    private static func precedes(_ a: Double, _ b: Double) -> Bool { a < b || (a.isNaN && !b.isNaN) }

    /// The k-th smallest; afterwards nothing before it is larger and nothing behind it smaller. Quickselect with a median
    /// of three; sorts what remains when it makes no headway, so that no input is quadratic.
    private static func select(_ k: Int, _ values: inout [Double]) -> Double {
        var low = 0
        var high = values.count - 1
        var rounds = 64
        while low < high {
            rounds -= 1
            if rounds == 0 || high - low < 16 {
                values[low...high].sort(by: precedes)
                break
            }
            let middle = low + (high - low) / 2
            if precedes(values[middle], values[low]) { values.swapAt(middle, low) }
            if precedes(values[high], values[low]) { values.swapAt(high, low) }
            if precedes(values[high], values[middle]) { values.swapAt(high, middle) }
            let pivot = values[middle]
            var i = low
            var j = high
            while i <= j {
                while precedes(values[i], pivot) { i += 1 }
                while precedes(pivot, values[j]) { j -= 1 }
                if i <= j {
                    values.swapAt(i, j)
                    i += 1
                    j -= 1
                }
            }
            if k <= j { high = j } else if k >= i { low = i } else { break }
        }
        return values[k]
    }
}
