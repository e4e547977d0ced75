import AsyncHTTPClient
import Bytes
import LogModel
import LokiWire
import Metrics
import NIOCore
import Synchronization

/// Ships batches to one Loki-compatible server: in order, one request in flight, with retries.
///
/// A batch whose streams name several tenants goes as several requests. It is reported exactly once, when all of it has
/// an outcome, and only then may its positions move.
package final class ShippingClient: Sendable {
    package enum Outcome: Sendable, Equatable {
        case accepted
        /// The server will never take it: the answer's first line.
        case refused(String)
        /// The attempts that the configuration allows are used up.
        case dropped(String)
        /// Given up before it was delivered: it is to be sent again another time.
        case undelivered(String)
    }

    private struct Parcel: Sendable {
        var body: ByteBuffer
        var entries: Int
        var bytes: Int
        var tenant: String
        var batchHeader: String
    }

    /// Batches that wait behind the one in flight: with 1 MiB a batch that bounds memory at a few MiB.
    private static let queueMax = 4

    private let settings: ClientSettings
    private let queue: DeliveryQueue<Parcel, Outcome>
    private let meter: ShippingMeter
    private let identity: String
    private let sequence = Atomic<UInt64>(0)

    /// `report` gets one line a failed attempt, for the log. `http` must outlive the client.
    package init(
        _ settings: ClientSettings, http: HTTPClient, registry: Registry, identity: String,
        report: @escaping @Sendable (String) -> Void
    ) {
        self.settings = settings
        self.identity = identity
        meter = ShippingMeter(registry, settings)
        let courier = Courier(settings: settings, http: http, meter: meter, report: report)
        queue = DeliveryQueue(
            waitingMax: Self.queueMax,
            givenUp: .undelivered("\(Destination.origin(of: settings.url)): stopped before it was sent")
        ) { parcel in
            await courier.deliver(
                parcel.body, tenant: parcel.tenant, batchHeader: parcel.batchHeader, entries: parcel.entries,
                bytes: parcel.bytes)
        }
    }

    /// Encodes the batch and hands it over; blocks while the queue is full. Not for the cooperative pool.
    package func submit(_ batch: WriteBatch, completion: @escaping @Sendable (Outcome) -> Void) {
        let parts = TenantParts.of(batch)
        let tally = OutcomeTally(parts.count, completion)
        for part in parts { submit(part) { tally.add($0) } }
    }

    private func submit(_ part: TenantParts.Part, _ completion: @escaping @Sendable (Outcome) -> Void) {
        let tenant: String
        if let named = part.tenant?.string {
            // What is no tenant would be refused by every server; as a header it might be something else altogether.
            guard Tenant(named) != nil else {
                meter.refusedEntries.add(Double(part.batch.rows.count))
                completion(.refused("\(GoQuote.quote(named)) is no tenant: 1 to 150 letters, digits and !-_.*'()"))
                return
            }
            tenant = named
        } else {
            tenant = part.batch.tenant == .fake ? settings.tenantID : part.batch.tenant.name
        }
        let packed = PushBody.snappy(part.batch, externalLabels: settings.externalLabels)
        let number = sequence.add(1, ordering: .relaxed).newValue
        queue.submit(
            Parcel(
                body: packed.view.withUnsafeBytes { ByteBuffer(bytes: $0) }, entries: part.batch.rows.count,
                bytes: part.batch.bytes.count, tenant: tenant, batchHeader: "\(identity)/0/\(number)"),
            done: completion)
    }

    /// From now on nothing is tried again: what is under way and what follows ends soon as undelivered.
    package func giveUp() { queue.giveUp() }

    /// Ends after everything submitted has been reported.
    package func close() async { await queue.drain() }
}

/// Counters of one destination, told apart by its host.
struct ShippingMeter: Sendable {
    let sentEntries: Counter
    let sentBytes: Counter
    let encodedBytes: Counter
    let retries: Counter
    let refusedEntries: Counter
    let droppedEntries: Counter

    init(_ registry: Registry, _ settings: ClientSettings) {
        let host = Destination.host(of: settings.url)
        sentEntries = registry.counter("tailrace_shipped_entries_total", "Entries acknowledged by a destination.", ["host": host])
        sentBytes = registry.counter("tailrace_shipped_bytes_total", "Bytes of lines acknowledged by a destination.", ["host": host])
        encodedBytes = registry.counter("tailrace_shipped_encoded_bytes_total", "Bytes of request bodies sent.", ["host": host])
        retries = registry.counter("tailrace_shipping_retries_total", "Requests sent again.", ["host": host])
        refusedEntries = registry.counter(
            "tailrace_shipping_refused_entries_total", "Entries that a destination refused for good.", ["host": host])
        droppedEntries = registry.counter(
            "tailrace_shipping_dropped_entries_total", "Entries dropped after backoff_config.max_retries attempts.",
            ["host": host])
    }
}

package enum Destination {
    /// Host and port of a URL, for labels.
    package static func host(of url: String) -> String {
        let rest = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard rest.count >= 3 else { return url }
        return String(rest[2].split(separator: "@").last ?? rest[2])
    }

    /// Scheme, host and port of a URL, for messages.
    package static func origin(of url: String) -> String {
        guard let scheme = url.split(separator: ":").first, url.dropFirst(scheme.count).hasPrefix("://") else { return url }
        return "\(scheme)://\(host(of: url))"
    }
}
