import Bytes
import LogModel

/// A set of stream numbers.
struct StreamSet: Sendable {
    private(set) var words: [UInt64]

    init(capacity: Int) { words = [UInt64](repeating: 0, count: (capacity + 63) / 64) }

    func contains(_ stream: UInt32) -> Bool {
        let at = Int(stream >> 6)
        return at < words.count && words[at] >> UInt64(stream & 63) & 1 == 1
    }

    mutating func insert(_ stream: UInt32) {
        let at = Int(stream >> 6)
        if at < words.count { words[at] |= 1 << UInt64(stream & 63) }
    }

    mutating func insert(_ streams: [UInt32]) { for stream in streams { insert(stream) } }

    mutating func formIntersection(_ other: StreamSet) {
        for i in words.indices { words[i] &= i < other.words.count ? other.words[i] : 0 }
    }

    mutating func subtract(_ other: StreamSet) {
        for i in 0..<min(words.count, other.words.count) { words[i] &= ~other.words[i] }
    }

    var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
}

/// Label name → value → numbers of the streams that have it. One tenant's.
struct LabelIndex: Sendable {
    private var names: [ByteString: [ByteString: [UInt32]]] = [:]
    private var streams: [UInt32] = []

    mutating func add(_ stream: UInt32, _ labels: Labels) {
        streams.append(stream)
        for pair in labels.pairs { names[pair.name, default: [:]][pair.value, default: []].append(stream) }
    }

    /// Streams that satisfy all matchers: each matcher looks at each distinct value of its label once.
    func match(_ matchers: [LabelMatcher], capacity: Int) -> StreamSet {
        var result = StreamSet(capacity: capacity)
        result.insert(streams)
        for matcher in matchers {
            let values = names[matcher.name] ?? [:]
            if matcher.matchesEmpty {
                // Streams without the label pass: take away those whose value fails.
                var failing = StreamSet(capacity: capacity)
                for (value, holders) in values where !matcher.matches(value) { failing.insert(holders) }
                result.subtract(failing)
            } else {
                var passing = StreamSet(capacity: capacity)
                if matcher.op == .equal {
                    passing.insert(values[matcher.value] ?? [])
                } else {
                    for (value, holders) in values where matcher.matches(value) { passing.insert(holders) }
                }
                result.formIntersection(passing)
            }
            if result.isEmpty { break }
        }
        return result
    }
}
