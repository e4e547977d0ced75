import LogModel
import Testing

@testable import LogQuery

@Suite struct SlidingWindowTests {
    /// Every summary of every window, merged by the two-stack queue, is that of the window's samples one by one.
    @Test(arguments: [(10, 10), (10, 40), (10, 33), (10, 4), (1, 200)] as [(Int64, Int64)])
    func mergedWindowsEqualDirectOnes(_ g: (step: Int64, range: Int64)) {
        var random = SplitMix(seed: 11)
        let grid = WindowGrid(steps: StepGrid(start: 0, step: g.step, count: 60), range: g.range, offset: 0)
        var samples: [Sample] = []
        for i in 0..<300 {
            let time = Int64(random.next(below: 700)) - 80
            samples.append(Sample(time: time, value: Double(random.next(below: 1000)) / 8, arrival: UInt64(i)))
        }
        let ops: [RangeOperator] = [
            .sum, .rate, .average, .min, .max, .stddev, .stdvar, .first, .last, .quantile(0.9), .quantile(0.5),
            .counterRate,
        ]
        for op in ops {
            let collector = SampleCollector.make(op, grid)
            var lot = SampleLot()
            for sample in samples where grid.scanned.contains(Timestamp(nanoseconds: sample.time)) {
                let cell = grid.cell(at: sample.time)
                if !cell.isEmpty { lot.append(0, cell, sample) }
            }
            _ = collector.add(lot)
            let values = collector.values(of: 0)
            for step in 0..<60 {
                let end = Int64(step) * g.step
                let window = samples.filter { $0.time > end - g.range && $0.time <= end }.sorted { $0.isBefore($1) }
                let expected = Naive.value(op, window, start: end - g.range, end: end)
                if let expected {
                    #expect(
                        Naive.areClose(values[step], expected),
                        "\(op) at \(step): \(values[step]), not \(expected)"
                    )
                } else {
                    #expect(values[step].isGap, "\(op) at \(step)")
                }
            }
        }
    }

    @Test func selectionFindsWhatSortingFinds() {
        var random = SplitMix(seed: 5)
        for count in [1, 2, 3, 15, 16, 17, 100, 1000] {
            for _ in 0..<20 {
                var values = (0..<count).map { _ in Double(random.next(below: 50)) }
                if random.next(below: 4) == 0 { values[0] = .nan }
                for q in [0, 0.1, 0.5, 0.95, 1] {
                    var copy = values
                    let got = Quantile.of(q, &copy)
                    #expect(Naive.areClose(got, Naive.quantile(q, values)), "\(q) of \(values)")
                }
            }
        }
    }

    /// Overlapping windows go another way than disjoint ones; the values are the same.
    @Test func slidingQuantilesAreThoseOfEachWindow() {
        var random = SplitMix(seed: 8)
        for count in [1, 2, 7, 64, 500] {
            let values = (0..<count).map { _ in random.next(below: 9) == 0 ? Double.nan : Double(random.next(below: 40))
            }
            var sliding = SlidingQuantile(values)
            var inside = 0..<0
            for _ in 0..<40 {
                let low = min(count - 1, inside.lowerBound + random.next(below: 3))
                let high = min(count, max(low + 1, inside.upperBound + random.next(below: 30)))
                for i in inside.upperBound..<max(inside.upperBound, high) { sliding.insert(i) }
                for i in inside.lowerBound..<low { sliding.remove(i) }
                inside = low..<high
                for q in [0, 0.3, 0.95, 1] {
                    #expect(Naive.areClose(sliding.quantile(q), Naive.quantile(q, Array(values[inside]))))
                }
            }
            #expect(sliding.quantile(2) == .infinity && sliding.quantile(-1) == -.infinity)
        }
    }

    @Test func quantilesOutsideOfZeroToOneAreInfinite() {
        var values = [1.0, 2, 3]
        #expect(Quantile.of(1.5, &values) == .infinity)
        #expect(Quantile.of(-0.5, &values) == -.infinity)
        var none: [Double] = []
        #expect(Quantile.of(0.5, &none).isNaN)
    }

    @Test func aSumForgetsANaNThatLeavesTheWindow() {
        let grid = WindowGrid(steps: StepGrid(start: 0, step: 10, count: 8), range: 20, offset: 0)
        let collector = SampleCollector.make(.sum, grid)
        var lot = SampleLot()
        for (time, value) in [(Int64(5), 1.0), (15, .nan), (25, 1e300), (45, 2), (55, 3)] {
            lot.append(0, grid.cell(at: time), Sample(time: time, value: value, arrival: 0))
        }
        _ = collector.add(lot)
        let values = collector.values(of: 0)
        #expect(values[1] == 1 && values[2].isNaN && values[3].isNaN && values[4] == 1e300)
        #expect(values[5] == 2 && values[6] == 5 && values[7] == 3 && values[0].isGap)
    }
}

/// A small generator whose sequence is the same everywhere (SplitMix64, Steele et al. 2014).
struct SplitMix {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func next(below bound: Int) -> Int { Int(next() % UInt64(bound)) }
}

/// Range aggregations written down as their definitions, to compare against.
enum Naive {
    static func value(_ op: RangeOperator, _ window: [Sample], start: Int64, end: Int64) -> Double? {
        let values = window.map(\.value)
        if op == .absent { return values.isEmpty ? 1 : nil }
        guard let first = values.first, let last = values.last else { return nil }
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let seconds = Double(end - start) / 1e9
        switch op {
        case .sum: return values.reduce(0, +)
        case .rate: return values.reduce(0, +) / seconds
        case .average: return mean
        case .min: return values.min()
        case .max: return values.max()
        case .stdvar: return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count
        case .stddev: return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count).squareRoot()
        case .first: return first
        case .last: return last
        case .quantile(let q): return quantile(q, values)
        case .counterRate:
            guard values.count > 1 else { return 0 }
            var delta = last - first
            for i in 1..<values.count where values[i] < values[i - 1] { delta += values[i - 1] }
            let span = Double(window[window.count - 1].time - window[0].time) / 1e9
            var before = Double(window[0].time - start) / 1e9
            var after = Double(end - window[window.count - 1].time) / 1e9
            let gap = span / (count - 1)
            if before >= 1.1 * gap { before = gap / 2 }
            if delta > 0, first >= 0 { before = min(before, span * first / delta) }
            if after >= 1.1 * gap { after = gap / 2 }
            return delta * (span + before + after) / span / seconds
        case .absent: return nil
        case .distinct: return Double(Set(values).count)
        }
    }

    static func quantile(_ q: Double, _ values: [Double]) -> Double {
        let sorted = values.sorted { $0 < $1 || ($0.isNaN && !$1.isNaN) }
        let rank = q * Double(sorted.count - 1)
        let low = Int(rank.rounded(.down))
        let high = min(sorted.count - 1, low + 1)
        let weight = rank - rank.rounded(.down)
        return sorted[low] * (1 - weight) + sorted[high] * weight
    }

    static func areClose(_ a: Double, _ b: Double) -> Bool {
        if a.isNaN || b.isNaN { return a.isNaN && b.isNaN }
        if a == b { return true }
        return abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1e-3)
    }
}
