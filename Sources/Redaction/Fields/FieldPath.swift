import Bytes

/// Where in a document a value stands: `messages[*].content`, `gen_ai.prompt`, `$.input`.
///
/// It is the end of the way to the value, from any depth, unless it begins with `$`. A key with dots in it (`gen_ai.prompt`,
/// as attributes have) is as good as keys in each other. `[*]` and `*` stand for an element of a list, or for any key.
struct FieldPath: Sendable, Equatable {
    enum Segment: Sendable, Equatable {
        case key([UInt8])
        case any
    }

    let segments: [Segment]
    /// Whether it begins at the root.
    let isAnchored: Bool
    /// Segments as names of metadata have them, with `_` for a dot: nil stands for any word.
    let words: [[UInt8]?]
    /// The last key: where it does not occur, nothing has to be looked at. nil: there is none.
    let literal: String?

    init(_ text: String) throws(RedactionError) {
        func wrong(_ what: String) -> RedactionError { RedactionError("field `\(text)`: \(what)") }
        var rest = Array(text.utf8)
        var isAnchored = false
        if rest.first == UInt8(ascii: "$") {
            isAnchored = true
            rest.removeFirst()
            if rest.first == UInt8(ascii: ".") { rest.removeFirst() }
        }
        var segments: [Segment] = []
        var at = 0
        while at < rest.count {
            if rest[at] == UInt8(ascii: "[") {
                guard at + 2 < rest.count, rest[at + 1] == UInt8(ascii: "*"), rest[at + 2] == UInt8(ascii: "]") else {
                    throw wrong("in brackets stands `*`, for every element")
                }
                segments.append(.any)
                at += 3
                if at < rest.count, rest[at] == UInt8(ascii: ".") { at += 1 }
                continue
            }
            let end = rest[at...].firstIndex { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "[") } ?? rest.count
            guard end > at else { throw wrong("a key is empty") }
            let key = Array(rest[at..<end])
            segments.append(key == [UInt8(ascii: "*")] ? .any : .key(key))
            at = end
            if at < rest.count, rest[at] == UInt8(ascii: ".") {
                at += 1
                guard at < rest.count else { throw wrong("a key is empty") }
            }
        }
        guard !segments.isEmpty else { throw wrong("it names nothing") }
        self.segments = segments
        self.isAnchored = isAnchored
        words = segments.flatMap { segment -> [[UInt8]?] in
            guard case .key(let key) = segment else { return [nil] }
            return key.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false).map { Array($0) }
        }
        let last = segments.lazy.reversed().compactMap { segment -> String? in
            guard case .key(let key) = segment else { return nil }
            return String(decoding: key, as: UTF8.self)
        }
        literal = last.first { _ in true }
    }

    /// Whether a label or a pair of metadata has this name: `gen_ai_prompt`, `gen_ai.prompt`.
    func isName(_ name: ByteView) -> Bool {
        var start = 0
        for (index, word) in words.enumerated() {
            var end = start
            while end < name.count, name[end] != UInt8(ascii: "_"), name[end] != UInt8(ascii: ".") { end += 1 }
            if let word, !word.withView({ $0 == name[start..<end] }) { return false }
            if index == words.count - 1 { return end == name.count }
            guard end < name.count else { return false }
            start = end + 1
        }
        return false
    }
}
