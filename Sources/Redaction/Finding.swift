/// A candidate that a validator has confirmed.
struct Finding: Equatable {
    /// Number of the rule.
    var rule: Int
    var range: Range<Int>
    /// Whether the range is what the rule found, and not more.
    var isWhole = true

    init(detector: Detector, range: Range<Int>) { self.init(rule: Int(detector.rawValue), range: range) }

    init(rule: Int, range: Range<Int>) {
        self.rule = rule
        self.range = range
    }

    /// nil for rules of the configuration's own.
    var detector: Detector? { Detector(number: rule) }

    /// Sorts and makes disjoint: what overlaps becomes one finding over all of it. It is named by a rule of the
    /// configuration's own that found all of it, else by the rule that comes first in `Detector`'s order. So nothing that any
    /// rule found stays, and the result does not depend on the order in which candidates were met. O(n log n).
    static func resolve(_ findings: inout [Finding]) {
        guard findings.count > 1 else { return }
        findings.sort { a, b in
            a.range.lowerBound != b.range.lowerBound
                ? a.range.lowerBound < b.range.lowerBound : a.range.upperBound > b.range.upperBound
        }
        var kept = -1
        // Of the group that is being joined: the first rule, what it found, and the widest finding of an own rule.
        var first = findings[0]
        var own: Finding?
        var range = 0..<0
        func joined() -> Finding {
            if let own, own.range == range { return own }
            var result = first
            result.isWhole = first.range == range
            result.range = range
            return result
        }
        for i in findings.indices {
            let next = findings[i]
            if i > 0, next.range.lowerBound < range.upperBound {
                range = range.lowerBound..<max(range.upperBound, next.range.upperBound)
                if next.rule < first.rule || (next.rule == first.rule && next.range.count > first.range.count) { first = next }
                if next.detector == nil, next.range.count > own?.range.count ?? 0 { own = next }
            } else {
                if i > 0 { findings[kept] = joined() }
                kept += 1
                (first, range) = (next, next.range)
                own = next.detector == nil ? next : nil
            }
        }
        findings[kept] = joined()
        findings.removeLast(findings.count - kept - 1)
    }
}
