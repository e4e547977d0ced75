import LogModel
import LogQL

/// The limits of a tenant, in Loki's words.
enum QueryLimits {
    /// Before a range query starts.
    static func check(_ request: QueryRequest, length range: (start: Timestamp, end: Timestamp)) throws(QueryError) {
        if range.end < range.start {
            throw QueryError(.invalid, "end timestamp must not be before or equal to start time")
        }
        let limits = request.limits
        let (length, overflow) = range.end.nanoseconds.subtractingReportingOverflow(range.start.nanoseconds)
        if limits.maxQueryLength > 0, overflow || length > limits.maxQueryLength {
            throw QueryError(
                .invalid,
                "the query time range exceeds the limit (query length: \(LogQL.goDuration(overflow ? .max : length)), "
                    + "limit: \(LogQL.prometheusDuration(limits.maxQueryLength)))"
            )
        }
    }

    /// Before a metric query starts: how far each range in brackets reaches.
    static func checkRanges(_ metric: LogQL.MetricExpression, _ limits: Limits) throws(QueryError) {
        guard limits.maxQueryRange > 0 else { return }
        var longest: Int64 = 0
        metric.walk {
            if case .range(let aggregation) = $0 { longest = max(longest, aggregation.range) }
        }
        guard longest > limits.maxQueryRange else { return }
        throw QueryError(
            .invalid,
            "[interval] value exceeds limit: [\(LogQL.prometheusDuration(longest))] > "
                + "[\(LogQL.prometheusDuration(limits.maxQueryRange))]"
        )
    }

    /// How many entries a log query may ask for; the `limit` of a metric query means nothing.
    static func checkEntries(_ request: QueryRequest) throws(QueryError) {
        let limits = request.limits
        if let limit = request.limit, limits.maxEntriesLimitPerQuery > 0, limit > limits.maxEntriesLimitPerQuery {
            throw QueryError(
                .invalid,
                "max entries limit per query exceeded, limit > max_entries_limit_per_query "
                    + "(\(limit) > \(limits.maxEntriesLimitPerQuery))"
            )
        }
    }

    /// After evaluation: too many series fail the query, or are cut off with a warning where the request allows that.
    static func cap(_ series: inout [StepSeries], _ request: QueryRequest) throws(QueryError) -> [String] {
        let most = request.limits.maxQuerySeries
        guard most > 0, series.count > most else { return [] }
        if request.allowsPartialSeries {
            series.removeSubrange(most...)
            return ["maximum number of series (\(most)) reached for a single query; returning partial results"]
        }
        throw QueryError(
            .invalid,
            "maximum number of series (\(most)) reached for a single query; consider reducing query cardinality by adding more "
                + "specific stream selectors, reducing the time range, or aggregating results with functions like sum(), "
                + "count() or topk()"
        )
    }
}
