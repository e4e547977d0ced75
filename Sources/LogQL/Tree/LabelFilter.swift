import Bytes
import LogModel

extension LogQL {
    /// A condition on the labels of a line.
    package indirect enum LabelFilter: Sendable, Equatable {
        /// Two or more parts, all of which must hold. Every part is evaluated; the first error wins.
        case and([LabelFilter], Nesting = .left)
        /// Two or more parts, tried left to right until one holds.
        case or([LabelFilter], Nesting = .left)
        case string(name: ByteString, op: LabelMatcher.Operator, value: ByteString)
        case number(name: ByteString, Comparison, Double)
        /// Nanoseconds.
        case duration(name: ByteString, Comparison, Int64)
        case bytes(name: ByteString, Comparison, UInt64)
        /// `name = ip("…")`, `name != ip("…")`
        case ip(name: ByteString, negated: Bool, ByteString)
        /// Beyond Loki: `name = any("…")`, with `= != =~ !~`: whether an element of the JSON array in the label does; the
        /// negative ones ask whether none does.
        case any(name: ByteString, op: LabelMatcher.Operator, value: ByteString)

        /// How a chain was put together: `(a op b) op c` or `a op (b op c)`. The meaning is the same, and a chain is one
        /// flat list either way; only the printer cares, which shows what Loki shows.
        package enum Nesting: Sendable, Equatable { case left, right }
    }

    package enum Comparison: String, Sendable, CaseIterable {
        case equal = "=="
        case notEqual = "!="
        case greater = ">"
        case greaterOrEqual = ">="
        case less = "<"
        case lessOrEqual = "<="

        /// IEEE comparison: NaN is only unequal.
        package func holds<T: Comparable>(_ a: T, _ b: T) -> Bool {
            switch self {
            case .equal: a == b
            case .notEqual: a != b
            case .greater: a > b
            case .greaterOrEqual: a >= b
            case .less: a < b
            case .lessOrEqual: a <= b
            }
        }
    }
}

extension LogQL.LabelFilter {
    /// Names it looks at, in order of the text, repeated if so.
    package var labelNames: [ByteString] {
        switch self {
        case .and(let parts, _), .or(let parts, _): parts.flatMap(\.labelNames)
        case .string(let name, _, _), .number(let name, _, _), .duration(let name, _, _), .bytes(let name, _, _),
            .ip(let name, _, _), .any(let name, _, _):
            [name]
        }
    }
}
