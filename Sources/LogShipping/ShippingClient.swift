import AsyncHTTPClient
import Bytes
import Dispatch
import LogModel
import LokiWire
import Metrics
import NIOCore
import Synchronization

/// Ships batches to one Loki-compatible server: in order, one request in flight, with retries.
///
/// `submit` blocks its thread while `queueMax` batches wait, which is the back-pressure that slows the sources down; the
/// sending itself runs on Swift's executor. A batch is reported exactly once, and only then may its positions move.
package final class ShippingClient: Sendable {
    package enum Outcome: Sendable, Equatable {
        case accepted
        /// The server will never take it: the answer's first line.
        case refused(String)
        /// Attempts are used up, or the client was closed first.
        case undelivered(String)
    }

    private struct Parcel: Sendable {
        var body: ByteBuffer
        var entries: Int
        var bytes: Int
        var tenant: String
        var batchHeader: String
        var completion: @Sendable (Outcome) -> Void
    }

    /// Batches that wait behind the one in flight: with 1 MiB a batch that bounds memory at a few MiB.
    private static let queueMax = 4

    private let settings: ClientSettings
    private let http: HTTPClient
    private let room = DispatchSemaphore(value: ShippingClient.queueMax)
    private let queue: AsyncStream<Parcel>.Continuation
    private let sender: Task<Void, Never>
    private let identity: String
    private let sequence = Atomic<UInt64>(0)

    /// `report` gets one line a failed attempt, for the log.
    package init(
        _ settings: ClientSettings, http: HTTPClient, registry: Registry, identity: String,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.settings = settings
        self.http = http
        self.identity = identity
        let (stream, continuation) = AsyncStream.makeStream(of: Parcel.self)
        queue = continuation
        let courier = Courier(settings: settings, http: http, meter: ShippingMeter(registry, settings), report: report)
        let room = self.room
        sender = Task.detached {
            for await parcel in stream {
                let outcome = await courier.deliver(
                    parcel.body, tenant: parcel.tenant, batchHeader: parcel.batchHeader, entries: parcel.entries,
                    bytes: parcel.bytes)
                parcel.completion(outcome)
                room.signal()
            }
        }
    }

    /// Encodes the batch and hands it over; blocks while the queue is full. Not for the cooperative pool.
    package func submit(_ batch: WriteBatch, completion: @escaping @Sendable (Outcome) -> Void) {
        let packed = PushBody.snappy(batch, externalLabels: settings.externalLabels)
        let number = sequence.add(1, ordering: .relaxed).newValue
        let tenant = batch.tenant == .fake ? settings.tenantID : batch.tenant.name
        room.wait()
        queue.yield(
            Parcel(
                body: packed.view.withUnsafeBytes { ByteBuffer(bytes: $0) }, entries: batch.rows.count,
                bytes: batch.bytes.count, tenant: tenant, batchHeader: "\(identity)/0/\(number)",
                completion: completion))
    }

    /// Ends after everything submitted has been reported. Cancelling the task gives the rest up as undelivered.
    package func close() async {
        queue.finish()
        await withTaskCancellationHandler {
            await sender.value
        } onCancel: {
            sender.cancel()
        }
    }
}

/// Counters under Promtail's names: dashboards rely on them.
struct ShippingMeter: Sendable {
    let sentEntries: Counter
    let sentBytes: Counter
    let encodedBytes: Counter
    let retries: Counter
    let refusedEntries: Counter

    init(_ registry: Registry, _ settings: ClientSettings) {
        let host = Destination.host(of: settings.url)
        sentEntries = registry.counter("tailrace_shipped_entries_total", "Entries acknowledged by a destination.", ["host": host])
        sentBytes = registry.counter("tailrace_shipped_bytes_total", "Bytes of lines acknowledged by a destination.", ["host": host])
        encodedBytes = registry.counter("tailrace_shipped_encoded_bytes_total", "Bytes of request bodies sent.", ["host": host])
        retries = registry.counter("tailrace_shipping_retries_total", "Requests sent again.", ["host": host])
        refusedEntries = registry.counter(
            "tailrace_shipping_refused_entries_total", "Entries that a destination refused for good.", ["host": host])
    }
}

package enum Destination {
    /// Host and port of a URL, for labels.
    package static func host(of url: String) -> String {
        let rest = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard rest.count >= 3 else { return url }
        return String(rest[2].split(separator: "@").last ?? rest[2])
    }
}
