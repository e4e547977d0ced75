import Bytes
import LogModel
import LogShipping

/// Into the store of this process: lines and positions in one record, so exactly once (I3).
final class StoreDestination: BatchDestination {
    /// Batches under way at once. While one is synced the next is already written by the pipeline.
    private static let underWayMax = 4

    private let writer: any StoreWriter
    private let queue: DeliveryQueue<WriteBatch, BatchOutcome>

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
        queue.submit(batch.batch, done: done)
    }

    func giveUp() { queue.giveUp() }

    func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] {
        writer.positions(withPrefix: prefix)
    }

    func importedOffset(path: String) -> UInt64? { nil }

    func drain() async { await queue.drain() }
}
