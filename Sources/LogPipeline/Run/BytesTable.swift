import Bytes

/// Small numbers by byte strings: a cache that a line looks into without allocating.
///
/// Open addressing with linear probing; keys stand back to back in one arena. Forgets everything when it is full, which
/// is right for a cache and keeps memory bounded where values never repeat.
struct BytesTable {
    private struct Entry {
        var hash: UInt64 = 0
        var start: UInt32 = 0
        var length: UInt32 = 0
        /// Free while negative.
        var value: Int32 = -1
    }

    private var entries = [Entry](repeating: Entry(), count: 16)
    private let keys = ByteArena(capacity: 256)
    private(set) var count = 0
    private let countMax: Int
    private let bytesMax = 16 << 20

    init(countMax: Int = 1 << 16) { self.countMax = countMax }

    func find(_ key: ByteView) -> Int? {
        let hash = XXH3.of(key)
        let mask = entries.count - 1
        var i = Int(truncatingIfNeeded: hash) & mask
        while entries[i].value >= 0 {
            let entry = entries[i]
            if entry.hash == hash, keys[Int(entry.start)..<Int(entry.start) + Int(entry.length)] == key {
                return Int(entry.value)
            }
            i = (i + 1) & mask
        }
        return nil
    }

    /// The key must not be there yet; the value must not be negative.
    mutating func insert(_ key: ByteView, _ value: Int) {
        if count >= countMax || keys.count + key.count > bytesMax { removeAll() }
        if count * 2 >= entries.count { grow() }
        let start = keys.count
        keys.append(key)
        place(
            Entry(
                hash: XXH3.of(key), start: UInt32(start), length: UInt32(key.count),
                value: Int32(truncatingIfNeeded: value)))
        count += 1
    }

    mutating func removeAll() {
        entries = [Entry](repeating: Entry(), count: 16)
        keys.reset()
        count = 0
    }

    private mutating func grow() {
        let old = entries
        entries = [Entry](repeating: Entry(), count: old.count * 2)
        for entry in old where entry.value >= 0 { place(entry) }
    }

    private mutating func place(_ entry: Entry) {
        let mask = entries.count - 1
        var i = Int(truncatingIfNeeded: entry.hash) & mask
        while entries[i].value >= 0 { i = (i + 1) & mask }
        entries[i] = entry
    }
}
