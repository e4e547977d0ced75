import Bytes
import LogModel
import LogStages
import Metrics
import Synchronization

/// What a runner remembers of one metric: the series of label values met before, so that a line costs one look into a
/// table.
struct MetricMemory {
    private var table = BytesTable(countMax: 1 << 14)
    private var places: [Known] = []
    private let key = ByteArena(capacity: 128)

    private struct Known {
        /// Nil: there was no room for it, not even in an overflow series.
        var series: MetricFamily.Series?
        /// Not the values' own series: asked for again after this moment, since series expire.
        var overflowUntil: Int64?
    }

    /// How long an overflow is believed, nanoseconds: series expire in minutes.
    private static let overflowAge: Int64 = 10_000_000_000

    mutating func observe(
        _ operation: MetricOperation, _ amount: Double, _ entry: borrowing PipelineEntry, _ sets: LabelSets,
        _ cleaner: LabelCleaner, now: Int64
    ) {
        key.reset()
        operation.labels.key(entry.state, set: entry.set, into: key)
        var exemplar: Exemplar?
        if !operation.exemplar.isEmpty { exemplar = Self.exemplar(operation, amount, entry, cleaner) }
        var at = table.find(key.view).flatMap { $0 < places.count ? $0 : nil }
        if let known = at {
            let place = places[known]
            let isFresh = place.overflowUntil.map { now < $0 } ?? true
            if isFresh, place.series?.isRetired.load(ordering: .relaxed) != true {
                if place.overflowUntil != nil { operation.family.countOverflow() }
                place.series?.touch(now)
                if let series = place.series { operation.apply(amount, to: series, exemplar) }
                return
            }
        }
        let labels = operation.labels.labels(entry.state, set: entry.set, sets, cleaner)
        let place = operation.family.place(labels, beyond: operation.labels.beyond(labels), now: now)
        let isOverflow = place?.isOverflow ?? true
        if !isOverflow { prepareSiblings(operation, labels, now) }
        let outcome = Known(series: place?.series, overflowUntil: isOverflow ? now &+ Self.overflowAge : nil)
        if at == nil, places.count >= 1 << 14 {
            reset()
            at = nil
        }
        if let at {
            places[at] = outcome
        } else {
            table.insert(key.view, places.count)
            places.append(outcome)
        }
        if let series = place?.series {
            series.touch(now)
            operation.apply(amount, to: series, exemplar)
        }
    }

    /// The first request of a model that succeeds shows that none has failed.
    private func prepareSiblings(_ operation: MetricOperation, _ labels: Labels, _ now: Int64) {
        guard let siblings = operation.labels.combinations(with: labels, countMax: MetricOptions.preparedMax) else { return }
        for sibling in siblings where !operation.family.prepare(sibling, now: now, forever: false) { return }
    }

    private static func exemplar(
        _ operation: MetricOperation, _ amount: Double, _ entry: borrowing PipelineEntry, _ cleaner: LabelCleaner
    ) -> Exemplar? {
        var pairs: [Label] = []
        for target in operation.exemplar {
            guard let text = entry.state.text(target.slot), !text.isEmpty, text.count <= Exemplar.bytesMax, text.isUTF8 else {
                continue
            }
            let value = ByteString(text)
            pairs.append(Label(target.name, isTraceID(text) ? value : cleaner.clean(value, name: target.name)))
        }
        let labels = Labels(pairs)
        guard !labels.isEmpty, Exemplar.fits(labels) else { return nil }
        return Exemplar(labels: labels, value: amount, time: Timestamp(nanoseconds: entry.timestamp))
    }

    /// Hexadecimal with a letter among the digits: no detector knows such a value, and most exemplars are one.
    private static func isTraceID(_ text: ByteView) -> Bool {
        var hasLetter = false
        for i in 0..<text.count {
            switch text[i] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): continue
            case UInt8(ascii: "a")...UInt8(ascii: "f"): hasLetter = true
            default: return false
            }
        }
        return hasLetter
    }

    mutating func reset() {
        table.removeAll()
        places.removeAll()
    }
}
