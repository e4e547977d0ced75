import Bytes
import LogModel

/// All rows of a view, or those that are asked for, in order of arrival where stream and time are equal: what is
/// imported in this order is stored in the order it had.
///
/// Segments come by arrival, in each rows by stream and time; then what is in the log only. Memory: one row group.
package struct StoreExport {
    /// A row on its way out. Views are valid during the call.
    package struct Row {
        package var tenant: Tenant
        package var labels: Labels
        package var timestamp: Int64
        package var metadata: Labels
        package var line: ByteView
    }

    /// What there was that could not be handed out.
    package struct Outcome: Sendable {
        package var rows = 0
        package var lost = 0
        package var damaged: [String] = []
    }

    private let view: StoreView
    private let tenant: Tenant?
    private let range: TimeRange
    private let wanted: (any RowSieve)?
    private let hidden: (any RowSieve)?

    /// `tenant`: nil for all. `wanted`: picks rows; nil for all. `hidden`: picks what was deleted; nil for nothing.
    package init(
        _ view: StoreView, tenant: Tenant? = nil, range: TimeRange = .all, wanted: (any RowSieve)? = nil,
        hidden: (any RowSieve)? = nil
    ) {
        self.view = view
        self.tenant = tenant
        self.range = range
        self.wanted = wanted
        self.hidden = hidden
    }

    /// `body` returns whether to go on.
    package func run(_ body: (Row) throws -> Bool) throws -> Outcome {
        var outcome = Outcome(damaged: view.damaged)
        for segment in view.unreadable { outcome.lost += segment.entry.rows }
        let snapshot = view.core.snapshot()
        let streams = view.core.streams.all()
        for segment in snapshot.segments where try !export(segment, streams, &outcome, body) { return outcome }
        for head in snapshot.heads {
            for batch in head.batches where try !export(batch, streams, &outcome, body) { return outcome }
        }
        return outcome
    }

    /// The times of a stream's rows that come into question; nil: none.
    private func begin(_ stream: StreamTable.Stream) -> (span: ClosedRange<Int64>, hidden: ClosedRange<Int64>?)? {
        guard tenant == nil || tenant == stream.tenant else { return nil }
        guard let wanted else { return (.min ... .max, hidden?.begin(stream.tenant, stream.labels)) }
        guard let span = wanted.begin(stream.tenant, stream.labels) else { return nil }
        return (span, hidden?.begin(stream.tenant, stream.labels))
    }

    private func passes(
        _ row: Row, _ span: ClosedRange<Int64>, _ hiddenSpan: ClosedRange<Int64>?
    ) throws -> Bool {
        guard span.contains(row.timestamp) else { return false }
        if let wanted, try !wanted.picks(row.timestamp, metadata: row.metadata, line: row.line) { return false }
        if let hidden, let hiddenSpan, hiddenSpan.contains(row.timestamp),
            try hidden.picks(row.timestamp, metadata: row.metadata, line: row.line)
        {
            return false
        }
        return true
    }

    private func export(
        _ segment: Segment, _ streams: [StreamTable.Stream], _ outcome: inout Outcome, _ body: (Row) throws -> Bool
    ) throws -> Bool {
        let chosen = segment.streams.map { begin(streams[Int($0)]) != nil }
        guard chosen.contains(true) else { return true }
        var current: UInt32?
        var spans: (span: ClosedRange<Int64>, hidden: ClosedRange<Int64>?)?
        var sets = MetadataMemo()
        var goesOn = true
        var faults: [SegmentWalk.Fault] = []
        let walk = SegmentWalk(segment: segment, codecs: view.core.codecs)
        var count = 0
        try walk.run(range, wanted: { chosen[Int($0.stream)] }, fault: { faults.append($0) }) { stretch throws(any Error) in
            let stream = streams[Int(segment.stream(of: stretch.run))]
            if current != stretch.run.stream {
                current = stretch.run.stream
                spans = begin(stream)
            }
            guard let (span, hiddenSpan) = spans else { return true }
            for row in stretch.rows where !stretch.damaged.contains(row) {
                let made = Row(
                    tenant: stream.tenant, labels: stream.labels, timestamp: stretch.times[row],
                    metadata: sets.labels(stretch.metadata, row, group: Int(stretch.run.group)), line: stretch.line(row))
                guard try passes(made, span, hiddenSpan) else { continue }
                count += 1
                if try !body(made) {
                    goesOn = false
                    return false
                }
            }
            return true
        }
        outcome.rows += count
        for fault in faults {
            outcome.lost += fault.lost
            if !outcome.damaged.contains(fault.error.message) { outcome.damaged.append(fault.error.message) }
        }
        return goesOn
    }

    private func export(
        _ batch: HeadBatch, _ streams: [StreamTable.Stream], _ outcome: inout Outcome, _ body: (Row) throws -> Bool
    ) throws -> Bool {
        guard !batch.rows.isEmpty, tenant == nil || tenant == batch.tenant else { return true }
        let sets = batch.metadata.map { range in
            var reader = ByteReader(batch.record.view[range])
            return (try? Labels.decode(&reader)) ?? Labels()
        }
        var current: UInt32?
        var spans: (span: ClosedRange<Int64>, hidden: ClosedRange<Int64>?)?
        for row in batch.rows where range == .all || range.contains(Timestamp(nanoseconds: row.timestamp)) {
            let stream = streams[Int(batch.streams[Int(row.stream)])]
            if current != row.stream {
                current = row.stream
                spans = begin(stream)
            }
            guard let (span, hiddenSpan) = spans else { continue }
            let made = Row(
                tenant: stream.tenant, labels: stream.labels, timestamp: row.timestamp,
                metadata: sets[Int(row.metadata)], line: batch.line(row))
            guard try passes(made, span, hiddenSpan) else { continue }
            outcome.rows += 1
            if try !body(made) { return false }
        }
        return true
    }
}

/// The metadata sets of a row group, each decoded once.
struct MetadataMemo {
    private var group = -1
    private var known: [UInt32: Labels] = [:]

    mutating func labels(_ column: MetadataColumn?, _ row: Int, group: Int) -> Labels {
        guard let column else { return Labels() }
        let set = column.setOfRow[row]
        if set == 0 { return Labels() }
        if group != self.group {
            self.group = group
            known.removeAll(keepingCapacity: true)
        }
        if let labels = known[set] { return labels }
        guard let encoded = column.encoded(set) else { return Labels() }
        var reader = ByteReader(encoded)
        let labels = (try? Labels.decode(&reader)) ?? Labels()
        known[set] = labels
        return labels
    }
}
