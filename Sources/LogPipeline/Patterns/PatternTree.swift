import Bytes

/// The clusters of one stream and one level, found as lines come in (after Drain: He, Zhu, Zheng, Lyu 2017).
///
/// A line is compared with the clusters of its shape only, and joins the one that has most words in the same place, if
/// that is most of them. What a line with the very same words joined before is remembered, so that the usual line costs
/// one look-up.
struct PatternTree {
    private(set) var clusters: [PatternCluster] = []
    /// By shape: indices of clusters.
    private var shapes: [UInt64: [Int]] = [:]
    /// By the hash of a whole line: the cluster it joined.
    private var known: [UInt64: Int] = [:]

    /// Clusters of one stream and level; the one that was met longest ago makes room.
    static let clustersMax = 100
    /// Clusters of one shape; more are merged with the most similar one.
    private static let candidatesMax = 12
    private static let knownMax = 1_024

    /// Counts a line that stands for `lines`.
    mutating func add(_ tokens: PatternTokens, lines: Int, at time: Int64) {
        let index = known[tokens.whole] ?? join(tokens)
        clusters[index].count(lines, at: time)
    }

    private mutating func join(_ tokens: PatternTokens) -> Int {
        var best: (index: Int, share: Double, same: Int)?
        for index in shapes[tokens.shape] ?? [] {
            guard let (same, words) = clusters[index].agreement(tokens) else { continue }
            let share = words == 0 ? 1 : Double(same) / Double(words)
            if share > best?.share ?? -1 { best = (index, share, same) }
        }
        let isCrowded = (shapes[tokens.shape]?.count ?? 0) >= Self.candidatesMax
        if let best, isCrowded || isSimilar(clusters[best.index], best.share, best.same) {
            clusters[best.index].merge(tokens)
            remember(tokens.whole, best.index)
            return best.index
        }
        if clusters.count >= Self.clustersMax { forgetOldest() }
        clusters.append(PatternCluster(tokens))
        shapes[tokens.shape, default: []].append(clusters.count - 1)
        remember(tokens.whole, clusters.count - 1)
        return clusters.count - 1
    }

    /// Most of the words agree, and what is left of them still says something.
    private func isSimilar(_ cluster: PatternCluster, _ share: Double, _ same: Int) -> Bool {
        if cluster.words == 0 { return true }
        return share >= 0.6 && same * 5 >= cluster.slots
    }

    private mutating func remember(_ whole: UInt64, _ index: Int) {
        if known.count >= Self.knownMax { known.removeAll(keepingCapacity: true) }
        known[whole] = index
    }

    /// A quarter goes at once, since indices move.
    private mutating func forgetOldest() {
        let order = clusters.indices.sorted { clusters[$0].last < clusters[$1].last }
        let gone = Set(order.prefix(max(Self.clustersMax / 4, 1)))
        var moved: [Int: Int] = [:]
        var kept: [PatternCluster] = []
        for index in clusters.indices where !gone.contains(index) {
            moved[index] = kept.count
            kept.append(clusters[index])
        }
        clusters = kept
        shapes = shapes.mapValues { $0.compactMap { moved[$0] } }.filter { !$0.value.isEmpty }
        known.removeAll(keepingCapacity: true)
    }
}
