import Bytes

/// One condition on stream labels, as between the braces of a selector. A missing label counts as empty.
package struct LabelMatcher: Sendable, CustomStringConvertible {
    package enum Operator: String, Sendable {
        case equal = "="
        case notEqual = "!="
        case matches = "=~"
        case matchesNot = "!~"
    }

    package let name: ByteString
    package let op: Operator
    package let value: ByteString
    /// For the two regex operators: fully anchored, `.` matches newline, as Prometheus has it.
    private let regex: CompiledRegex?

    package init(_ name: ByteString, _ op: Operator, _ value: ByteString) throws(RegexError) {
        self.name = name
        self.op = op
        self.value = value
        switch op {
        case .equal, .notEqual: regex = nil
        case .matches, .matchesNot:
            regex = try CompiledRegex("^(?s:\(value.string))$")
        }
    }

    package func matches(_ candidate: ByteString?) -> Bool {
        let candidate = candidate ?? ByteString()
        switch op {
        case .equal: return candidate == value
        case .notEqual: return candidate != value
        case .matches: return candidate.withView { regex?.matches($0) ?? false }
        case .matchesNot: return !candidate.withView { regex?.matches($0) ?? false }
        }
    }

    /// Whether a stream without the label passes.
    package var matchesEmpty: Bool { matches(nil) }

    package var description: String { "\(name)\(op.rawValue)\(GoQuote.quote(value.string))" }
}

extension LabelMatcher: Equatable {
    package static func == (a: LabelMatcher, b: LabelMatcher) -> Bool {
        a.name == b.name && a.op == b.op && a.value == b.value
    }
}

extension [LabelMatcher] {
    package func matches(_ labels: Labels) -> Bool { allSatisfy { $0.matches(labels[$0.name]) } }
}
