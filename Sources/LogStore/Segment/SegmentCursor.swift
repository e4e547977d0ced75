import Bytes
import LogModel

/// Reads a segment from front to back, a row at a time: for verification and merging. Memory is the columns of one row
/// group and one page.
final class SegmentCursor {
    let segment: Segment
    private let codec: PageCodec
    private var group = -1
    /// In the group; −1 before the first.
    private var row = -1
    private var run = -1
    private var runEnd = 0
    private var times: [Int64] = []
    private var lengths: [UInt32] = []
    private var sets: MetadataColumn?
    private let page = ByteArena(capacity: SegmentFormat.pageBytesMax)
    private var pageIndex = -1
    /// Row of the open page whose line begins at `lineStart`.
    private var lineRow = 0
    private var lineStart = 0

    init(segment: Segment, codec: PageCodec) {
        self.segment = segment
        self.codec = codec
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
            times = try segment.times(group: group, codec: codec)
            lengths = try segment.lengths(group: group, codec: codec)
            sets = try segment.metadata(group: group, codec: codec)
            pageIndex = -1
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

    /// Valid until the next call.
    func line() throws(StoreError) -> ByteView {
        let pages = segment.groups[group].pages
        if pageIndex < 0 || row >= pages[pageIndex].firstRow + pages[pageIndex].rows {
            pageIndex += 1
            while row >= pages[pageIndex].firstRow + pages[pageIndex].rows { pageIndex += 1 }
            page.reset()
            var failure: StoreError?
            segment.lines(
                group: group,
                pages: pageIndex..<pageIndex + 1,
                codec: codec,
                into: page,
                each: { _, _ in },
                damaged: { _, error in failure = error }
            )
            if let failure {
                pageIndex = -1
                throw failure
            }
            lineRow = pages[pageIndex].firstRow
            lineStart = 0
        }
        while lineRow < row {
            lineStart += Int(lengths[lineRow])
            lineRow += 1
        }
        let end = lineStart + Int(lengths[row])
        guard end <= page.count else {
            throw StoreError(.damaged, "segment \(segment.path) is damaged: lines and lengths differ")
        }
        return page[lineStart..<end]
    }
}
