import Bytes
import LogModel
import LogStages

/// Which labels make a series of a range aggregation.
struct SeriesIdentity {
    enum Mode {
        /// All samples are one series: `by ()`, `absent_over_time`.
        case nothing
        /// Only these.
        case by
        /// All but these.
        case without
    }
    var mode: Mode
    var names: [LabelName]
    /// Loki's way with `by`: a label that a stage has removed counts as absent even where a later one has set it.
    var forgetsDeleted = false
    /// Loki's way behind `keep`: labels with an empty value tell series apart, but are not shown.
    var hidesEmpty = false

    static let nothing = SeriesIdentity(mode: .nothing, names: [])
    static let everything = SeriesIdentity(mode: .without, names: [])
}

/// Numbers the series of a query by their labels, without allocating for a line whose series is known.
///
/// The key is a sum of pair hashes, seeded for the process, so that it depends neither on the order in which labels came
/// to be nor on what a writer of logs could guess; the labels behind a key are compared by bytes as well.
struct SeriesTable {
    let identity: SeriesIdentity
    private(set) var labels: [Labels] = []
    /// Open addressing, at most half full; index into `labels` or −1.
    private var slots: [Int32]
    private var hashes: [UInt64] = []
    private let nameHashes: [UInt64]

    private static let seed = UInt64.random(in: .min ... .max)

    init(_ identity: SeriesIdentity) {
        self.identity = identity
        slots = [Int32](repeating: -1, count: 64)
        nameHashes = identity.names.map { $0.bytes.withView { XXH3.of($0, seed: Self.seed) } }
    }

    /// The number of the line's series, and whether it is a new one. O(labels).
    mutating func number(of state: borrowing LineState) -> (number: Int32, isNew: Bool) {
        var sum: UInt64 = 0
        var pairs = 0
        switch identity.mode {
        case .nothing: break
        case .by:
            for (i, name) in identity.names.enumerated() {
                guard let value = groupValue(name, state) else { continue }
                sum &+= XXH3.of(value, seed: nameHashes[i])
                pairs += 1
            }
        case .without:
            state.forEach { name, value, _ in
                if isExcluded(name) { return }
                sum &+= XXH3.of(value, seed: XXH3.of(name, seed: Self.seed))
                pairs += 1
            }
        }
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: sum ^ (sum >> 32)) & mask
        while slots[slot] >= 0 {
            let candidate = Int(slots[slot])
            if hashes[candidate] == sum, equals(candidate, state, pairs) { return (slots[slot], false) }
            slot = (slot + 1) & mask
        }
        let number = Int32(truncatingIfNeeded: labels.count)
        slots[slot] = number
        labels.append(labels(of: state))
        hashes.append(sum)
        if labels.count * 2 > slots.count { grow() }
        return (number, true)
    }

    /// The number of the series that has these values – one for each of the identity's names, nil where the label is
    /// absent – and whether it is a new one. Only with `by` or `nothing`.
    mutating func number(of values: [ByteView?]) -> (number: Int32, isNew: Bool) {
        var sum: UInt64 = 0
        var pairs = 0
        for (i, value) in values.enumerated() {
            guard let value else { continue }
            sum &+= XXH3.of(value, seed: nameHashes[i])
            pairs += 1
        }
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: sum ^ (sum >> 32)) & mask
        while slots[slot] >= 0 {
            let candidate = Int(slots[slot])
            if hashes[candidate] == sum, labels[candidate].count == pairs {
                var isEqual = true
                for (i, value) in values.enumerated() {
                    guard let value else { continue }
                    let other = labels[candidate][identity.names[i].bytes]
                    if other == nil || other.map({ $0 == value }) != true { isEqual = false }
                }
                if isEqual { return (slots[slot], false) }
            }
            slot = (slot + 1) & mask
        }
        var known: [Label] = []
        for (i, value) in values.enumerated() {
            if let value { known.append(Label(identity.names[i].bytes, ByteString(value))) }
        }
        let number = Int32(truncatingIfNeeded: labels.count)
        slots[slot] = number
        labels.append(Labels(known))
        hashes.append(sum)
        if labels.count * 2 > slots.count { grow() }
        return (number, true)
    }

    /// Bytes of memory that a series takes, about.
    static func footprint(_ labels: Labels) -> Int {
        labels.pairs.reduce(256) { $0 + $1.name.count + $1.value.count + 96 }
    }

    /// The number here of each series of another table of the same identity, and those that are new.
    mutating func absorb(_ other: SeriesTable) -> (numbers: [Int32], fresh: [Labels]) {
        var numbers: [Int32] = []
        var fresh: [Labels] = []
        numbers.reserveCapacity(other.labels.count)
        for (labels, sum) in zip(other.labels, other.hashes) {
            let mask = slots.count - 1
            var slot = Int(truncatingIfNeeded: sum ^ (sum >> 32)) & mask
            while slots[slot] >= 0 {
                let candidate = Int(slots[slot])
                if hashes[candidate] == sum, self.labels[candidate] == labels { break }
                slot = (slot + 1) & mask
            }
            if slots[slot] >= 0 {
                numbers.append(slots[slot])
                continue
            }
            let number = Int32(truncatingIfNeeded: self.labels.count)
            slots[slot] = number
            self.labels.append(labels)
            hashes.append(sum)
            numbers.append(number)
            fresh.append(labels)
            if self.labels.count * 2 > slots.count { grow() }
        }
        return (numbers, fresh)
    }

    private func groupValue(_ name: LabelName, _ state: borrowing LineState) -> ByteView? {
        if identity.forgetsDeleted, state.wasDeleted(name) { return nil }
        return state.visibleValue(name)
    }

    private func isExcluded(_ name: ByteView) -> Bool {
        for excluded in identity.names where excluded.bytes == name { return true }
        return false
    }

    private func equals(_ candidate: Int, _ state: borrowing LineState, _ pairs: Int) -> Bool {
        let known = labels[candidate]
        guard known.count == pairs || identity.hidesEmpty else { return false }
        switch identity.mode {
        case .nothing: return true
        case .by:
            // Both sides are few: the order of names is the same for every line.
            for name in identity.names {
                guard let value = groupValue(name, state) else { continue }
                guard let other = known[name.bytes], other == value else { return false }
            }
            return true
        case .without:
            // Comparing all labels of each line pair by pair would be quadratic in their number. With equal counts and
            // equal 64-bit sums under a secret seed the sets are equal but for odds of 2⁻⁶⁴ a pair of sets.
            return true
        }
    }

    private func labels(of state: borrowing LineState) -> Labels {
        var pairs: [Label] = []
        switch identity.mode {
        case .nothing: break
        case .by:
            for name in identity.names {
                if let value = groupValue(name, state) { pairs.append(Label(name.bytes, ByteString(value))) }
            }
        case .without:
            state.forEach { name, value, _ in
                if isExcluded(name) || identity.hidesEmpty && value.isEmpty { return }
                pairs.append(Label(ByteString(name), ByteString(value)))
            }
        }
        return Labels(pairs)
    }

    private mutating func grow() {
        slots = [Int32](repeating: -1, count: slots.count * 2)
        let mask = slots.count - 1
        for (i, sum) in hashes.enumerated() {
            var slot = Int(truncatingIfNeeded: sum ^ (sum >> 32)) & mask
            while slots[slot] >= 0 { slot = (slot + 1) & mask }
            slots[slot] = Int32(truncatingIfNeeded: i)
        }
    }
}
