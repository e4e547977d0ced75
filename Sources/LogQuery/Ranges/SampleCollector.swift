import Bytes
import LogModel

/// What a range aggregation makes of the samples in a window.
enum RangeOperator: Equatable {
    /// Σ of values: `sum_over_time`, `count_over_time` (each line counts 1), `bytes_over_time` (each counts its length).
    case sum
    /// Σ ÷ range in seconds: `rate`, `bytes_rate`, and `rate` of unwrapped values.
    case rate
    case average, min, max, stddev, stdvar, first, last
    case quantile(Double)
    case counterRate
    case absent
    /// How many different values; these are whole numbers from 0 on.
    case distinct
}

/// Samples on their way to a collector, by columns. Filled row by row, handed over in lots, so that the call through the
/// collector's class costs nothing a row.
struct SampleLot {
    static let capacity = 1024
    private(set) var series: [Int32] = []
    private(set) var cells: [WindowGrid.Cell] = []
    private(set) var samples: [Sample] = []

    init() {
        series.reserveCapacity(Self.capacity)
        cells.reserveCapacity(Self.capacity)
        samples.reserveCapacity(Self.capacity)
    }

    @inline(__always)
    mutating func append(_ series: Int32, _ cell: WindowGrid.Cell, _ sample: Sample) {
        self.series.append(series)
        cells.append(cell)
        samples.append(sample)
    }

    var count: Int { series.count }
    var isFull: Bool { series.count >= Self.capacity }

    mutating func clear() {
        series.removeAll(keepingCapacity: true)
        cells.removeAll(keepingCapacity: true)
        samples.removeAll(keepingCapacity: true)
    }
}

/// Gathers the samples of one range aggregation by series.
///
/// Subclasses are not generic on purpose: methods of generic classes are reached through the class's table and run
/// unspecialised, which costs more than the work itself.
class SampleCollector {
    let grid: WindowGrid
    init(_ grid: WindowGrid) { self.grid = grid }

    /// Takes a lot in; returns by how many bytes memory has grown.
    func add(_ lot: borrowing SampleLot) -> Int { 0 }

    /// Takes samples of one series and cell in, whose order does not matter; at least one. `times`: of each, where the
    /// grid has several instants. Returns by how many bytes memory has grown.
    func add(_ values: ArraySlice<Double>, times: ArraySlice<Int64>, to series: Int32, _ cell: WindowGrid.Cell) -> Int { 0 }

    /// As `add`, for so many samples of 1.
    func add(ones count: Int, times: ArraySlice<Int64>, to series: Int32, _ cell: WindowGrid.Cell) -> Int {
        let ones = [Double](repeating: 1, count: count)
        return add(ones[...], times: times, to: series, cell)
    }

    /// Takes in what another collector of the same kind has, whose series i is `numbers[i]` here. Returns by how many
    /// bytes memory has grown.
    func absorb(_ other: SampleCollector, _ numbers: [Int32]) -> Int { 0 }

    /// The value of each instant of series `number`.
    func values(of number: Int) -> [Double] { [] }

    static func make(_ op: RangeOperator, _ grid: WindowGrid) -> SampleCollector {
        switch op {
        case .sum, .absent: SumCollector(grid, divisor: 1)
        case .rate: SumCollector(grid, divisor: Double(grid.range) / 1e9)
        case .average: MeanCollector(grid)
        case .min: ExtremaCollector(grid, max: false)
        case .max: ExtremaCollector(grid, max: true)
        case .stddev: VarianceCollector(grid, root: true)
        case .stdvar: VarianceCollector(grid, root: false)
        case .first: EndsCollector(grid, last: false)
        case .last: EndsCollector(grid, last: true)
        case .quantile(let q): QuantileCollector(grid, q)
        case .counterRate: CounterCollector(grid)
        case .distinct: DistinctCollector(grid)
        }
    }
}

/// Summaries by series and cell.
struct SeriesWindows<Summary: WindowSummary> {
    private var series: [WindowCells<Summary>] = []

    mutating func add(_ lot: borrowing SampleLot) -> Int {
        var opened = 0
        for i in 0..<lot.count {
            let number = Int(lot.series[i])
            while series.count <= number { series.append(WindowCells()) }
            if series[number].add(lot.samples[i], to: lot.cells[i]) { opened += 1 }
        }
        return opened * Self.cellSize
    }

    /// Arrays double: twice the cell.
    private static var cellSize: Int { 2 * MemoryLayout<(WindowGrid.Cell, Summary)>.stride }

    mutating func add(_ summary: Summary, to number: Int32, _ cell: WindowGrid.Cell) -> Int {
        while series.count <= Int(number) { series.append(WindowCells()) }
        return series[Int(number)].merge(summary, to: cell) ? Self.cellSize : 0
    }

    mutating func absorb(_ other: SeriesWindows, _ numbers: [Int32]) -> Int {
        var grown = 0
        for (windows, number) in zip(other.series, numbers) {
            for (cell, summary) in windows.cells { grown += add(summary, to: number, cell) }
        }
        return grown
    }

    func values(of number: Int, steps: Int, _ finish: (Summary) -> Double) -> [Double] {
        var result = [Double](repeating: .gap, count: steps)
        guard number < series.count else { return result }
        series[number].forEachWindow(steps: steps) { step, summary in result[step] = finish(summary) }
        return result
    }
}

/// Whole samples by series, for what cannot be summarised.
struct SeriesSamples {
    private var series: [WindowSamples] = []

    /// Returns by how many bytes memory has grown.
    mutating func add(_ lot: borrowing SampleLot) -> Int {
        for i in 0..<lot.count {
            let number = Int(lot.series[i])
            while series.count <= number { series.append(WindowSamples()) }
            series[number].add(lot.samples[i])
        }
        // Arrays double: half of one is spare, on average.
        return lot.count * MemoryLayout<Sample>.stride * 3 / 2
    }

    /// Those of one series in order of time; nil where it has none.
    mutating func sorted(_ number: Int) -> WindowSamples? {
        guard number < series.count else { return nil }
        series[number].sort()
        return series[number]
    }
}

final class SumCollector: SampleCollector {
    private var windows = SeriesWindows<SumSummary>()
    private let divisor: Double

    init(_ grid: WindowGrid, divisor: Double) {
        self.divisor = divisor
        super.init(grid)
    }

    override func add(_ lot: borrowing SampleLot) -> Int { windows.add(lot) }
    override func add(
        _ values: ArraySlice<Double>, times: ArraySlice<Int64>, to series: Int32, _ cell: WindowGrid.Cell
    ) -> Int { windows.add(SumSummary(values), to: series, cell) }
    override func add(ones count: Int, times: ArraySlice<Int64>, to series: Int32, _ cell: WindowGrid.Cell) -> Int {
        windows.add(SumSummary(sum: Double(count)), to: series, cell)
    }
    override func absorb(_ other: SampleCollector, _ numbers: [Int32]) -> Int {
        (other as? SumCollector).map { windows.absorb($0.windows, numbers) } ?? 0
    }
    override func values(of number: Int) -> [Double] {
        windows.values(of: number, steps: grid.steps.count) { $0.sum / divisor }
    }
}

final class MeanCollector: SampleCollector {
    private var windows = SeriesWindows<MeanSummary>()

    override func add(_ lot: borrowing SampleLot) -> Int { windows.add(lot) }
    override func add(
        _ values: ArraySlice<Double>, times: ArraySlice<Int64>, to series: Int32, _ cell: WindowGrid.Cell
    ) -> Int { windows.add(MeanSummary(values), to: series, cell) }
    override func absorb(_ other: SampleCollector, _ numbers: [Int32]) -> Int {
        (other as? MeanCollector).map { windows.absorb($0.windows, numbers) } ?? 0
    }
    override func values(of number: Int) -> [Double] { windows.values(of: number, steps: grid.steps.count) { $0.mean } }
}

final class ExtremaCollector: SampleCollector {
    private var windows = SeriesWindows<ExtremaSummary>()
    private let max: Bool

    init(_ grid: WindowGrid, max: Bool) {
        self.max = max
        super.init(grid)
    }

    override func add(_ lot: borrowing SampleLot) -> Int { windows.add(lot) }
    override func add(
        _ values: ArraySlice<Double>, times: ArraySlice<Int64>, to series: Int32, _ cell: WindowGrid.Cell
    ) -> Int { windows.add(ExtremaSummary(values), to: series, cell) }
    override func absorb(_ other: SampleCollector, _ numbers: [Int32]) -> Int {
        (other as? ExtremaCollector).map { windows.absorb($0.windows, numbers) } ?? 0
    }
    override func values(of number: Int) -> [Double] {
        windows.values(of: number, steps: grid.steps.count) { max ? $0.max : $0.min }
    }
}

final class VarianceCollector: SampleCollector {
    private var windows = SeriesWindows<VarianceSummary>()
    private let root: Bool

    init(_ grid: WindowGrid, root: Bool) {
        self.root = root
        super.init(grid)
    }

    override func add(_ lot: borrowing SampleLot) -> Int { windows.add(lot) }
    override func add(
        _ values: ArraySlice<Double>, times: ArraySlice<Int64>, to series: Int32, _ cell: WindowGrid.Cell
    ) -> Int { windows.add(VarianceSummary(values), to: series, cell) }
    override func absorb(_ other: SampleCollector, _ numbers: [Int32]) -> Int {
        (other as? VarianceCollector).map { windows.absorb($0.windows, numbers) } ?? 0
    }
    override func values(of number: Int) -> [Double] {
        windows.values(of: number, steps: grid.steps.count) { root ? $0.variance.squareRoot() : $0.variance }
    }
}

final class EndsCollector: SampleCollector {
    private var windows = SeriesWindows<EndsSummary>()
    private let last: Bool

    init(_ grid: WindowGrid, last: Bool) {
        self.last = last
        super.init(grid)
    }

    override func add(_ lot: borrowing SampleLot) -> Int { windows.add(lot) }
    override func values(of number: Int) -> [Double] {
        windows.values(of: number, steps: grid.steps.count) { last ? $0.last.value : $0.first.value }
    }
}

/// `rate_counter`: needs samples in time order, so it keeps and sorts them.
final class CounterCollector: SampleCollector {
    private var series = SeriesSamples()

    override func add(_ lot: borrowing SampleLot) -> Int { series.add(lot) }

    override func values(of number: Int) -> [Double] {
        var result = [Double](repeating: .gap, count: grid.steps.count)
        guard let mine = series.sorted(number) else { return result }
        var cells = WindowCells<CounterSummary>()
        var finder = CellFinder(grid)
        for sample in mine.samples {
            let cell = finder.cell(at: sample.time)
            if !cell.isEmpty { _ = cells.add(sample, to: cell) }
        }
        cells.forEachWindow(steps: grid.steps.count) { step, summary in
            let end = Timestamp(nanoseconds: grid.steps.time(step)).advanced(
                by: grid.offset == .min ? .max : -grid.offset
            )
            let start = end.advanced(by: -grid.range)
            result[step] = summary.rate(windowStart: start.nanoseconds, windowEnd: end.nanoseconds)
        }
        return result
    }
}
