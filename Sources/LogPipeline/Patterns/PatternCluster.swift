import Bytes

/// Lines of one shape: what they have in common, and how many there were when.
struct PatternCluster {
    /// By token: 0 where lines differ.
    private(set) var hashes: [UInt64]
    private let isWord: [Bool]
    /// The first line's text and the ends of its tokens: where no gap is, all lines have the same.
    private let text: [UInt8]
    private let ends: [UInt16]
    private let hasHead: Bool
    private let hasTail: Bool
    private var samples = PatternSamples()

    init(_ tokens: PatternTokens) {
        hashes = tokens.tokens.map(\.hash)
        isWord = tokens.tokens.map(\.isWord)
        text = tokens.text.copy()
        ends = tokens.tokens.map { UInt16(clamping: $0.end) }
        hasHead = tokens.hasHead
        hasTail = tokens.hasTail
    }

    /// How many of the cluster's words a line of the same shape has in the same place, out of how many; nil where the
    /// shapes differ after all.
    func agreement(_ tokens: PatternTokens) -> (same: Int, of: Int)? {
        guard tokens.tokens.count == hashes.count, tokens.hasTail == hasTail, tokens.hasHead == hasHead else { return nil }
        var same = 0
        var words = 0
        for i in hashes.indices {
            if isWord[i] {
                if hashes[i] != 0 {
                    words += 1
                    if tokens.tokens[i].hash == hashes[i] { same += 1 }
                }
            } else if tokens.tokens[i].hash != hashes[i] {
                return nil
            }
        }
        return (same, words)
    }

    /// Words that are not gaps.
    var words: Int { hashes.indices.count { isWord[$0] && hashes[$0] != 0 } }
    var slots: Int { isWord.count { $0 } }

    /// Where the line differs there are gaps from now on.
    mutating func merge(_ tokens: PatternTokens) {
        for i in hashes.indices where isWord[i] && tokens.tokens[i].hash != hashes[i] { hashes[i] = 0 }
    }

    mutating func count(_ lines: Int, at time: Int64) { samples.add(lines, at: time) }
    func forEachSample(_ body: (_ time: Int64, _ count: Int) -> Void) { samples.forEach(body) }
    var last: Int64 { samples.last }

    /// As `|>` takes it: `<_>` for each gap, never two of them side by side.
    var pattern: ByteString {
        var out: [UInt8] = []
        let gap = Array("<_>".utf8)
        var isGap = hasHead
        if hasHead { out += gap }
        var start = 0
        for i in hashes.indices {
            let end = Int(ends[i])
            if hashes[i] != 0 {
                out += text[start..<min(end, text.count)]
                isGap = false
            } else if !isGap {
                out += gap
                isGap = true
            }
            start = end
        }
        if hasTail, !isGap { out += gap }
        return ByteString(out)
    }
}

/// Lines a stretch of time, in 8 bytes each: ten seconds for the last hour, a minute before that.
struct PatternSamples {
    private struct Sample {
        /// Tens of seconds since 1970: enough until the year 3330.
        var slot: UInt32
        var count: UInt32
    }

    /// Nanoseconds.
    static let slotSpan: Int64 = 10_000_000_000
    private static let fine = 360
    private static let most = 480
    private var samples: [Sample] = []

    mutating func add(_ lines: Int, at time: Int64) {
        guard time >= 0, let slot = UInt32(exactly: time / Self.slotSpan) else { return }
        var i = samples.count
        while i > 0, samples[i - 1].slot > slot { i -= 1 }
        if i > 0, samples[i - 1].slot == slot {
            samples[i - 1].count = UInt32(clamping: Int(samples[i - 1].count) + lines)
        } else {
            samples.insert(Sample(slot: slot, count: UInt32(clamping: lines)), at: i)
            if samples.count > Self.most { fold() }
        }
    }

    /// Minutes out of what is oldest; where that is not enough, the oldest of all goes.
    private mutating func fold() {
        var folded: [Sample] = []
        for sample in samples.dropLast(Self.fine) {
            let minute = sample.slot - sample.slot % 6
            if let last = folded.last, last.slot == minute {
                folded[folded.count - 1].count = UInt32(clamping: Int(last.count) + Int(sample.count))
            } else {
                folded.append(Sample(slot: minute, count: sample.count))
            }
        }
        samples = folded.suffix(Self.most - Self.fine - 1) + samples.suffix(Self.fine)
    }

    func forEach(_ body: (_ time: Int64, _ count: Int) -> Void) {
        for sample in samples { body(Int64(sample.slot) * Self.slotSpan, Int(sample.count)) }
    }

    var last: Int64 { samples.last.map { Int64($0.slot) * Self.slotSpan } ?? .min }
}
