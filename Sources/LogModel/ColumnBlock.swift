import Bytes

/// Some rows of a store, by columns. Blocks are made by a store, looked at by one query worker, and dropped.
///
/// Rows are ordered by (stream, time, arrival). `order` ranks blocks among each other where stream and time are equal:
/// rows of a block with a smaller `order` arrived earlier.
package final class ColumnBlock {
    /// Rows that lie together and belong to one stream.
    package struct Span: Sendable, Equatable {
        package var rows: Range<Int>
        /// An index into the block's `streams`.
        package var stream: Int

        package init(rows: Range<Int>, stream: Int) {
            self.rows = rows
            self.stream = stream
        }
    }

    /// Structured metadata of rows: an index into `sets` for each.
    package struct Metadata {
        package var setOf: [UInt32]
        package var sets: [Labels]

        package init(setOf: [UInt32], sets: [Labels]) {
            self.setOf = setOf
            self.sets = sets
        }
    }

    package let count: Int
    /// All rows, in order; neighbours may be of one stream.
    package let spans: [Span]
    /// The streams that occur.
    package let streams: [StreamRef]
    /// Nanoseconds, one for each row, ascending within a stream. Read when first asked for.
    package private(set) lazy var timestamps: [Int64] = readTimes(self)
    /// Stream of each row: an index into `streams`. Made when first asked for.
    package private(set) lazy var streamOf: [UInt32] = spans.reduce(into: []) { all, span in
        all.append(contentsOf: repeatElement(UInt32(span.stream), count: span.rows.count))
    }
    /// Whether any row may have structured metadata.
    package var hasMetadata: Bool { readMetadata != nil }
    private lazy var metadata =
        readMetadata?(self) ?? Metadata(setOf: [UInt32](repeating: 0, count: count), sets: [Labels()])
    /// Structured metadata of each row: an index into `metadataSets`. Read when first asked for.
    package var metadataOf: [UInt32] { metadata.setOf }
    package var metadataSets: [Labels] { metadata.sets }
    package let order: UInt64

    /// Rows that surely satisfy the request's predicate, and rows that the row evaluator must look at. A row in neither
    /// is dropped; a row is never in both.
    package var selected: Bitmap
    package var undecided: Bitmap

    /// What the asked fields are, for those that the store can tell from columns.
    package let columns: ([FieldRequest]) throws -> [ByteString: FieldColumn]

    private let readTimes: (ColumnBlock) -> [Int64]
    private let readMetadata: ((ColumnBlock) -> Metadata)?
    private let names: (ByteString) -> Bool
    private var lineStart: [Int]
    private var lineLength: [UInt32]
    private var lineBytes: OwnedBytes?
    private let load: ((ColumnBlock) throws -> LineTable)?

    /// The lines of a block: where each row's bytes lie in one buffer.
    package struct LineTable {
        package var bytes: OwnedBytes
        package var starts: [Int]
        package var lengths: [UInt32]

        package init(bytes: OwnedBytes, starts: [Int], lengths: [UInt32]) {
            self.bytes = bytes
            self.starts = starts
            self.lengths = lengths
        }
    }

    /// `times`, `metadata` and `load` are called at most once, when they are first asked for; the first two yield one
    /// value for each row, and take rows out of the block that cannot be read. `names`: whether the metadata of a row
    /// may have a label.
    package init(
        spans: [Span], streams: [StreamRef], order: UInt64, selected: Bitmap, undecided: Bitmap,
        times: @escaping (ColumnBlock) -> [Int64],
        metadata: ((ColumnBlock) -> Metadata)? = nil,
        names: @escaping (ByteString) -> Bool = { _ in true },
        columns: @escaping ([FieldRequest]) throws -> [ByteString: FieldColumn] = { _ in [:] },
        load: @escaping (ColumnBlock) throws -> LineTable
    ) {
        count = spans.last?.rows.upperBound ?? 0
        precondition(selected.count == count && undecided.count == count)
        self.spans = spans
        self.streams = streams
        self.order = order
        self.selected = selected
        self.undecided = undecided
        self.columns = columns
        self.load = load
        self.names = names
        readTimes = times
        readMetadata = metadata
        lineStart = []
        lineLength = []
    }

    /// Whether the metadata of a row may have a label of this name. True may be wrong, false is not.
    package func mayHaveMetadata(_ name: ByteString) -> Bool { hasMetadata && names(name) }

    /// A block of rows whose times are at hand.
    package convenience init(
        timestamps: [Int64], streamOf: [UInt32], streams: [StreamRef], metadataOf: [UInt32], metadataSets: [Labels],
        order: UInt64, selected: Bitmap, undecided: Bitmap,
        columns: @escaping ([FieldRequest]) throws -> [ByteString: FieldColumn] = { _ in [:] },
        load: @escaping (ColumnBlock) throws -> LineTable
    ) {
        precondition(timestamps.count == streamOf.count)
        self.init(
            spans: Self.spans(streamOf), streams: streams, order: order, selected: selected, undecided: undecided,
            times: { _ in timestamps },
            metadata: metadataSets.contains { !$0.isEmpty }
                ? { _ in Metadata(setOf: metadataOf, sets: metadataSets) } : nil,
            names: { name in metadataSets.contains { $0[name] != nil } },
            columns: columns,
            load: load)
    }

    private static func spans(_ streamOf: [UInt32]) -> [Span] {
        var spans: [Span] = []
        for (row, stream) in streamOf.enumerated() {
            if let last = spans.last, last.stream == Int(stream) {
                spans[spans.count - 1].rows = last.rows.lowerBound..<row + 1
            } else {
                spans.append(Span(rows: row..<row + 1, stream: Int(stream)))
            }
        }
        return spans
    }

    /// Brings the lines into memory. Must be called before `line(_:)`.
    package func loadLines() throws {
        guard lineBytes == nil, let load else { return }
        let table = try load(self)
        precondition(table.starts.count == count && table.lengths.count == count)
        lineBytes = table.bytes
        lineStart = table.starts
        lineLength = table.lengths
    }

    /// The same rows under other names of their streams: `streams` in the order of this block's. Lines are not copied.
    package func relabelled(_ streams: [StreamRef]) -> ColumnBlock {
        precondition(streams.count == self.streams.count)
        // What is damaged leaves both blocks.
        func together<R>(_ other: ColumnBlock, _ body: () throws -> R) rethrows -> R {
            selected = other.selected
            undecided = other.undecided
            defer {
                other.selected = selected
                other.undecided = undecided
            }
            return try body()
        }
        return ColumnBlock(
            spans: spans, streams: streams, order: order, selected: selected, undecided: undecided,
            times: { [self] other in together(other) { timestamps } },
            metadata: hasMetadata ? { [self] other in together(other) { metadata } } : nil,
            names: names,
            columns: columns
        ) { [self] other in
            try together(other) { try loadLines() }
            return LineTable(bytes: lineBytes ?? OwnedBytes([]), starts: lineStart, lengths: lineLength)
        }
    }

    /// The bytes of a row's line. Valid as long as the block is held.
    package func line(_ row: Int) -> ByteView {
        guard let lineBytes else { preconditionFailure("loadLines() comes first") }
        let start = lineStart[row]
        return lineBytes.view[start..<start + Int(lineLength[row])]
    }
}

/// A stream as a block refers to it.
package struct StreamRef: Sendable {
    /// The store's number of the stream, the same as long as the store is open.
    package var id: UInt32
    package var labels: Labels

    package init(id: UInt32, labels: Labels) {
        self.id = id
        self.labels = labels
    }
}

/// A set of rows.
package struct Bitmap: Sendable, Equatable {
    package private(set) var words: [UInt64]
    package let count: Int

    package init(count: Int, repeating value: Bool = false) {
        self.count = count
        words = [UInt64](repeating: value ? .max : 0, count: (count + 63) / 64)
        if value, count % 64 != 0, !words.isEmpty { words[words.count - 1] = (1 << UInt64(count % 64)) - 1 }
    }

    package subscript(row: Int) -> Bool {
        get {
            precondition(row >= 0 && row < count)
            return words[row >> 6] >> UInt64(row & 63) & 1 == 1
        }
        set {
            precondition(row >= 0 && row < count)
            if newValue { words[row >> 6] |= 1 << UInt64(row & 63) } else { words[row >> 6] &= ~(1 << UInt64(row & 63)) }
        }
    }

    /// `words` holds a word for each 64 rows; bits behind the last row do not count.
    package init(words: [UInt64], count: Int) {
        precondition(words.count == (count + 63) / 64)
        self.count = count
        self.words = words
        if count % 64 != 0, !words.isEmpty { self.words[words.count - 1] &= (1 << UInt64(count % 64)) - 1 }
    }

    package var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
    package var isFull: Bool { population == count }
    package var population: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    /// All must have the same count.
    package mutating func formUnion(_ other: Bitmap) { for i in words.indices { words[i] |= other.words[i] } }
    package mutating func formIntersection(_ other: Bitmap) { for i in words.indices { words[i] &= other.words[i] } }
    package mutating func subtract(_ other: Bitmap) { for i in words.indices { words[i] &= ~other.words[i] } }

    /// The rows of a range, the first of them at 0. O(range / 64).
    package func slice(_ range: Range<Int>) -> Bitmap {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        var part = [UInt64](repeating: 0, count: (range.count + 63) / 64)
        let shift = UInt64(range.lowerBound & 63)
        let from = range.lowerBound >> 6
        for i in part.indices {
            var word = words[from + i] >> shift
            if shift > 0, from + i + 1 < words.count { word |= words[from + i + 1] << (64 - shift) }
            part[i] = word
        }
        return Bitmap(words: part, count: range.count)
    }

    /// How many rows of a range are in the set. O(range / 64).
    package func population(_ range: Range<Int>) -> Int {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        if range.isEmpty { return 0 }
        let (first, last) = (range.lowerBound >> 6, (range.upperBound - 1) >> 6)
        let head = UInt64.max << UInt64(range.lowerBound & 63)
        let tail = UInt64.max >> UInt64(63 - (range.upperBound - 1) & 63)
        if first == last { return (words[first] & head & tail).nonzeroBitCount }
        var sum = (words[first] & head).nonzeroBitCount + (words[last] & tail).nonzeroBitCount
        for word in first + 1..<last { sum += words[word].nonzeroBitCount }
        return sum
    }

    /// Calls `body` with each row of a range that is in the set, in order.
    @inlinable
    package func forEach(in range: Range<Int>, _ body: (Int) -> Void) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        var from = range.lowerBound
        while from < range.upperBound {
            let end = min(range.upperBound, (from | 63) + 1)
            var rest = words[from >> 6] & (UInt64.max << UInt64(from & 63))
            if end & 63 != 0 { rest &= (1 << UInt64(end & 63)) - 1 }
            while rest != 0 {
                body(from & ~63 + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
            from = end
        }
    }

    /// Adds rows of another set: those of `range`, the first of them as row `at`. O(range / 64).
    package mutating func copy(_ other: Bitmap, _ range: Range<Int>, to at: Int) {
        precondition(range.lowerBound >= 0 && range.upperBound <= other.count && at >= 0 && at + range.count <= count)
        var from = range.lowerBound
        var to = at
        while from < range.upperBound {
            let width = min(64 - from & 63, 64 - to & 63, range.upperBound - from)
            let mask: UInt64 = width == 64 ? .max : (1 << UInt64(width)) - 1
            words[to >> 6] |= (other.words[from >> 6] >> UInt64(from & 63) & mask) << UInt64(to & 63)
            from += width
            to += width
        }
    }

    /// Sets the rows of a range.
    package mutating func insert(_ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        var row = range.lowerBound
        while row < range.upperBound {
            let end = min(range.upperBound, (row | 63) + 1)
            let width = UInt64(end - row)
            let bits: UInt64 = width == 64 ? .max : (1 << width) - 1
            words[row >> 6] |= bits << UInt64(row & 63)
            row = end
        }
    }

    package func union(_ other: Bitmap) -> Bitmap {
        var result = self
        result.formUnion(other)
        return result
    }

    package mutating func invert() {
        for i in words.indices { words[i] = ~words[i] }
        if count % 64 != 0, !words.isEmpty { words[words.count - 1] &= (1 << UInt64(count % 64)) - 1 }
    }
}
