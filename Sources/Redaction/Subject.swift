import Bytes

/// The text that detectors read: decoded as deep as its escapes go, with the way back to the raw bytes.
struct Subject {
    let text: ByteView
    let raw: ByteView
    let levels: [DecodedText]
    /// How many of `levels` lie between `raw` and `text`.
    let depth: Int
    /// Whether it is so long that whoever wrote it may have cut it, wherever its bytes ran out.
    var mayBeCut = false

    /// A text without escapes.
    init(_ text: ByteView) {
        self.init(text: text, raw: text, levels: [], depth: 0)
    }

    init(text: ByteView, raw: ByteView, levels: [DecodedText], depth: Int) {
        self.text = text
        self.raw = raw
        self.levels = levels
        self.depth = depth
    }

    func rawOffset(_ offset: Int, roundingUp: Bool = false) -> Int {
        var at = offset
        var level = depth
        while level > 0 {
            level -= 1
            at = levels[level].raw(at, roundingUp: roundingUp)
        }
        return at
    }

    /// How many raw bytes stand for the byte at `offset`. A quote and the one that closes it have the same width,
    /// which tells `"` from `\"` from `\\\"`.
    func width(_ offset: Int) -> Int { depth == 0 ? 1 : rawOffset(offset + 1) - rawOffset(offset) }

    /// Whether the byte was written as `%HH`: then it is part of a URL's value, whatever it stands for.
    func isPercentEscaped(_ offset: Int) -> Bool {
        depth > 0 && raw.at(rawOffset(offset)) == UInt8(ascii: "%") && width(offset) > 1
    }
}
