import Bytes
import LogModel

/// Reads a segment from front to back, a row at a time: for verification and merging. Memory is the columns of one row
/// group and the lines of a stretch of it.
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
    private static let stretch = 1024

    init(segment: Segment, codecs: CodecPool) {
        self.segment = segment
        self.codecs = codecs
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
            let mean = max(1, segment.groups[group].lineBytes / max(1, segment.groups[group].rows))
            held = row..<min(row + max(1, min(Self.stretch, (1 << 20) / mean)), times.count)
            let all = [UInt64](repeating: .max, count: (held.count + 63) / 64)
            lines = reader.lines(held, wanted: all, times: times[held])
        }
        guard let lines else { throw segment.fault("lines", group) }
        if let fault = lines.faults.first { throw fault }
        let at = row - held.lowerBound
        return lines.bytes.view[lines.starts[at]..<lines.starts[at] + Int(lines.lengths[at])]
    }
}
