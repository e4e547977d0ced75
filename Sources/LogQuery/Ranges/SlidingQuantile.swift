/// Quantiles of overlapping windows over one series.
///
/// The values are ranked once; a Fenwick tree over the ranks counts those inside the window, so that a sample enters and
/// leaves in O(log n) and the k-th smallest is found in O(log n) (Fenwick 1994). Selecting in each window anew would cost
/// windows × samples, which for a long range and a short step is hours.
struct SlidingQuantile {
    private let values: [Double]
    /// Place of each sample among all, by value; NaN first.
    private let ranks: [Int32]
    private let sorted: [Double]
    private var tree: [Int32]
    private var inside = 0
    private let top: Int

    init(_ values: [Double]) {
        self.values = values
        let order = values.indices.sorted { a, b in
            values[a] < values[b] || (values[a].isNaN && !values[b].isNaN)
        }
        var ranks = [Int32](repeating: 0, count: values.count)
        for (rank, i) in order.enumerated() { ranks[i] = Int32(truncatingIfNeeded: rank) }
        self.ranks = ranks
        sorted = order.map { values[$0] }
        tree = [Int32](repeating: 0, count: values.count + 1)
        var top = 1
        while top * 2 <= values.count { top *= 2 }
        self.top = top
    }

    mutating func insert(_ sample: Int) { change(sample, 1) }
    mutating func remove(_ sample: Int) { change(sample, -1) }

    private mutating func change(_ sample: Int, _ delta: Int32) {
        var i = Int(ranks[sample]) + 1
        while i < tree.count {
            tree[i] += delta
            i += i & -i
        }
        inside += Int(delta)
    }

    /// As `Quantile.of` over the samples inside.
    func quantile(_ q: Double) -> Double {
        guard inside > 0 else { return .nan }
        if q < 0 { return -.infinity }
        if q > 1 { return .infinity }
        if q.isNaN { return .nan }
        let rank = q * Double(inside - 1)
        let lower = max(0, rank.rounded(.down))
        let upper = min(Double(inside - 1), lower + 1)
        let weight = rank - rank.rounded(.down)
        let below = smallest(Int(lower))
        let above = upper == lower ? below : smallest(Int(upper))
        return below * (1 - weight) + above * weight
    }

    /// The k-th smallest inside, k from 0.
    private func smallest(_ k: Int) -> Double {
        var position = 0
        var rest = Int32(truncatingIfNeeded: k)
        var stride = top
        while stride > 0 {
            let next = position + stride
            if next < tree.count, tree[next] <= rest {
                position = next
                rest -= tree[next]
            }
            stride /= 2
        }
        return sorted[min(position, sorted.count - 1)]
    }
}
