import LogModel
import Metrics

/// Counters of one destination, told apart by its host; under Promtail's names too where these are asked for.
struct ShippingMeter: Sendable {
    private let registry: Registry
    private let host: String
    /// Several clients may ship to one host, each with a queue.
    private let client: String
    /// Promtail's names, with their labels. nil: not asked for.
    private let promtail: PromtailMeter?

    private let sentEntries: Counter
    private let sentBytes: Counter
    private let encodedBytes: Counter
    private let retries: Counter
    private let refusedEntries: Counter
    private let droppedEntries: Counter
    /// Entries written to the dead-letter file.
    let letters: Counter

    init(_ registry: Registry, _ settings: ClientSettings, promtailNames: Bool = false) {
        self.registry = registry
        let host = Destination.host(of: settings.url)
        self.host = host
        client = settings.title
        promtail = promtailNames ? PromtailMeter(registry, host: host) : nil
        sentEntries = registry.counter("tailrace_shipped_entries_total", "Entries acknowledged by a destination.", ["host": host])
        sentBytes = registry.counter("tailrace_shipped_bytes_total", "Bytes of lines acknowledged by a destination.", ["host": host])
        encodedBytes = registry.counter("tailrace_shipped_encoded_bytes_total", "Bytes of request bodies sent.", ["host": host])
        retries = registry.counter("tailrace_shipping_retries_total", "Requests sent again.", ["host": host])
        refusedEntries = registry.counter(
            "tailrace_shipping_refused_entries_total", "Entries that a destination refused for good.", ["host": host])
        droppedEntries = registry.counter(
            "tailrace_shipping_dropped_entries_total",
            "Entries dropped: attempts used up, rate limited and configured so, or no room in the queue.", ["host": host])
        letters = registry.counter(
            "tailrace_shipping_dead_letters_total", "Refused entries written to the dead-letter file.", ["host": host])
    }

    func encoded(_ bytes: Int) {
        encodedBytes.add(Double(bytes))
        promtail?.encodedBytes.add(Double(bytes))
    }

    func sent(entries: Int, bytes: Int) {
        sentEntries.add(Double(entries))
        sentBytes.add(Double(bytes))
        promtail?.sentEntries.add(Double(entries))
        promtail?.sentBytes.add(Double(bytes))
    }

    func refused(entries: Int, bytes: Int, tenant: String) {
        refusedEntries.add(Double(entries))
        promtail?.dropped(entries: entries, bytes: bytes, tenant: tenant, reason: "ingester_error")
    }

    /// `reason`: Promtail's words, `queue_full` beside them.
    func dropped(entries: Int, bytes: Int, tenant: String, reason: String) {
        droppedEntries.add(Double(entries))
        promtail?.dropped(entries: entries, bytes: bytes, tenant: tenant, reason: reason)
    }

    func retried(tenant: String) {
        retries.add()
        promtail?.retried(tenant: tenant)
    }

    /// `status`: -1 where there was no answer, as Promtail says it.
    func answered(status: Int, after time: Duration) { promtail?.answered(status: status, after: time) }

    func watch(spool: Spool) {
        registry.gauge("tailrace_spool_bytes", "Bytes of a destination's spool on disk.", ["host": host, "client": client]) { Double(spool.summary.bytes) }
        registry.gauge("tailrace_spool_entries", "Entries in a destination's spool that are not acknowledged.", ["host": host, "client": client]) {
            Double(spool.summary.entries)
        }
    }

    /// The spool is closed: a reload may have none in its place.
    func unwatchSpool() {
        registry.remove("tailrace_spool_bytes", Labels(["host": host, "client": client]))
        registry.remove("tailrace_spool_entries", Labels(["host": host, "client": client]))
    }

    /// Of the parts of a spool that cannot be read.
    func damaged(_ count: Int) {
        registry.counter(
            "tailrace_spool_damaged_total", "Damaged parts of a spool that were set aside.", ["host": host]
        ).add(Double(count))
    }
}

/// What Promtail's dashboards and alerts read of its clients. Those without a tenant exist from the start, so that rates do.
struct PromtailMeter: Sendable {
    let encodedBytes: Counter
    let sentEntries: Counter
    let sentBytes: Counter
    private let registry: Registry
    private let host: String

    private static let reasons = ["ingester_error", "rate_limited", "stream_limited", "line_too_long"]

    init(_ registry: Registry, host: String) {
        self.registry = registry
        self.host = host
        encodedBytes = registry.counter("promtail_encoded_bytes_total", "Bytes of request bodies.", ["host": host])
        sentEntries = registry.counter("promtail_sent_entries_total", "Entries that a destination took.", ["host": host])
        sentBytes = registry.counter("promtail_sent_bytes_total", "Bytes of lines that a destination took.", ["host": host])
        for reason in Self.reasons {
            dropped(entries: 0, bytes: 0, tenant: "", reason: reason)
            for kind in ["bytes", "entries"] {
                _ = registry.counter(
                    "promtail_mutated_\(kind)_total", "Lines that were changed on their way: \(kind).", ["host": host, "tenant": "", "reason": reason])
            }
        }
        _ = registry.counter("promtail_batch_retries_total", "Requests that were sent again.", ["host": host, "tenant": ""])
    }

    func dropped(entries: Int, bytes: Int, tenant: String, reason: String) {
        let labels: KeyValuePairs = ["host": host, "tenant": tenant, "reason": reason]
        registry.counter("promtail_dropped_bytes_total", "Bytes of lines that were given up.", labels).add(Double(bytes))
        registry.counter("promtail_dropped_entries_total", "Entries that were given up.", labels).add(Double(entries))
    }

    func retried(tenant: String) {
        registry.counter(
            "promtail_batch_retries_total", "Requests that were sent again.", ["host": host, "tenant": tenant]
        ).add()
    }

    func answered(status: Int, after time: Duration) {
        registry.histogram(
            "promtail_request_duration_seconds", "Time of one request, seconds.", ["status_code": "\(status)", "host": host]
        ).observe(Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18)
    }
}
