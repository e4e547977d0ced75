import Bytes
import LogModel
import LogQL
import LogStages
import Synchronization

/// A store without the lines that somebody has had deleted.
///
/// Rows of a block lose both their bits, so nothing above can bring them back; counts are corrected by reading what was
/// deleted. Where no request touches the time asked about, the store is asked directly. A stream is left out of
/// `streams` where a request without filters covers all of it; one that lost all its lines in another way is still
/// listed, and the catalogue counts what is stored, hidden or not.
package final class HidingReader: StoreReader {
    fileprivate let base: any StoreReader
    private let deletions: any DeletionLog
    private let quirks: Bool
    /// Requests made ready to run, by id.
    private let compiled = Mutex<[String: Hidden]>([:])

    /// A request made ready to run.
    fileprivate struct Hidden: Sendable {
        var request: DeleteRequest
        var matchers: [LabelMatcher]
        var stages: [PipelineStage]
    }

    package init(_ base: any StoreReader, deletions: any DeletionLog, settings: QuerySettings = QuerySettings()) {
        self.base = base
        self.deletions = deletions
        quirks = settings.lokiQuirks
    }

    /// Whether a query can say what to delete: a selector, and filters behind it.
    package static func check(_ query: String) throws(QueryError) { _ = try compile(query, quirks: false) }

    /// Matchers and stages of a request, ready to run.
    static func compile(_ query: String, quirks: Bool) throws(QueryError) -> ([LabelMatcher], [PipelineStage]) {
        let log: LogQL.LogExpression
        do throws(LogQLError) { log = try LogQL.parseLog(query) } catch { throw QueryError(.invalid, error.message) }
        let written = log.hoistingLineFilters(overDecolorize: quirks)
        return (log.matchers, try StageBuilder(written, quirks: quirks).stages)
    }

    fileprivate func hidden(_ tenant: Tenant, _ range: TimeRange) throws -> [Hidden] {
        let requests = deletions.requests(of: tenant)
        if requests.isEmpty { return [] }
        return try requests.filter { !$0.isProcessed && $0.overlaps(range) }.map { request in
            if let known = compiled.withLock({ $0[request.id] }), known.request == request { return known }
            let (matchers, stages) = try Self.compile(request.query, quirks: quirks)
            let made = Hidden(request: request, matchers: matchers, stages: stages)
            compiled.withLock { $0[request.id] = made }
            return made
        }
    }

    // MARK: StoreReader

    package func streams(tenant: Tenant, matchers: [LabelMatcher], range: TimeRange) throws -> [StreamSummary] {
        let found = try base.streams(tenant: tenant, matchers: matchers, range: range)
        let hidden = try hidden(tenant, range).filter(\.stages.isEmpty)
        if hidden.isEmpty { return found }
        return found.filter { stream in
            !hidden.contains {
                $0.request.start <= stream.first.nanoseconds && stream.last.nanoseconds <= $0.request.end
                    && $0.matchers.matches(stream.labels)
            }
        }
    }

    package func scan(_ request: ScanRequest, sink: (ColumnBlock) throws -> ScanFlow) throws {
        let hidden = try hidden(request.tenant, request.range)
        if hidden.isEmpty { return try base.scan(request, sink: sink) }
        var eraser = Eraser(hidden)
        try base.scan(request) { block in
            for row in try eraser.rows(of: block) {
                block.selected[row] = false
                block.undecided[row] = false
            }
            return try sink(block)
        }
    }

    package func scan(
        _ request: ScanRequest, parts: Int, sink: @escaping @Sendable (Int, ColumnBlock) throws -> Void
    ) throws {
        let hidden = try hidden(request.tenant, request.range)
        if hidden.isEmpty { return try base.scan(request, parts: parts, sink: sink) }
        let erasers = (0..<max(1, parts)).map { _ in Owned(Eraser(hidden)) }
        try base.scan(request, parts: parts) { part, block in
            for row in try erasers[part].value.rows(of: block) {
                block.selected[row] = false
                block.undecided[row] = false
            }
            try sink(part, block)
        }
    }

    package func counts(
        tenant: Tenant, matchers: [LabelMatcher], grid: TimeGrid, budget: QueryBudget, cancel: CancelFlag
    ) throws -> [StreamCounts] {
        var counts = try base.counts(tenant: tenant, matchers: matchers, grid: grid, budget: budget, cancel: cancel)
        let first = Int128(grid.start.nanoseconds) - Int128(grid.window) + 1
        let last = Int128(grid.start.nanoseconds) + Int128(grid.step) * Int128(max(grid.count - 1, 0)) + 1
        let range = TimeRange(Timestamp(nanoseconds: Int64(clamping: first)), Timestamp(nanoseconds: Int64(clamping: last)))
        let hidden = try hidden(tenant, range)
        guard !hidden.isEmpty, !counts.isEmpty,
            let start = hidden.map(\.request.start).min(), let end = hidden.map(\.request.end).max()
        else { return counts }
        var places: [Labels: Int] = [:]
        for (place, stream) in counts.enumerated() { places[stream.labels] = place }
        let touched = TimeRange(
            max(range.start, Timestamp(nanoseconds: start)), min(range.end, Timestamp(nanoseconds: end).advanced(by: 1)))
        var eraser = Eraser(hidden)
        let wanted = ScanRequest(tenant: tenant, range: touched, matchers: matchers, budget: budget, cancel: cancel)
        try base.scan(wanted) { block in
            let rows = try eraser.rows(of: block)
            if !rows.isEmpty { try block.loadLines() }
            for row in rows {
                guard let place = places[block.streams[Int(block.streamOf[row])].labels] else { continue }
                for cell in grid.cells(of: block.timestamps[row]) {
                    counts[place].rows[cell] -= 1
                    counts[place].bytes[cell] -= block.line(row).count
                }
            }
            return .more
        }
        return counts
    }

    package func catalogue(tenant: Tenant, range: TimeRange) throws -> Catalogue {
        try base.catalogue(tenant: tenant, range: range)
    }

    // MARK: Rows

    /// Finds the rows of blocks that requests want gone. For one thread.
    private struct Eraser {
        private let hidden: [Hidden]
        private let pipelines: [StagePipeline?]

        init(_ hidden: [Hidden]) {
            self.hidden = hidden
            pipelines = hidden.map { $0.stages.isEmpty ? nil : StagePipeline($0.stages) }
        }

        /// Rows with a bit set that are deleted, in order.
        mutating func rows(of block: ColumnBlock) throws -> [Int] {
            let claims = block.streams.map { stream in
                hidden.indices.filter { hidden[$0].matchers.matches(stream.labels) }
            }
            guard claims.contains(where: { !$0.isEmpty }) else { return [] }
            var found: [Int] = []
            var loaded = false
            for row in 0..<block.count where block.selected[row] || block.undecided[row] {
                let stream = Int(block.streamOf[row])
                let time = block.timestamps[row]
                for claim in claims[stream] {
                    let request = hidden[claim].request
                    guard request.start <= time, time <= request.end else { continue }
                    if let pipeline = pipelines[claim] {
                        if !loaded { try block.loadLines() }
                        loaded = true
                        pipeline.setStream(block.streams[stream].labels)
                        pipeline.setMetadata(block.metadataSets[Int(block.metadataOf[row])])
                        guard pipeline.run(block.line(row), timestamp: time) else { continue }
                    }
                    found.append(row)
                    break
                }
            }
            return found
        }
    }
}

extension TimeGrid {
    /// The cells that a moment counts in.
    func cells(of time: Int64) -> Range<Int> {
        guard count > 0, step > 0 else { return 0..<0 }
        // The distance in 128 bits: a grid may span all of time.
        let distance = Int128(time) - Int128(start.nanoseconds)
        let low = distance <= 0 ? 0 : (distance + Int128(step) - 1) / Int128(step)
        let reach = distance + Int128(window) - 1
        guard reach >= 0, low < Int128(count) else { return 0..<0 }
        let high = min(reach / Int128(step), Int128(count - 1))
        return low <= high ? Int(low)..<Int(high) + 1 : 0..<0
    }
}

extension HidingReader: CensusReader {
    /// Columns know nothing of what is hidden: where anything is, rows must be read.
    package func census(_ request: CensusRequest) throws -> Census? {
        guard try !request.windows.contains(where: { try !hidden(request.tenant, $0).isEmpty }) else { return nil }
        return try (base as? any CensusReader)?.census(request)
    }
}
