import Bytes
import LogModel

/// Reads a segment from front to back, a row at a time: for verification and merging. Memory is the columns of one row
/// group, unpacked, and the lines of a stretch of it with their values.
///
/// What a page of text holds is unpacked for each stretch that touches it, and each stretch walks each column's codes:
/// long stretches are cheap, short ones are small.
final class SegmentCursor {
    let segment: Segment
    private let codecs: CodecPool
    private var group = -1
    /// In the group; −1 before the first.
    private var row = -1
    private var run = -1
    private var runEnd = 0
    private var times: [Int64] = []
    private var sets: MetadataColumn?
    private var reader: GroupReader?
    /// The rows whose lines are at hand.
    private var held = 0..<0
    private var lines: GroupReader.Lines?
    /// Bytes of lines put together at once where a column has pages, about.
    private let stretchBytes: Int
    /// …and where none has: values are unpacked for the rows asked for, so that longer stretches would only be larger
    /// (measured on such lines: 30 MB more at the peak of a merge, the same CPU time).
    private static let withoutPages = 1 << 20

    /// A whole row group at a time, for whoever reads one segment alone.
    static let wholeGroups = Int.max
    /// What cursors that read side by side may hold together, bytes of lines. A page of text is 2 MiB of it: with eight
    /// inputs each page is unpacked one and a half times. (With 1,024 rows a stretch it was twelve times, and reading
    /// back took a third of the CPU time of ingest.)
    static let shared = 32 << 20

    init(segment: Segment, codecs: CodecPool, stretchBytes: Int = SegmentCursor.wholeGroups) {
        self.segment = segment
        self.codecs = codecs
        self.stretchBytes = max(stretchBytes, Self.withoutPages)
    }

    /// Moves to the next row; false at the end.
    func advance() throws(StoreError) -> Bool {
        row += 1
        if group < 0 || row == segment.groups[group].rows {
            guard group + 1 < segment.groups.count else { return false }
            group += 1
            row = 0
            run = segment.groups[group].runs.lowerBound
            runEnd = Int(segment.runs[run].rows)
            (times, sets) = try codecs.with { codec throws(StoreError) in
                (try segment.times(group: group, codec: codec), try segment.metadata(group: group, codec: codec))
            }
            reader = try GroupReader(segment: segment, group: group, codecs: codecs)
            held = 0..<0
        } else if row == runEnd {
            run += 1
            runEnd += Int(segment.runs[run].rows)
        }
        return true
    }

    /// The store's number of the row's stream.
    var stream: UInt32 { segment.stream(of: segment.runs[run]) }
    var timestamp: Int64 { times[row] }
    /// Encoded; nil for none. Valid until the row group changes.
    var metadata: ByteView? { sets.flatMap { $0.encoded($0.setOfRow[row]) } }

    /// Valid until the next call of `advance`.
    func line() throws(StoreError) -> ByteView {
        if !held.contains(row), let reader {
            let info = segment.groups[group]
            let mean = max(1, info.lineBytes / max(1, info.rows))
            let bytes = info.columns.contains { $0.form.hasPages } ? stretchBytes : Self.withoutPages
            held = row..<row + min(times.count - row, max(1, bytes / mean))
            let all = [UInt64](repeating: .max, count: (held.count + 63) / 64)
            lines = reader.lines(held, wanted: all, times: times[held])
        }
        guard let lines else { throw segment.fault("lines", group) }
        if let fault = lines.faults.first { throw fault }
        let at = row - held.lowerBound
        return lines.bytes.view[lines.starts[at]..<lines.starts[at] + Int(lines.lengths[at])]
    }
}
