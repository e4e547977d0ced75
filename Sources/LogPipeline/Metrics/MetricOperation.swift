import Bytes
import LogModel
import LogStages
import Metrics
import Synchronization

/// One metric of a `metrics` stage, compiled.
final class MetricOperation: Sendable {
    enum Action: Sendable { case inc, dec, add, sub, set, observe }

    enum Value: Sendable {
        /// Every line counts as one.
        case always
        /// The bytes of the line.
        case lineBytes
        /// The extracted value, which must be there.
        case slot(Int)
    }

    let family: MetricFamily
    let action: Action
    let value: Value
    /// Only values that equal this text count.
    let wanted: ByteString?
    /// Only values above this one count.
    let above: Double?
    let scale: Double
    let labels: MetricLabels
    /// Labels of exemplars and the values they come from; empty: none are kept.
    let exemplar: [LabelTarget]
    let memory: Int

    init(
        family: MetricFamily, action: Action, value: Value, wanted: ByteString?, above: Double?, scale: Double,
        labels: MetricLabels, exemplar: [LabelTarget], memory: Int
    ) {
        self.family = family
        self.action = action
        self.value = value
        self.wanted = wanted
        self.above = above
        self.scale = scale
        self.labels = labels
        self.exemplar = exemplar
        self.memory = memory
    }

    /// The amount that a line adds, or nil when it does not count.
    func amount(_ state: borrowing EntryState) -> Double? {
        switch value {
        case .always: return 1
        case .lineBytes: return Double(state.line.count)
        case .slot(let slot):
            let value = state.slots[slot]
            // `inc` needs no more than that the key is there with a value.
            guard value.hasText else { return nil }
            let text = state.view(value.text)
            if let wanted, !(wanted == text) { return nil }
            switch action {
            case .inc, .dec:
                if let above {
                    guard let number = Self.number(value.kind, text), number > above else { return nil }
                }
                return 1
            case .add, .sub, .set, .observe:
                guard let number = Self.number(value.kind, text) else { return nil }
                if let above, !(number > above) { return nil }
                return number * scale
            }
        }
    }

    /// A number; a duration in seconds; a boolean as 1 or 0.
    static func number(_ kind: ExtractedValue.Kind, _ text: ByteView) -> Double? {
        if kind == .boolean { return text.first == UInt8(ascii: "t") ? 1 : 0 }
        if case .success(let value) = LogStages.GoFloat.parse(text) { return value }
        if case .success(let nanoseconds) = GoDuration.parse(text) { return Double(nanoseconds) / 1e9 }
        return nil
    }

    func apply(_ amount: Double, to series: MetricFamily.Series, _ exemplar: Exemplar? = nil) {
        switch series.instrument {
        // A negative amount is left out: a counter that falls is no counter.
        case .counter(let counter): if let exemplar { counter.add(amount, exemplar) } else { counter.add(amount) }
        case .gauge(let gauge):
            switch action {
            case .set: gauge.set(amount)
            case .inc, .add, .observe: gauge.add(amount)
            case .dec, .sub: gauge.add(-amount)
            }
        case .histogram(let histogram): histogram.observe(amount, exemplar)
        }
    }
}
