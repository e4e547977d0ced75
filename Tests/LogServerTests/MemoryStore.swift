import Bytes
import LogModel
import Synchronization

/// A store of rows in an array: enough for the server, nothing for users.
final class MemoryStore: StoreReader, StoreWriter {
    struct Row {
        var tenant: Tenant
        var labels: Labels
        var timestamp: Int64
        var metadata: Labels
        var line: ByteString
    }

    private struct State {
        var rows: [Row] = []
        var refusal: StoreError?
        var keys: [BatchKey?] = []
        var flushes = 0
    }

    private let state = Mutex(State())

    var rows: [Row] { state.withLock { $0.rows } }
    var keys: [BatchKey?] { state.withLock { $0.keys } }
    var flushes: Int { state.withLock { $0.flushes } }

    /// What the next appends fail with.
    func refuse(with error: StoreError?) { state.withLock { $0.refusal = error } }

    func append(_ batch: WriteBatch) async throws(StoreError) -> AppendReceipt {
        let refusal: StoreError? = state.withLock { state in
            if let refusal = state.refusal { return refusal }
            state.keys.append(batch.key)
            for row in batch.rows {
                state.rows.append(
                    Row(
                        tenant: batch.tenant, labels: batch.streams[Int(row.stream)], timestamp: row.timestamp,
                        metadata: batch.metadata[Int(row.metadata)], line: batch.withLine(row) { ByteString($0) }))
            }
            return nil
        }
        if let refusal { throw refusal }
        return AppendReceipt(stored: batch.rows.count, duplicates: 0)
    }

    func position(of source: ByteString) -> SourcePosition? { nil }
    func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] { [] }
    func flush() async throws(StoreError) { state.withLock { $0.flushes += 1 } }

    private func rows(_ tenant: Tenant, _ matchers: [LabelMatcher]) -> [Row] {
        rows.filter { $0.tenant == tenant && matchers.matches($0.labels) }
    }

    func streams(tenant: Tenant, matchers: [LabelMatcher], range: TimeRange) throws -> [StreamSummary] {
        var found: [Labels: StreamSummary] = [:]
        for row in rows(tenant, matchers) where range.contains(Timestamp(nanoseconds: row.timestamp)) {
            let time = Timestamp(nanoseconds: row.timestamp)
            var summary =
                found[row.labels]
                ?? StreamSummary(
                    id: UInt32(found.count), labels: row.labels, first: time, last: time, rows: 0, bytes: 0, chunks: 1)
            summary.first = min(summary.first, time)
            summary.last = max(summary.last, time)
            summary.rows += 1
            summary.bytes += row.line.count
            found[row.labels] = summary
        }
        return found.values.sorted { $0.labels < $1.labels }
    }

    func scan(_ request: ScanRequest, sink: (ColumnBlock) throws -> ScanFlow) throws {
        let wanted = rows(request.tenant, request.matchers)
            .filter { request.range.contains(Timestamp(nanoseconds: $0.timestamp)) }
        let labels = Set(wanted.map(\.labels)).sorted()
        let sorted = wanted.enumerated().sorted { a, b in
            if a.element.labels != b.element.labels { return a.element.labels < b.element.labels }
            return (a.element.timestamp, a.offset) < (b.element.timestamp, b.offset)
        }.map(\.element)
        guard !sorted.isEmpty else { return }
        var sets = [Labels()]
        var metadataOf: [UInt32] = []
        for row in sorted {
            if let known = sets.firstIndex(of: row.metadata) {
                metadataOf.append(UInt32(known))
            } else {
                metadataOf.append(UInt32(sets.count))
                sets.append(row.metadata)
            }
        }
        let streamOf = sorted.map { row in UInt32(labels.firstIndex(of: row.labels) ?? 0) }
        let block = ColumnBlock(
            timestamps: sorted.map(\.timestamp), streamOf: streamOf,
            streams: labels.enumerated().map { StreamRef(id: UInt32($0.offset), labels: $0.element) },
            metadataOf: metadataOf, metadataSets: sets, order: 0, selected: Bitmap(count: sorted.count),
            undecided: Bitmap(count: sorted.count, repeating: true)
        ) { _ in
            var bytes: [UInt8] = []
            var starts: [Int] = []
            for row in sorted {
                starts.append(bytes.count)
                bytes += row.line.bytes
            }
            return ColumnBlock.LineTable(
                bytes: bytes.withView { OwnedBytes($0) }, starts: starts, lengths: sorted.map { UInt32($0.line.count) })
        }
        _ = try sink(block)
    }

    func counts(
        tenant: Tenant, matchers: [LabelMatcher], grid: TimeGrid, budget: QueryBudget, cancel: CancelFlag
    ) throws -> [StreamCounts] {
        var found: [Labels: StreamCounts] = [:]
        for row in rows(tenant, matchers) {
            for cell in 0..<grid.count {
                let high = grid.start.nanoseconds + Int64(cell) * grid.step
                guard row.timestamp <= high, row.timestamp > high &- grid.window else { continue }
                var counts =
                    found[row.labels]
                    ?? StreamCounts(
                        labels: row.labels, rows: [Int](repeating: 0, count: grid.count),
                        bytes: [Int](repeating: 0, count: grid.count))
                counts.rows[cell] += 1
                counts.bytes[cell] += row.line.count
                found[row.labels] = counts
            }
        }
        return Array(found.values)
    }

    func catalogue(tenant: Tenant, range: TimeRange) throws -> Catalogue { Catalogue(rows: rows.count) }
}
