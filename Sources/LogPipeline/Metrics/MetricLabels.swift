import Bytes
import LogModel
import LogStages

/// Where the labels of a metric come from, and which values they may have.
struct MetricLabels: Sendable {
    /// A label whose values come from the extracted map.
    struct Variable: Sendable {
        var name: ByteString
        var slot: Int
        /// Values beside these are `other`; nil: any.
        var allowed: Set<ByteString>?
        /// Values that are there from the start, at zero; empty: none are known.
        var known: [ByteString]

        /// Whether the value is one that the configuration names: it stays in the overflow series too.
        func names(_ value: ByteString) -> Bool { known.contains(value) || allowed?.contains(value) == true }
    }

    /// Nil: the labels of the stream.
    var variables: [Variable]?

    /// What tells the series of this line from others, from the raw values; for a cache.
    func key(_ state: borrowing EntryState, set: Int, into key: ByteArena) {
        guard let variables else {
            key.append(littleEndian: UInt32(truncatingIfNeeded: set))
            return
        }
        for variable in variables {
            let value = state.slots[variable.slot]
            guard value.hasText else {
                key.append(littleEndian: UInt32.max)
                continue
            }
            key.append(littleEndian: value.text.count)
            key.append(state.view(value.text))
        }
    }

    /// The labels as they are shown.
    func labels(_ state: borrowing EntryState, set: Int, _ sets: LabelSets, _ cleaner: LabelCleaner) -> Labels {
        guard let variables else {
            return cleaner.clean(Labels(sets.sets[set].pairs.filter { !$0.name.hasPrefix("__") }))
        }
        var pairs: [Label] = []
        for variable in variables {
            guard let text = state.text(variable.slot), !text.isEmpty, text.isUTF8 else { continue }
            let value = ByteString(text)
            if let allowed = variable.allowed {
                pairs.append(Label(variable.name, allowed.contains(value) ? value : MetricFamily.other))
            } else {
                pairs.append(Label(variable.name, cleaner.clean(value, name: variable.name)))
            }
        }
        return Labels(pairs)
    }

    /// Where a label set goes that has no room: values that may be anything are `other`.
    func beyond(_ labels: Labels) -> Labels {
        Labels(
            labels.pairs.map { pair in
                let isNamed = variables?.contains { $0.name == pair.name && $0.names(pair.value) } ?? false
                return isNamed ? pair : Label(pair.name, MetricFamily.other)
            })
    }

    /// The combinations of known values, with the values of `given` for all other labels; nil when there are more than
    /// `countMax`. Without known values nothing.
    func combinations(with given: Labels, countMax: Int) -> [Labels]? {
        guard let variables, variables.contains(where: { !$0.known.isEmpty }) else { return [] }
        var made = [Labels()]
        for variable in variables {
            let values = variable.known.isEmpty ? given[variable.name].map { [$0] } ?? [] : variable.known
            guard !values.isEmpty else { continue }
            guard made.count * values.count <= countMax else { return nil }
            made = made.flatMap { labels in
                values.map { value in
                    var labels = labels
                    labels[variable.name] = value
                    return labels
                }
            }
        }
        return made
    }

    /// Whether the label sets are known beforehand: no labels, or all with known values.
    var isClosed: Bool { variables.map { $0.allSatisfy { !$0.known.isEmpty } } ?? false }
}
