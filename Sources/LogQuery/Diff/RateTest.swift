import Glibc

/// Whether a thing seen `a` times before and `b` times after changed its rate, where nothing changed would mean
/// `scale` times as many after as before.
///
/// The statistic is the likelihood ratio of two Poisson counts with exposures 1 and `scale`:
/// G = 2 (a ln a/A + b ln b/B), A = (a+b)/(1+scale), B = (a+b)·scale/(1+scale) – Dunning, “Accurate methods for the
/// statistics of surprise and coincidence”, Computational Linguistics 19(1), 1993, in the form of Rayson and Garside
/// (2000), with an estimated scale in the place of corpus sizes. Rare things are judged rightly by it, where χ² is not.
///
/// *Scale.* The median over all things of b/a, as Anders and Huber (Genome Biology 11:R106, 2010) normalise sequencing
/// runs. The totals would do worse: one new flood of errors would make everything else look as if it had become rare.
///
/// *Overdispersion.* Rates of real services drift, and a million lines make any drift certain. The spread of the
/// logarithms of b/a beyond what Poisson explains (by the median absolute deviation) is taken for the drift that is usual
/// here, and G is divided by how much it widens the spread of this very thing (quasi-likelihood: McCullagh and Nelder,
/// Generalized Linear Models, 1989). Things that are new or gone are hardly touched by it.
struct RateTest {
    /// Rows after for each row before.
    let scale: Double
    /// Variance of the logarithm of a ratio, beyond Poisson's.
    let drift: Double

    /// Things rarer than this, in both windows together, cannot be told from chance and are not tested.
    static let rowsMin = 8
    /// Things to estimate a drift from.
    private static let driftMin = 20

    /// `pairs`: counts before and after of everything. `rows`: of all rows, for when the pairs are too few.
    init(_ pairs: [(before: Int, after: Int)], rows: (before: Int, after: Int)) {
        // Chosen by their sums: a bound on each side would prefer those that chance has moved to it.
        let frequent = pairs.filter { $0.before + $0.after >= 100 && min($0.before, $0.after) >= 5 }
        let common = (frequent.count >= 5 ? frequent : pairs.filter { min($0.before, $0.after) >= 5 })
            .map { log(Double($0.after) / Double($0.before)) }.sorted()
        let plain = rows.before > 0 && rows.after > 0 ? Double(rows.after) / Double(rows.before) : 1
        scale = common.count >= 5 ? exp(common[common.count / 2]) : plain
        let certain = pairs.filter { $0.before >= 30 && $0.after >= 30 }
        guard certain.count >= Self.driftMin else {
            drift = 0
            return
        }
        let center = log(scale)
        let spread = certain.map { abs(log(Double($0.after) / Double($0.before)) - center) }.sorted()
        let noise = certain.map { 1 / Double($0.before) + 1 / Double($0.after) }.sorted()
        // 1.4826: of normal variables the deviation for each unit of the median absolute one.
        let deviation = 1.4826 * spread[spread.count / 2]
        drift = max(0, deviation * deviation - noise[noise.count / 2])
    }

    /// G, below 0 where there is less than expected.
    func score(_ before: Int, _ after: Int) -> Double { score(before, after, scale: scale) }

    func score(_ before: Int, _ after: Int, scale: Double) -> Double {
        let (a, b) = (Double(before), Double(after))
        let sum = a + b
        guard sum > 0 else { return 0 }
        var g = 0.0
        if a > 0 { g += a * log(a * (1 + scale) / sum) }
        if b > 0 { g += b * log(b * (1 + scale) / (sum * scale)) }
        let poisson = 1 / max(a, 0.5) + 1 / max(b, 0.5)
        return (b < a * scale ? -2 : 2) * max(0, g) * poisson / (poisson + drift)
    }

    /// The chance of such a score where nothing changed: χ² of one degree of freedom.
    static func chance(_ score: Double) -> Double { erfc((abs(score) / 2).squareRoot()) }

    /// How much more or less there is than expected, at least 1. Half a row is added to each side, so that what is new
    /// has a ratio too.
    func ratio(_ before: Int, _ after: Int, scale: Double) -> Double {
        let ratio = (Double(after) + 0.5) / (Double(before) * scale + 0.5)
        return max(ratio, 1 / ratio)
    }
}

/// Which of many tests to believe: Benjamini and Hochberg, J. R. Statist. Soc. B 57, 1995. The share of false findings
/// among those returned stays below `rate`.
enum FalseDiscovery {
    /// The greatest chance that is still a finding; −1: none is.
    static func threshold(_ chances: [Double], rate: Double) -> Double {
        let sorted = chances.sorted()
        var threshold = -1.0
        for (i, chance) in sorted.enumerated() where chance <= rate * Double(i + 1) / Double(sorted.count) {
            threshold = chance
        }
        return threshold
    }
}
