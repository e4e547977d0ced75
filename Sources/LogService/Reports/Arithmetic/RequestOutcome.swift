/// What a request was, by the status that was logged.
package enum RequestOutcome: Sendable, Equatable {
    case success, failure
    /// Counts neither way: the client's fault (a bad request, too many, gone away).
    case excluded

    /// Words that applications log in place of a number.
    private static let good: Set<String> = ["success", "ok", "succeeded", "completed"]

    /// A status code or word. Below 400 is a success; what is in `excluded` is excluded, before anything else; everything
    /// else is a failure, words that nobody knows among them.
    package static func of(_ status: String, excluding excluded: Set<String>) -> RequestOutcome {
        if excluded.contains(status) { return .excluded }
        if let code = Int(status) { return (100..<400).contains(code) ? .success : .failure }
        return good.contains(status.lowercased()) ? .success : .failure
    }

    /// LogQL's regex of the statuses of successes; a request without status is taken for one by what else it logs.
    static let successPattern = "|[123][0-9][0-9]|(?i:success|ok|succeeded|completed)"
}

/// Requests of one kind (a model, a bin of time), by outcome.
package struct RequestTally: Sendable, Equatable {
    package var success = 0
    package var failure = 0
    package var excluded = 0

    package init(success: Int = 0, failure: Int = 0, excluded: Int = 0) {
        self.success = success
        self.failure = failure
        self.excluded = excluded
    }

    /// Requests that count.
    package var counted: Int { success + failure }
    package var all: Int { counted + excluded }

    package mutating func add(_ outcome: RequestOutcome, _ count: Int) {
        switch outcome {
        case .success: success += count
        case .failure: failure += count
        case .excluded: excluded += count
        }
    }

    package static func += (a: inout RequestTally, b: RequestTally) {
        a.success += b.success
        a.failure += b.failure
        a.excluded += b.excluded
    }
}

/// Order statistics of small arrays.
package enum Quantile {
    /// As `quantile_over_time` interpolates; nil for nothing. O(n log n).
    package static func of(_ values: [Double], _ q: Double) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let rank = min(max(q, 0), 1) * Double(sorted.count - 1)
        let low = Int(rank)
        let high = min(low + 1, sorted.count - 1)
        return sorted[low] + (sorted[high] - sorted[low]) * (rank - Double(low))
    }
}
