import Bytes
import LogModel

/// The pattern of `|>` and `!>`: literals with gaps `<_>` that may not be empty. No backtracking: each literal is taken
/// where it stands first.
package struct GapPattern: Sendable, Equatable {
    /// Literals; nil is a gap.
    package let parts: [ByteString?]

    /// Throws for named captures and for gaps without a literal between them.
    package init(_ text: ByteString) throws(StageError) {
        var parts: [ByteString?] = []
        for part in try PatternSyntax.parse(text, allowsEmpty: true) {
            switch part {
            case .literal(let bytes): parts.append(bytes)
            case .capture(let name):
                guard name == "_" else { throw StageError("named captures are not allowed: found '<\(name)>'") }
                if let last = parts.last, last == nil {
                    throw StageError("found consecutive capture '<_><_>': invalid expression")
                }
                parts.append(nil)
            }
        }
        self.parts = parts
    }

    package func matches(_ line: ByteView) -> Bool {
        guard let last = parts.last else { return line.isEmpty }
        if line.isEmpty { return false }
        var offset = 0
        for i in parts.indices {
            guard let literal = parts[i] else { continue }
            guard let at = literal.withView({ line.firstRange(of: $0, from: offset) }) else { return false }
            if i > 0, at == offset { return false }
            offset = at + literal.count
        }
        return last == nil ? offset < line.count : offset == line.count
    }
}
