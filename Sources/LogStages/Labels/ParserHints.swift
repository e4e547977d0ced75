import Bytes

/// Which labels the rest of a metric query needs, so that parsers may stop early or not run at all.
///
/// This is observable, as in Loki: `sum(count_over_time({…} | json [1m]))` needs no label, so `json` never sees the
/// malformed line that would fail `count_over_time({…} | json [1m])`. A log query uses `.everything`.
package struct ParserHints: Sendable {
    /// The only names that parsers shall extract; empty means all of them (unless `needsNothing`).
    package let required: [LabelName]
    /// No label is needed: parsers do not run.
    package let needsNothing: Bool
    /// Whether a filter on one label behind a parser takes its full effect as soon as the parser has the label, so that
    /// `| logfmt | __error__="" | took > 1s` drops `took=oops`: the error is there when `__error__` is asked for. Loki
    /// does so everywhere but below `by (…)`. Where it is not so, such a filter may only spare the rest of a line that
    /// it drops in any case.
    package let filtersActEarly: Bool

    /// Bit n is set where some required name has n bytes (63: that or more): a cheap first test.
    let lengths: UInt64
    /// Some required name ends in `_extracted`.
    let mayCollide: Bool

    private init(required: [LabelName], needsNothing: Bool, filtersActEarly: Bool = true) {
        self.filtersActEarly = filtersActEarly
        self.required = required
        self.needsNothing = needsNothing
        var lengths: UInt64 = 0
        var mayCollide = false
        for name in required {
            lengths |= 1 << UInt64(min(name.bytes.count, 63))
            if name.bytes.hasSuffix("_extracted") { mayCollide = true }
        }
        self.lengths = lengths
        self.mayCollide = mayCollide
    }

    /// Extract every label.
    package static let everything = ParserHints(required: [], needsNothing: false)
    /// The same below `by (…)`, where a stage looks at all labels.
    package static let everythingGrouped = ParserHints(required: [], needsNothing: false, filtersActEarly: false)
    /// Extract nothing; parsers are skipped.
    package static let nothing = ParserHints(required: [], needsNothing: true)

    /// Extract these labels only and stop as soon as each has been found. An empty list is `.nothing`. At most the
    /// first 64 distinct names count towards stopping early; with more, parsers read whole lines.
    package static func only(_ names: [ByteString], filtersActEarly: Bool = true) -> ParserHints {
        var distinct: [LabelName] = []
        for name in names.map({ LabelName($0) }) where !name.bytes.isEmpty && !distinct.contains(name) {
            distinct.append(name)
        }
        return distinct.isEmpty
            ? .nothing : ParserHints(required: distinct, needsNothing: false, filtersActEarly: filtersActEarly)
    }

    var limits: Bool { !required.isEmpty }

    func wants(length: Int) -> Bool { lengths >> UInt64(min(length, 63)) & 1 == 1 }

    /// Whether a required name starts with `prefix`: else a nested object need not be entered.
    func wants(prefix: ByteView) -> Bool {
        guard limits else { return true }
        for name in required where name.bytes.withView({ $0.hasPrefix(prefix) }) { return true }
        return false
    }
}
