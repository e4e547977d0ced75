import Bytes
import LogModel

/// Reads chosen rows of a segment from front to back, a stretch of one run at a time: verification, export and the
/// search for what a rewrite has to drop. Row groups without a chosen run are not read. A row group that cannot be
/// read is told and passed over, and so are single rows whose columns are damaged.
///
/// Memory: the columns of one row group and the lines of one stretch.
struct SegmentWalk {
    /// Rows that lie together: one run or a part of it.
    struct Stretch {
        let run: Run
        /// In the row group.
        let rows: Range<Int>
        /// Of the row group's rows; index by `rows`.
        let times: [Int64]
        let metadata: MetadataColumn?
        let lines: GroupReader.Lines
        /// Rows of the group whose line cannot be read.
        let damaged: Set<Int>

        func line(_ row: Int) -> ByteView {
            let at = row - rows.lowerBound
            return lines.bytes.view[lines.starts[at]..<lines.starts[at] + Int(lines.lengths[at])]
        }

        /// Encoded; nil for none.
        func metadata(_ row: Int) -> ByteView? { metadata.flatMap { $0.encoded($0.setOfRow[row]) } }
    }

    /// Part of a row group that cannot be read.
    struct Fault {
        var group: Int
        /// In the segment.
        var rows: Range<Int>
        /// How many of them are lost.
        var lost: Int
        var error: StoreError
    }

    let segment: Segment
    let codecs: CodecPool
    private static let rowsMax = 1024
    private static let bytesMax = 1 << 20

    /// `wanted` chooses runs; `range` cuts them. `body` returns whether to go on.
    func run<E: Error>(
        _ range: TimeRange = .all,
        wanted: (Run) -> Bool = { _ in true },
        fault: (Fault) -> Void,
        _ body: (Stretch) throws(E) -> Bool
    ) throws(E) {
        for group in segment.groups.indices {
            let runs = segment.runs[segment.groups[group].runs].filter {
                (range == .all
                    || range.overlaps(first: Timestamp(nanoseconds: $0.first), last: Timestamp(nanoseconds: $0.last)))
                    && wanted($0)
            }
            if runs.isEmpty { continue }
            let times: [Int64]
            let sets: MetadataColumn?
            let reader: GroupReader
            do throws(StoreError) {
                (times, sets) = try codecs.with { codec throws(StoreError) in
                    (try segment.times(group: group, codec: codec), try segment.metadata(group: group, codec: codec))
                }
                reader = try GroupReader(segment: segment, group: group, codecs: codecs)
            } catch {
                let first = segment.groups[group].firstRow
                fault(
                    Fault(
                        group: group, rows: first..<first + segment.groups[group].rows,
                        lost: runs.reduce(0) { $0 + Int($1.rows) }, error: error))
                continue
            }
            for run in runs where try !walk(run, group, times, sets, reader, range, fault, body) { return }
        }
    }

    private func walk<E: Error>(
        _ run: Run, _ group: Int, _ times: [Int64], _ sets: MetadataColumn?, _ reader: GroupReader, _ range: TimeRange,
        _ fault: (Fault) -> Void, _ body: (Stretch) throws(E) -> Bool
    ) throws(E) -> Bool {
        let mean = max(1, run.bytes / max(1, Int(run.rows)))
        let length = max(1, min(Self.rowsMax, Self.bytesMax / mean))
        var at = Int(run.firstRow)
        let end = at + Int(run.rows)
        while at < end {
            var rows = at..<min(end, at + length)
            at = rows.upperBound
            rows = clip(rows, times, range)
            if rows.isEmpty { continue }
            let all = [UInt64](repeating: .max, count: (rows.count + 63) / 64)
            let lines = reader.lines(rows, wanted: all, times: times[rows])
            let damaged = Set(lines.damaged.map { rows.lowerBound + $0 })
            if let error = lines.faults.first {
                let first = segment.groups[group].firstRow
                fault(
                    Fault(
                        group: group, rows: first + rows.lowerBound..<first + rows.upperBound, lost: damaged.count,
                        error: error))
            }
            let stretch = Stretch(run: run, rows: rows, times: times, metadata: sets, lines: lines, damaged: damaged)
            if try !body(stretch) { return false }
        }
        return true
    }

    /// Times of a run ascend.
    private func clip(_ rows: Range<Int>, _ times: [Int64], _ range: TimeRange) -> Range<Int> {
        func bound(_ time: Int64) -> Int {
            var low = rows.lowerBound
            var high = rows.upperBound
            while low < high {
                let middle = (low + high) / 2
                if times[middle] < time { low = middle + 1 } else { high = middle }
            }
            return low
        }
        if range == .all { return rows }
        let low = bound(range.start.nanoseconds)
        return low..<max(low, bound(range.end.nanoseconds))
    }
}
