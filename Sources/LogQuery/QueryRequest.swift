import LogModel

/// A query with everything that its answer depends on.
package struct QueryRequest: Sendable {
    package enum Kind: Sendable, Equatable {
        case instant(time: Timestamp)
        /// Metric queries are evaluated at start, start + step … ≤ end; log queries return entries in start ..< end.
        /// `step` and `interval` in nanoseconds; `interval` > 0 thins out the entries of a log query.
        case range(start: Timestamp, end: Timestamp, step: Int64, interval: Int64)
    }

    package var text: String
    package var tenant: Tenant
    package var kind: Kind
    /// Entries of a log query; nil: `QuerySettings.defaultLimit`; 0: all.
    package var limit: Int?
    package var direction: Direction
    /// Keep stream labels, structured metadata and parsed labels apart.
    package var categorized: Bool
    package var limits: Limits
    /// Answer with some of the series, and a warning, where there are more than the limit allows.
    package var allowsPartialSeries: Bool
    package var cancel: CancelFlag
    /// nil: `limits.queryTimeout` from the start of `run`.
    package var deadline: ContinuousClock.Instant?

    package init(
        text: String,
        tenant: Tenant = .fake,
        kind: Kind,
        limit: Int? = nil,
        direction: Direction = .backward,
        categorized: Bool = false,
        limits: Limits = Limits(),
        allowsPartialSeries: Bool = false,
        cancel: CancelFlag = CancelFlag(),
        deadline: ContinuousClock.Instant? = nil
    ) {
        self.text = text
        self.tenant = tenant
        self.kind = kind
        self.limit = limit
        self.direction = direction
        self.categorized = categorized
        self.limits = limits
        self.allowsPartialSeries = allowsPartialSeries
        self.cancel = cancel
        self.deadline = deadline
    }
}

/// An answer with what `(QueryResult, QueryStatistics)` has no room for.
package struct QueryAnswer: Sendable {
    package var result: QueryResult
    package var statistics: QueryStatistics
    package var warnings: [String]
}
