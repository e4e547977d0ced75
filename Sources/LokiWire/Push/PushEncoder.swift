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
        var seconds = timestamp / 1_000_000_000
        var nanoseconds = timestamp % 1_000_000_000
        if nanoseconds < 0 {
            nanoseconds += 1_000_000_000
            seconds -= 1
        }
        let secondsWire = UInt64(bitPattern: seconds)
        let timeSize =
            (seconds == 0 ? 0 : 1 + Self.size(secondsWire)) + (nanoseconds == 0 ? 0 : 1 + Self.size(UInt64(nanoseconds)))
        var size = 1 + Self.size(UInt64(timeSize)) + timeSize + Self.fieldSize(line.count)
        for pair in metadata.pairs { size += Self.fieldSize(Self.pairSize(pair)) }

        stream.append(0x12)
        stream.append(varint: UInt64(size))
        stream.append(0x0A)
        stream.append(varint: UInt64(timeSize))
        if seconds != 0 {
            stream.append(0x08)
            stream.append(varint: secondsWire)
        }
        if nanoseconds != 0 {
            stream.append(0x10)
            stream.append(varint: UInt64(nanoseconds))
        }
        stream.append(0x12)
        stream.append(prefixed: line)
        for pair in metadata.pairs {
            stream.append(0x1A)
            stream.append(varint: UInt64(Self.pairSize(pair)))
            stream.append(0x0A)
            stream.append(prefixed: pair.name)
            stream.append(0x12)
            stream.append(prefixed: pair.value)
        }
    }

    /// Adds all rows of a batch, a stream after the other, rows in their order. O(rows).
    package func add(_ batch: WriteBatch) {
        // Counting sort by stream: stable, and one pass over the lines.
        var starts = [Int](repeating: 0, count: batch.streams.count + 1)
        for row in batch.rows { starts[Int(row.stream) + 1] += 1 }
        for i in 1..<max(starts.count, 1) { starts[i] += starts[i - 1] }
        var order = [Int](repeating: 0, count: batch.rows.count)
        var next = starts
        for (i, row) in batch.rows.enumerated() {
            order[next[Int(row.stream)]] = i
            next[Int(row.stream)] += 1
        }
        batch.bytes.withView { bytes in
            for number in batch.streams.indices where starts[number] < starts[number + 1] {
                begin(stream: batch.streams[number])
                for i in order[starts[number]..<starts[number + 1]] {
                    let row = batch.rows[i]
                    entry(
                        timestamp: row.timestamp, line: bytes[Int(row.start)..<Int(row.start) + Int(row.length)],
                        metadata: batch.metadata[Int(row.metadata)])
                }
            }
        }
        finishStream()
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
