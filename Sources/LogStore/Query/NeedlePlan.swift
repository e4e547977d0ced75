import Bytes

/// Which rows of a template contain a needle, said in terms of its columns: an OR of ANDs.
///
/// The text of a row is e1·e2·…·en, each element a literal or the value of a column. The template is walked with states
/// (j, c): "the text so far ends with the first j bytes of the needle, provided that c holds". A literal moves a state on
/// or drops it; a value adds what it would have to hold, begin with, be equal to or end with. Every occurrence begins and
/// ends in some element and takes in those between as a whole, so the answer is complete; every condition spells an
/// occurrence, so it is sound, and its complement too. O(elements × needle²), the needle being at most `needleMax` bytes.
struct NeedlePlan {
    /// Part of the needle in part of a value.
    struct Condition: Hashable {
        var column: Int
        var place: Place
        /// Of the needle.
        var part: Range<Int>
    }

    enum Place: Hashable { case inside, start, end, whole }

    /// Every row contains it.
    private(set) var isAlways = false
    /// Rows contain it where all conditions of one of these hold.
    private(set) var terms: Set<Set<Condition>> = []
    /// False where the terms became too many: then any row may contain it.
    private(set) var isExact = true

    static let termsMax = 256
    /// Longer needles are not planned: their beginning is, and what it finds is looked at.
    static let needleMax = 96

    private typealias Terms = Set<Set<Condition>>

    init(_ needle: ByteView, _ pieces: [LineTemplates.Piece], _ templates: LineTemplates) {
        let m = needle.count
        guard m > 0 else {
            isAlways = true
            return
        }
        // states[j]: conditions under which the text so far ends with needle[0..<j]; the empty condition always holds.
        var states: [Int: Terms] = [:]
        for (number, piece) in pieces.enumerated() {
            let literal = templates.literal(piece)
            if literal.contains(needle) {
                isAlways = true
                terms = []
                return
            }
            if !literal.isEmpty {
                var next: [Int: Terms] = [:]
                for (j, conditions) in states {
                    let rest = needle.suffix(from: j)
                    if literal.hasPrefix(rest) {
                        terms.formUnion(conditions)
                    } else if rest.hasPrefix(literal) {
                        next[j + literal.count, default: []].formUnion(conditions)
                    }
                }
                for k in 1..<max(1, m) where k <= literal.count && literal.hasSuffix(needle.prefix(k)) {
                    next[k, default: []].insert([])
                }
                states = next
            }
            if let column = piece.column {
                // A state that the next literal would drop is not made.
                let following = number + 1 < pieces.count ? templates.literal(pieces[number + 1]) : ByteView()
                func survives(_ k: Int) -> Bool {
                    if following.isEmpty { return number + 1 < pieces.count && pieces[number + 1].column != nil }
                    let rest = needle.suffix(from: k)
                    return following.hasPrefix(rest) || rest.hasPrefix(following)
                }
                terms.insert([Condition(column: column, place: .inside, part: 0..<m)])
                var next: [Int: Terms] = [:]
                for (j, conditions) in states {
                    let prefix = Condition(column: column, place: .start, part: j..<m)
                    for term in conditions { terms.insert(term.union([prefix])) }
                    // An empty value leaves the state where it is; a whole one moves it on.
                    for k in j..<m where survives(k) {
                        let whole = Condition(column: column, place: .whole, part: j..<k)
                        for term in conditions { next[k, default: []].insert(term.union([whole])) }
                    }
                }
                for k in 1..<max(1, m) where survives(k) {
                    next[k, default: []].insert([Condition(column: column, place: .end, part: 0..<k)])
                }
                states = next
            }
            // A state that always holds needs no other reason.
            for (j, conditions) in states where conditions.contains([]) { states[j] = [[]] }
            if terms.count + states.values.reduce(0, { $0 + $1.count }) > Self.termsMax {
                isExact = false
                terms = []
                return
            }
        }
        if terms.contains([]) {
            isAlways = true
            terms = []
        }
    }
}
