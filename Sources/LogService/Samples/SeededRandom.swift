/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers for the same seed on every machine.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ limit: Int) -> Int { Int(next() % UInt64(max(limit, 1))) }

    /// In [0, 1).
    mutating func fraction() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }

    mutating func pick<T>(_ items: [T]) -> T { items[below(items.count)] }

    /// The first of (item, weight) with probability weight over the sum of weights.
    mutating func pick<T>(weighted items: [(T, Int)]) -> T {
        var rest = below(items.reduce(0) { $0 + $1.1 })
        for (item, weight) in items {
            if rest < weight { return item }
            rest -= weight
        }
        return items[items.count - 1].0
    }

    mutating func hex(_ digits: Int) -> String {
        var out = ""
        while out.utf8.count < digits {
            let word = String(next(), radix: 16)
            out += String(repeating: "0", count: 16 - word.utf8.count) + word
        }
        return String(out.prefix(digits))
    }

    mutating func digits(_ count: Int) -> String { String((0..<count).map { _ in Character("\(below(10))") }) }

    mutating func letters(_ count: Int, of alphabet: String) -> String {
        let all = Array(alphabet)
        return String((0..<count).map { _ in all[below(all.count)] })
    }
}
