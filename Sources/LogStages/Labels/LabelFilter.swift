import Bytes
import LogModel

/// What a label filter of a query says, before it is checked.
package indirect enum LabelCondition: Sendable {
    package enum Comparison: Sendable, Equatable {
        case equal, notEqual, greater, greaterOrEqual, less, lessOrEqual

        var fieldComparison: FieldTest.Comparison {
            switch self {
            case .equal: .equal
            case .notEqual: .notEqual
            case .greater: .greater
            case .greaterOrEqual: .greaterOrEqual
            case .less: .less
            case .lessOrEqual: .lessOrEqual
            }
        }

        func holds<T: Comparable>(_ a: T, _ b: T) -> Bool {
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

    case text(ByteString, LabelMatcher.Operator, ByteString)
    case number(ByteString, Comparison, Double)
    /// Nanoseconds.
    case duration(ByteString, Comparison, Int64)
    case bytes(ByteString, Comparison, UInt64)
    /// `label = ip("…")`, or `!=` where `equal` is false.
    case ip(ByteString, equal: Bool, ByteString)
    /// Whether an element of the JSON array in the label is so; with a negative operator, whether none is the contrary.
    case any(ByteString, LabelMatcher.Operator, ByteString)
    case and(LabelCondition, LabelCondition)
    case or(LabelCondition, LabelCondition)
}

/// Keeps or drops a line by its labels: `| status >= 500 and method="GET"`.
///
/// Three outcomes. A typed condition on an absent label drops the line. On a value that does not convert the line is
/// kept and gets `LabelFilterErr`, unless it has an error already. `and` evaluates both sides, so that the second one
/// can still drop the line; `or` stops at the first side that keeps it.
package struct LabelFilter: Sendable {
    private indirect enum Node: Sendable {
        case test(LabelName, LabelTextTest)
        case number(LabelName, LabelCondition.Comparison, Double)
        case duration(LabelName, LabelCondition.Comparison, Int64)
        case bytes(LabelName, LabelCondition.Comparison, UInt64)
        case ip(LabelName, equal: Bool, IPPattern)
        case any(LabelName, ElementTest)
        case and(Node, Node)
        case or(Node, Node)
    }

    private let root: Node

    /// Throws a regex's or an IP pattern's fault. With `lokiQuirks`, regexes are rewritten as Loki's simplifier does,
    /// which loses anchors (`=~"foo.*"` then finds `xfoo`); without, they match whole values.
    package init(_ condition: LabelCondition, lokiQuirks: Bool = false) throws(StageError) {
        root = try Self.compile(condition, lokiQuirks)
    }

    private static func compile(_ condition: LabelCondition, _ quirks: Bool) throws(StageError) -> Node {
        switch condition {
        case .text(let name, let op, let value):
            return .test(LabelName(name), try LabelTextTest(op, value, lokiQuirks: quirks))
        case .number(let name, let op, let value): return .number(LabelName(name), op, value)
        case .duration(let name, let op, let value): return .duration(LabelName(name), op, value)
        case .bytes(let name, let op, let value): return .bytes(LabelName(name), op, value)
        case .ip(let name, let equal, let text): return .ip(LabelName(name), equal: equal, try IPPattern(text))
        case .any(let name, let op, let value): return .any(LabelName(name), try ElementTest(op, value))
        case .and(let a, let b): return .and(try compile(a, quirks), try compile(b, quirks))
        case .or(let a, let b): return .or(try compile(a, quirks), try compile(b, quirks))
        }
    }

    func process(_ state: inout LineState) -> Bool { Self.keeps(root, &state) }

    /// The filter as a store may decide it from columns; nil where a part of it depends on more than the value of a label.
    package var predicate: Predicate? { Self.predicate(root) }

    private static func predicate(_ node: Node) -> Predicate? {
        var number: (FieldTest.Comparison, Double)?
        var text: ByteString?
        let label: LabelName
        switch node {
        case .test(let name, let test): (label, text) = (name, test.onlyText)
        case .number(let name, let op, let wanted): (label, number) = (name, (op.fieldComparison, wanted))
        case .duration(let name, _, _), .bytes(let name, _, _): label = name
        case .ip, .any: return nil
        case .and(let a, let b):
            guard let first = predicate(a), let second = predicate(b) else { return nil }
            return .and([first, second])
        case .or(let a, let b):
            guard let first = predicate(a), let second = predicate(b) else { return nil }
            return .or([first, second])
        }
        let isPlain = label.bytes.withView { !$0.hasPrefix("__error") && !$0.hasSuffix(ByteView("_extracted")) }
        return isPlain ? .field(FieldTest(name: label.bytes, number: number, text: text) { verdict(node, $0) }) : nil
    }

    /// What a single condition says of a value; nil: there is no such label. Open where the value does not convert, and
    /// where more than the value decides.
    private static func verdict(_ node: Node, _ value: ByteView?) -> FieldTest.Verdict {
        func typed<T, F>(_ read: (ByteView) -> Result<T, F>, _ holds: (T) -> Bool) -> FieldTest.Verdict {
            guard let value else { return .no }
            guard case .success(let number) = read(value) else { return .open }
            return holds(number) ? .yes : .no
        }
        switch node {
        case .test(_, let test): return test.matches(value ?? ByteView()) ? .yes : .no
        case .number(_, let op, let wanted): return typed(GoFloat.parse) { op.holds($0, wanted) }
        case .duration(_, let op, let wanted): return typed(GoDuration.parse) { op.holds($0, wanted) }
        case .bytes(_, let op, let wanted): return typed(ByteSize.parse) { op.holds($0, wanted) }
        case .ip, .any, .and, .or: return .open
        }
    }

    /// The label it looks at, where it is a single condition: a parser may then ask it as soon as it has the value.
    var onlyLabel: LabelName? {
        switch root {
        case .test(let name, _), .number(let name, _, _), .duration(let name, _, _), .bytes(let name, _, _),
            .ip(let name, _, _):
            name == .error ? nil : name
        // It needs the tape that the parser is reading from.
        case .any: nil
        case .and, .or: nil
        }
    }

    /// Whether a line with this value of `onlyLabel` is dropped, whatever else becomes of the line. A value that does not
    /// convert is no reason for that, and an address is none as long as the line may yet get an error.
    func refuses(_ value: ByteView) -> Bool { Self.verdict(root, value) == .no }

    private static func keeps(_ node: Node, _ state: inout LineState) -> Bool {
        switch node {
        case .test(let name, let test):
            return test.matches(state.filterValue(name) ?? ByteView())
        case .number(let name, let op, let wanted):
            guard let value = state.value(name) else { return false }
            switch GoFloat.parse(value) {
            case .success(let number): return op.holds(number, wanted)
            case .failure(let failure):
                if !state.hasError { state.fail(.labelFilter, GoFloat.message(failure, value)) }
                return true
            }
        case .duration(let name, let op, let wanted):
            guard let value = state.value(name) else { return false }
            switch GoDuration.parse(value) {
            case .success(let duration): return op.holds(duration, wanted)
            case .failure(let failure):
                if !state.hasError { state.fail(.labelFilter, GoDuration.message(failure, value)) }
                return true
            }
        case .bytes(let name, let op, let wanted):
            guard let value = state.value(name) else { return false }
            switch ByteSize.parse(value) {
            case .success(let size): return op.holds(size, wanted)
            case .failure(let failure):
                if !state.hasError { state.fail(.labelFilter, ByteSize.message(failure, value)) }
                return true
            }
        case .ip(let name, let equal, let pattern):
            // Alone among the filters, this one lets every line with an error pass.
            if state.hasError { return true }
            guard let value = state.value(name) else { return false }
            return pattern.isIn(value) == equal
        case .any(let name, let test): return test.matches(name, &state)
        case .and(let a, let b):
            let first = keeps(a, &state)
            let second = keeps(b, &state)
            return first && second
        case .or(let a, let b):
            return keeps(a, &state) || keeps(b, &state)
        }
    }
}
