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
    /// Nil: the labels of the stream.
    let labels: [LabelTarget]?
    let memory: Int

    init(
        family: MetricFamily, action: Action, value: Value, wanted: ByteString?, above: Double?, scale: Double,
        labels: [LabelTarget]?, memory: Int
    ) {
        self.family = family
        self.action = action
        self.value = value
        self.wanted = wanted
        self.above = above
        self.scale = scale
        self.labels = labels
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

    func apply(_ amount: Double, to series: MetricFamily.Series) {
        switch series.instrument {
        // A negative amount is left out: a counter that falls is no counter.
        case .counter(let counter): counter.add(amount)
        case .gauge(let gauge):
            switch action {
            case .set: gauge.set(amount)
            case .inc, .add, .observe: gauge.add(amount)
            case .dec, .sub: gauge.add(-amount)
            }
        case .histogram(let histogram): histogram.observe(amount)
        }
    }
}

/// What a runner remembers of one metric: the series of label values met before.
struct MetricMemory {
    private var table = BytesTable(countMax: 1 << 14)
    private var series: [Known] = []
    private let key = ByteArena(capacity: 128)

    private enum Known {
        case series(MetricFamily.Series)
        /// There was no room for it; worth asking again after this moment.
        case refused(until: Int64)
    }

    /// How long a refusal is believed, nanoseconds: series expire in minutes.
    private static let refusalAge: Int64 = 10_000_000_000

    mutating func observe(
        _ operation: MetricOperation, _ amount: Double, _ state: borrowing EntryState, set: Int, _ sets: LabelSets,
        now: Int64
    ) {
        key.reset()
        if let labels = operation.labels {
            for target in labels {
                let value = state.slots[target.slot]
                guard value.hasText else {
                    key.append(littleEndian: UInt32.max)
                    continue
                }
                key.append(littleEndian: value.text.count)
                key.append(state.view(value.text))
            }
        } else {
            key.append(littleEndian: UInt32(truncatingIfNeeded: set))
        }
        var at = table.find(key.view).flatMap { $0 < series.count ? $0 : nil }
        if let known = at {
            switch series[known] {
            case .series(let found) where !found.isRetired.load(ordering: .relaxed):
                found.lastUse.store(now, ordering: .relaxed)
                operation.apply(amount, to: found)
                return
            case .refused(let until) where now < until:
                operation.family.countOverflow()
                return
            default: break
            }
        }
        var pairs: [Label] = []
        if let labels = operation.labels {
            for target in labels {
                guard let text = state.text(target.slot), !text.isEmpty, text.isUTF8 else { continue }
                pairs.append(Label(target.name, ByteString(text)))
            }
        } else {
            pairs = sets.sets[set].pairs.filter { !$0.name.hasPrefix("__") }
        }
        let made = operation.family.series(Labels(pairs), now: now)
        let outcome: Known = made.map { .series($0) } ?? .refused(until: now &+ Self.refusalAge)
        if at == nil, series.count >= 1 << 14 {
            reset()
            at = nil
        }
        if let at {
            series[at] = outcome
        } else {
            table.insert(key.view, series.count)
            series.append(outcome)
        }
        if let made {
            made.lastUse.store(now, ordering: .relaxed)
            operation.apply(amount, to: made)
        }
    }

    mutating func reset() {
        table.removeAll()
        series.removeAll()
    }
}
