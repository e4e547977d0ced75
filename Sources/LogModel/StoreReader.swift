import Bytes

/// What LogQuery knows of a store. A store knows no LogQL; a query knows no files.
///
/// All calls block and may be made from any thread. They see every batch whose `append` has returned.
package protocol StoreReader: Sendable {
    /// Streams with at least one row in `range` (of which the store may only know the block borders) that satisfy all matchers.
    func streams(tenant: Tenant, matchers: [LabelMatcher], range: TimeRange) throws -> [StreamSummary]

    /// Hands blocks to `sink` until it says stop. Forward: blocks in ascending order of their first timestamp; backward:
    /// descending order of their last. Blocks may overlap in time. Rows lie inside the range and belong to matching streams.
    func scan(_ request: ScanRequest, sink: (ColumnBlock) throws -> ScanFlow) throws

    /// As `scan`, for who does not care for the order: the rows are divided into `parts`, the same ones for the same
    /// rows and `parts`, and read by as many threads as are free. `sink` is called with the number of the part; calls
    /// with one number come one after another. The request's direction and limit do not matter.
    func scan(
        _ request: ScanRequest, parts: Int, sink: @escaping @Sendable (_ part: Int, _ block: ColumnBlock) throws -> Void
    ) throws

    /// Rows and bytes of each matching stream in each cell of a grid, from run tables where cells cover whole runs.
    func counts(tenant: Tenant, matchers: [LabelMatcher], grid: TimeGrid, budget: QueryBudget, cancel: CancelFlag) throws
        -> [StreamCounts]

    /// What there is, without reading lines.
    func catalogue(tenant: Tenant, range: TimeRange) throws -> Catalogue
}

extension StoreReader {
    /// In one part, for stores that know no better.
    package func scan(
        _ request: ScanRequest, parts: Int, sink: @escaping @Sendable (_ part: Int, _ block: ColumnBlock) throws -> Void
    ) throws {
        try scan(request) { block in
            try sink(0, block)
            return .more
        }
    }
}

/// A stream and what the store knows of it without reading lines.
package struct StreamSummary: Sendable {
    package var id: UInt32
    package var labels: Labels
    package var first: Timestamp
    package var last: Timestamp
    /// Rows and bytes of lines of the runs that overlap the asked range: an upper bound where a run sticks out.
    package var rows: Int
    package var bytes: Int
    /// Parts (head, segments) that hold rows of it.
    package var chunks: Int

    package init(id: UInt32, labels: Labels, first: Timestamp, last: Timestamp, rows: Int, bytes: Int, chunks: Int) {
        self.id = id
        self.labels = labels
        self.first = first
        self.last = last
        self.rows = rows
        self.bytes = bytes
        self.chunks = chunks
    }
}

/// Evaluation instants of a range query: cell i counts rows in (start + i·step − window, start + i·step].
package struct TimeGrid: Sendable, Equatable {
    package var start: Timestamp
    /// Nanoseconds, > 0.
    package var step: Int64
    package var count: Int
    /// Nanoseconds, > 0.
    package var window: Int64
    /// Whether bytes are asked for beside rows: they cost a look at every line where a cell cuts a run.
    package var countsBytes: Bool

    package init(start: Timestamp, step: Int64, count: Int, window: Int64, countsBytes: Bool = true) {
        self.start = start
        self.step = step
        self.count = count
        self.window = window
        self.countsBytes = countsBytes
    }
}

package struct StreamCounts: Sendable {
    package var labels: Labels
    /// One value a cell.
    package var rows: [Int]
    package var bytes: [Int]
    /// Whether the metadata of a row may name `__error__`. Such a row fails a metric query, so its stream must not be
    /// counted without looking at rows. True may be wrong, false may not.
    package var mayHaveErrors: Bool

    package init(labels: Labels, rows: [Int], bytes: [Int], mayHaveErrors: Bool = false) {
        self.labels = labels
        self.rows = rows
        self.bytes = bytes
        self.mayHaveErrors = mayHaveErrors
    }
}

package struct Catalogue: Sendable {
    package var streams: Int
    package var rows: Int
    /// Bytes of lines as accepted.
    package var bytes: Int
    /// Bytes on disk.
    package var stored: Int
    package var first: Timestamp?
    package var last: Timestamp?
    /// Parts of the store that are damaged and left out, in words.
    package var damaged: [String]

    package init(
        streams: Int = 0, rows: Int = 0, bytes: Int = 0, stored: Int = 0, first: Timestamp? = nil,
        last: Timestamp? = nil, damaged: [String] = []
    ) {
        self.streams = streams
        self.rows = rows
        self.bytes = bytes
        self.stored = stored
        self.first = first
        self.last = last
        self.damaged = damaged
    }
}
