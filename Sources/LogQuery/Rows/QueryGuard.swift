import LogModel

/// Watches over a running query: memory, cancellation, deadline. One for each query, used by its one thread.
struct QueryGuard: ~Copyable {
    let budget: QueryBudget
    let cancel: CancelFlag
    let deadline: ContinuousClock.Instant?
    private var held = 0
    private var pending = 0

    /// Work since the last look at the clock and the flag; see `worked`.
    private var work = 0
    /// A look for every so much of it: about a millisecond of plain rows.
    private static let workMax = 1 << 20
    /// What a row costs beside its bytes.
    private static let rowWork = 1 << 8

    init(budget: QueryBudget, cancel: CancelFlag, deadline: ContinuousClock.Instant?) {
        self.budget = budget
        self.cancel = cancel
        self.deadline = deadline
    }

    deinit { budget.give(held) }

    /// Fails the query when nobody waits for it any more.
    func check() throws(QueryError) {
        if cancel.isCancelled { throw QueryError(.cancelled, "the request was cancelled by the client") }
        if let deadline, ContinuousClock.now >= deadline {
            throw QueryError(
                .timeout,
                "request timed out, decrease the duration of the request or add more label matchers (prefer exact match over "
                    + "regex match) to reduce the amount of data processed"
            )
        }
    }

    /// Call it for each row with the bytes of its line. `isCostly`: a template runs over it, which may take as long as
    /// hundreds of thousands of plain rows.
    @inline(__always)
    mutating func worked(_ bytes: Int, isCostly: Bool) throws(QueryError) {
        work &+= isCostly ? Self.workMax : bytes &+ Self.rowWork
        if work >= Self.workMax {
            work = 0
            try check()
        }
    }

    /// Accounts for memory that the query has just taken and keeps to its end.
    mutating func hold(_ bytes: Int) throws(QueryError) {
        pending += bytes
        // In lots: the counter is shared between threads.
        if pending >= 32 << 10 || bytes < 0 {
            let lot = pending
            pending = 0
            held += lot
            if !budget.take(lot) {
                throw QueryError(
                    .invalid,
                    "the query needs more memory than it may have (\(budget.memoryLimit >> 20) MiB): narrow the selector or the "
                        + "time range, lower the limit, or aggregate by fewer labels"
                )
            }
        }
    }

    mutating func release(_ bytes: Int) {
        held -= bytes
        budget.give(bytes)
    }
}
