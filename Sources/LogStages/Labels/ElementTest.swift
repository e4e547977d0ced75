import Bytes
import LogModel

/// `label = any("x")`: a condition on the elements of the JSON array that a label holds, as `| json label="path"` makes
/// it. Beyond Loki.
///
/// `=` and `=~` hold where an element is so, `!=` and `!~` where none is. Strings are compared decoded, numbers and
/// booleans as they are written, objects and arrays by their text; null is no element. A text that is no array is its own
/// only element, and an absent or empty label has none.
struct ElementTest: Sendable {
    private let test: LabelTextTest
    private let isNegative: Bool

    init(_ op: LabelMatcher.Operator, _ value: ByteString) throws(StageError) {
        isNegative = op == .notEqual || op == .matchesNot
        test = try LabelTextTest(
            op == .equal || op == .notEqual ? .equal : .matches,
            value,
            lokiQuirks: false
        )
    }

    func matches(_ name: LabelName, _ state: inout LineState) -> Bool {
        guard let value = state.filterValue(name), !value.isEmpty else { return isNegative }
        return hasMatch(value, &state) != isNegative
    }

    private func hasMatch(_ value: ByteView, _ state: inout LineState) -> Bool {
        guard value.first == 0x5B, (try? state.json.scan(value)) != nil, state.json[0].isArray else {
            return test.matches(value)
        }
        var i = 1
        let end = state.json[0].following
        while i < end {
            let element = state.json[i]
            i = element.following
            if element.isNull { continue }
            if element.isString, element.isEscaped {
                state.scratch.reset()
                guard JSONValueText.unescape(value[element.range], into: state.scratch) else { continue }
                if test.matches(state.scratch.view) { return true }
            } else if test.matches(value[element.range]) {
                return true
            }
        }
        return false
    }
}
