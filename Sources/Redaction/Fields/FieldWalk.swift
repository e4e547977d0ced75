import Bytes

/// Working memory of `Redactor.walkFields`: documents in documents, and the way to the value at hand.
struct FieldWalk {
    /// Documents in strings of documents, so deep.
    static let levelsMax = 3

    /// A step of the way: a key, or an element of a list.
    struct Step {
        var level: Int
        /// Of the key in the text of its level; empty for an element.
        var range: Range<Int>
        /// Of the key without its escapes in `keys`, where it has any.
        var decoded: Range<Int>?

        var isElement: Bool { range.isEmpty }
    }

    var cursors = (0...FieldWalk.levelsMax).map { _ in JSONCursor() }
    /// The text of level n + 1 is what `levels[n]` decoded.
    let levels = (0..<FieldWalk.levelsMax).map { _ in DecodedText() }
    /// Where, in the text of its level, the document begins, and where the string begins that holds the next level.
    var documents = [Int](repeating: 0, count: FieldWalk.levelsMax + 1)
    var strings = [Int](repeating: 0, count: FieldWalk.levelsMax + 1)
    var steps: [Step] = []
    let keys = ByteArena(capacity: 256)
    let value = ByteArena(capacity: 256)

    func text(_ level: Int, _ line: ByteView) -> ByteView { level == 0 ? line : levels[level - 1].view }

    /// Where an offset into the text of a level lies in the line.
    func rawOffset(_ offset: Int, _ level: Int) -> Int {
        var at = offset
        var level = level
        while level > 0 {
            level -= 1
            at = strings[level] + levels[level].raw(at)
        }
        return at
    }

    /// Whether the way ends as `path` says.
    func matches(_ path: FieldPath, _ line: ByteView) -> Bool {
        var step = steps.count - 1
        // What of the current key is not yet compared.
        var rest: ByteView?
        for segment in path.segments.reversed() {
            guard step >= 0 else { return false }
            if rest == nil, steps[step].isElement {
                guard segment == .any else { return false }
                step -= 1
                continue
            }
            let key = rest ?? key(steps[step], line)
            var start = key.count
            while start > 0, key[start - 1] != UInt8(ascii: ".") { start -= 1 }
            if case .key(let wanted) = segment, !wanted.withView({ key.suffix(from: start) == $0 }) { return false }
            if start == 0 {
                rest = nil
                step -= 1
            } else {
                rest = key.prefix(start - 1)
            }
        }
        return !path.isAnchored || (rest == nil && step < 0)
    }

    func key(_ step: Step, _ line: ByteView) -> ByteView {
        step.decoded.map { keys[$0] } ?? text(step.level, line)[step.range]
    }

    mutating func begin() {
        steps.removeAll(keepingCapacity: true)
        if !keys.isEmpty { keys.reset() }
    }

    func trim() { for level in levels { level.trim() } }
}
