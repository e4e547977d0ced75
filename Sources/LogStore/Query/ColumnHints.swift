import Bytes
import LogModel

/// What is known of the values of a row group's columns before any of them is read: lengths, bytes that occur, filters.
/// Not thread-safe.
final class ColumnHints {
    let segment: Segment
    let group: Int
    let layout: SegmentLayout
    private let codecs: CodecPool
    private let memo: PredicateMemo
    private var filters: [Int: OwnedBytes] = [:]
    private var trigrams: [Int: OwnedBytes] = [:]

    init(segment: Segment, group: Int, codecs: CodecPool, memo: PredicateMemo) throws(StoreError) {
        self.segment = segment
        self.group = group
        self.codecs = codecs
        self.memo = memo
        layout = try codecs.with { codec throws(StoreError) in try segment.layout(codec) }
    }

    /// O(log columns).
    func chunk(of column: Int) -> ColumnChunk? { segment.groups[group].chunk(of: column) }

    /// The bytes that may occur in values of a column; nil where nothing is known.
    func charset(of chunk: ColumnChunk) -> ByteSet? {
        chunk.charset ?? (chunk.form == .dictionary ? layout.columns[chunk.column].dictionary?.charset : nil)
    }

    /// Whether a value of a column may hold a text at a place; false where the column is missing.
    func mayHold(_ text: ByteView, _ place: NeedlePlan.Place, _ column: Int) throws(StoreError) -> Bool {
        guard let chunk = chunk(of: column) else { return false }
        if text.count > chunk.lengths.upperBound { return false }
        if place == .whole, text.count < chunk.lengths.lowerBound { return false }
        if let charset = charset(of: chunk), !charset.isSuperset(of: ByteSet(text)) { return false }
        // A text as long as every value is one of them or none.
        if let filter = chunk.filter, chunk.lengths == text.count...text.count {
            return ValueFilter.mayHold(text, try read(filter, column, &filters))
        }
        if text.count < 3 { return true }
        if let filter = chunk.trigrams { return TrigramFilter.mayHold(text, try read(filter, column, &trigrams)) }
        if chunk.form == .dictionary, let filter = layout.columns[column].dictionary?.trigrams {
            return try memo.dictionaryMayHold(ByteString(text), column, segment.serial) { () throws(StoreError) in
                TrigramFilter.mayHold(text, try read(filter, column, &trigrams))
            }
        }
        return true
    }

    private func read(_ chunk: Chunk, _ column: Int, _ known: inout [Int: OwnedBytes]) throws(StoreError) -> ByteView {
        // The view lives as long as what is kept here.
        if let known = known[column] { return known.view }
        let raw = ByteArena(capacity: chunk.raw)
        try codecs.with { codec throws(StoreError) in
            try segment.load(chunk, "a filter of column \(column)", group: group, codec: codec, into: raw)
        }
        let owned = raw.take()
        known[column] = owned
        return owned.view
    }
}
