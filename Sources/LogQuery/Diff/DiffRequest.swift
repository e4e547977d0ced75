import Bytes
import LogModel

/// What to compare.
package struct DiffRequest: Sendable {
    package var tenant: Tenant
    package var matchers: [LabelMatcher]
    package var before: TimeRange
    package var after: TimeRange
    /// A label: changes in single values of it are found, and told apart from those in all.
    package var by: ByteString?
    /// Changes at most; 0: all.
    package var limit: Int
    /// Changes by less than this factor are not shown, however certain.
    package var ratioMin: Double
    /// The share of chance findings that is put up with.
    package var falseRate: Double
    package var limits: Limits
    package var cancel: CancelFlag

    package init(
        tenant: Tenant = .fake, matchers: [LabelMatcher] = [], before: TimeRange, after: TimeRange, by: ByteString? = nil,
        limit: Int = 20, ratioMin: Double = 1.5, falseRate: Double = 0.01, limits: Limits = Limits(),
        cancel: CancelFlag = CancelFlag()
    ) {
        self.tenant = tenant
        self.matchers = matchers
        self.before = before
        self.after = after
        self.by = by
        self.limit = limit
        self.ratioMin = ratioMin
        self.falseRate = falseRate
        self.limits = limits
        self.cancel = cancel
    }

    func check() throws(QueryError) {
        func bad(_ message: String) -> QueryError { QueryError(.invalid, message) }
        if before.isEmpty || after.isEmpty { throw bad("a window ends before it begins, or is empty") }
        if before.start < after.end, after.start < before.end {
            throw bad("the two windows overlap: a line can only count before or after")
        }
        if limit < 0 { throw bad("the limit is a number of changes, or 0 for all") }
        if limits.maxQueryLength > 0 {
            for window in [before, after] {
                let (length, overflow) = window.end.nanoseconds.subtractingReportingOverflow(window.start.nanoseconds)
                if overflow || length > limits.maxQueryLength {
                    throw bad("a window is longer than a query may be (max_query_length)")
                }
            }
        }
    }
}
