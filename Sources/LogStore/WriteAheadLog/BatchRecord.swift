import Bytes
import LogModel

/// A row of a batch: integers about a line.
struct HeadRow: Sendable {
    var timestamp: Int64
    /// Counted from the first line of the record.
    var start: UInt32
    var length: UInt32
    /// Index into the record's streams and metadata sets.
    var stream: UInt32
    var metadata: UInt32
}

/// A batch encoded as the body of one WAL record, with what is needed to check and publish it.
///
/// The record is self-contained: it carries all its streams' labels, so it can be replayed although others before it
/// are lost. The buffer goes to the disk as it is and stays in memory as the head's copy of the lines.
final class BatchRecord: @unchecked Sendable {
    // Sendable: handed from the appending thread to the committer, never used by two at once.
    let tenant: Tenant
    /// Room for the record header, then the body.
    let arena: ByteArena
    let rows: [HeadRow]
    /// The store's number of each stream of the batch.
    let streams: [UInt32]
    /// Where each metadata set's encoded form lies in the record; the empty set comes first.
    let metadata: [Range<Int>]
    let advances: [SourceAdvance]
    let key: BatchKey?
    let deduplicates: Bool
    /// Nanoseconds, wall clock.
    let receivedAt: Int64
    let rowTableAt: Int
    let lineBase: Int
    /// Checksum of the body.
    let bodyChecksum: UInt32
    /// One for each row, once somebody asked whether it is a duplicate.
    var hashes: [UInt64]?

    private init(
        tenant: Tenant,
        arena: ByteArena,
        rows: [HeadRow],
        streams: [UInt32],
        metadata: [Range<Int>],
        advances: [SourceAdvance],
        key: BatchKey?,
        deduplicates: Bool,
        receivedAt: Int64,
        rowTableAt: Int,
        lineBase: Int
    ) {
        self.tenant = tenant
        self.arena = arena
        self.rows = rows
        self.streams = streams
        self.metadata = metadata
        self.advances = advances
        self.key = key
        self.deduplicates = deduplicates
        self.receivedAt = receivedAt
        self.rowTableAt = rowTableAt
        self.lineBase = lineBase
        bodyChecksum = CRC32C.of(arena.view.suffix(from: WalFormat.recordHeaderSize))
    }

    /// Encodes a batch. One copy of the lines; O(rows + bytes).
    static func encode(_ batch: WriteBatch, streams: [UInt32], receivedAt: Int64) -> BatchRecord {
        var size = 256 + batch.bytes.count + batch.rows.count * 24
        for labels in batch.streams { size += encodedSizeMax(labels) }
        for labels in batch.metadata { size += encodedSizeMax(labels) }
        let out = ByteArena(capacity: size)
        for _ in 0..<WalFormat.recordHeaderSize / 8 { out.append(littleEndian: UInt64(0)) }
        out.append(littleEndian: receivedAt)
        batch.tenant.name.withView { out.append(prefixed: $0) }
        out.append(varint: UInt64(batch.advances.count))
        for advance in batch.advances {
            out.append(prefixed: advance.source)
            out.append(varint: advance.from)
            out.append(varint: advance.to.offset)
            out.append(prefixed: advance.to.detail)
        }
        if let key = batch.key {
            out.append(1 as UInt8)
            out.append(prefixed: key.client)
            out.append(varint: key.epoch)
            out.append(varint: key.sequence)
        } else {
            out.append(0 as UInt8)
        }
        out.append(varint: UInt64(batch.streams.count))
        for labels in batch.streams { labels.encode(into: out) }
        out.append(varint: UInt64(batch.metadata.count))
        var metadata: [Range<Int>] = []
        metadata.reserveCapacity(batch.metadata.count)
        for labels in batch.metadata {
            let start = out.count
            labels.encode(into: out)
            metadata.append(start..<out.count)
        }
        var rows: [HeadRow] = []
        rows.reserveCapacity(batch.rows.count)
        for row in batch.rows {
            rows.append(
                HeadRow(
                    timestamp: row.timestamp,
                    start: row.start,
                    length: row.length,
                    stream: row.stream,
                    metadata: row.metadata
                )
            )
        }
        let rowTableAt = out.count
        appendRows(rows, into: out)
        out.append(varint: UInt64(batch.bytes.count))
        let lineBase = out.count
        out.append(batch.bytes)
        return BatchRecord(
            tenant: batch.tenant,
            arena: out,
            rows: rows,
            streams: streams,
            metadata: metadata,
            advances: batch.advances,
            key: batch.key,
            deduplicates: batch.deduplicates && batch.advances.isEmpty,
            receivedAt: receivedAt,
            rowTableAt: rowTableAt,
            lineBase: lineBase
        )
    }

    /// The same batch with only the rows for which `keep` is true.
    func filtered(_ keep: [Bool]) -> BatchRecord {
        let out = ByteArena(capacity: arena.count)
        out.append(arena[0..<rowTableAt])
        var kept: [HeadRow] = []
        var total: UInt32 = 0
        for (row, wanted) in zip(rows, keep) where wanted {
            var row = row
            row.start = total
            total += row.length
            kept.append(row)
        }
        BatchRecord.appendRows(kept, into: out)
        out.append(varint: UInt64(total))
        let base = out.count
        for (row, wanted) in zip(rows, keep) where wanted { out.append(line(row)) }
        let result = BatchRecord(
            tenant: tenant,
            arena: out,
            rows: kept,
            streams: streams,
            metadata: metadata,
            advances: advances,
            key: key,
            deduplicates: deduplicates,
            receivedAt: receivedAt,
            rowTableAt: rowTableAt,
            lineBase: base
        )
        result.hashes = hashes.map { hashes in zip(hashes, keep).compactMap { $1 ? $0 : nil } }
        return result
    }

    func line(_ row: HeadRow) -> ByteView {
        let start = lineBase + Int(row.start)
        return arena[start..<start + Int(row.length)]
    }

    var isEmpty: Bool { rows.isEmpty && advances.isEmpty && key == nil }

    private static func encodedSizeMax(_ labels: Labels) -> Int {
        labels.pairs.reduce(5) { $0 + $1.name.count + $1.value.count + 10 }
    }

    private static func appendRows(_ rows: [HeadRow], into out: ByteArena) {
        out.append(varint: UInt64(rows.count))
        var previous: Int64 = 0
        for row in rows {
            out.append(signedVarint: row.timestamp &- previous)
            out.append(varint: UInt64(row.length))
            out.append(varint: UInt64(row.stream))
            out.append(varint: UInt64(row.metadata))
            previous = row.timestamp
        }
    }

    // MARK: Replay

    /// What a record of the log says, read back.
    struct Decoded {
        var batch: HeadBatch
        var advances: [SourceAdvance]
        var key: BatchKey?
        var receivedAt: Int64
    }

    /// Decodes a whole record. `register` gives a stream its number in this process.
    static func decode(
        _ record: OwnedBytes,
        sequence: UInt64,
        register: (Tenant, Labels) -> UInt32
    ) throws(DecodeError) -> Decoded {
        var reader = ByteReader(record.view)
        try reader.seek(to: WalFormat.recordHeaderSize)
        let receivedAt = try reader.littleEndian(Int64.self)
        let tenantName = try reader.prefixed().string
        guard let tenant = tenantName == Tenant.fake.name ? .fake : Tenant(tenantName) else {
            throw DecodeError("not a tenant: \(tenantName)", at: reader.offset)
        }
        var advances: [SourceAdvance] = []
        for _ in 0..<(try reader.count()) {
            let source = ByteString(try reader.prefixed())
            let from = try reader.varint()
            let offset = try reader.varint()
            let detail = ByteString(try reader.prefixed())
            advances.append(
                SourceAdvance(source: source, from: from, to: SourcePosition(offset: offset, detail: detail))
            )
        }
        var key: BatchKey?
        if try reader.byte() != 0 {
            let client = ByteString(try reader.prefixed())
            let epoch = try reader.varint()
            key = BatchKey(client: client, epoch: epoch, sequence: try reader.varint())
        }
        var streams: [UInt32] = []
        for _ in 0..<(try reader.count()) { streams.append(register(tenant, try Labels.decode(&reader))) }
        var metadata: [Range<Int>] = []
        for _ in 0..<(try reader.count()) {
            let start = reader.offset
            _ = try Labels.decode(&reader)
            metadata.append(start..<reader.offset)
        }
        let count = try reader.count()
        var rows: [HeadRow] = []
        rows.reserveCapacity(count)
        var time: Int64 = 0
        var start = 0
        for _ in 0..<count {
            time &+= try reader.signedVarint()
            let length = try reader.varint()
            let stream = try reader.varint()
            let set = try reader.varint()
            guard stream < UInt64(streams.count), set < UInt64(metadata.count),
                length <= UInt64(WriteBatch.bytesMax), start + Int(length) <= WriteBatch.bytesMax
            else { throw DecodeError("a row points outside its batch", at: reader.offset) }
            rows.append(
                HeadRow(
                    timestamp: time,
                    start: UInt32(start),
                    length: UInt32(length),
                    stream: UInt32(stream),
                    metadata: UInt32(set)
                )
            )
            start += Int(length)
        }
        let lineBytes = try reader.count()
        guard lineBytes == start, reader.remaining == lineBytes else {
            throw DecodeError("the lines are \(reader.remaining) bytes, the rows say \(start)", at: reader.offset)
        }
        let batch = HeadBatch(
            tenant: tenant,
            record: record,
            lineBase: reader.offset,
            rows: rows,
            streams: streams,
            metadata: metadata,
            sequence: sequence
        )
        return Decoded(batch: batch, advances: advances, key: key, receivedAt: receivedAt)
    }
}
