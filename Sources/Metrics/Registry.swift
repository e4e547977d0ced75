import Bytes
import LogModel
import Synchronization

/// The metrics of one process, by name and labels.
///
/// Asking for a metric that exists returns it; keep what you were given rather than ask on a hot path. A name has one
/// type: asking for another type under the same name returns a metric that works and is shown nowhere, because a
/// mistake in a metric must not stop a line (`kind(of:)` tells beforehand).
package final class Registry: Sendable {
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    enum Instrument {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(Histogram)
        /// Read when somebody looks.
        case observed(@Sendable () -> Double)
    }

    struct Family {
        var kind: Kind
        var help: String
        var series: [Labels: Instrument] = [:]
    }

    private let families = Mutex<[String: Family]>([:])
    private let preparations = Mutex<[@Sendable () -> Void]>([])

    package init() {}

    /// `body` is called whenever the metrics are about to be shown, from whatever thread shows them: the moment to remove
    /// what is too old.
    package func beforeExposing(_ body: @escaping @Sendable () -> Void) { preparations.withLock { $0.append(body) } }

    // MARK: Metrics with fixed labels

    package func counter(
        _ name: String, _ help: String, _ labels: KeyValuePairs<String, String> = [:]
    ) -> Counter { counter(name, help, Labels(labels)) }

    package func gauge(
        _ name: String, _ help: String, _ labels: KeyValuePairs<String, String> = [:]
    ) -> Gauge { gauge(name, help, Labels(labels)) }

    package func histogram(
        _ name: String, _ help: String, _ labels: KeyValuePairs<String, String> = [:],
        buckets: [Double] = Histogram.defaultBounds
    ) -> Histogram { histogram(name, help, Labels(labels), buckets: buckets) }

    /// A gauge whose value is asked for at exposition. `read` must be quick and must not ask this registry.
    package func gauge(
        _ name: String, _ help: String, _ labels: KeyValuePairs<String, String> = [:],
        read: @escaping @Sendable () -> Double
    ) {
        register(name, .gauge, help, Labels(labels), .observed(read))
    }

    /// A counter that somebody else counts; `read` must never fall, be quick, and not ask this registry.
    package func counter(
        _ name: String, _ help: String, _ labels: KeyValuePairs<String, String> = [:],
        read: @escaping @Sendable () -> Double
    ) {
        register(name, .counter, help, Labels(labels), .observed(read))
    }

    // MARK: Metrics with label sets

    package func counter(_ name: String, _ help: String, _ labels: Labels) -> Counter {
        let found = find(name, .counter, help, labels) { .counter(Counter()) }
        if case .counter(let counter) = found { return counter }
        return Counter()
    }

    package func gauge(_ name: String, _ help: String, _ labels: Labels) -> Gauge {
        let found = find(name, .gauge, help, labels) { .gauge(Gauge()) }
        if case .gauge(let gauge) = found { return gauge }
        return Gauge()
    }

    package func histogram(
        _ name: String, _ help: String, _ labels: Labels, buckets: [Double] = Histogram.defaultBounds
    ) -> Histogram {
        let found = find(name, .histogram, help, labels) { .histogram(Histogram(bounds: buckets)) }
        if case .histogram(let histogram) = found { return histogram }
        return Histogram(bounds: buckets)
    }

    /// No longer shows a series. Whoever holds its instrument may go on using it, unseen.
    package func remove(_ name: String, _ labels: Labels) {
        families.withLock { families in
            guard families[name]?.series.removeValue(forKey: labels) != nil else { return }
            if families[name]?.series.isEmpty == true { families[name] = nil }
        }
    }

    /// The type that a name has, if anybody uses it.
    package func kind(of name: String) -> Kind? { families.withLock { $0[name]?.kind } }

    /// The value of a counter or gauge as it would be shown, or the count of a histogram; for tests and status pages.
    package func value(_ name: String, _ labels: KeyValuePairs<String, String> = [:]) -> Double? {
        let found = families.withLock { $0[name]?.series[Labels(labels)] }
        switch found {
        case .counter(let counter): return counter.value
        case .gauge(let gauge): return gauge.value
        case .histogram(let histogram): return Double(histogram.snapshot.count)
        case .observed(let read): return read()
        case nil: return nil
        }
    }

    private func find(
        _ name: String, _ kind: Kind, _ help: String, _ labels: Labels, _ make: () -> Instrument
    ) -> Instrument? {
        families.withLock { families in
            var family = families[name] ?? Family(kind: kind, help: help)
            guard family.kind == kind else { return nil }
            if let known = family.series[labels] { return known }
            let made = make()
            families[name] = nil  // so that the dictionary of series below is changed in place
            family.series[labels] = made
            families[name] = family
            return made
        }
    }

    private func register(_ name: String, _ kind: Kind, _ help: String, _ labels: Labels, _ instrument: Instrument) {
        families.withLock { families in
            var family = families[name] ?? Family(kind: kind, help: help)
            guard family.kind == kind else { return }
            families[name] = nil
            family.series[labels] = instrument
            families[name] = family
        }
    }

    /// Appends all metrics: Prometheus text 0.0.4, or OpenMetrics 1.0. Families by name, series by labels.
    package func expose(into out: ByteArena, openMetrics: Bool = false) {
        for prepare in preparations.withLock({ $0 }) { prepare() }
        // A copy first: reading observed values may take other locks.
        let families = families.withLock { $0 }
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            Exposition.write(name, family, openMetrics: openMetrics, into: out)
        }
        if openMetrics { out.append("# EOF\n") }
    }
}
