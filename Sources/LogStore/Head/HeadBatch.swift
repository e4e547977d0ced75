import Bytes
import LogModel

/// A committed batch: the record's bytes and integers about its lines. Immutable.
final class HeadBatch: Sendable {
    /// What one stream has in the batch.
    struct Run: Sendable {
        /// The store's number of the stream.
        var stream: UInt32
        var rows: Int
        /// Bytes of lines.
        var bytes: Int
        var first: Int64
        var last: Int64
    }

    let tenant: Tenant
    let record: OwnedBytes
    /// Where the lines begin in the record.
    let lineBase: Int
    let rows: [HeadRow]
    let streams: [UInt32]
    let metadata: [Range<Int>]
    /// Its number in the write-ahead log: the order of arrival.
    let sequence: UInt64
    /// One for each stream that has rows.
    let runs: [Run]
    let first: Int64
    let last: Int64
    let lineBytes: Int
    /// Whether a metadata set may name `__error__`.
    let mayHaveErrors: Bool

    init(
        tenant: Tenant,
        record: OwnedBytes,
        lineBase: Int,
        rows: [HeadRow],
        streams: [UInt32],
        metadata: [Range<Int>],
        sequence: UInt64
    ) {
        self.tenant = tenant
        self.record = record
        self.lineBase = lineBase
        self.rows = rows
        self.streams = streams
        self.metadata = metadata
        self.sequence = sequence
        var runs = streams.map { Run(stream: $0, rows: 0, bytes: 0, first: .max, last: .min) }
        var first = Int64.max
        var last = Int64.min
        var bytes = 0
        for row in rows {
            let at = Int(row.stream)
            runs[at].rows += 1
            runs[at].bytes += Int(row.length)
            runs[at].first = min(runs[at].first, row.timestamp)
            runs[at].last = max(runs[at].last, row.timestamp)
            first = min(first, row.timestamp)
            last = max(last, row.timestamp)
            bytes += Int(row.length)
        }
        self.runs = runs.filter { $0.rows > 0 }
        self.first = first
        self.last = last
        lineBytes = bytes
        mayHaveErrors = metadata.contains { HeadBatch.mayNameError(record.view[$0]) }
    }

    /// Whether an encoded metadata set contains the name of the error label, as a name or otherwise.
    static func mayNameError(_ set: ByteView) -> Bool { set.contains(ByteView("__error__")) }

    func line(_ row: HeadRow) -> ByteView {
        let start = lineBase + Int(row.start)
        return record.view[start..<start + Int(row.length)]
    }

    /// The encoded metadata set of a row.
    func metadataBytes(_ set: UInt32) -> ByteView { record.view[metadata[Int(set)]] }

    /// Bytes of memory, about.
    var footprint: Int {
        record.count + rows.count * MemoryLayout<HeadRow>.stride + metadata.count * 16 + runs.count * 40 + 256
    }
}

/// Batches that are not in a segment yet, with the positions and keys that were committed with them.
struct Head: Sendable {
    /// Tells heads apart.
    let id: UInt64
    var batches: [HeadBatch] = []
    var rows = 0
    /// Bytes of memory, about.
    var footprint = 0
    /// Last record in it; 0: none.
    var lastSequence: UInt64 = 0
    var firstSequence: UInt64 = 0
    /// What its records changed; goes into the manifest when it is sealed.
    var positions: [ByteString: SourcePosition] = [:]
    var keys = BatchKeys()
    /// Monotonic time of its first record.
    var since: Int64?

    init(id: UInt64) { self.id = id }

    var isEmpty: Bool { lastSequence == 0 }

    mutating func add(
        _ batch: HeadBatch,
        advances: [SourceAdvance],
        key: BatchKey?,
        receivedAt: Int64,
        now: Int64
    ) {
        // One without rows is kept too: it may have to be written again.
        batches.append(batch)
        rows += batch.rows.count
        footprint += batch.footprint
        if firstSequence == 0 { firstSequence = batch.sequence }
        lastSequence = batch.sequence
        for advance in advances { positions[advance.source] = advance.to }
        if let key { keys.insert(key, now: receivedAt) }
        if since == nil { since = now }
    }
}
