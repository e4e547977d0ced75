import Bytes
import LogModel

extension LogQL {
    /// One step of a pipeline, as it was written. Texts that another language governs (templates, patterns, paths) are
    /// kept as text; whoever executes the stage checks them.
    package enum Stage: Sendable, Equatable {
        case lineFilter(LineFilter)
        /// `| json` and `| json a="x.y", b`; no expressions: every field.
        case json([Extraction])
        case logfmt(LogfmtFlags, [Extraction])
        case regexp(String)
        case pattern(String)
        case unpack
        case lineFormat(String)
        case labelFormat([LabelFormat])
        case labelFilter(LabelFilter)
        case decolorize
        case drop([LabelChoice])
        case keep([LabelChoice])
    }

    package struct LineFilter: Sendable, Equatable {
        package enum Operator: String, Sendable, CaseIterable {
            case contains = "|="
            case containsNot = "!="
            case matches = "|~"
            case matchesNot = "!~"
            case pattern = "|>"
            case patternNot = "!>"

            package var isNegative: Bool {
                switch self {
                case .contains, .matches, .pattern: false
                case .containsNot, .matchesNot, .patternNot: true
                }
            }
        }

        package enum Value: Sendable, Equatable {
            case text(ByteString)
            /// `ip("…")`: an address, a network or a range.
            case ip(ByteString)
        }

        package var op: Operator
        /// Alternatives (`|= "a" or "b"`), at least one. A chain of a negative operator means that none may match: the
        /// parser turns it into one filter for each value, so negative operators have exactly one.
        package var values: [Value]

        package init(_ op: Operator, _ values: [Value]) {
            self.op = op
            self.values = values
        }
    }

    /// `label="expression"`; a bare `label` has its own name as expression.
    package struct Extraction: Sendable, Equatable {
        package var label: ByteString
        package var expression: String

        package init(_ label: ByteString, _ expression: String) {
            self.label = label
            self.expression = expression
        }
    }

    package struct LogfmtFlags: Sendable, Equatable {
        package var strict: Bool
        package var keepEmpty: Bool

        package init(strict: Bool = false, keepEmpty: Bool = false) {
            self.strict = strict
            self.keepEmpty = keepEmpty
        }
    }

    /// One assignment of `label_format`.
    package enum LabelFormat: Sendable, Equatable {
        /// `to=from`
        case rename(to: ByteString, from: ByteString)
        /// `to="template"`
        case template(to: ByteString, String)

        package var target: ByteString {
            switch self {
            case .rename(let to, _), .template(let to, _): to
            }
        }
    }

    /// What `drop` and `keep` list: a name, or a name with a condition on its value.
    package enum LabelChoice: Sendable, Equatable {
        case name(ByteString)
        case matching(LabelMatcher)

        package var name: ByteString {
            switch self {
            case .name(let name): name
            case .matching(let matcher): matcher.name
            }
        }
    }
}
