/// Numbers by label set, for those who keep the sets themselves in an array.
///
/// A dictionary with `Labels` as keys compares sets wherever it probes, and each comparison counts references of names
/// that all threads share: with a stream a line that was half of the CPU time of ingest. This table keeps hashes and
/// asks for a comparison only where they are equal. Open addressing with linear probing, at most half full.
package struct LabelTable: Sendable {
    private struct Slot {
        var hash: UInt64 = 0
        /// Number + 1; 0: free.
        var place: UInt32 = 0
    }

    private var slots: [Slot] = []
    package private(set) var count = 0

    package init() {}

    /// The number that was inserted with this hash and for which `isSame` is true. O(1).
    package func find(_ hash: UInt64, where isSame: (Int) -> Bool) -> Int? {
        guard !slots.isEmpty else { return nil }
        let mask = slots.count - 1
        var at = Int(truncatingIfNeeded: hash) & mask
        while slots[at].place != 0 {
            if slots[at].hash == hash, isSame(Int(slots[at].place) - 1) { return Int(slots[at].place) - 1 }
            at = (at + 1) & mask
        }
        return nil
    }

    /// There must be no such set yet; `number` is below 2^32 − 1.
    package mutating func insert(_ hash: UInt64, _ number: Int) {
        if (count + 1) * 2 > slots.count {
            let old = slots
            slots = [Slot](repeating: Slot(), count: max(16, old.count * 2))
            for slot in old where slot.place != 0 { put(slot) }
        }
        put(Slot(hash: hash, place: UInt32(number + 1)))
        count += 1
    }

    private mutating func put(_ slot: Slot) {
        let mask = slots.count - 1
        var at = Int(truncatingIfNeeded: slot.hash) & mask
        while slots[at].place != 0 { at = (at + 1) & mask }
        slots[at] = slot
    }

    /// The number of a set in `sets`, where it is appended when it is not there yet.
    package mutating func number(of labels: Labels, in sets: inout [Labels]) -> Int {
        let hash = labels.contentHash
        if let known = find(hash, where: { sets[$0] == labels }) { return known }
        let number = sets.count
        sets.append(labels)
        insert(hash, number)
        return number
    }

    package mutating func removeAll() {
        if count == 0 { return }
        // A table that was once large costs its clearing each time.
        slots = slots.count > 1024 ? [] : [Slot](repeating: Slot(), count: slots.count)
        count = 0
    }
}
