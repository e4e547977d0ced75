import Bytes
import LogModel

extension LogStore {
    package func streams(tenant: Tenant, matchers: [LabelMatcher], range: TimeRange) throws -> [StreamSummary] {
        core.streams(tenant: tenant, matchers: matchers, range: range)
    }

    package func scan(_ request: ScanRequest, sink: (ColumnBlock) throws -> ScanFlow) throws {
        try core.scan(request, sink: sink)
    }

    package func scan(
        _ request: ScanRequest, parts: Int, sink: @escaping @Sendable (Int, ColumnBlock) throws -> Void
    ) throws {
        try core.scan(request, parts: parts, sink: sink)
    }

    package func counts(
        tenant: Tenant,
        matchers: [LabelMatcher],
        grid: TimeGrid,
        budget: QueryBudget,
        cancel: CancelFlag
    ) throws -> [StreamCounts] {
        try core.counts(tenant: tenant, matchers: matchers, grid: grid, budget: budget, cancel: cancel)
    }

    package func catalogue(tenant: Tenant, range: TimeRange) throws -> Catalogue {
        core.catalogue(tenant: tenant, range: range)
    }
}

/// The four calls of a reader, over whatever the view holds: an open store's, or what was read beside one.
extension StoreCore {
    func streams(tenant: Tenant, matchers: [LabelMatcher], range: TimeRange) -> [StreamSummary] {
        let selection = Selection(core: self, tenant: tenant, matchers: matchers)
        guard !selection.isEmpty, !range.isEmpty else { return [] }
        var found: [UInt32: StreamSummary] = [:]
        func add(_ stream: UInt32, first: Int64, last: Int64, rows: Int, bytes: Int, newPart: Bool) {
            let span = (Timestamp(nanoseconds: first), Timestamp(nanoseconds: last))
            guard var summary = found[stream] else {
                found[stream] = StreamSummary(
                    id: stream,
                    labels: selection.streams[Int(stream)].labels,
                    first: span.0,
                    last: span.1,
                    rows: rows,
                    bytes: bytes,
                    chunks: 1
                )
                return
            }
            summary.first = min(summary.first, span.0)
            summary.last = max(summary.last, span.1)
            summary.rows += rows
            summary.bytes += bytes
            if newPart { summary.chunks += 1 }
            found[stream] = summary
        }
        for segment in selection.view.segments where selection.overlaps(segment, range) {
            var previous = UInt32.max
            for index in selection.runs(segment, range) {
                let run = segment.runs[index]
                add(
                    segment.stream(of: run),
                    first: run.first,
                    last: run.last,
                    rows: Int(run.rows),
                    bytes: run.bytes,
                    newPart: run.stream != previous
                )
                previous = run.stream
            }
        }
        for head in selection.view.heads {
            var seen: Set<UInt32> = []
            for batch in head.batches where selection.overlaps(batch, range) {
                for run in batch.runs where selection.overlaps(run, range) {
                    add(
                        run.stream,
                        first: run.first,
                        last: run.last,
                        rows: run.rows,
                        bytes: run.bytes,
                        newPart: seen.insert(run.stream).inserted
                    )
                }
            }
        }
        return found.values.sorted { $0.labels < $1.labels }
    }

    func scan(_ request: ScanRequest, sink: (ColumnBlock) throws -> ScanFlow) throws {
        var scan = StoreScan(core: self, request: request)
        // Afterwards: what is damaged shows when it is read.
        defer { tellDamage(request.range, request.budget) }
        try scan.run(sink)
    }

    func scan(
        _ request: ScanRequest, parts: Int, sink: @escaping @Sendable (Int, ColumnBlock) throws -> Void
    ) throws {
        defer { tellDamage(request.range, request.budget) }
        try GroupScan(core: self, request: request).run(parts: parts, sink)
    }

    func counts(
        tenant: Tenant,
        matchers: [LabelMatcher],
        grid: TimeGrid,
        budget: QueryBudget,
        cancel: CancelFlag
    ) throws -> [StreamCounts] {
        let counts = StoreCounts(
            core: self,
            tenant: tenant,
            matchers: matchers,
            grid: grid,
            budget: budget,
            cancel: cancel
        )
        let result = try counts.run()
        let first = Int128(grid.start.nanoseconds) - Int128(grid.window)
        let last = Int128(grid.start.nanoseconds) + Int128(grid.step) * Int128(max(grid.count, 1))
        tellDamage(
            TimeRange(Timestamp(nanoseconds: Int64(clamping: first)), Timestamp(nanoseconds: Int64(clamping: last))), budget)
        return result
    }

    func catalogue(tenant: Tenant, range: TimeRange) -> Catalogue {
        let selection = Selection(core: self, tenant: tenant, matchers: [])
        var result = Catalogue(damaged: damage.all)
        var streams: Set<UInt32> = []
        var first = Int64.max
        var last = Int64.min
        for segment in selection.view.segments where selection.overlaps(segment, range) {
            var bytes = 0
            for index in selection.runs(segment, range) {
                let run = segment.runs[index]
                streams.insert(segment.stream(of: run))
                result.rows += Int(run.rows)
                bytes += run.bytes
                first = min(first, run.first)
                last = max(last, run.last)
            }
            result.bytes += bytes
            // The tenant's share of the file.
            if segment.info.lineBytes > 0 {
                result.stored += Int(Double(segment.size) * Double(bytes) / Double(segment.info.lineBytes))
            } else if segment.streams.contains(where: { selection.wanted.contains($0) }) {
                result.stored += segment.size
            }
        }
        for head in selection.view.heads {
            for batch in head.batches where selection.overlaps(batch, range) {
                for run in batch.runs where selection.overlaps(run, range) {
                    streams.insert(run.stream)
                    result.rows += run.rows
                    result.bytes += run.bytes
                    first = min(first, run.first)
                    last = max(last, run.last)
                }
            }
        }
        result.streams = streams.count
        if first <= last {
            result.first = Timestamp(nanoseconds: first)
            result.last = Timestamp(nanoseconds: last)
        }
        return result
    }

    /// Lets a query know of parts in its time that cannot be read, or not wholly.
    private func tellDamage(_ range: TimeRange, _ budget: QueryBudget) {
        let faulty = snapshot().segments.count {
            $0.isDamaged
                && range.overlaps(first: Timestamp(nanoseconds: $0.info.first), last: Timestamp(nanoseconds: $0.info.last))
        }
        let parts = faulty + damage.missing(in: range)
        if parts > 0 { budget.met(damagedParts: parts) }
    }
}
