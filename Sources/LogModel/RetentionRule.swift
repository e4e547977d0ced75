/// How long streams are kept that a selector matches.
package struct RetentionRule: Sendable, Equatable {
    package var matchers: [LabelMatcher]
    /// Of several rules that match, the one with the highest counts; among equals the shortest period.
    package var priority: Int
    /// Nanoseconds; 0: for ever.
    package var period: Int64

    package init(matchers: [LabelMatcher], priority: Int, period: Int64) {
        self.matchers = matchers
        self.priority = priority
        self.period = period
    }
}

/// Age and rules of one tenant.
package struct TenantRetention: Sendable, Equatable {
    /// Of streams that no rule matches, nanoseconds. Nil: for ever.
    package var age: Int64?
    package var rules: [RetentionRule]

    package init(age: Int64?, rules: [RetentionRule]) {
        self.age = age
        self.rules = rules
    }

    /// How long a stream is kept, nanoseconds; nil: for ever. O(rules).
    package func age(of labels: Labels) -> Int64? {
        var best: RetentionRule?
        for rule in rules where rule.matchers.matches(labels) {
            guard let known = best else {
                best = rule
                continue
            }
            // For ever is the longest period there is.
            let (a, b) = (rule.period == 0 ? Int64.max : rule.period, known.period == 0 ? .max : known.period)
            if rule.priority > known.priority || (rule.priority == known.priority && a < b) { best = rule }
        }
        guard let best else { return age }
        return best.period == 0 ? nil : best.period
    }

    /// The longest that anything is kept; nil: for ever.
    package var longest: Int64? {
        guard var longest = age else { return nil }
        for rule in rules {
            if rule.period == 0 { return nil }
            longest = max(longest, rule.period)
        }
        return longest
    }
}
