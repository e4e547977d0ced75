import Bytes
import LogModel
import Metrics
import Redaction

/// What every way into the store passes, whether a push, OTLP, or the collector: labels are completed and checked, the
/// level is found, personal data is removed, limits hold. What comes out is a `WriteBatch`.
///
/// ```
/// stream:  empty labels away → redaction of values → service_name → limits of names and values
/// line:    redaction → size → time → metadata: names, redaction, limits → detected_level
/// ```
///
/// One `Intake` serves all threads; each request or flush makes its own builder.
package struct Intake: Sendable {
    package let limits: Limits
    let redactor: Redactor?
    let counters: IntakeCounters
    let registry: Registry
    let clock: @Sendable () -> Timestamp

    /// `redactor`: the top-level `redaction:` block. `clock`: for tests.
    package init(
        limits: Limits = Limits(), redactor: Redactor? = nil, registry: Registry = Registry(),
        clock: @escaping @Sendable () -> Timestamp = { Timestamp.now() }
    ) {
        self.limits = limits
        self.redactor = redactor
        self.registry = registry
        self.counters = IntakeCounters(registry)
        self.clock = clock
    }

    /// A builder for one batch of one tenant. Not thread-safe; may be used again after `finish`.
    package func makeBuilder(tenant: Tenant = .fake) -> IntakeBuilder { IntakeBuilder(self, tenant: tenant) }
}

/// What a builder made of its input.
package struct IntakeResult: Sendable {
    /// The lines that may be stored; may be empty.
    package var batch: WriteBatch
    /// Lines refused.
    package var rejectedLines = 0
    /// Why, in Loki's words, each reason once, at most `IntakeBuilder.messagesMax`: the answer is then 400, even
    /// though the other lines are stored.
    package var messages: [String] = []
    /// Set when the whole push must fail with 500 (a metadata name that cannot be normalised): nothing may be stored.
    package var failure: String?
}

/// Counters of the way in, shown by the registry.
struct IntakeCounters: Sendable {
    let lines: Counter
    let bytes: Counter
    let redacted: Counter
    let redactionDropped: Counter
    let redactionFailed: Counter
    private let registry: Registry

    init(_ registry: Registry) {
        self.registry = registry
        lines = registry.counter("tailrace_intake_lines_total", "Lines accepted.")
        bytes = registry.counter("tailrace_intake_bytes_total", "Bytes of lines accepted, without metadata.")
        redacted = registry.counter("tailrace_redacted_lines_total", "Lines in which something was replaced.")
        redactionDropped = registry.counter(
            "tailrace_redaction_dropped_lines_total", "Lines that redaction said must not be written.")
        redactionFailed = registry.counter(
            "tailrace_redaction_failures_total", "Lines that could not be scanned and were replaced as a whole.")
    }

    func refused(_ reason: String, lines: Int) {
        registry.counter(
            "loki_discarded_samples_total", "Lines refused, by reason.", Labels([Label("reason", ByteString(reason))])
        ).add(lines)
    }
}
