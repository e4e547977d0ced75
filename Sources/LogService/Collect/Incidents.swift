/// How often something went wrong, and the latest words about it: a daemon may run into the same for months.
struct Incidents: Sendable {
    private(set) var count = 0
    private(set) var latest: [String] = []

    /// Words kept.
    static let latestMax = 5

    var isEmpty: Bool { count == 0 }

    mutating func add(_ words: String) {
        count += 1
        if latest.count == Self.latestMax { latest.removeFirst() }
        latest.append(words)
    }

    mutating func add(_ others: Incidents) {
        count += others.count
        latest = Array((latest + others.latest).suffix(Self.latestMax))
    }
}
