import LogModel
import Metrics

/// Takes labels away that take too many values in a day, loudly: they are kept as structured metadata instead, so that lines are still
/// found by them and no server drowns in streams. One serves all threads of a process.
package struct LabelGuard: Sendable {
    private let widths = LabelWidths()
    private let demotions: Counter
    private let report: @Sendable (String) -> Void
    private let clock: @Sendable () -> Timestamp

    package init(
        registry: Registry, clock: @escaping @Sendable () -> Timestamp = { Timestamp.now() },
        report: @escaping @Sendable (String) -> Void
    ) {
        self.report = report
        self.clock = clock
        demotions = registry.counter(
            "tailrace_demoted_labels_total",
            "Labels that took too many values in a day and are kept as structured metadata instead.")
    }

    /// Removes labels with more than `max` values (0: any) from a stream, and returns them. `keepsThem`: false where metadata is
    /// not allowed; then it is only said. O(labels).
    func demote(_ labels: inout Labels, of tenant: Tenant, max: Int, keepsThem: Bool = true) -> [Label] {
        guard max > 0 else { return [] }
        let found = widths.check(labels, of: tenant, max: max, at: clock())
        for name in found.fresh {
            demotions.add(1)
            report(
                "label \(name) of tenant \(tenant) took more than \(max) values in a day: it is kept as structured metadata "
                    + "instead; find its lines with | \(name)=\"…\"")
        }
        guard !found.wide.isEmpty, keepsThem else { return [] }
        var demoted: [Label] = []
        for name in found.wide {
            guard let value = labels[name] else { continue }
            demoted.append(Label(name, value))
            labels[name] = nil
        }
        return demoted
    }
}
