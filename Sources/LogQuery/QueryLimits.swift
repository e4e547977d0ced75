import LogModel

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
                "the query time range exceeds the limit (query length: \(PrometheusDuration.text(overflow ? .max : length)), "
                    + "limit: \(PrometheusDuration.text(limits.maxQueryLength)))"
            )
        }
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

/// Durations as Loki prints them in error texts: Prometheus's, `30d1h`.
enum PrometheusDuration {
    static func text(_ nanoseconds: Int64) -> String {
        var rest = nanoseconds / 1_000_000
        if rest == 0 { return "0s" }
        var out = rest < 0 ? "-" : ""
        if rest < 0 { rest = -rest }
        func take(_ unit: Int64, _ name: String, exact: Bool) {
            // Years and weeks only when nothing is left over, as Prometheus prints them.
            if exact, rest % unit != 0 { return }
            let count = rest / unit
            if count > 0 {
                out += "\(count)\(name)"
                rest -= count * unit
            }
        }
        take(365 * 86_400_000, "y", exact: true)
        take(7 * 86_400_000, "w", exact: true)
        take(86_400_000, "d", exact: false)
        take(3_600_000, "h", exact: false)
        take(60_000, "m", exact: false)
        take(1_000, "s", exact: false)
        take(1, "ms", exact: false)
        return out
    }
}
