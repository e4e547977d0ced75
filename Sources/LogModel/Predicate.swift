import Bytes

/// What a query asks of single lines, in a form that a store can answer from columns.
///
/// A predicate has three outcomes for a row: true, false, or error (a value that does not convert, a line that does not
/// parse). A store marks rows that are surely true as selected, drops those surely false, and leaves every other row
/// undecided; the row evaluator then looks at the line itself (I4: pushing a predicate down never changes an answer).
/// A store that knows nothing of predicates marks every row undecided.
package indirect enum Predicate: Sendable {
    case all
    case and([Predicate])
    case or([Predicate])
    case not(Predicate)
    /// The line contains these bytes.
    case lineContains(ByteString)
    /// The line matches, unanchored.
    case lineMatches(LineRegex)
    case field(FieldTest)

    /// Whether it looks at a label that `| json` may make.
    package func asks(for name: ByteString) -> Bool {
        switch self {
        case .field(let test): test.name == name
        case .and(let parts), .or(let parts): parts.contains { $0.asks(for: name) }
        case .not(let part): part.asks(for: name)
        case .all, .lineContains, .lineMatches: false
        }
    }
}

/// A regex that is searched for in lines, and what is known of its matches.
package struct LineRegex: Sendable {
    package var regex: CompiledRegex
    /// Every match contains it; nil: nothing is known.
    package var requires: ByteString?
    /// All bytes that a match may hold, where whether a stretch of text is a match depends on nothing around it; nil:
    /// not known.
    package var alphabet: ByteSet?

    package init(_ regex: CompiledRegex, requires: ByteString? = nil, alphabet: ByteSet? = nil) {
        self.regex = regex
        self.requires = requires
        self.alphabet = alphabet
    }

    package func matches(_ text: ByteView) -> Bool {
        if let requires, !requires.withView({ text.contains($0) }) { return false }
        return regex.matches(text)
    }
}
