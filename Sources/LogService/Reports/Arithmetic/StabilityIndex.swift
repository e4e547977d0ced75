import Glibc

/// How far a distribution has moved: the population stability index over given buckets.
///
/// PSI = Σ (aᵢ − bᵢ) ln(aᵢ / bᵢ), a and b the shares of bucket i now and then: Kullback's symmetric divergence. By the rule
/// of thumb of credit scoring (Siddiqi, Credit Risk Scorecards, 2006) below 0.1 is no change and from 0.25 on a large one.
/// Without any change, PSI is about χ² with k − 1 degrees of freedom, times 1/n + 1/m (Yurdakul, Statistical Properties
/// of Population Stability Index, 2018): where that alone may reach 0.1 there are too few requests to say anything.
package struct StabilityIndex: Sendable, Equatable {
    package enum Verdict: String, Sendable {
        case stable, moderate, large
        case tooFew = "too few"
    }

    package static let moderateFrom = 0.1
    package static let largeFrom = 0.25
    /// Added to each bucket, so that an empty one has a logarithm (Jeffreys' prior).
    private static let smoothing = 0.5

    package var now: Int
    package var then: Int
    /// nil where there are too few to say.
    package var value: Double?
    /// What chance alone exceeds once in twenty times; nil without samples.
    package var noise: Double?

    /// Counts by bucket, in the same buckets.
    package init(_ now: [Int], against then: [Int]) {
        self.now = now.reduce(0, +)
        self.then = then.reduce(0, +)
        guard now.count == then.count, self.now > 0, self.then > 0 else { return }
        // Buckets that nobody has been in say nothing and must not be paid for in degrees of freedom.
        let used = now.indices.filter { now[$0] + then[$0] > 0 }
        let chance = Self.chiSquare95(max(1, used.count - 1)) * (1 / Double(self.now) + 1 / Double(self.then))
        noise = chance
        guard chance <= Self.moderateFrom else { return }
        let (n, m) = (Double(self.now), Double(self.then))
        let extra = Self.smoothing * Double(used.count)
        value = used.reduce(0.0) { sum, bucket in
            let a = (Double(now[bucket]) + Self.smoothing) / (n + extra)
            let b = (Double(then[bucket]) + Self.smoothing) / (m + extra)
            return sum + (a - b) * log(a / b)
        }
    }

    package var verdict: Verdict {
        guard let value else { return .tooFew }
        return value < Self.moderateFrom ? .stable : value < Self.largeFrom ? .moderate : .large
    }

    /// The 95 % point of χ² (Wilson and Hilferty 1931), good to 1 % from two degrees of freedom on.
    static func chiSquare95(_ degrees: Int) -> Double {
        let k = Double(degrees)
        let root = 1 - 2 / (9 * k) + 1.6448536 * (2 / (9 * k)).squareRoot()
        return k * root * root * root
    }
}

/// Buckets of lengths.
package struct LengthBuckets: Sendable, Equatable {
    /// Upper borders, included, ascending; what is above the last has a bucket of its own.
    package var edges: [Int]

    package init(edges: [Int]) { self.edges = edges }

    /// Doubling from 16 to 32,768 tokens: lengths spread over orders of magnitude.
    package static let doubling = LengthBuckets(edges: (4...15).map { 1 << $0 })

    /// Counts by bucket from how many are at most each edge, and how many there are.
    package func counts(atMost: [Int], total: Int) -> [Int] {
        var below = 0
        var counts: [Int] = []
        for count in atMost.prefix(edges.count) {
            counts.append(max(0, count - below))
            below = max(below, count)
        }
        return counts + [max(0, total - below)]
    }

    /// `–16`, `17–32`, …, `32769–`
    package var names: [String] {
        var names: [String] = []
        var low: Int?
        for edge in edges {
            names.append("\(low.map { "\($0)" } ?? "")–\(edge)")
            low = edge + 1
        }
        return names + ["\(low.map { "\($0)" } ?? "")–"]
    }
}
