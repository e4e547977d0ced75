extension LogQL {
    /// How operations are set in a text.
    ///
    /// Loki puts each operation in parentheses of its own, so that what was a chain of 200 operators in the query is 200
    /// parentheses deep when printed, deeper than parsers go. A text is therefore printed as Loki prints it where it can be
    /// read again, else with no more parentheses than were in the query.
    enum Form {
        /// Every operation in parentheses: `((a + b) + c)`.
        case paired
        /// Parentheses only where the text would otherwise read as another tree: `a + b + c`.
        case flat

        /// For a tree whose paired text nests so deep.
        static func fitting(_ nesting: Int) -> Form { nesting <= nestingMax ? .paired : .flat }
    }
}

// How many levels deep the parser goes into the paired text. O(size of the tree).

extension LogQL.Expression {
    var nesting: Int {
        switch self {
        case .log(let log): log.nesting
        case .metric(let metric): metric.nesting
        }
    }
}

extension LogQL.LogExpression {
    var nesting: Int {
        stages.reduce(0) {
            guard case .labelFilter(let filter) = $1 else { return $0 }
            return max($0, filter.nesting)
        }
    }
}

extension LogQL.MetricExpression {
    var nesting: Int {
        switch self {
        case .range(let aggregation):
            (aggregation.unwrap?.filters ?? []).reduce(aggregation.log.nesting) { max($0, $1.nesting) }
        case .vectorAggregation(let aggregation): aggregation.inner.nesting + 1
        case .labelReplace(let replace): replace.inner.nesting + 1
        // The right leg is a level by itself, with or without parentheses.
        case .binary(let operation): max(operation.lhs.nesting, operation.rhs.nesting + 1) + 1
        case .literal, .vector: 0
        }
    }
}

extension LogQL.LabelFilter {
    var nesting: Int {
        switch self {
        case .and(let parts, let direction), .or(let parts, let direction):
            let pairs = parts.count - 1
            return parts.indices.reduce(0) { deepest, i in
                let pairsAround = direction == .left ? pairs - max(0, i - 1) : min(i + 1, pairs)
                return max(deepest, pairsAround + parts[i].nesting)
            }
        default: return 0
        }
    }
}
