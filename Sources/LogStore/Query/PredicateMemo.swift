import Bytes
import LogModel
import Synchronization

/// What a scan has found out about a segment, for the other row groups of it: plans of needles and regexes by template,
/// which entries of its dictionaries satisfy them, and which dictionaries leave no room for them. Shared by the threads of the scan; two may find out the same.
final class PredicateMemo: Sendable {
    private struct Key: Hashable {
        var segment: UInt64
        var needle: GroupPredicate.Needle
    }

    /// A regex on a column with the text around its values.
    struct Matched: Hashable {
        var segment: UInt64
        var pattern: String
        var window: RegexPlan.Window
    }

    private struct Place: Hashable {
        var needle: ByteString
        var segment: UInt64
        var template: UInt32
    }

    private struct Text: Hashable {
        var text: ByteString
        var column: Int
        var segment: UInt64
    }

    private struct State {
        var entries: [Key: Bitmap] = [:]
        var matched: [Matched: Bitmap] = [:]
        var possible: [Text: Bool] = [:]
        var plans: [Place: NeedlePlan] = [:]
        var regexPlans: [Place: RegexPlan?] = [:]
    }
    private let state = Mutex(State())
    /// Of each kind; then it begins anew, for a scan goes from segment to segment.
    private static let countMax = 8192

    /// The entries of a dictionary that hold a needle.
    func entries(
        _ needle: GroupPredicate.Needle,
        _ segment: UInt64,
        _ find: () throws(StoreError) -> Bitmap
    ) throws(StoreError) -> Bitmap {
        let key = Key(segment: segment, needle: needle)
        if let known = state.withLock({ $0.entries[key] }) { return known }
        let found = try find()
        state.withLock { state in
            if state.entries.count >= Self.countMax { state.entries = [:] }
            state.entries[key] = found
        }
        return found
    }

    /// Whether an entry of a dictionary may hold a text.
    func dictionaryMayHold(
        _ text: ByteString,
        _ column: Int,
        _ segment: UInt64,
        _ find: () throws(StoreError) -> Bool
    ) throws(StoreError) -> Bool {
        let key = Text(text: text, column: column, segment: segment)
        if let known = state.withLock({ $0.possible[key] }) { return known }
        let found = try find()
        state.withLock { state in
            if state.possible.count >= Self.countMax { state.possible = [:] }
            state.possible[key] = found
        }
        return found
    }

    /// The entries of a dictionary that a regex matches.
    func entries(_ key: Matched, _ find: () throws(StoreError) -> Bitmap) throws(StoreError) -> Bitmap {
        if let known = state.withLock({ $0.matched[key] }) { return known }
        let found = try find()
        state.withLock { state in
            if state.matched.count >= Self.countMax { state.matched = [:] }
            state.matched[key] = found
        }
        return found
    }

    func plan(_ needle: ByteString, _ segment: UInt64, _ template: UInt32, _ make: () -> NeedlePlan) -> NeedlePlan {
        let place = Place(needle: needle, segment: segment, template: template)
        if let known = state.withLock({ $0.plans[place] }) { return known }
        let plan = make()
        state.withLock { state in
            if state.plans.count >= Self.countMax { state.plans = [:] }
            state.plans[place] = plan
        }
        return plan
    }

    /// nil where the regex cannot be asked of columns.
    func plan(_ pattern: LineRegex, _ segment: UInt64, _ template: UInt32, _ make: () -> RegexPlan?) -> RegexPlan? {
        let place = Place(needle: ByteString(pattern.regex.pattern), segment: segment, template: template)
        if let known = state.withLock({ $0.regexPlans[place] }) { return known }
        let plan = make()
        state.withLock { state in
            if state.regexPlans.count >= Self.countMax { state.regexPlans = [:] }
            state.regexPlans[place] = .some(plan)
        }
        return plan
    }
}
