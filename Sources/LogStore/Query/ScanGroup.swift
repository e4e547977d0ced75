import Bytes
import LogModel

/// A row group under a scan: its columns, each read when it is first asked for, and what the predicate says of its rows.
/// Shared by the blocks made of it; for one thread at a time.
final class ScanGroup: @unchecked Sendable {
    // Sendable: whoever hands it to other threads waits for them.
    /// Rows that lie together and belong to one stream, by the store's number.
    struct Span {
        var rows: Range<Int>
        var stream: UInt32
    }

    let segment: Segment
    let number: Int
    private let codecs: CodecPool
    private var readTimes: [Int64]?
    private var readMetadata: MetadataColumn??
    private var readSets: OwnedBytes?
    private var reader: GroupReader?
    private var hints: ColumnHints?
    private var ruledOut: Bool?
    private var decided: GroupPredicate.Outcome?

    init(segment: Segment, number: Int, codecs: CodecPool) {
        self.segment = segment
        self.number = number
        self.codecs = codecs
    }

    func times() throws(StoreError) -> [Int64] {
        if let readTimes { return readTimes }
        let read = try codecs.with { codec throws(StoreError) in try segment.times(group: number, codec: codec) }
        readTimes = read
        return read
    }

    func metadata() throws(StoreError) -> MetadataColumn? {
        if let readMetadata { return readMetadata }
        let read = try codecs.with { codec throws(StoreError) in try segment.metadata(group: number, codec: codec) }
        readMetadata = .some(read)
        return read
    }

    var hasMetadata: Bool { segment.groups[number].metadata != nil }

    /// The encoded sets of metadata that occur; nil where no row has any.
    private func metadataSets() throws(StoreError) -> OwnedBytes? {
        if let readMetadata { return readMetadata?.bytes }
        if let readSets { return readSets }
        readSets = try codecs.with { codec throws(StoreError) in try segment.metadataSets(group: number, codec: codec) }
        return readSets
    }

    /// Whether the metadata of a row may have a label. What cannot be read may.
    func mayHaveMetadata(_ name: ByteString) -> Bool {
        guard hasMetadata else { return false }
        guard let sets = try? metadataSets() else { return true }
        return MetadataColumn.names(name, in: sets.view)
    }

    func open() throws(StoreError) -> GroupReader {
        if let reader { return reader }
        let opened = try GroupReader(segment: segment, group: number, codecs: codecs)
        reader = opened
        return opened
    }

    /// Lets go of the columns that were read; what was decided stays.
    func shed() {
        reader = nil
        hints = nil
    }

    private func hints(_ memo: PredicateMemo) throws(StoreError) -> ColumnHints {
        if let hints { return hints }
        let made = try ColumnHints(segment: segment, group: number, codecs: codecs, memo: memo)
        hints = made
        return made
    }

    /// Whether hints alone tell that no row satisfies the predicate. Evaluated once: a group serves one request.
    func rulesOut(
        _ predicate: Predicate,
        _ memo: PredicateMemo,
        _ selection: Selection
    ) throws(StoreError) -> Bool {
        if let ruledOut { return ruledOut }
        let (wanted, streams) = (selection.wanted, selection.streams)
        var pruning = GroupPruning(try hints(memo), memo: memo) { stream in
            wanted.contains(stream) ? streams[Int(stream)].labels : nil
        }
        let result = !(try pruning.mayHold(predicate))
        ruledOut = result
        return result
    }

    /// What the predicate says of all rows. Evaluated once, too.
    func outcome(
        _ predicate: Predicate,
        _ memo: PredicateMemo,
        _ selection: Selection
    ) throws(StoreError) -> GroupPredicate.Outcome {
        if try rulesOut(predicate, memo, selection) {
            let none = Bitmap(count: segment.groups[number].rows)
            return GroupPredicate.Outcome(yes: none, open: none)
        }
        if let decided { return decided }
        let (wanted, streams) = (selection.wanted, selection.streams)
        let labels = { (stream: UInt32) in wanted.contains(stream) ? streams[Int(stream)].labels : nil }
        let hints = try hints(memo)
        var decider = GroupPredicate(
            try open(),
            hints,
            memo: memo,
            times: { () throws(StoreError) in try self.times() },
            mayHaveMetadata: { self.mayHaveMetadata($0) },
            labels: labels
        )
        let outcome = try decider.outcome(predicate)
        decided = outcome
        return outcome
    }

    /// The rows of a span inside a range of time.
    func clip(_ span: Span, _ range: TimeRange, _ times: [Int64]) -> Span? {
        let low = lowerBound(times, span.rows.lowerBound, span.rows.upperBound, range.start.nanoseconds)
        let high = lowerBound(times, low, span.rows.upperBound, range.end.nanoseconds)
        return low < high ? Span(rows: low..<high, stream: span.stream) : nil
    }
}

extension GroupPredicate.Outcome {
    /// The rows of some spans that are not dropped, in spans of their own where they are few: a block then costs what is
    /// wanted of it.
    func survivors(_ spans: [ScanGroup.Span]) -> [ScanGroup.Span] {
        let left = yes.union(open)
        var count = 0
        var rows = 0
        for span in spans {
            count += left.population(span.rows)
            rows += span.rows.count
        }
        if count == 0 { return [] }
        if count * 8 > rows { return spans }
        var few: [ScanGroup.Span] = []
        few.reserveCapacity(count)
        for span in spans {
            left.forEach(in: span.rows) { row in
                if let last = few.last, last.rows.upperBound == row, last.stream == span.stream {
                    few[few.count - 1].rows = last.rows.lowerBound..<row + 1
                } else {
                    few.append(ScanGroup.Span(rows: row..<row + 1, stream: span.stream))
                }
            }
        }
        return few
    }

    /// The bits of the rows of some spans, back to back.
    func bits(_ spans: [ScanGroup.Span]) -> (selected: Bitmap, undecided: Bitmap) {
        if spans.count == 1, let span = spans.first { return (yes.slice(span.rows), open.slice(span.rows)) }
        let count = spans.reduce(0) { $0 + $1.rows.count }
        var selected = Bitmap(count: count)
        var undecided = Bitmap(count: count)
        var at = 0
        for span in spans {
            selected.copy(yes, span.rows, to: at)
            undecided.copy(open, span.rows, to: at)
            at += span.rows.count
        }
        return (selected, undecided)
    }
}
