import Bytes
import Disk
import LogModel
import LogPipeline
import Metrics

/// A store that shows what it has stored to a miner of patterns, on a thread of the miner's own.
///
/// Whoever writes never waits for the miner: a full queue drops batches, counted. Patterns are estimates then, the
/// store's lines are not.
final class PatternTap: StoreWriter {
    private struct Queue {
        var batches: [WriteBatch] = []
        var bytes = 0
        var isOver = false
    }

    /// Bytes of lines that wait. A batch that is larger by itself is looked at when nothing else waits.
    private static let bytesMax = 8 << 20

    private let store: any StoreWriter
    private let queue = Monitor(Queue())
    private let dropped: Counter
    private let worker: Worker?

    init(_ store: any StoreWriter, miner: PatternMiner, registry: Registry) {
        self.store = store
        dropped = registry.counter(
            "tailrace_patterns_dropped_lines_total", "Lines that no patterns were looked for in, because the miner was busy.")
        let queue = queue
        worker = Worker("patterns") {
            while let batch = Self.next(queue) { miner.observe(batch) }
        }
    }

    /// Blocks; nil at the end.
    private static func next(_ queue: Monitor<Queue>) -> WriteBatch? {
        let found: WriteBatch?? = queue.wait { queue in
            if !queue.batches.isEmpty {
                let batch = queue.batches.removeFirst()
                queue.bytes -= batch.bytes.count
                return .some(batch)
            }
            return queue.isOver ? .some(nil) : nil
        }
        return found ?? nil
    }

    func append(_ batch: WriteBatch) async throws(StoreError) -> AppendReceipt {
        let receipt = try await store.append(batch)
        if receipt.stored > 0 { offer(batch) }
        return receipt
    }

    private func offer(_ batch: WriteBatch) {
        let isTaken = queue.change { queue in
            guard worker != nil, !queue.isOver, queue.batches.isEmpty || queue.bytes + batch.bytes.count <= Self.bytesMax
            else { return false }
            queue.batches.append(batch)
            queue.bytes += batch.bytes.count
            return true
        }
        if !isTaken { dropped.add(batch.rows.count) }
    }

    /// Ends the thread; what waits is let go. Blocks until the batch at hand is done.
    func stop() {
        queue.change { queue in
            queue.batches = []
            queue.bytes = 0
            queue.isOver = true
        }
        worker?.join()
    }

    func position(of source: ByteString) -> SourcePosition? { store.position(of: source) }
    func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] {
        store.positions(withPrefix: prefix)
    }
    func flush() async throws(StoreError) { try await store.flush() }
}
