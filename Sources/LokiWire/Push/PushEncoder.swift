import Bytes
import LogModel

/// Writes `logproto.PushRequest` for the push endpoint of any Loki-compatible server: add streams and their entries, then
/// take the snappy block. Reuse one for many requests; not thread-safe.
package final class PushEncoder {
    private let request = ByteArena(capacity: 1 << 16)
    private let stream = ByteArena(capacity: 1 << 16)
    private let text = ByteArena()

    package init() {}

    /// Bytes of finished streams, before compression.
    package var count: Int { request.count }
    package var isEmpty: Bool { request.isEmpty && stream.isEmpty }

    /// Begins a stream; entries that follow belong to it.
    package func begin(stream labels: Labels) {
        finishStream()
        text.reset()
        LabelText.write(labels, into: text)
        stream.append(0x0A)
        stream.append(prefixed: text.view)
    }

    /// Adds an entry to the stream begun last. `timestamp` in nanoseconds.
    package func entry(timestamp: Int64, line: ByteView, metadata: Labels = Labels()) {
        Self.write(timestamp, line, metadata, size: Self.size(timestamp, line.count, metadata), into: stream)
    }

    /// Seconds and the nanoseconds behind them, never negative.
    private static func split(_ timestamp: Int64) -> (seconds: UInt64, nanoseconds: UInt64) {
        var (seconds, nanoseconds) = timestamp.quotientAndRemainder(dividingBy: 1_000_000_000)
        if nanoseconds < 0 {
            nanoseconds += 1_000_000_000
            seconds -= 1
        }
        return (UInt64(bitPattern: seconds), UInt64(nanoseconds))
    }

    private static func timeSize(_ seconds: UInt64, _ nanoseconds: UInt64) -> Int {
        (seconds == 0 ? 0 : 1 + size(seconds)) + (nanoseconds == 0 ? 0 : 1 + size(nanoseconds))
    }

    /// Bytes of an entry's message, without its tag and length.
    private static func size(_ timestamp: Int64, _ length: Int, _ metadata: Labels) -> Int {
        let (seconds, nanoseconds) = split(timestamp)
        var total = 2 + timeSize(seconds, nanoseconds) + fieldSize(length)
        for pair in metadata.pairs { total += fieldSize(pairSize(pair)) }
        return total
    }

    /// An entry with its tag and length. `size`: of its message.
    private static func write(_ timestamp: Int64, _ line: ByteView, _ metadata: Labels, size: Int, into out: ByteArena) {
        let (seconds, nanoseconds) = split(timestamp)
        out.append(0x12)
        out.append(varint: UInt64(size))
        out.append(0x0A)
        out.append(varint: UInt64(timeSize(seconds, nanoseconds)))
        if seconds != 0 {
            out.append(0x08)
            out.append(varint: seconds)
        }
        if nanoseconds != 0 {
            out.append(0x10)
            out.append(varint: nanoseconds)
        }
        out.append(0x12)
        out.append(prefixed: line)
        for pair in metadata.pairs {
            out.append(0x1A)
            out.append(varint: UInt64(pairSize(pair)))
            out.append(0x0A)
            out.append(prefixed: pair.name)
            out.append(0x12)
            out.append(prefixed: pair.value)
        }
    }

    /// Adds all rows of a batch, a stream after the other, rows in their order. `relabel`: what a stream's labels become.
    /// O(rows).
    ///
    /// Sizes first, so that every line is copied once: a message stands behind its length.
    package func add(_ batch: WriteBatch, relabel: (Labels) -> Labels = { $0 }) {
        finishStream()
        // Counting sort by stream: stable, and one pass over the lines.
        var starts = [Int](repeating: 0, count: batch.streams.count + 1)
        for row in batch.rows { starts[Int(row.stream) + 1] += 1 }
        for i in 1..<max(starts.count, 1) { starts[i] += starts[i - 1] }
        var order = [Int](repeating: 0, count: batch.rows.count)
        var sizes = [Int](repeating: 0, count: batch.rows.count)
        var next = starts
        for (i, row) in batch.rows.enumerated() {
            order[next[Int(row.stream)]] = i
            next[Int(row.stream)] += 1
        }
        batch.bytes.withView { bytes in
            for number in batch.streams.indices where starts[number] < starts[number + 1] {
                text.reset()
                LabelText.write(relabel(batch.streams[number]), into: text)
                let own = order[starts[number]..<starts[number + 1]]
                var total = Self.fieldSize(text.count)
                for i in own {
                    let row = batch.rows[i]
                    let size = Self.size(row.timestamp, Int(row.length), batch.metadata[Int(row.metadata)])
                    sizes[i] = size
                    total += Self.fieldSize(size)
                }
                request.reserve(total + 16)
                request.append(0x0A)
                request.append(varint: UInt64(total))
                request.append(0x0A)
                request.append(prefixed: text.view)
                for i in own {
                    let row = batch.rows[i]
                    Self.write(
                        row.timestamp, bytes[Int(row.start)..<Int(row.start) + Int(row.length)],
                        batch.metadata[Int(row.metadata)], size: sizes[i], into: request)
                }
            }
        }
    }

    /// Appends the request as a snappy block to `out` and starts anew.
    package func finish(into out: ByteArena) {
        finishStream()
        Compressor.snappy(request.view, into: out)
        request.reset()
    }

    /// Appends the request without compression and starts anew.
    package func finishPlain(into out: ByteArena) {
        finishStream()
        out.append(request.view)
        request.reset()
    }

    private func finishStream() {
        guard !stream.isEmpty else { return }
        request.append(0x0A)
        request.append(prefixed: stream.view)
        stream.reset()
    }

    private static func pairSize(_ pair: Label) -> Int { fieldSize(pair.name.count) + fieldSize(pair.value.count) }

    /// A field with a number below 16: tag, length, bytes.
    private static func fieldSize(_ length: Int) -> Int { 1 + size(UInt64(length)) + length }

    /// Bytes of a varint.
    private static func size(_ value: UInt64) -> Int { max(1, (64 - value.leadingZeroBitCount + 6) / 7) }
}
