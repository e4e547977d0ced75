import Bytes
import LogModel

/// The selector of a `match` stage: conditions on labels, whose answer is remembered for each label set, and conditions
/// on the line.
struct MatchOperation: Sendable {
    enum LineCondition: Sendable {
        case contains(ByteString, negated: Bool)
        case matches(CompiledRegex, negated: Bool)

        func holds(_ line: ByteView) -> Bool {
            switch self {
            case .contains(let text, let negated): text.withView { line.contains($0) } != negated
            case .matches(let regex, let negated): regex.matches(line) != negated
            }
        }
    }

    var matchers: [LabelMatcher]
    var lineConditions: [LineCondition]

    func matches(_ line: ByteView) -> Bool {
        for condition in lineConditions where !condition.holds(line) { return false }
        return true
    }
}

/// Answers that depend on nothing but a label set.
struct LabelAnswers {
    /// 0: not asked yet; 1: no; 2: yes.
    private var answers: [UInt8] = []

    mutating func answer(_ set: Int, _ sets: LabelSets, _ ask: (Labels) -> Bool) -> Bool {
        if set >= answers.count {
            answers.append(contentsOf: [UInt8](repeating: 0, count: max(sets.sets.count, set + 1) - answers.count))
        }
        if answers[set] == 0 { answers[set] = ask(sets.sets[set]) ? 2 : 1 }
        return answers[set] == 2
    }

    mutating func reset() { answers.removeAll(keepingCapacity: true) }
}
