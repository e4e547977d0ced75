import Bytes
import Dispatch
import LogModel

/// Into the store of this process: lines and positions in one record, so exactly once (I3).
final class StoreDestination: BatchDestination {
    private struct Parcel: Sendable {
        var batch: WriteBatch
        var done: @Sendable (BatchOutcome) -> Void
    }

    /// Batches under way at once. While one is synced the next is already written by the pipeline.
    private static let underWayMax = 4

    private let writer: any StoreWriter
    private let room = DispatchSemaphore(value: StoreDestination.underWayMax)
    private let queue: AsyncStream<Parcel>.Continuation
    private let appender: Task<Void, Never>

    init(_ writer: any StoreWriter, report: @escaping @Sendable (String) -> Void) {
        self.writer = writer
        let (stream, continuation) = AsyncStream.makeStream(of: Parcel.self)
        queue = continuation
        let room = self.room
        appender = Task.detached {
            for await parcel in stream {
                parcel.done(await Self.append(parcel.batch, to: writer, report))
                room.signal()
            }
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
        room.wait()
        queue.yield(Parcel(batch: batch.batch, done: done))
    }

    func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] {
        writer.positions(withPrefix: prefix)
    }

    func importedOffset(path: String) -> UInt64? { nil }

    func drain() async {
        queue.finish()
        await withTaskCancellationHandler {
            await appender.value
        } onCancel: {
            appender.cancel()
        }
    }
}
