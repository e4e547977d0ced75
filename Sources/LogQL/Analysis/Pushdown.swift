extension LogQL {
    /// A grouping that may be applied while lines are read. `grouping` nil: one group.
    package struct Pushed: Sendable, Equatable {
        package var grouping: Grouping?
        package init(grouping: Grouping?) { self.grouping = grouping }
    }
}

extension LogQL.VectorAggregation {
    /// The grouping to apply already while lines are read: a `sum` directly around an aggregation whose results add up.
    /// nil where that would change the result. Visible to users, in Loki too: parsers then stop at the last label that the
    /// group needs, and what is malformed behind it does not fail the query.
    package var pushedGrouping: LogQL.Pushed? {
        guard op == .sum, case .range(let range) = inner, range.grouping == nil else { return nil }
        switch range.op {
        case .count, .rate, .bytes, .bytesRate, .sum: return LogQL.Pushed(grouping: grouping)
        case .rateCounter, .avg, .min, .max, .stddev, .stdvar, .quantile, .first, .last, .absent, .countDistinct:
            return nil
        }
    }
}
