import Bytes

/// Some rows of a store, by columns. Blocks are made by a store, looked at by one query worker, and dropped.
///
/// Rows are ordered by (stream, time, arrival). `order` ranks blocks among each other where stream and time are equal:
/// rows of a block with a smaller `order` arrived earlier.
package final class ColumnBlock {
    /// Nanoseconds, one for each row.
    package let timestamps: [Int64]
    /// Stream of each row: an index into `streams`.
    package let streamOf: [UInt32]
    /// The streams that occur.
    package let streams: [StreamRef]
    /// Structured metadata of each row: an index into `metadataSets`.
    package let metadataOf: [UInt32]
    package let metadataSets: [Labels]
    package let order: UInt64

    /// Rows that surely satisfy the request's predicate, and rows that the row evaluator must look at. A row in neither
    /// is dropped; a row is never in both.
    package var selected: Bitmap
    package var undecided: Bitmap

    /// What the asked fields are, for those that the store can tell from columns.
    package let columns: ([FieldRequest]) throws -> [ByteString: FieldColumn]

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

    /// `load` is called at most once, when the first line is asked for.
    package init(
        timestamps: [Int64], streamOf: [UInt32], streams: [StreamRef], metadataOf: [UInt32], metadataSets: [Labels],
        order: UInt64, selected: Bitmap, undecided: Bitmap, columns: @escaping ([FieldRequest]) throws -> [ByteString: FieldColumn] = { _ in [:] },
        load: @escaping (ColumnBlock) throws -> LineTable
    ) {
        precondition(timestamps.count == streamOf.count && timestamps.count == metadataOf.count)
        self.timestamps = timestamps
        self.streamOf = streamOf
        self.streams = streams
        self.metadataOf = metadataOf
        self.metadataSets = metadataSets
        self.order = order
        self.selected = selected
        self.undecided = undecided
        self.columns = columns
        self.load = load
        lineStart = []
        lineLength = []
    }

    package var count: Int { timestamps.count }

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
        return ColumnBlock(
            timestamps: timestamps, streamOf: streamOf, streams: streams, metadataOf: metadataOf,
            metadataSets: metadataSets, order: order, selected: selected, undecided: undecided, columns: columns
        ) { [self] other in
            // The lines that the other block still wants; what is damaged leaves both.
            selected = other.selected
            undecided = other.undecided
            try loadLines()
            other.selected = selected
            other.undecided = undecided
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
