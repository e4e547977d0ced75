import Bytes
import LogModel
import Metrics
import Redaction

/// What every way into the store passes, whether a push, OTLP, or the collector: labels are completed and checked, the
/// level is found, personal data is removed, limits hold. What comes out is a `WriteBatch`.
///
/// ```
/// stream:  empty labels away → redaction of values → wide labels away → service_name → limits of names and values
/// line:    redaction → size → time → metadata: names, redaction, limits → detected_level
/// batch:   rates, of pushes only
/// ```
///
/// One `Intake` serves all threads; each request or flush makes its own builder.
package struct Intake: Sendable {
    /// Of tenants without limits of their own.
    package let limits: Limits
    let tenantLimits: [Tenant: Limits]
    let redactor: Redactor?
    let counters: IntakeCounters
    let redactionCounters: RedactionCounters?
    let registry: Registry
    let labelGuard: LabelGuard
    let rates = IngestRates()
    let report: @Sendable (String) -> Void
    let clock: @Sendable () -> Timestamp

    /// `redactor`: the top-level `redaction:` block. `report`: hears what an operator should know. `clock`: for tests.
    package init(
        limits: Limits = Limits(), tenantLimits: [Tenant: Limits] = [:], redactor: Redactor? = nil,
        registry: Registry = Registry(), report: @escaping @Sendable (String) -> Void = { _ in },
        clock: @escaping @Sendable () -> Timestamp = { Timestamp.now() }
    ) {
        self.limits = limits
        self.tenantLimits = tenantLimits
        self.report = report
        self.redactor = redactor
        self.registry = registry
        self.counters = IntakeCounters(registry)
        redactionCounters = redactor.map { RedactionCounters($0, registry) }
        labelGuard = LabelGuard(registry: registry, clock: clock, report: report)
        self.clock = clock
    }

    /// Whether what is taken in is redacted: then nothing of it may be quoted before.
    package var redacts: Bool { redactor != nil }

    /// A builder for one batch of one tenant. Not thread-safe; may be used again after `finish`.
    ///
    /// `isPush`: rates and the number of streams are limited too. Whoever pushes can wait and try again; lines that were
    /// tailed cannot be refused without losing them.
    package func makeBuilder(tenant: Tenant = .fake, isPush: Bool = false) -> IntakeBuilder {
        IntakeBuilder(self, tenant: tenant, isPush: isPush)
    }

    /// The limits of a tenant.
    package func limits(of tenant: Tenant) -> Limits { tenantLimits[tenant] ?? limits }
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
    /// Whether a rate, or the number of streams, is among the reasons: the answer is then 429, and trying again helps.
    package var isRateLimited = false
    /// Set when the whole push must fail with 500 (a metadata name that cannot be normalised): nothing may be stored.
    package var failure: String?
}

/// Counters of the way in, shown by the registry.
struct IntakeCounters: Sendable {
    let lines: Counter
    let bytes: Counter
    let redacted: Counter
    let truncated: Counter
    private let registry: Registry

    init(_ registry: Registry) {
        self.registry = registry
        lines = registry.counter("tailrace_intake_lines_total", "Lines accepted.")
        bytes = registry.counter("tailrace_intake_bytes_total", "Bytes of lines accepted, without metadata.")
        redacted = registry.counter("tailrace_redacted_lines_total", "Lines in which something was replaced.")
        truncated = registry.counter("tailrace_truncated_lines_total", "Lines that were cut to the longest allowed.")
    }

    func refused(_ reason: String, lines: Int) {
        registry.counter(
            "loki_discarded_samples_total", "Lines refused, by reason.", Labels([Label("reason", ByteString(reason))])
        ).add(lines)
    }
}
