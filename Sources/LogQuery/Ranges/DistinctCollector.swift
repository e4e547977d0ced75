/// `count_distinct_over_time`: keeps the number of each sample's value, and slides a window with a tally over them.
final class DistinctCollector: SampleCollector {
    private var series = SeriesSamples()

    override func add(_ lot: borrowing SampleLot) -> Int { series.add(lot) }

    /// O(samples + instants), and the sort where samples came out of order.
    override func values(of number: Int) -> [Double] {
        var result = [Double](repeating: .gap, count: grid.steps.count)
        guard let mine = series.sorted(number) else { return result }
        let samples = mine.samples
        var tally: [Int: Int] = [:]
        var inside = 0..<0
        mine.forEachWindow(grid) { step, window in
            // Both ends only move forward; a window may lie wholly behind the one before.
            for i in inside.upperBound..<max(inside.upperBound, window.upperBound) {
                tally[Int(samples[i].value), default: 0] += 1
            }
            for i in inside.lowerBound..<max(inside.lowerBound, window.lowerBound) {
                let value = Int(samples[i].value)
                if let count = tally[value], count > 1 { tally[value] = count - 1 } else { tally[value] = nil }
            }
            inside = window
            result[step] = Double(tally.count)
        }
        return result
    }
}
