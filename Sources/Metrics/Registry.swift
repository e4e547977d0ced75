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

        /// With other names for labels. Of two series that become one the first by its labels stays.
        func renamed(_ names: [ByteString: ByteString]) -> Family {
            guard !names.isEmpty else { return self }
            var family = Family(kind: kind, help: help)
            for (labels, instrument) in series.sorted(by: { $0.key < $1.key }) {
                let renamed = Labels(labels.pairs.map { Label(names[$0.name] ?? $0.name, $0.value) })
                if family.series[renamed] == nil { family.series[renamed] = instrument }
            }
            return family
        }
    }

    /// A second name of a family, and what its labels are called there.
    struct Alias: Equatable {
        var name: String
        var kind: Kind
        var labels: [ByteString: ByteString]
    }

    private struct Names {
        var families: [String: Family] = [:]
        var aliases: [String: Alias] = [:]
    }

    private let names = Mutex(Names())
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

    /// Shows a family under a second name too, with labels called otherwise (`labels`: old name → new name). False when
    /// the name is taken by something else. The family need not exist yet; asking again changes the labels.
    package func alias(_ alias: String, of name: String, _ kind: Kind, labels: [ByteString: ByteString] = [:]) -> Bool {
        let wanted = Alias(name: name, kind: kind, labels: labels)
        return names.withLock { names in
            if let known = names.aliases[alias], known.name != name || known.kind != kind { return false }
            guard alias != name, names.families[alias] == nil, names.aliases[name] == nil else { return false }
            names.aliases[alias] = wanted
            return true
        }
    }

    /// No longer shows a series. Whoever holds its instrument may go on using it, unseen.
    package func remove(_ name: String, _ labels: Labels) {
        names.withLock { names in
            guard names.families[name]?.series.removeValue(forKey: labels) != nil else { return }
            if names.families[name]?.series.isEmpty == true { names.families[name] = nil }
        }
    }

    /// The type that a name has, if anybody uses it.
    package func kind(of name: String) -> Kind? {
        names.withLock { $0.families[name]?.kind ?? $0.aliases[name]?.kind }
    }

    /// Whether the name is a second name of another family.
    package func isAlias(_ name: String) -> Bool { names.withLock { $0.aliases[name] != nil } }

    /// The value of a counter or gauge as it would be shown, or the count of a histogram; for tests and status pages.
    package func value(_ name: String, _ labels: KeyValuePairs<String, String> = [:]) -> Double? {
        let found = names.withLock { $0.families[name]?.series[Labels(labels)] }
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
        names.withLock { names in
            guard names.aliases[name] == nil else { return nil }
            var family = names.families[name] ?? Family(kind: kind, help: help)
            guard family.kind == kind else { return nil }
            if let known = family.series[labels] { return known }
            let made = make()
            names.families[name] = nil  // so that the dictionary of series below is changed in place
            family.series[labels] = made
            names.families[name] = family
            return made
        }
    }

    private func register(_ name: String, _ kind: Kind, _ help: String, _ labels: Labels, _ instrument: Instrument) {
        names.withLock { names in
            guard names.aliases[name] == nil else { return }
            var family = names.families[name] ?? Family(kind: kind, help: help)
            guard family.kind == kind else { return }
            names.families[name] = nil
            family.series[labels] = instrument
            names.families[name] = family
        }
    }

    /// Appends all metrics: Prometheus text 0.0.4, or OpenMetrics 1.0 with exemplars. Families by name, series by labels.
    package func expose(into out: ByteArena, _ format: ExpositionFormat = .text) {
        for prepare in preparations.withLock({ $0 }) { prepare() }
        // A copy first: reading observed values may take other locks.
        let names = names.withLock { $0 }
        var families = names.families
        for (alias, of) in names.aliases {
            guard let family = names.families[of.name] else { continue }
            families[alias] = family.renamed(of.labels)
        }
        for (name, family) in families.sorted(by: { $0.key < $1.key }) {
            Exposition.write(name, family, openMetrics: format == .openMetrics, into: out)
        }
        if format == .openMetrics { out.append("# EOF\n") }
    }
}
