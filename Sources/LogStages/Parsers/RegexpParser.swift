import Bytes
import LogModel

/// `| regexp "(?P<name>…)"`: the named groups of the first match become labels. A line that does not match is left as it
/// is, without error; a group that took no part gives an empty value.
package struct RegexpParser: Sendable {
    private let regex: CompiledRegex
    private let names: [(group: Int, name: ByteString)]

    /// Throws `invalid regexp parser: …` for a faulty regex, one without named groups, and a name given twice.
    package init(_ pattern: ByteString) throws(StageError) {
        do throws(StageError) { (regex, names) = try Self.compile(pattern) } catch {
            throw StageError("invalid regexp parser: \(error.message)")
        }
    }

    private static func compile(
        _ pattern: ByteString
    ) throws(StageError) -> (CompiledRegex, [(group: Int, name: ByteString)]) {
        let regex = try CompiledRegex.stage(pattern.string)
        var names: [(group: Int, name: ByteString)] = []
        for (i, name) in regex.groupNames.enumerated() {
            guard let name else { continue }
            let arena = ByteArena()
            name.withView { LabelSanitizer.append($0, to: arena, leading: true) }
            let label = ByteString(arena.view)
            if label.isEmpty { continue }
            if names.contains(where: { $0.name == label }) {
                throw StageError("duplicate extracted label name '\(name)'")
            }
            names.append((i + 1, label))
        }
        guard !names.isEmpty else { throw StageError("at least one named capture must be supplied") }
        return (regex, names)
    }

    func process(_ state: inout LineState) -> Bool {
        if state.isSatisfied { return true }
        guard regex.firstMatch(in: state.line, groups: &state.groups) else { return true }
        for (group, name) in names {
            guard case .granted(let slot) = name.withView({ state.admit($0) }) else { continue }
            let line = state.line
            let value = group < state.groups.count ? state.groups[group].map { line[$0] } : nil
            state.setParsed(slot, value ?? line[0..<0])
            if state.isDone { break }
        }
        return !state.isRejected
    }
}
