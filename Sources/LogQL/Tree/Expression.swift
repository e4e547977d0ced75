import Bytes
import LogModel

extension LogQL {
    /// A whole query.
    package enum Expression: Sendable, Equatable {
        case log(LogExpression)
        case metric(MetricExpression)
    }

    /// A selector and what is done to the lines it yields, in the order of the text (see `hoistingLineFilters`).
    package struct LogExpression: Sendable, Equatable {
        package var matchers: [LabelMatcher]
        package var stages: [Stage]
        /// Beyond Loki: `| distinct a, b` at the end of a log query keeps the first entry, in the order of the answer,
        /// of each combination of values. Empty: all entries.
        package var distinct: [ByteString]

        package init(matchers: [LabelMatcher], stages: [Stage] = [], distinct: [ByteString] = []) {
            self.matchers = matchers
            self.stages = stages
            self.distinct = distinct
        }
    }

    package indirect enum MetricExpression: Sendable, Equatable {
        case range(RangeAggregation)
        case vectorAggregation(VectorAggregation)
        case binary(BinaryOperation)
        /// A number. Operations between two literals are folded by the parser.
        case literal(Double)
        case labelReplace(LabelReplace)
        /// `vector(n)`
        case vector(Double)
    }
}

extension LogQL.MetricExpression {
    /// Operands, left to right.
    package var children: [LogQL.MetricExpression] {
        switch self {
        case .range, .literal, .vector: []
        case .vectorAggregation(let aggregation): [aggregation.inner]
        case .binary(let operation): [operation.lhs, operation.rhs]
        case .labelReplace(let replace): [replace.inner]
        }
    }

    /// Calls `body` for this expression and everything below it, parents first, left to right.
    package func walk<E: Error>(_ body: (LogQL.MetricExpression) throws(E) -> Void) throws(E) {
        try body(self)
        for child in children { try child.walk(body) }
    }

    /// The range aggregations in it, left to right: each is one pass over lines.
    package var rangeAggregations: [LogQL.RangeAggregation] {
        var found: [LogQL.RangeAggregation] = []
        walk { if case .range(let aggregation) = $0 { found.append(aggregation) } }
        return found
    }
}

extension LogQL.Expression {
    /// Selector and stages of every place that reads lines, left to right.
    package var logExpressions: [LogQL.LogExpression] {
        switch self {
        case .log(let log): [log]
        case .metric(let metric): metric.rangeAggregations.map(\.log)
        }
    }
}
