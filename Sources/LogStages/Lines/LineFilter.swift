import Bytes
import LogModel

/// Keeps or drops a line by its text: `|= != |~ !~ |> !>`, with alternatives joined by `or`.
///
/// A positive filter keeps the line if any alternative matches; a negative one if none does.
package struct LineFilter: Sendable {
    package enum Operator: Sendable, Equatable {
        case contains, containsNot, matches, matchesNot, pattern, patternNot

        var isNegative: Bool { self == .containsNot || self == .matchesNot || self == .patternNot }
    }

    package enum Alternative: Sendable, Equatable {
        case text(ByteString)
        /// `ip("…")`: an address, a CIDR block or a range; only with `|=` and `!=`.
        case ip(ByteString)
    }

    private let matchers: [LineMatcher]
    private let isNegative: Bool

    /// Throws the regex's, the pattern's or the IP pattern's fault. With `lokiQuirks`, an alternative that is always
    /// true counts for nothing beside others, as in Loki (`|= "foo" or ""` is `|= "foo"`).
    package init(_ op: Operator, _ alternatives: [Alternative], lokiQuirks: Bool = false) throws(StageError) {
        var matchers: [LineMatcher] = []
        for alternative in alternatives {
            switch alternative {
            case .ip(let text):
                guard op == .contains || op == .containsNot else { throw StageError("ip: invalid operation") }
                matchers.append(.ip(try IPPattern(text)))
            case .text(let text):
                switch op {
                case .contains, .containsNot: matchers.append(.containing(text))
                case .matches, .matchesNot:
                    matchers.append(try .regex(text.string, lokiQuirks: lokiQuirks))
                case .pattern, .patternNot: matchers.append(.pattern(try GapPattern(text)))
                }
            }
        }
        if lokiQuirks, matchers.count > 1, op != .pattern, op != .patternNot {
            // Loki folds from the left: what is always true gives way to its neighbour.
            let some = matchers.filter { if case .always = $0 { false } else { true } }
            matchers = some.isEmpty ? [.always] : some
        }
        self.matchers = matchers
        isNegative = op.isNegative
    }

    package func matches(_ line: ByteView) -> Bool {
        for matcher in matchers where matcher.matches(line) { return !isNegative }
        return isNegative
    }

    func process(_ state: inout LineState) -> Bool { matches(state.line) }

    /// The filter as a store may decide it; nil where it is more than a search for bytes or a regex.
    package var predicate: Predicate? {
        var alternatives: [Predicate] = []
        for matcher in matchers {
            switch matcher {
            case .always: alternatives.append(.all)
            case .literal(let text): alternatives.append(.lineContains(text))
            case .regex(let regex): alternatives.append(.lineMatches(regex))
            case .notEmpty, .pattern, .ip: return nil
            }
        }
        guard let first = alternatives.first else { return nil }
        let any = alternatives.count == 1 ? first : Predicate.or(alternatives)
        return isNegative ? .not(any) : any
    }
}

/// One alternative of a line filter.
enum LineMatcher: Sendable {
    case always
    case notEmpty
    case literal(ByteString)
    /// Where every match contains a literal, `memmem` decides most lines.
    case regex(LineRegex)
    case pattern(GapPattern)
    case ip(IPPattern)

    static func containing(_ text: ByteString) -> LineMatcher { text.isEmpty ? .always : .literal(text) }

    /// Unanchored search.
    static func regex(_ pattern: String, lokiQuirks: Bool) throws(StageError) -> LineMatcher {
        let compiled = try CompiledRegex.stage(pattern)
        let tree = RegexShape(pattern)
        switch tree.meaning {
        case .anything: return .always
        case .something: return .notEmpty
        case .literal(let text): return .containing(text)
        case .containing(let text):
            return .regex(LineRegex(compiled, requires: text, alphabet: tree.alphabet))
        case .other:
            if lokiQuirks, let rest = tree.alternationWithoutAnything { return try regex(rest, lokiQuirks: true) }
            return .regex(LineRegex(compiled, alphabet: tree.alphabet))
        }
    }

    func matches(_ line: ByteView) -> Bool {
        switch self {
        case .always: return true
        case .notEmpty: return !line.isEmpty
        case .literal(let text): return text.withView { line.contains($0) }
        case .regex(let regex): return regex.matches(line)
        case .pattern(let pattern): return pattern.matches(line)
        case .ip(let pattern): return pattern.isIn(line)
        }
    }
}

extension CompiledRegex {
    /// Compiles, with the fault in Loki's words.
    static func stage(_ pattern: String, options: Options = []) throws(StageError) -> CompiledRegex {
        do { return try CompiledRegex(pattern, options: options) } catch { throw StageError(error.description) }
    }
}
