/// What a target allows to go wrong, and how much of that is used.
///
/// A target of 100 % leaves no budget, and no requests leave nothing to judge: then there is no figure, rather than a
/// division by zero or a flattering 100 %.
package struct ErrorBudget: Sendable, Equatable {
    /// Percent, above 0 and up to 100.
    package var target: Double
    package var good: Int
    package var total: Int

    package init(target: Double, good: Int, total: Int) {
        self.target = target
        self.good = good
        self.total = total
    }

    /// Percent; nil without requests.
    package var actual: Double? { total > 0 ? Double(good) / Double(total) * 100 : nil }

    /// Share of requests that may fail.
    private var allowed: Double { (100 - target) / 100 }

    /// Share of the budget that is left, 1 at best; below 0: overdrawn. nil without requests or without a budget.
    package var remaining: Double? { burn.map { 1 - $0 } }

    /// How many times as fast as allowed errors come: 1 uses the budget up exactly at the end of its window.
    package var burn: Double? {
        guard total > 0, allowed > 0 else { return nil }
        return Double(total - good) / Double(total) / allowed
    }

    /// Hours until a whole budget is gone at this rate: the window over the burn rate (at a burn of 14.4, thirty days last
    /// 50 hours). nil: never, or not known.
    package func hoursToExhaustion(window hours: Double) -> Double? {
        guard let burn, burn > 0 else { return nil }
        return hours / burn
    }

    /// Whether the target is met; nil without requests.
    package var isMet: Bool? { actual.map { $0 >= target } }
}

/// Multi-window, multi-burn-rate alerts as the SRE Workbook (chapter 5) has them: a long window says that it matters, a
/// short one that it still goes on.
package struct BurnRule: Sendable, Equatable {
    package enum Verdict: String, Sendable { case quiet, ticket, page, unknown = "no data" }

    /// Hours.
    package var long: Double
    package var short: Double
    /// Share of the whole budget that the long window may use before somebody is told.
    package var share: Double
    package var severity: Verdict

    package static let all = [
        BurnRule(long: 1, short: 1.0 / 12, share: 0.02, severity: .page),
        BurnRule(long: 6, short: 0.5, share: 0.05, severity: .page),
        BurnRule(long: 72, short: 6, share: 0.1, severity: .ticket),
    ]

    /// The burn rate at which the long window uses its share: 14.4, 6 and 1 for thirty days.
    package func threshold(window hours: Double) -> Double { share * hours / long }

    package func verdict(long: Double?, short: Double?, window hours: Double) -> Verdict {
        guard let long, let short else { return .unknown }
        let limit = threshold(window: hours)
        return long > limit && short > limit ? severity : .quiet
    }
}
