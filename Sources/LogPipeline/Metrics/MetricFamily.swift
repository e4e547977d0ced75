import Bytes
import LogModel
import Metrics
import Synchronization

/// One derived metric: its series, made as label values occur or known beforehand, forgotten when they are idle.
///
/// Invariants:
/// - At most `seriesMax` series hold values of their own. What comes beyond goes to overflow series, in which values that
///   may be anything are `other`; so sums over the metric stay right. Of these there are at most `overflowMax`.
/// - Every label value has passed a `LabelCleaner`, or was written in the configuration.
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
        /// Nanoseconds of the wall clock; `.max`: it stays.
        let lastUse: Atomic<Int64>
        /// No longer shown: whoever holds it must ask for it again.
        let isRetired = Atomic<Bool>(false)

        init(_ labels: Labels, _ instrument: Instrument, now: Int64) {
            self.labels = labels
            self.instrument = instrument
            lastUse = Atomic(now)
        }

        func touch(_ now: Int64) {
            if lastUse.load(ordering: .relaxed) != .max { lastUse.store(now, ordering: .relaxed) }
        }
    }

    /// What becomes of an observation.
    struct Place {
        var series: Series
        /// Whether it is an overflow series; it is then worth asking again later.
        var isOverflow: Bool
    }

    private struct State {
        var series: [Labels: Series] = [:]
        var overflow: [Labels: Series] = [:]
    }

    let name: String
    let kind: MetricOptions.Kind
    private let help: String
    private let buckets: [Double]
    private let seriesMax: Int
    private let idleMax: Int64
    private let registry: Registry
    private let overflow: Counter
    private let state = Mutex(State())

    static let other: ByteString = "other"
    /// Chosen: closed labels (status by endpoint, say) keep their values in the overflow, and have so many combinations.
    private static let overflowMax = 256

    init(_ options: MetricOptions, registry: Registry) {
        name = options.prefix + options.name
        kind = options.kind
        help = options.description
        buckets = options.buckets ?? Histogram.defaultBounds
        seriesMax = max(1, options.maxSeries)
        idleMax = options.idleDuration
        self.registry = registry
        overflow = registry.counter(
            "tailrace_metric_overflow_total",
            "Observations of derived metrics that went to an overflow series because the metric has too many series.",
            Labels([Label("metric", ByteString(name))]))
    }

    /// The series of a label set, or where its observations go when there is no room for another one (which is counted);
    /// nil when there is no room there either. `beyond`: the labels of the overflow series.
    func place(_ labels: Labels, beyond: @autoclosure () -> Labels, now: Int64) -> Place? {
        state.withLock { state in
            if let known = state.series[labels] { return Place(series: known, isOverflow: false) }
            if state.series.count < seriesMax {
                let made = make(labels, now: now)
                state.series[labels] = made
                return Place(series: made, isOverflow: false)
            }
            overflow.add()
            let labels = beyond()
            if let known = state.series[labels] ?? state.overflow[labels] { return Place(series: known, isOverflow: true) }
            guard state.overflow.count < Self.overflowMax else { return nil }
            let made = make(labels, now: now)
            state.overflow[labels] = made
            return Place(series: made, isOverflow: true)
        }
    }

    /// Shows a series from now on, at zero if it is new; false when there is no room. `forever`: however idle it is.
    @discardableResult
    func prepare(_ labels: Labels, now: Int64, forever: Bool) -> Bool {
        state.withLock { state in
            if let known = state.series[labels] {
                if forever { known.lastUse.store(.max, ordering: .relaxed) }
                return true
            }
            guard state.series.count < seriesMax else { return false }
            state.series[labels] = make(labels, now: forever ? .max : now)
            return true
        }
    }

    private func make(_ labels: Labels, now: Int64) -> Series {
        let instrument: Instrument =
            switch kind {
            case .counter: .counter(registry.counter(name, help, labels))
            case .gauge: .gauge(registry.gauge(name, help, labels))
            case .histogram: .histogram(registry.histogram(name, help, labels, buckets: buckets))
            }
        return Series(labels, instrument, now: now)
    }

    // MARK: Restarts

    /// Nil: a gauge.
    var snapshot: MetricSnapshot.Family? {
        let all = state.withLock { Array($0.series.values) + Array($0.overflow.values) }
        var bounds: [Double] = []
        var series: [(labels: Labels, value: MetricSnapshot.Family.Value)] = []
        for one in all {
            switch one.instrument {
            case .counter(let counter): series.append((one.labels, .counter(counter.value)))
            case .histogram(let histogram):
                bounds = histogram.bounds
                var snapshot = histogram.snapshot
                snapshot.exemplars = []
                series.append((one.labels, .histogram(snapshot)))
            case .gauge: return nil
            }
        }
        return series.isEmpty ? nil : MetricSnapshot.Family(bounds: bounds, isHistogram: kind == .histogram, series: series)
    }

    /// Adds what an earlier run had counted. Series that the metric can no longer have are left out: those with other
    /// labels than `labels` (nil: any), and histograms with other buckets.
    func goOn(from earlier: MetricSnapshot.Family, labels names: Set<ByteString>?, _ cleaner: LabelCleaner, now: Int64) {
        guard kind != .gauge, earlier.isHistogram == (kind == .histogram) else { return }
        for (labels, value) in earlier.series {
            if let names, !labels.pairs.allSatisfy({ names.contains($0.name) }) { continue }
            if case .histogram = value, earlier.bounds != Histogram(bounds: buckets).bounds { return }
            let labels = cleaner.clean(labels)
            guard let series = place(labels, beyond: Labels(labels.pairs.map { Label($0.name, Self.other) }), now: now)?.series else { continue }
            switch (series.instrument, value) {
            case (.counter(let counter), .counter(let number)): counter.add(number)
            case (.histogram(let histogram), .histogram(let snapshot)): _ = histogram.add(snapshot)
            default: break
            }
        }
    }

    func countOverflow() { overflow.add() }

    /// Takes series that were not used for a while out of the registry.
    func expire(now: Int64) {
        guard idleMax > 0 else { return }
        state.withLock { state in
            expire(&state.series, now)
            expire(&state.overflow, now)
        }
    }

    private func expire(_ all: inout [Labels: Series], _ now: Int64) {
        for (labels, one) in all {
            let last = one.lastUse.load(ordering: .relaxed)
            guard last != .max, now - last > idleMax else { continue }
            one.isRetired.store(true, ordering: .relaxed)
            registry.remove(name, labels)
            all[labels] = nil
        }
    }
}
