import Bytes
import LogStages

/// Promtail's `replace`: the text of every capture group of every match is exchanged. Groups inside replaced groups go
/// with them; an expression without groups changes nothing.
struct ReplaceOperation: Sendable {
    enum Replacement: Sendable {
        case text(ByteString)
        /// Runs with the group's text as `.Value`. Where it fails the text goes: this stage is used to hide things.
        case template(TemplateOperation)
    }

    var regex: CompiledRegex
    var replacement: Replacement
    /// Nil: the line.
    var source: Int?
    /// Group number and slot of named groups, which take the replacement.
    var named: [(group: Int, slot: Int)]

    /// `made` is memory that the caller keeps.
    func run(_ state: inout EntryState, groups: inout [Range<Int>?], _ made: ByteArena) {
        guard let origin = state.source(source) else { return }
        let text = state.stableView(origin)
        let start = state.scratch.count
        var copied = 0
        var from = 0
        var changed = false
        var taken: [(group: Int, text: ByteString)] = []
        while from <= text.count, regex.firstMatch(in: text, from: from, groups: &groups), let whole = groups[0] {
            for group in 1..<max(1, groups.count) {
                guard let range = groups[group], range.lowerBound >= copied else { continue }
                made.reset()
                switch replacement {
                case .text(let text): made.append(text)
                case .template(let template):
                    if !template.run(state, value: text[range], withEntry: false, into: made) { made.reset() }
                }
                if range.isEmpty && made.isEmpty { continue }
                state.scratch.append(text[copied..<range.lowerBound])
                state.scratch.append(made.view)
                copied = range.upperBound
                changed = true
                if named.contains(where: { $0.group == group }) { taken.append((group, ByteString(made.view))) }
            }
            from = whole.isEmpty ? whole.upperBound + 1 : whole.upperBound
        }
        guard changed else {
            state.scratch.truncate(to: start)
            return
        }
        state.scratch.append(text.suffix(from: copied))
        let result = state.stored(since: start)
        if let source {
            state.slots[source] = ExtractedValue(.text, result)
        } else {
            state.line = result
        }
        for target in named {
            guard let last = taken.last(where: { $0.group == target.group }) else { continue }
            let value = last.text.withView { state.store($0) }
            state.slots[target.slot] = ExtractedValue(.text, value)
        }
    }
}
