import Bytes
import LogModel

/// Finds what changed between two windows: new, vanished and rate-shifted texts, values, fields, shapes and labels.
///
/// Counting is the store's where it can (`CensusReader`), from columns; else rows are read. Judging is `DiffRanking`'s.
/// Blocks; call it on a worker thread.
package struct DiffEngine: Sendable {
    private let store: any StoreReader

    package init(store: any StoreReader) { self.store = store }

    /// Values of the label that are told apart; the rest of them count together.
    private static let groupsMax = 64

    package func run(_ request: DiffRequest) throws(QueryError) -> DiffReport {
        try request.check()
        do {
            let wanted = try censusRequest(request)
            let census = try counted(wanted)
            return DiffRanking(census, wanted, request).report()
        } catch let error as QueryError {
            throw error
        } catch {
            if request.cancel.isCancelled { throw QueryError(.cancelled, "the request was cancelled by the client") }
            throw QueryError(.failed, (error as? StoreError)?.message ?? "\(error)")
        }
    }

    private func censusRequest(_ request: DiffRequest) throws -> CensusRequest {
        var groups: [ByteString] = []
        if let by = request.by {
            var rows: [ByteString: Int] = [:]
            for window in [request.before, request.after] {
                for stream in try store.streams(tenant: request.tenant, matchers: request.matchers, range: window) {
                    rows[stream.labels[by] ?? ByteString(), default: 0] += stream.rows
                }
            }
            let ranked = rows.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            groups = ranked.prefix(Self.groupsMax).map(\.key).sorted()
        }
        return CensusRequest(
            tenant: request.tenant,
            matchers: request.matchers,
            windows: [request.before, request.after],
            by: request.by,
            groups: groups,
            budget: QueryBudget(memoryLimit: request.limits.maxQueryMemory),
            cancel: request.cancel
        )
    }

    private func counted(_ request: CensusRequest) throws -> Census {
        if let reader = store as? any CensusReader, let census = try reader.census(request) { return census }
        return try RowCensus.run(store, request)
    }
}

/// Counts by reading rows: for stores that cannot tell from columns, and where lines are hidden.
enum RowCensus {
    static func run(_ store: any StoreReader, _ request: CensusRequest) throws -> Census {
        let census = Census(cells: request.cells)
        let lines = LineCensus(census)
        for window in request.windows {
            let wanted = ScanRequest(
                tenant: request.tenant,
                range: window,
                matchers: request.matchers,
                budget: request.budget,
                cancel: request.cancel
            )
            try store.scan(wanted) { block in
                if request.cancel.isCancelled { throw QueryError(.cancelled, "the request was cancelled by the client") }
                try block.loadLines()
                let groups = block.streams.map { request.group(of: $0.labels) }
                let labels = block.streams.map { stream in
                    stream.labels.pairs.compactMap { pair -> Int? in
                        guard let field = census.field(path: pair.name, kind: .string, isLabel: true) else { return nil }
                        return pair.value.withView { census.feature(of: $0, in: field) }
                    }
                }
                for row in 0..<block.count where block.selected[row] || block.undecided[row] {
                    guard let number = request.window(of: block.timestamps[row]) else { continue }
                    let stream = Int(block.streamOf[row])
                    let cell = groups[stream] * request.windows.count + number
                    for feature in labels[stream] { census.add(feature, cell: cell, 1) }
                    lines.add(block.line(row), cell: cell)
                }
                return .more
            }
        }
        lines.finish()
        census.settle()
        return census
    }
}
