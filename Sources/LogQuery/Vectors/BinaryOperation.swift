import Bytes
import LogModel
import LogQL

extension LogQL.VectorMatching {
    /// On all labels.
    static let all = LogQL.VectorMatching(on: false, labels: [])

    func signature(of labels: Labels) -> Labels {
        LogQL.Grouping(without: !on, labels: self.labels).key(of: labels)
    }

    /// `many` is the left side, unless the right is the one with many. An included label that the other side lacks (or
    /// has empty) is removed.
    func resultLabels(many: Labels, one: Labels) -> Labels {
        var result = many
        if cardinality == .oneToOne {
            result = signature(of: many)
        }
        for name in include {
            let value = one[name]
            result[name] = value?.isEmpty == false ? value : nil
        }
        return result
    }
}

/// `+ - * / % ^`, comparisons, `and or unless`, between numbers and series in every combination.
struct BinaryOperation {
    var op: LogQL.BinaryOperator
    /// `bool`: a comparison answers 0 or 1 instead of filtering.
    var returnsBool = false
    var matching = LogQL.VectorMatching.all

    func apply(_ left: StepValue, _ right: StepValue) throws(QueryError) -> StepValue {
        switch (left, right) {
        case (.scalar(let a), .scalar(let b)): return .scalar(op.apply(a, b) ?? .nan)
        case (.series(let series), .scalar(let number)):
            return .series(with(series) { op.merge($0, number, keep: $0, returnsBool) })
        case (.scalar(let number), .series(let series)):
            return .series(with(series) { op.merge(number, $0, keep: $0, returnsBool) })
        case (.series(let a), .series(let b)):
            return .series(op.isSet ? combined(a, b) : try matched(a, b))
        }
    }

    private func with(_ series: [StepSeries], _ merge: (Double) -> Double) -> [StepSeries] {
        var result = series
        for i in result.indices {
            for step in result[i].values.indices where !result[i].values[step].isGap {
                result[i].values[step] = merge(result[i].values[step])
            }
        }
        result.removeAll(where: \.isEmpty)
        return result
    }

    // MARK: Sets

    private func combined(_ left: [StepSeries], _ right: [StepSeries]) -> [StepSeries] {
        guard let steps = (left.first ?? right.first)?.values.count else { return [] }
        var numbers: [Labels: Int] = [:]
        func number(_ series: StepSeries) -> Int {
            let signature = matching.signature(of: series.labels)
            let next = numbers.count
            return numbers[signature]
                ?? {
                    numbers[signature] = next; return next
                }()
        }
        let leftNumbers = left.map(number)
        let rightNumbers = right.map(number)
        /// Which signatures have a value at a step, on the side that decides.
        func presence(_ side: [StepSeries], _ of: [Int]) -> [Bool] {
            var result = [Bool](repeating: false, count: numbers.count * steps)
            for (i, series) in side.enumerated() {
                for step in 0..<steps where !series.values[step].isGap { result[of[i] * steps + step] = true }
            }
            return result
        }
        var result: [StepSeries]
        switch op {
        case .or:
            let there = presence(left, leftNumbers)
            result = left
            for (i, series) in right.enumerated() {
                var added = series
                for step in 0..<steps where there[rightNumbers[i] * steps + step] { added.values[step] = .gap }
                result.append(added)
            }
            result.mergeEqualLabels()
        default:
            let there = presence(right, rightNumbers)
            result = left
            for i in result.indices {
                for step in 0..<steps where there[leftNumbers[i] * steps + step] != (op == .and) {
                    result[i].values[step] = .gap
                }
            }
            result.removeAll(where: \.isEmpty)
        }
        return result
    }

    // MARK: Matching

    private func matched(_ left: [StepSeries], _ right: [StepSeries]) throws(QueryError) -> [StepSeries] {
        let swapped = matching.cardinality == .oneToMany
        let many = swapped ? right : left
        let one = swapped ? left : right
        guard let steps = (many.first ?? one.first)?.values.count else { return [] }

        // Everything that depends on labels only is worked out once, not at each instant.
        var onesOf: [Labels: [Int]] = [:]
        for (i, series) in one.enumerated() { onesOf[matching.signature(of: series.labels), default: []].append(i) }
        for ones in onesOf.values where ones.count > 1 {
            for step in 0..<steps where ones.lazy.filter({ !one[$0].values[step].isGap }).prefix(2).count > 1 {
                throw QueryError(
                    .invalid,
                    "found duplicate series on the \(swapped ? "left" : "right") hand-side;many-to-many matching not allowed: "
                        + "matching labels must be unique on one side"
                )
            }
        }
        var resultOf: [Labels: Int] = [:]
        var results: [StepSeries] = []
        /// The many-side series that has taken a result's place at an instant.
        var taken: [[Bool]] = []
        for series in many {
            let signature = matching.signature(of: series.labels)
            for partner in onesOf[signature] ?? [] {
                let labels = matching.resultLabels(many: series.labels, one: one[partner].labels)
                let at: Int
                if let known = resultOf[labels] {
                    at = known
                } else {
                    at = results.count
                    resultOf[labels] = at
                    results.append(StepSeries(labels: labels, count: steps))
                    taken.append([Bool](repeating: false, count: steps))
                }
                for step in 0..<steps {
                    let x = series.values[step]
                    let y = one[partner].values[step]
                    if x.isGap || y.isGap { continue }
                    if taken[at][step] {
                        throw QueryError(
                            .invalid,
                            matching.cardinality == .oneToOne
                                ? "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
                                : "multiple matches for labels: grouping labels must ensure unique matches"
                        )
                    }
                    taken[at][step] = true
                    // A comparison keeps the value of the side that is written on the left, with group_right too.
                    results[at].values[step] =
                        swapped ? op.merge(y, x, keep: y, returnsBool) : op.merge(x, y, keep: x, returnsBool)
                }
            }
        }
        results.removeAll(where: \.isEmpty)
        return results
    }
}

extension LogQL.BinaryOperator {
    /// One sample: the number, or `keep` where a comparison holds, or a gap where it does not.
    @inline(__always)
    fileprivate func merge(_ a: Double, _ b: Double, keep: Double, _ returnsBool: Bool) -> Double {
        if let comparison, !returnsBool { return comparison.holds(a, b) ? keep : .gap }
        return apply(a, b) ?? .gap
    }
}
