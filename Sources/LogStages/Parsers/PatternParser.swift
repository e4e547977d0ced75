import Bytes

/// `| pattern "<ip> - <_> [<time>]"`: literals and captures in turn. Never an error.
///
/// A literal at the start must stand at the start of the line. A capture reaches to the first occurrence of the literal
/// behind it and may be empty; where that literal is missing it takes the rest, and later captures are not set.
package struct PatternParser: Sendable {
    private enum Part: Sendable {
        case literal(ByteString)
        case capture(ByteString)
        case gap
    }

    private let parts: [Part]

    /// Throws for a pattern without named captures, with two captures side by side, or a name given twice.
    package init(_ pattern: ByteString) throws(StageError) {
        do throws(StageError) {
            var parts: [Part] = []
            var names: Set<ByteString> = []
            var before: ByteString?
            for part in try PatternSyntax.parse(pattern, allowsEmpty: false) {
                switch part {
                case .literal(let text):
                    parts.append(.literal(text))
                    before = nil
                case .capture(let name):
                    if let before {
                        throw StageError("found consecutive capture '<\(before)><\(name)>': invalid expression")
                    }
                    before = name
                    if name == "_" {
                        parts.append(.gap)
                    } else {
                        guard names.insert(name).inserted else {
                            throw StageError("duplicate capture name (\(name)): invalid expression")
                        }
                        parts.append(.capture(name))
                    }
                }
            }
            guard !names.isEmpty else { throw StageError("at least one capture is required") }
            self.parts = parts
        } catch {
            throw StageError("invalid pattern parser: \(error.message)")
        }
    }

    func process(_ state: inout LineState) -> Bool {
        if state.isSatisfied { return true }
        var at = 0
        if case .literal(let text) = parts[0] {
            guard text.withView({ state.line.hasPrefix($0) }) else { return true }
            at = text.count
        } else if state.line.isEmpty {
            return true
        }
        for i in parts.indices {
            if case .literal = parts[i] { continue }
            let line = state.line
            var end = line.count
            var next = line.count
            var isLast = true
            if i + 1 < parts.count, case .literal(let text) = parts[i + 1],
                let hit = text.withView({ line.firstRange(of: $0, from: at) })
            {
                end = hit
                next = hit + text.count
                isLast = false
            }
            if case .capture(let name) = parts[i] {
                if case .granted(let slot) = name.withView({ state.admit($0) }) {
                    state.setParsed(slot, state.line[at..<end])
                    if state.isDone { return !state.isRejected }
                }
            }
            if isLast { return true }
            at = next
        }
        return true
    }
}
