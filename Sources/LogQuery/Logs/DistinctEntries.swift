import Bytes
import LogModel

/// `| distinct a, b`: the first entry, in the order of the answer, of each combination of values. A missing label counts
/// as an empty one. Beyond Loki.
struct DistinctEntries {
    private let names: [ByteString]
    private var seen: Set<[ByteString]> = []

    init(_ names: [ByteString]) { self.names = names }

    /// Each new combination counts as memory of the query.
    mutating func keeps(_ entry: SelectedEntry, _ guard: inout QueryGuard) throws(QueryError) -> Bool {
        if names.isEmpty { return true }
        let values = names.map { entry.labels[$0] ?? entry.metadata[$0] ?? entry.parsed[$0] ?? ByteString() }
        guard seen.insert(values).inserted else { return false }
        try `guard`.hold(values.reduce(96) { $0 + $1.count + 48 })
        return true
    }
}
