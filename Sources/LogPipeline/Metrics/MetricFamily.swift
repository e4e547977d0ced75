import Bytes
import LogModel
import Metrics
import Synchronization

/// One derived metric: its series, made as label values occur, forgotten when they no longer do.
final class MetricFamily: Sendable {
    enum Instrument: Sendable {
        case counter(Counter)
        case gauge(Gauge)
        case histogram(Histogram)
    }

    /// One series and when it was used last.
    final class Series: Sendable {
        let labels: Labels
        let instrument: Instrument
        /// Nanoseconds of the wall clock.
        let lastUse: Atomic<Int64>
        /// No longer shown: whoever holds it must ask for it again.
        let isRetired = Atomic<Bool>(false)

        init(_ labels: Labels, _ instrument: Instrument, now: Int64) {
            self.labels = labels
            self.instrument = instrument
            lastUse = Atomic(now)
        }
    }

    let name: String
    let kind: MetricOptions.Kind
    private let help: String
    private let buckets: [Double]
    private let seriesMax: Int
    private let idleMax: Int64
    private let registry: Registry
    private let overflow: Counter
    private let series = Mutex<[Labels: Series]>([:])

    init(_ options: MetricOptions, registry: Registry) {
        name = options.prefix + options.name
        kind = options.kind
        help = options.description
        buckets = options.buckets ?? Histogram.defaultBounds
        seriesMax = max(1, options.maxSeries)
        idleMax = options.maxIdleDuration
        self.registry = registry
        overflow = registry.counter(
            "tailrace_metric_overflow_total",
            "Observations of derived metrics that were left out because the metric has too many series.",
            Labels([Label("metric", ByteString(name))]))
    }

    /// The series of a label set, or nil when there is no room for another one (which is counted).
    func series(_ labels: Labels, now: Int64) -> Series? {
        series.withLock { all in
            if let known = all[labels] { return known }
            guard all.count < seriesMax else {
                overflow.add()
                return nil
            }
            let instrument: Instrument =
                switch kind {
                case .counter: .counter(registry.counter(name, help, labels))
                case .gauge: .gauge(registry.gauge(name, help, labels))
                case .histogram: .histogram(registry.histogram(name, help, labels, buckets: buckets))
                }
            let made = Series(labels, instrument, now: now)
            all[labels] = made
            return made
        }
    }

    func countOverflow() { overflow.add() }

    /// Takes series that were not used for a while out of the registry.
    func expire(now: Int64) {
        guard idleMax > 0 else { return }
        series.withLock { all in
            for (labels, one) in all where now - one.lastUse.load(ordering: .relaxed) > idleMax {
                one.isRetired.store(true, ordering: .relaxed)
                registry.remove(name, labels)
                all[labels] = nil
            }
        }
    }
}

/// The derived metrics of a process, by their full name: stages that name the same metric share it.
package final class MetricFamilies: Sendable {
    private let families = Mutex<[String: MetricFamily]>([:])
    let registry: Registry

    package init(registry: Registry) { self.registry = registry }

    /// Nil when the name is taken by a metric of another type.
    func family(_ options: MetricOptions) -> MetricFamily? {
        let name = options.prefix + options.name
        let wanted: Registry.Kind =
            switch options.kind {
            case .counter: .counter
            case .gauge: .gauge
            case .histogram: .histogram
            }
        return families.withLock { families in
            if let known = families[name] { return known.kind == options.kind ? known : nil }
            if let taken = registry.kind(of: name), taken != wanted { return nil }
            let made = MetricFamily(options, registry: registry)
            families[name] = made
            return made
        }
    }

    /// Removes series that were not used for their `max_idle_duration`. Called now and then, and before metrics are
    /// shown. `now` is the wall clock in nanoseconds.
    package func expire(now: Int64) {
        for family in families.withLock({ Array($0.values) }) { family.expire(now: now) }
    }
}
