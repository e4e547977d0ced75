/// Finds what somebody meant to write.
enum EditDistance {
    /// The candidate nearest to `word`, when it is near enough to be meant.
    static func nearest(_ word: String, in candidates: [String]) -> String? {
        // Longer words than any key are no typing mistakes, and the cost is quadratic.
        guard word.utf8.count <= 64 else { return nil }
        let folded = word.lowercased()
        var best: (word: String, distance: Int)?
        for candidate in candidates.sorted() {
            let distance = between(Array(folded.utf8), Array(candidate.lowercased().utf8))
            if distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        if let best, best.distance <= max(1, min(3, (word.count + 1) / 3)) { return best.word }
        // `warning` for `warn`, `dir` for `directory`.
        return candidates.sorted().first {
            $0.count > 2 && folded.count > 2 && (folded.hasPrefix($0) || $0.hasPrefix(folded))
        }
    }

    /// Damerau's distance with adjacent swaps: insertions, deletions, replacements and swaps. O(|a|·|b|).
    static func between(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var before = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        var row = last
        for i in 0..<a.count {
            row[0] = i + 1
            for j in 0..<b.count {
                var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
                row[j + 1] = cost
            }
            before = last
            last = row
        }
        return last[b.count]
    }
}
