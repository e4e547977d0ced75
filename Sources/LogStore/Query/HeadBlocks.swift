import Bytes
import LogModel

/// Makes blocks of rows that are still in a head.
struct HeadBlocks {
    let selection: Selection

    /// A row of some batches, by its place in them.
    struct Ref {
        var timestamp: Int64
        var stream: UInt32
        var batch: UInt32
        var row: UInt32
    }

    /// Rows of one look at a head: so many batches that blocks of them are worth their sorting.
    static let bytesMax = 1 << 20
    static let rowsMax = 8192

    /// The batches of a head that may hold wanted rows, in lots; nil where a lot holds none.
    func lots(_ head: Head, _ range: TimeRange) -> [[HeadBatch]] {
        var result: [[HeadBatch]] = []
        var at = 0
        while at < head.batches.count {
            var some: [HeadBatch] = []
            var bytes = 0
            var rows = 0
            while at < head.batches.count, some.isEmpty || (bytes < Self.bytesMax && rows < Self.rowsMax) {
                let batch = head.batches[at]
                at += 1
                bytes += batch.lineBytes
                rows += batch.rows.count
                if selection.overlaps(batch, range), batch.runs.contains(where: { selection.overlaps($0, range) }) {
                    some.append(batch)
                }
            }
            result.append(some)
        }
        return result
    }

    /// The wanted rows of a lot in order, in pieces of about `bytes` bytes of lines and at most `rows` rows.
    func pieces(_ batches: [HeadBatch], _ range: TimeRange, bytes: Int, rows: Int) -> [[Ref]] {
        var refs: [Ref] = []
        for (b, batch) in batches.enumerated() {
            let wanted = batch.streams.map { selection.wanted.contains($0) }
            for (r, row) in batch.rows.enumerated()
            where wanted[Int(row.stream)] && range.contains(Timestamp(nanoseconds: row.timestamp)) {
                refs.append(
                    Ref(
                        timestamp: row.timestamp,
                        stream: batch.streams[Int(row.stream)],
                        batch: UInt32(b),
                        row: UInt32(r)
                    )
                )
            }
        }
        refs.sort { a, b in
            if a.stream != b.stream { return a.stream < b.stream }
            if a.timestamp != b.timestamp { return a.timestamp < b.timestamp }
            return a.batch != b.batch ? a.batch < b.batch : a.row < b.row
        }
        var result: [[Ref]] = []
        var start = 0
        while start < refs.count {
            var end = start
            var taken = 0
            while end < refs.count, end == start || (end - start < rows && taken < bytes) {
                taken += Int(batches[Int(refs[end].batch)].rows[Int(refs[end].row)].length)
                end += 1
            }
            result.append(Array(refs[start..<end]))
            start = end
        }
        return result
    }

    /// `ordinal`: how many rows of the lot come before.
    func block(_ batches: [HeadBatch], rank: Int, _ refs: [Ref], ordinal: Int) -> ColumnBlock {
        var streams: [StreamRef] = []
        var streamOf: [UInt32] = []
        var metadataOf: [UInt32] = []
        streamOf.reserveCapacity(refs.count)
        metadataOf.reserveCapacity(refs.count)
        var sets = [Labels()]
        var setNumbers: [UInt64: UInt32] = [:]
        for ref in refs {
            if streams.last?.id != ref.stream {
                streams.append(StreamRef(id: ref.stream, labels: selection.streams[Int(ref.stream)].labels))
            }
            streamOf.append(UInt32(streams.count - 1))
            let batch = batches[Int(ref.batch)]
            let set = batch.rows[Int(ref.row)].metadata
            let encoded = batch.metadataBytes(set)
            if encoded.count <= 1 {
                metadataOf.append(0)
                continue
            }
            let key = UInt64(ref.batch) << 32 | UInt64(set)
            if let known = setNumbers[key] {
                metadataOf.append(known)
            } else {
                setNumbers[key] = UInt32(sets.count)
                metadataOf.append(UInt32(sets.count))
                sets.append(Self.labels(encoded))
            }
        }
        return ColumnBlock(
            timestamps: refs.map(\.timestamp),
            streamOf: streamOf,
            streams: streams,
            metadataOf: metadataOf,
            metadataSets: sets,
            order: BlockOrder.of(rank, ordinal),
            selected: Bitmap(count: refs.count),
            undecided: Bitmap(count: refs.count, repeating: true),
            load: { _ in Self.load(batches, refs) }
        )
    }

    /// Encoded sets were written by us and checked; what does not decode all the same shows as no metadata.
    static func labels(_ encoded: ByteView) -> Labels {
        var reader = ByteReader(encoded)
        return (try? Labels.decode(&reader)) ?? Labels()
    }

    private static func load(_ batches: [HeadBatch], _ refs: [Ref]) -> ColumnBlock.LineTable {
        // Of one batch the record itself serves; of several the lines are put together.
        if let first = refs.first, refs.allSatisfy({ $0.batch == first.batch }) {
            let batch = batches[Int(first.batch)]
            let rows = refs.map { batch.rows[Int($0.row)] }
            return ColumnBlock.LineTable(
                bytes: batch.record,
                starts: rows.map { batch.lineBase + Int($0.start) },
                lengths: rows.map(\.length)
            )
        }
        let total = refs.reduce(0) { $0 + Int(batches[Int($1.batch)].rows[Int($1.row)].length) }
        let out = ByteArena(capacity: total)
        var starts: [Int] = []
        var lengths: [UInt32] = []
        for ref in refs {
            let batch = batches[Int(ref.batch)]
            let row = batch.rows[Int(ref.row)]
            starts.append(out.count)
            lengths.append(row.length)
            out.append(batch.line(row))
        }
        return ColumnBlock.LineTable(bytes: out.take(), starts: starts, lengths: lengths)
    }
}
