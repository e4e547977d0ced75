import Bytes
import Metrics
import Synchronization

/// The derived metrics of a process, by their full name: stages that name the same metric share it.
package final class MetricFamilies: Sendable {
    /// Why a metric cannot be made.
    enum Conflict: Error {
        /// The name is taken by a metric of another type, or is a second name of one.
        case name
        /// A second name is taken.
        case alias(String)
    }

    private struct State {
        var families: [String: MetricFamily] = [:]
        /// Of an earlier run, until somebody makes the metric.
        var earlier: [String: MetricSnapshot.Family] = [:]
    }

    private let state = Mutex(State())
    let registry: Registry

    package init(registry: Registry) { self.registry = registry }

    /// `cleaner`: what label values of an earlier run pass, since rules may have been added meanwhile.
    func family(_ options: MetricOptions, _ cleaner: LabelCleaner, now: Int64) throws(Conflict) -> MetricFamily {
        let name = options.prefix + options.name
        let kind = options.kind.instrument
        let found: MetricFamily? = state.withLock { state in
            if let known = state.families[name] { return known.kind == options.kind ? known : nil }
            if registry.isAlias(name) { return nil }
            if let taken = registry.kind(of: name), taken != kind { return nil }
            let made = MetricFamily(options, registry: registry)
            if let earlier = state.earlier.removeValue(forKey: name) {
                made.goOn(from: earlier, labels: options.labels.map { Set($0.map { ByteString($0.name) }) }, cleaner, now: now)
            }
            state.families[name] = made
            return made
        }
        guard let found else { throw .name }
        for alias in options.aliases {
            let taken = state.withLock { $0.families[alias.name] != nil }
            var renamed: [ByteString: ByteString] = [:]
            for label in alias.labels { renamed[ByteString(label.name)] = ByteString(label.source ?? label.name) }
            guard !taken, registry.alias(alias.name, of: name, kind, labels: renamed) else { throw .alias(alias.name) }
        }
        return found
    }

    /// What counters and histograms hold. Those of an earlier run that nobody has made yet are among them.
    func snapshot() -> [String: MetricSnapshot.Family] {
        let (families, earlier) = state.withLock { ($0.families, $0.earlier) }
        var taken = earlier
        for (name, family) in families { taken[name] = family.snapshot }
        return taken
    }

    func restore(_ families: [String: MetricSnapshot.Family]) { state.withLock { $0.earlier = families } }

    /// Removes series that were not used for their `max_idle_duration`. Called now and then, and before metrics are
    /// shown. `now` is the wall clock in nanoseconds.
    package func expire(now: Int64) {
        for family in state.withLock({ Array($0.families.values) }) { family.expire(now: now) }
    }
}

extension MetricOptions.Kind {
    var instrument: Registry.Kind {
        switch self {
        case .counter: .counter
        case .gauge: .gauge
        case .histogram: .histogram
        }
    }
}
