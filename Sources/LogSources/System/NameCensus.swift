import Bytes

/// How many paths end in a name, by a hash of the name: answers "none of them" without building a string.
struct NameCensus: ~Copyable {
    private var counts: [UInt64: Int] = [:]

    mutating func add(_ path: ByteString) { counts[Self.hash(path.lastComponent.bytes), default: 0] += 1 }

    mutating func remove(_ path: ByteString) {
        let hash = Self.hash(path.lastComponent.bytes)
        guard let count = counts[hash] else { return }
        counts[hash] = count > 1 ? count - 1 : nil
    }

    /// False: no path ends in `name`. True for a few more than do. O(length of the name).
    func mayHold(_ name: some Sequence<UInt8>) -> Bool { counts[Self.hash(name)] != nil }

    /// FNV-1a.
    @inline(__always) private static func hash(_ bytes: some Sequence<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }
}
