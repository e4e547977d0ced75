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
class SampleCollector {
    let grid: WindowGrid
    init(_ grid: WindowGrid) { self.grid = grid }

    /// Takes a lot in; returns by how many bytes memory has grown.
    func add(_ lot: borrowing SampleLot) -> Int { 0 }

    /// The value of each instant of series `number`.
    func values(of number: Int) -> [Double] { [] }

    static func make(_ op: RangeOperator, _ grid: WindowGrid) -> SampleCollector {
        let seconds = Double(grid.range) / 1e9
        switch op {
        case .sum: return SummaryCollector<SumSummary>(grid) { $0.sum }
        case .absent: return SummaryCollector<SumSummary>(grid) { _ in 1 }
        case .rate: return SummaryCollector<SumSummary>(grid) { $0.sum / seconds }
        case .average: return SummaryCollector<MeanSummary>(grid) { $0.mean }
        case .min: return SummaryCollector<ExtremaSummary>(grid) { $0.min }
        case .max: return SummaryCollector<ExtremaSummary>(grid) { $0.max }
        case .stddev: return SummaryCollector<VarianceSummary>(grid) { $0.variance.squareRoot() }
        case .stdvar: return SummaryCollector<VarianceSummary>(grid) { $0.variance }
        case .first: return SummaryCollector<EndsSummary>(grid) { $0.first.value }
        case .last: return SummaryCollector<EndsSummary>(grid) { $0.last.value }
        case .quantile(let q): return QuantileCollector(grid, q)
        case .counterRate: return CounterCollector(grid)
        }
    }
}

/// For aggregations of which a summary a cell is enough.
final class SummaryCollector<Summary: WindowSummary>: SampleCollector {
    private var series: [WindowCells<Summary>] = []
    private let finish: (Summary) -> Double

    init(_ grid: WindowGrid, _ finish: @escaping (Summary) -> Double) {
        self.finish = finish
        super.init(grid)
    }

    override func add(_ lot: borrowing SampleLot) -> Int {
        var opened = 0
        for i in 0..<lot.count {
            let number = Int(lot.series[i])
            while series.count <= number { series.append(WindowCells()) }
            if series[number].add(lot.samples[i], to: lot.cells[i]) { opened += 1 }
        }
        // Arrays double: twice the cell.
        return opened * 2 * MemoryLayout<(WindowGrid.Cell, Summary)>.stride
    }

    override func values(of number: Int) -> [Double] {
        var result = [Double](repeating: .gap, count: grid.steps.count)
        guard number < series.count else { return result }
        series[number].forEachWindow(steps: grid.steps.count) { step, summary in result[step] = finish(summary) }
        return result
    }
}

/// True quantiles: keeps every value.
final class QuantileCollector: SampleCollector {
    private let q: Double
    private var series: [WindowSamples] = []
    /// Of an instant query, where the values alone are enough.
    private var plain: [[Double]] = []

    init(_ grid: WindowGrid, _ q: Double) {
        self.q = q
        super.init(grid)
    }

    override func add(_ lot: borrowing SampleLot) -> Int {
        if grid.steps.count == 1 {
            for i in 0..<lot.count {
                let number = Int(lot.series[i])
                while plain.count <= number { plain.append([]) }
                plain[number].append(lot.samples[i].value)
            }
            return lot.count * 12
        }
        for i in 0..<lot.count {
            let number = Int(lot.series[i])
            while series.count <= number { series.append(WindowSamples()) }
            series[number].add(lot.samples[i])
        }
        return lot.count * MemoryLayout<Sample>.stride * 3 / 2
    }

    override func values(of number: Int) -> [Double] {
        var result = [Double](repeating: .gap, count: grid.steps.count)
        if grid.steps.count == 1 {
            guard number < plain.count, !plain[number].isEmpty else { return result }
            result[0] = Quantile.of(q, &plain[number])
            plain[number] = []
            return result
        }
        guard number < series.count else { return result }
        series[number].sort()
        var values: [Double] = []
        let samples = series[number].samples
        series[number].forEachWindow(grid) { step, range in
            values.removeAll(keepingCapacity: true)
            for i in range { values.append(samples[i].value) }
            result[step] = Quantile.of(q, &values)
        }
        return result
    }
}

/// `rate_counter`: needs samples in time order, so it keeps and sorts them.
final class CounterCollector: SampleCollector {
    private var series: [WindowSamples] = []

    override func add(_ lot: borrowing SampleLot) -> Int {
        for i in 0..<lot.count {
            let number = Int(lot.series[i])
            while series.count <= number { series.append(WindowSamples()) }
            series[number].add(lot.samples[i])
        }
        return lot.count * MemoryLayout<Sample>.stride * 3 / 2
    }

    override func values(of number: Int) -> [Double] {
        var result = [Double](repeating: .gap, count: grid.steps.count)
        guard number < series.count else { return result }
        series[number].sort()
        var cells = WindowCells<CounterSummary>()
        var finder = CellFinder(grid)
        for sample in series[number].samples {
            let cell = finder.cell(at: sample.time)
            if !cell.isEmpty { _ = cells.add(sample, to: cell) }
        }
        cells.forEachWindow(steps: grid.steps.count) { step, summary in
            let end = Timestamp(nanoseconds: grid.steps.time(step)).advanced(by: grid.offset == .min ? .max : -grid.offset)
            let start = end.advanced(by: -grid.range)
            result[step] = summary.rate(windowStart: start.nanoseconds, windowEnd: end.nanoseconds)
        }
        return result
    }
}
