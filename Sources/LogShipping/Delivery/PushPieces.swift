import Bytes
import LogModel
import LokiWire
import NIOCore

/// A push request taken apart into its entries, so that parts of it can be sent: a batch that was refused is halved until
/// what is wrong stands alone. Made only then; what is kept meanwhile is the compressed request.
struct PushPieces {
    private struct Entry {
        /// Which of `labels`.
        var stream: Int
        /// Tag, length and message.
        var whole: Range<Int>
        var message: Range<Int>
    }

    private let plain: ByteArena
    private var labels: [Range<Int>] = []
    private var entries: [Entry] = []

    /// A request that grew beyond this is not ours, bytes.
    private static let sizeMax = 1 << 30

    /// nil for what is no push request.
    init?(_ body: ByteBuffer) {
        plain = ByteArena(capacity: body.readableBytes * 4)
        do {
            let out = plain
            try body.withUnsafeReadableBytes {
                try CappedReader.snappy(ByteView(unsafe: $0), limit: Self.sizeMax, into: out)
            }
            try scan()
        } catch { return nil }
    }

    var count: Int { entries.count }

    /// Where to cut `range`, which has two entries at least: between two streams, as near to the middle as may be, or where
    /// there is only one stream in its middle.
    func cut(_ range: Range<Int>) -> Int {
        let middle = range.lowerBound + range.count / 2
        guard !isOneStream(range) else { return middle }
        var low = middle
        while low > range.lowerBound, entries[low].stream == entries[low - 1].stream { low -= 1 }
        var high = middle
        while high < range.upperBound, entries[high].stream == entries[high - 1].stream { high += 1 }
        if low == range.lowerBound { return high }
        return high == range.upperBound || middle - low <= high - middle ? low : high
    }

    func isOneStream(_ range: Range<Int>) -> Bool {
        entries[range.lowerBound].stream == entries[range.upperBound - 1].stream
    }

    func stream(at index: Int) -> Int { entries[index].stream }

    /// The request with these entries alone, as a snappy block.
    func body(_ range: Range<Int>) -> ByteBuffer {
        let request = ByteArena(capacity: 1 << 16)
        let stream = ByteArena(capacity: 1 << 16)
        var i = range.lowerBound
        while i < range.upperBound {
            let number = entries[i].stream
            stream.reset()
            stream.append(0x0A)
            stream.append(prefixed: plain[labels[number]])
            while i < range.upperBound, entries[i].stream == number {
                stream.append(plain[entries[i].whole])
                i += 1
            }
            request.append(0x0A)
            request.append(prefixed: stream.view)
        }
        let packed = ByteArena(capacity: request.count / 2)
        Compressor.snappy(request.view, into: packed)
        return withExtendedLifetime(packed) { packed.view.withUnsafeBytes { ByteBuffer(bytes: $0) } }
    }

    /// One entry as dead letters show it: labels, time, line, metadata.
    func letter(_ index: Int) -> (labels: Labels, time: Int64, line: ByteView, metadata: [Label]) {
        let entry = entries[index]
        let text = plain[labels[entry.stream]]
        let set = (try? LabelText.parse(text)) ?? Labels([Label("labels", ByteString(text))])
        var time: Int64 = 0
        var line = ByteView()
        var metadata: [Label] = []
        var reader = ByteReader(plain[entry.message])
        while let field = try? Self.field(&reader) {
            switch field.number {
            case 1:
                var parts = ByteReader(field.bytes)
                while !parts.isAtEnd, let tag = try? parts.varint(), let value = try? parts.varint() {
                    if tag >> 3 == 1 { time &+= Int64(bitPattern: value) &* 1_000_000_000 }
                    if tag >> 3 == 2 { time &+= Int64(bitPattern: value) }
                }
            case 2: line = field.bytes
            case 3:
                var pair = ByteReader(field.bytes)
                var label = Label("", "")
                while let part = try? Self.field(&pair) {
                    if part.number == 1 { label.name = ByteString(part.bytes) }
                    if part.number == 2 { label.value = ByteString(part.bytes) }
                }
                metadata.append(label)
            default: break
            }
        }
        return (set, time, line, metadata)
    }

    // MARK: Reading

    private mutating func scan() throws(DecodeError) {
        var reader = ByteReader(plain.view)
        while !reader.isAtEnd {
            let stream = try Self.field(&reader)
            guard stream.number == 1 else { continue }
            let start = reader.offset - stream.bytes.count
            let number = labels.count
            labels.append(start..<start)
            var inner = ByteReader(stream.bytes)
            while !inner.isAtEnd {
                let before = inner.offset
                let field = try Self.field(&inner)
                let end = start + inner.offset
                let message = end - field.bytes.count..<end
                if field.number == 1 { labels[number] = message }
                if field.number == 2 {
                    entries.append(Entry(stream: number, whole: start + before..<end, message: message))
                }
            }
        }
    }

    /// A field with a length in front, the only kind that these messages have but for times.
    private static func field(_ reader: inout ByteReader) throws(DecodeError) -> (number: Int, bytes: ByteView) {
        let tag = try reader.varint()
        guard tag & 7 == 2, tag >> 3 < 1 << 20 else { throw DecodeError("no field with a length", at: reader.offset) }
        return (Int(tag >> 3), try reader.prefixed())
    }
}
