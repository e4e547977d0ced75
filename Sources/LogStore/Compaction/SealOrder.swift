/// The rows of a head as a segment holds them: by stream, in the order of the streams' ranks, then by time, then by
/// arrival.
///
/// One array for all rows and one entry a stream: with many streams of few rows an array for each of them cost more than
/// writing their lines. O(rows + streams known + streams of the head × log), where rows come in order of time.
struct SealOrder {
    /// A row, with what sorting needs.
    struct Reference {
        var timestamp: Int64
        var batch: UInt32
        var row: UInt32
    }

    /// The rows of a stream, in `references`.
    struct Part {
        /// The store's number.
        var stream: UInt32
        var rows: Range<Int>
    }

    private(set) var references: [Reference] = []
    private(set) var parts: [Part] = []
    /// Least and greatest time; meaningless without rows.
    private(set) var first = Int64.max
    private(set) var last = Int64.min

    init(_ head: Head, _ streams: [StreamTable.Stream]) {
        // By the store's number of a stream: its place in `found`, + 1.
        var places = [UInt32](repeating: 0, count: streams.count)
        var found: [(stream: UInt32, rank: UInt64, count: Int)] = []
        var rows = 0
        for batch in head.batches {
            for run in batch.runs {
                let stream = Int(run.stream)
                if places[stream] == 0 {
                    found.append((run.stream, streams[stream].rank, 0))
                    places[stream] = UInt32(found.count)
                }
                found[Int(places[stream]) - 1].count += run.rows
                rows += run.rows
            }
        }
        found.sort { $0.rank != $1.rank ? $0.rank < $1.rank : $0.stream < $1.stream }
        // From here on: where the next row of the stream goes.
        parts.reserveCapacity(found.count)
        var at = 0
        for one in found {
            parts.append(Part(stream: one.stream, rows: at..<at + one.count))
            places[Int(one.stream)] = UInt32(at)
            at += one.count
        }
        references = [Reference](repeating: Reference(timestamp: 0, batch: 0, row: 0), count: rows)
        for (b, batch) in head.batches.enumerated() {
            for (r, row) in batch.rows.enumerated() {
                let stream = Int(batch.streams[Int(row.stream)])
                references[Int(places[stream])] = Reference(
                    timestamp: row.timestamp, batch: UInt32(b), row: UInt32(r)
                )
                places[stream] += 1
            }
        }
        for part in parts { sort(part.rows) }
    }

    private mutating func sort(_ rows: Range<Int>) {
        for at in rows.dropFirst() where references[at - 1].timestamp > references[at].timestamp {
            references[rows].sort { ($0.timestamp, $0.batch, $0.row) < ($1.timestamp, $1.batch, $1.row) }
            break
        }
        first = min(first, references[rows.lowerBound].timestamp)
        last = max(last, references[rows.upperBound - 1].timestamp)
    }

    /// The rows of a part with times from `low` to below `high`; nil: without an end.
    func slice(_ part: Part, from low: Int64, to high: Int64?) -> ArraySlice<Reference> {
        if low <= first, high.map({ last < $0 }) ?? true { return references[part.rows] }
        func bound(_ time: Int64) -> Int {
            var low = part.rows.lowerBound
            var high = part.rows.upperBound
            while low < high {
                let middle = (low + high) / 2
                if references[middle].timestamp < time { low = middle + 1 } else { high = middle }
            }
            return low
        }
        return references[bound(low)..<(high.map { bound($0) } ?? part.rows.upperBound)]
    }
}
