import Bytes
import LogStages

/// Promtail's `replace` with a fixed replacement: the text of every capture group of every match is exchanged. Groups
/// inside replaced groups go with them; an expression without groups changes nothing.
struct ReplaceOperation: Sendable {
    var regex: CompiledRegex
    var replacement: ByteString
    /// Nil: the line.
    var source: Int?
    /// Group number and slot of named groups, which take the replacement.
    var named: [(group: Int, slot: Int)]

    func run(_ state: inout EntryState, groups: inout [Range<Int>?]) {
        guard let origin = state.source(source) else { return }
        let text = state.stableView(origin)
        let start = state.scratch.count
        var copied = 0
        var from = 0
        var changed = false
        var taken: [Int] = []
        while from <= text.count, regex.firstMatch(in: text, from: from, groups: &groups), let whole = groups[0] {
            for group in 1..<max(1, groups.count) {
                guard let range = groups[group], range.lowerBound >= copied else { continue }
                if range.isEmpty && replacement.isEmpty { continue }
                state.scratch.append(text[copied..<range.lowerBound])
                state.scratch.append(replacement)
                copied = range.upperBound
                changed = true
                if !taken.contains(group) { taken.append(group) }
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
        for target in named where taken.contains(target.group) {
            let value = replacement.withView { state.store($0) }
            state.slots[target.slot] = ExtractedValue(.text, value)
        }
    }
}
