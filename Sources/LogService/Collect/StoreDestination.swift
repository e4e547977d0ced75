import Bytes
import LogModel
import LogShipping
import Synchronization

/// Into the store of this process: lines and positions in one record, so exactly once (I3).
final class StoreDestination: BatchDestination {
    /// Batches under way at once. While one is synced the next is already written by the pipeline.
    private static let underWayMax = 4

    private let writer: any StoreWriter
    private let queue: DeliveryQueue<WriteBatch, BatchOutcome>
    private let underWay = UnderWay()

    init(_ writer: any StoreWriter, report: @escaping @Sendable (String) -> Void) {
        self.writer = writer
        queue = DeliveryQueue(waitingMax: Self.underWayMax, givenUp: .undelivered("stopped before it was stored")) { batch in
            await Self.append(batch, to: writer, report)
        }
    }

    /// Tries until the store takes it: a full disk passes, and until then the files keep the lines.
    private static func append(
        _ batch: WriteBatch, to writer: any StoreWriter, _ report: @Sendable (String) -> Void
    ) async -> BatchOutcome {
        var wait: Int64 = 50
        var said = ""
        while true {
            do throws(StoreError) {
                _ = try await writer.append(batch)
                return .accepted
            } catch {
                guard case .retryLater = error.kind, !Task.isCancelled else { return .undelivered(error.message) }
                if said != error.message {
                    said = error.message
                    report("\(error.message); the collector waits and tries again")
                }
                try? await Task.sleep(for: .milliseconds(wait))
                wait = min(wait * 2, 5_000)
            }
        }
    }

    func submit(_ batch: CollectedBatch, done: @escaping @Sendable (BatchOutcome) -> Void) {
        underWay.begin()
        let underWay = underWay
        queue.submit(batch.batch) {
            done($0)
            underWay.end()
        }
    }

    func giveUp() { queue.giveUp() }

    func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] {
        writer.positions(withPrefix: prefix)
    }

    func importedOffset(path: String) -> UInt64? { nil }

    func drain() async { await queue.drain() }

    /// Positions are the store's, so it has to have everything.
    func settle() async { await underWay.settle() }
}

/// Counts what has begun and not ended.
private final class UnderWay: Sendable {
    private let state = Mutex((count: 0, waiting: [CheckedContinuation<Void, Never>]()))

    func begin() { state.withLock { $0.count += 1 } }

    func end() {
        let ready = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.count -= 1
            guard state.count == 0 else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for one in ready { one.resume() }
    }

    /// Returns when nothing is under way.
    func settle() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isOver = state.withLock { state in
                if state.count > 0 { state.waiting.append(continuation) }
                return state.count == 0
            }
            if isOver { continuation.resume() }
        }
    }
}
