import LogModel

/// True quantiles: keeps every value, by series and cell.
final class QuantileCollector: SampleCollector {
    private struct Held {
        var cell: WindowGrid.Cell
        var values = ValueBag()
    }

    private let q: Double
    /// The cells of each series, in order of time.
    private var series: [[Held]] = []
    /// Where the last value went: the next one mostly goes there too.
    private var last = (series: -1, place: 0)
    private var cellCount = 0

    init(_ grid: WindowGrid, _ q: Double) {
        self.q = q
        super.init(grid)
    }

    override func add(_ lot: borrowing SampleLot) -> Int {
        var grown = 0
        var i = 0
        while i < lot.count {
            let number = lot.series[i]
            let cell = lot.cells[i]
            grown += change(Int(number), cell) { bag in
                while i < lot.count, lot.series[i] == number, lot.cells[i] == cell {
                    bag.add(lot.samples[i].value)
                    i += 1
                }
            }
        }
        return grown
    }

    override func add(
        _ values: ArraySlice<Double>, times: ArraySlice<Int64>, to number: Int32, _ cell: WindowGrid.Cell
    ) -> Int { change(Int(number), cell) { $0.add(values) } }

    override func absorb(_ other: SampleCollector, _ numbers: [Int32]) -> Int {
        guard let other = other as? QuantileCollector else { return 0 }
        var grown = 0
        for (cells, number) in zip(other.series, numbers) {
            for held in cells { grown += change(Int(number), held.cell) { $0.absorb(held.values) } }
        }
        return grown
    }

    /// By how many bytes the series and the values of the cell have grown.
    private func change(_ number: Int, _ cell: WindowGrid.Cell, _ body: (inout ValueBag) -> Void) -> Int {
        let cells = cellCount
        let place = place(number, cell)
        let before = series[number][place].values.footprint
        body(&series[number][place].values)
        // Arrays double: twice the cell; and its own array has a head.
        let cost = 2 * MemoryLayout<Held>.stride + 64
        return series[number][place].values.footprint - before + (cellCount - cells) * cost
    }

    /// Where a cell of a series stands; made where it is missing. O(1) in time order, else O(log cells).
    private func place(_ number: Int, _ cell: WindowGrid.Cell) -> Int {
        if last.series == number, series[number][last.place].cell == cell { return last.place }
        while series.count <= number { series.append([]) }
        var low = 0
        var high = series[number].count
        if let newest = series[number].last, newest.cell < cell { low = high }
        while low < high {
            let middle = (low + high) / 2
            if series[number][middle].cell < cell { low = middle + 1 } else { high = middle }
        }
        if low == series[number].count || series[number][low].cell != cell {
            series[number].insert(Held(cell: cell), at: low)
            cellCount += 1
        }
        last = (number, low)
        return low
    }

    override func values(of number: Int) -> [Double] {
        var result = [Double](repeating: .gap, count: grid.steps.count)
        guard number < series.count else { return result }
        last = (-1, 0)
        let cells = series[number]
        series[number] = []
        var windows: [(step: Int, cells: Range<Int>)] = []
        var entered = 0
        var left = 0
        var total = 0
        for step in 0..<grid.steps.count {
            while entered < cells.count, Int(cells[entered].cell.first) <= step { entered += 1 }
            while left < entered, Int(cells[left].cell.end) <= step { left += 1 }
            if left < entered {
                windows.append((step, left..<entered))
                total += cells[left..<entered].reduce(0) { $0 + $1.values.count }
            }
        }
        let count = cells.reduce(0) { $0 + $1.values.count }
        if total <= count * 4 {
            for window in windows {
                var all = cells[window.cells.lowerBound].values
                for held in cells[window.cells].dropFirst() { all.absorb(held.values) }
                result[window.step] = all.quantile(q)
            }
            return result
        }
        slide(cells, windows, count, &result)
        return result
    }

    /// Windows that overlap much: each value enters and leaves once.
    private func slide(
        _ cells: [Held], _ windows: [(step: Int, cells: Range<Int>)], _ count: Int, _ result: inout [Double]
    ) {
        var values: [Double] = []
        values.reserveCapacity(count)
        var ends = [0]
        for held in cells {
            held.values.append(to: &values)
            ends.append(values.count)
        }
        var sliding = SlidingQuantile(values)
        var inside = 0..<0
        for window in windows {
            // Both ends only move forward.
            let wanted = ends[window.cells.lowerBound]..<ends[window.cells.upperBound]
            for i in inside.upperBound..<max(inside.upperBound, wanted.upperBound) { sliding.insert(i) }
            for i in inside.lowerBound..<max(inside.lowerBound, wanted.lowerBound) { sliding.remove(i) }
            inside = wanted
            result[window.step] = sliding.quantile(q)
        }
    }
}
