import Bytes
import LogModel
import LogQL

extension LogQL.Grouping {
    /// One group for everything: what an aggregation without grouping does.
    static let everything = LogQL.Grouping(without: false, labels: [])

    /// The labels that a series' group keeps. A label that is missing stays missing, an empty one stays empty: both make
    /// groups of their own.
    func key(of labels: Labels) -> Labels {
        Labels(labels.pairs.filter { self.labels.contains($0.name) != without })
    }
}

/// `sum avg min max count stddev stdvar topk bottomk sort sort_desc` over series, instant by instant. `approx_topk` is
/// exact here: it exists for clusters.
enum VectorAggregation {
    typealias Operator = LogQL.VectorOperator

    /// O(series × instants); `topk` and `bottomk` times log k. `parameter` is k.
    static func apply(_ op: Operator, _ grouping: LogQL.Grouping, parameter: Int, to input: [StepSeries])
        -> [StepSeries]
    {
        switch op {
        case .sort: return sorted(input, descending: false)
        case .sortDesc: return sorted(input, descending: true)
        default: break
        }
        // A series' group is the same at every instant, so it is looked up once.
        var groupOf: [Labels: Int] = [:]
        var keys: [Labels] = []
        var members: [[Int]] = []
        for (i, series) in input.enumerated() {
            let key = grouping.key(of: series.labels)
            if let group = groupOf[key] {
                members[group].append(i)
            } else {
                groupOf[key] = keys.count
                keys.append(key)
                members.append([i])
            }
        }
        if op == .topk || op == .bottomk || op == .approxTopk {
            return selected(descending: op != .bottomk, k: parameter, groups: members, of: input)
        }
        var result: [StepSeries] = []
        result.reserveCapacity(keys.count)
        for (group, key) in keys.enumerated() {
            let count = input[members[group][0]].values.count
            var out = StepSeries(labels: key, count: count)
            for step in 0..<count {
                var state = State()
                for i in members[group] {
                    let value = input[i].values[step]
                    if !value.isGap { state.add(value, op) }
                }
                if state.count > 0 { out.values[step] = state.result(op) }
            }
            if !out.isEmpty { result.append(out) }
        }
        return result
    }

    /// One group at one instant. The rules for NaN and infinities are Prometheus's, see each case.
    private struct State {
        var count = 0.0
        var value = 0.0
        var mean = 0.0

        mutating func add(_ x: Double, _ op: Operator) {
            count += 1
            if count == 1 {
                // Welford's sum of squares starts at 0 even for an infinity: a group of one has no deviation.
                value = op == .stddev || op == .stdvar ? 0 : x
                mean = x
                return
            }
            switch op {
            case .sum: value += x
            case .avg: mean = RunningMean.add(x, to: mean, count: count)
            case .max: if value < x || value.isNaN { value = x }
            case .min: if value > x || value.isNaN { value = x }
            case .stddev, .stdvar:
                let delta = x - mean
                mean += delta / count
                value += delta * (x - mean)
            case .count, .topk, .bottomk, .approxTopk, .sort, .sortDesc: break
            }
        }

        func result(_ op: Operator) -> Double {
            switch op {
            case .avg: return mean
            case .count: return count
            case .stdvar: return value / count
            case .stddev: return (value / count).squareRoot()
            default: return value
            }
        }
    }

    // MARK: topk, bottomk

    /// The k best of each group at each instant, with the labels they came with. NaN comes last in both.
    private static func selected(descending: Bool, k: Int, groups: [[Int]], of input: [StepSeries]) -> [StepSeries] {
        guard k > 0, let count = input.first?.values.count else { return [] }
        var kept = input.map { StepSeries(labels: $0.labels, count: $0.values.count) }
        var candidates: [Int] = []
        for group in groups {
            for step in 0..<count {
                candidates.removeAll(keepingCapacity: true)
                for i in group where !input[i].values[step].isGap { candidates.append(i) }
                if candidates.count > k {
                    // Ties go to the series that comes first: repeatable, where Loki lets the hash table decide.
                    candidates.sort { a, b in
                        precedes(input[a].values[step], input[b].values[step], descending: descending) ?? (a < b)
                    }
                    candidates.removeSubrange(k...)
                }
                for i in candidates { kept[i].values[step] = input[i].values[step] }
            }
        }
        // In the order of the first instant's values, which is what an instant query shows.
        var order = Array(kept.indices.filter { !kept[$0].isEmpty })
        order.sort { a, b in
            precedes(kept[a].values[0], kept[b].values[0], descending: descending) ?? (a < b)
        }
        return order.map { kept[$0] }
    }

    // MARK: sort

    /// By the first instant's value (sorting shows in instant queries only), NaN last in both directions.
    private static func sorted(_ input: [StepSeries], descending: Bool) -> [StepSeries] {
        guard input.first?.values.isEmpty == false else { return input }
        let order = input.indices.sorted { a, b in
            precedes(input[a].values[0], input[b].values[0], descending: descending) ?? (a < b)
        }
        return order.map { input[$0] }
    }

    /// nil for a tie. NaN (and gaps) come after everything.
    private static func precedes(_ a: Double, _ b: Double, descending: Bool) -> Bool? {
        if a.isNaN || b.isNaN { return a.isNaN && b.isNaN ? nil : b.isNaN }
        if a == b { return nil }
        return descending ? a > b : a < b
    }
}

/// Mean of a growing set without overflow, with infinities that stay where they are (Prometheus's rule).
enum RunningMean {
    /// The mean after `x`, the `count`-th value.
    @inline(__always)
    static func add(_ x: Double, to mean: Double, count: Double) -> Double {
        if mean.isInfinite {
            // Of the same sign the difference below would be NaN; a finite value cannot move an infinity.
            if x.isInfinite && (mean > 0) == (x > 0) { return mean }
            if x.isFinite { return mean }
        }
        return mean + (x / count - mean / count)
    }

    /// The mean of two sets together.
    static func merge(_ a: Double, _ countA: Double, _ b: Double, _ countB: Double) -> Double {
        if !a.isFinite || !b.isFinite { return a + b }
        let share = countB / (countA + countB)
        return a * (1 - share) + b * share
    }
}
