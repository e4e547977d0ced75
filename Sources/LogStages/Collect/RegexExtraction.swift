import Bytes

/// Promtail's `regex` stage: named groups of the first match into the extracted map. A group that took no part is the
/// empty text; without a match nothing changes.
package struct RegexExtraction: Sendable {
    private let regex: CompiledRegex
    /// Group number and slot.
    private let targets: [(group: Int, slot: Int)]
    private let source: Int?

    /// `slot` gives the slot of a name.
    package init(_ regex: CompiledRegex, source: Int?, slot: (String) -> Int) {
        self.regex = regex
        self.source = source
        var targets: [(group: Int, slot: Int)] = []
        for (index, name) in regex.groupNames.enumerated() {
            if let name { targets.append((index + 1, slot(name))) }
        }
        self.targets = targets
    }

    /// Whether it extracts anything at all.
    package var isUseful: Bool { !targets.isEmpty }

    /// `groups` is memory that the caller keeps.
    package func run(_ state: inout EntryState, groups: inout [Range<Int>?]) {
        guard let origin = state.source(source) else { return }
        guard regex.firstMatch(in: state.view(origin), groups: &groups) else { return }
        for target in targets {
            guard target.group < groups.count, let range = groups[target.group] else {
                state.slots[target.slot] = ExtractedValue(.text, .empty)
                continue
            }
            state.slots[target.slot] = ExtractedValue(.text, origin.part(range))
        }
    }
}
