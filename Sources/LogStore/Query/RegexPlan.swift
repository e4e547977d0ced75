import Bytes
import LogModel

/// Which columns of a template a match of a regex may lie in, each with the text around it that the match may reach into.
///
/// Where every literal between two values holds a byte that no match can hold, a match lies in one value and the ends of
/// its neighbours – or in a literal, and then every row has it. So the regex is asked of each value between these ends,
/// and the answer is that of the line. O(bytes of the template).
struct RegexPlan {
    struct Window: Hashable {
        var column: Int
        var before: ByteString
        var after: ByteString

        /// Whether a needle could begin or end outside of the value.
        func reaches(_ needle: ByteString) -> Bool {
            needle.withView { needle in
                before.withView { before in
                    before.contains(needle)
                        || (1...needle.count).contains { before.hasSuffix(needle.prefix($0)) }
                } || after.withView { after in
                    after.contains(needle)
                        || (0..<needle.count).contains { after.hasPrefix(needle.suffix(from: $0)) }
                }
            }
        }
    }

    /// Every row matches.
    private(set) var isAlways = false
    private(set) var windows: [Window] = []

    /// nil where a match may reach from one value into another.
    init?(_ pattern: LineRegex, _ pieces: [LineTemplates.Piece], _ templates: LineTemplates) {
        guard let alphabet = pattern.alphabet else { return nil }
        for (number, piece) in pieces.enumerated() {
            let literal = templates.literal(piece)
            if pattern.regex.matches(literal) { isAlways = true }
            let isBetween = number > 0 && piece.column != nil
            if isBetween, literal.allSatisfy({ alphabet.contains($0) }) { return nil }
            guard let column = piece.column else { continue }
            let following = number + 1 < pieces.count ? templates.literal(pieces[number + 1]) : ByteView()
            let start = literal.indices.last { !alphabet.contains(literal[$0]) }.map { $0 + 1 } ?? 0
            let end = following.indices.first { !alphabet.contains(following[$0]) } ?? following.count
            windows.append(
                Window(
                    column: column,
                    before: ByteString(literal.suffix(from: start)),
                    after: ByteString(following.prefix(end))
                )
            )
        }
    }
}
