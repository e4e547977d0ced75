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
    }

    private let taps = Mutex<[Int: Tap]>([:])
    private let count = Atomic<Int>(0)

    /// Taps at once.
    static let tapsMax = 8
    /// Pieces that wait for a reader, each of `pieceLines` lines at most.
    private static let piecesMax = 32
    private static let pieceLines = 256
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

    func publish(_ batch: WriteBatch, job: String) {
        taps.withLock { taps in
            for (number, tap) in taps where tap.job == nil || tap.job == job {
                var missed = tap.missed
                for from in stride(from: 0, to: batch.rows.count, by: Self.pieceLines) {
                    let rows = batch.rows[from..<min(batch.rows.count, from + Self.pieceLines)]
                    if case .enqueued = tap.continuation.yield(Self.piece(batch, rows, job, missed: missed)) {
                        missed = 0
                    } else {
                        missed += rows.count
                    }
                }
                taps[number]?.missed = missed
            }
        }
    }

    private static func piece(_ batch: WriteBatch, _ rows: ArraySlice<WriteBatch.Row>, _ job: String, missed: Int) -> ByteBuffer {
        let out = ByteArena(capacity: 1 << 14)
        if missed > 0 { out.append("{\"missed\":\(missed)}\n") }
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
