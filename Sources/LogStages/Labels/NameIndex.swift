/// Finds labels by hash once a line has so many that comparing one by one would take quadratic time: a line of a
/// million keys is a line that somebody made up. Open addressing, linear probing, at most half full.
struct NameIndex {
    /// Up to here a scan over the hashes is as fast.
    static let threshold = 64

    private var slots: [Int32] = []
    private var hashesOf: [UInt32] = []
    private(set) var count = 0

    var isActive: Bool { count > 0 }

    mutating func clear() {
        if count > 0 {
            // A giant line must not keep its memory for ever.
            if slots.count > 1 << 16 { slots = [] }
            hashesOf.removeAll(keepingCapacity: slots.count > 0)
            count = 0
        }
    }

    mutating func build(_ hashes: [UInt32]) {
        var size = 256
        while size < hashes.count * 4 { size *= 2 }
        slots = [Int32](repeating: -1, count: size)
        hashesOf.removeAll(keepingCapacity: true)
        count = 0
        for (i, hash) in hashes.enumerated() { place(hash, i) }
    }

    mutating func insert(_ hash: UInt32, _ at: Int, _ hashes: [UInt32]) {
        if (count + 1) * 2 > slots.count { build(hashes) } else { place(hash, at) }
    }

    private mutating func place(_ hash: UInt32, _ at: Int) {
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while slots[slot] >= 0 { slot = (slot + 1) & mask }
        slots[slot] = Int32(truncatingIfNeeded: at)
        hashesOf.append(hash)
        count += 1
    }

    /// The entry with that hash for which `matches` is true.
    func find(_ hash: UInt32, _ matches: (Int) -> Bool) -> Int? {
        let mask = slots.count - 1
        var slot = Int(hash) & mask
        while slots[slot] >= 0 {
            let at = Int(slots[slot])
            if at < hashesOf.count, hashesOf[at] == hash, matches(at) { return at }
            slot = (slot + 1) & mask
        }
        return nil
    }
}
