import Bytes
import LogModel
import Metrics
import Redaction

/// What one redactor has found, as metrics: at zero from the start for each rule that is on, so that `detect` can be
/// watched and an alert on the first finding fires. Redactors with the same rules share their series.
struct RedactionCounters: Sendable {
    static let found = "tailrace_redactions_total"

    /// By target, then rule; nil for rules that are off.
    private let findings: [[Counter?]]
    /// By `RedactionScratch.Failure`.
    private let failures: [Counter]
    private let unscanned: Counter
    private let dropped: [Counter?]

    init(_ redactor: Redactor, _ registry: Registry) {
        findings = RedactionScratch.Target.allCases.map { target in
            redactor.rules.map { rule in
                guard rule.isOn else { return nil }
                return registry.counter(
                    Self.found, "What redaction has found, by rule, what is done with it, and where it stood.",
                    ["rule": rule.name, "mode": rule.mode.rawValue, "target": "\(target)"])
            }
        }
        func failure(_ reason: String) -> Counter {
            registry.counter(
                "tailrace_redaction_failures_total",
                "Lines and values that could not be scanned: a placeholder stands for each.", ["reason": reason])
        }
        failures = RedactionScratch.Failure.allCases.map { failure("\($0)") }
        unscanned = failure("memory")
        dropped = redactor.rules.map { rule in
            guard rule.isOn, rule.mode == .dropLine else { return nil }
            return registry.counter(
                "tailrace_redaction_dropped_lines_total", "Lines that redaction said must not be written.",
                ["reason": rule.name])
        }
    }

    /// Adds what `scratch` has counted since it was asked last, and texts for which there was none.
    func take(_ scratch: RedactionScratch?, unscanned count: Int) {
        if count > 0 { unscanned.add(count) }
        scratch?.drain(
            findings: { target, rule, count in findings[target.rawValue][rule]?.add(count) },
            failures: { failures[$0.rawValue].add($1) },
            dropped: { dropped[$0]?.add($1) })
    }
}
