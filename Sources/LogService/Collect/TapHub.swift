import Bytes
import LogModel
import NIOCore
import Synchronization

/// Lines of a collector as they leave, for whoever looks on: behind stages, redaction and limits.
///
/// Without anyone looking a batch costs one load of an atomic. A reader that is slow misses lines, and is told how many; nobody waits
/// for it.
final class TapHub: Sendable {
    private struct Tap {
        var job: String?
        var continuation: AsyncStream<ByteBuffer>.Continuation
        var missed = 0

        /// False: it is behind.
        func takes(_ piece: ByteBuffer) -> Bool {
            if case .enqueued = continuation.yield(piece) { return true }
            return false
        }
    }

    private let taps = Mutex<[Int: Tap]>([:])
    private let count = Atomic<Int>(0)

    /// Taps at once.
    static let tapsMax = 8
    /// Pieces that wait for a reader, each of so many lines, and bytes of lines, at most.
    private static let piecesMax = 32
    private static let pieceLines = 256
    private static let pieceBytes = 128 << 10
    private static let lineMax = 64 << 10

    var isOpen: Bool { count.load(ordering: .relaxed) > 0 }

    /// Lines of one job, or of all, as JSON objects: `{"ts":…,"job":…,"labels":{…},"metadata":{…},"line":…}`, and `{"missed":N}` where
    /// the reader was slow. nil: there are enough taps.
    func open(job: String?) -> AsyncStream<ByteBuffer>? {
        let (stream, continuation) = AsyncStream<ByteBuffer>.makeStream(bufferingPolicy: .bufferingOldest(Self.piecesMax))
        let number = taps.withLock { taps -> Int? in
            guard taps.count < Self.tapsMax else { return nil }
            let number = (taps.keys.max() ?? 0) + 1
            taps[number] = Tap(job: job, continuation: continuation)
            count.store(taps.count, ordering: .relaxed)
            return number
        }
        guard let number else { return nil }
        continuation.onTermination = { [weak self] _ in self?.close(number) }
        // The answer begins at once, with its head.
        continuation.yield(ByteBuffer(string: "\n"))
        return stream
    }

    private func close(_ number: Int) {
        taps.withLock { taps in
            taps[number] = nil
            count.store(taps.count, ordering: .relaxed)
        }
    }

    /// Ends all of them: the process ends.
    func end() {
        for tap in taps.withLock({ Array($0.values) }) { tap.continuation.finish() }
    }

    /// Lines are encoded outside of the lock, once for all who look on, and no further for one who is behind.
    func publish(_ batch: WriteBatch, job: String) {
        let readers = taps.withLock { taps in taps.filter { $0.value.job == nil || $0.value.job == job } }
        guard !readers.isEmpty else { return }
        let pieces = Self.pieces(of: batch)
        var encoded: [Int: ByteBuffer] = [:]
        for (number, tap) in readers {
            let before = taps.withLock { taps in
                defer { taps[number]?.missed = 0 }
                return taps[number]?.missed ?? 0
            }
            var missed = 0
            if before > 0, !tap.takes(ByteBuffer(string: "{\"missed\":\(before)}\n")) { missed = before + batch.rows.count }
            for (index, rows) in pieces.enumerated() where missed == 0 {
                let piece = encoded[index] ?? Self.encode(batch, batch.rows[rows], job)
                encoded[index] = piece
                if !tap.takes(piece) { missed = batch.rows.count - rows.lowerBound }
            }
            if missed > 0 { taps.withLock { $0[number]?.missed += missed } }
        }
    }

    /// Rows that go together: `pieceLines` at most, and `pieceBytes` of them or one line.
    private static func pieces(of batch: WriteBatch) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var (from, bytes) = (0, 0)
        for (index, row) in batch.rows.enumerated() {
            let length = batch.withLine(row) { min($0.count, lineMax) }
            if index > from, index - from >= pieceLines || bytes + length > pieceBytes {
                pieces.append(from..<index)
                (from, bytes) = (index, 0)
            }
            bytes += length
        }
        if from < batch.rows.count { pieces.append(from..<batch.rows.count) }
        return pieces
    }

    private static func encode(_ batch: WriteBatch, _ rows: ArraySlice<WriteBatch.Row>, _ job: String) -> ByteBuffer {
        let out = ByteArena(capacity: 1 << 14)
        for row in rows {
            var json = TapLine(out)
            batch.withLine(row) { line in
                json.write(
                    row.timestamp, job, batch.streams[Int(row.stream)], batch.metadata[Int(row.metadata)], line.prefix(min(line.count, lineMax)))
            }
        }
        return out.view.withUnsafeBytes { ByteBuffer(bytes: $0) }
    }
}

/// One line of a tap, as JSON.
private struct TapLine {
    private let out: ByteArena

    init(_ out: ByteArena) { self.out = out }

    mutating func write(_ timestamp: Int64, _ job: String, _ labels: Labels, _ metadata: Labels, _ line: ByteView) {
        out.append("{\"ts\":\"\(timestamp)\",\"job\":\"")
        job.withView { JSONText.escape($0, into: out) }
        out.append("\",\"labels\":")
        object(labels)
        if !metadata.isEmpty {
            out.append(",\"metadata\":")
            object(metadata)
        }
        out.append(",\"line\":\"")
        JSONText.escape(line, into: out)
        out.append("\"}\n")
    }

    private func object(_ labels: Labels) {
        out.append("{")
        for (n, pair) in labels.pairs.enumerated() {
            out.append(n == 0 ? "\"" : ",\"")
            pair.name.withView { JSONText.escape($0, into: out) }
            out.append("\":\"")
            pair.value.withView { JSONText.escape($0, into: out) }
            out.append("\"")
        }
        out.append("}")
    }
}
