import Bytes
import LogModel
import LogQL
import LogStages

/// A log query over lines that have just been stored: what a live tail shows.
///
/// The stages are those that `QueryEngine` runs, so a line is shown live exactly as a query shows it later. For one
/// thread at a time; the stages' working memory is kept from line to line.
package final class LiveQuery {
    package let matchers: [LabelMatcher]
    private let pipeline: StagePipeline
    private let categorized: Bool

    /// Throws `.invalid`, in Loki's words, for what is no log query. `categorized`: labels of entries come apart by
    /// where they are from.
    package init(_ text: String, settings: QuerySettings, categorized: Bool) throws(QueryError) {
        let log: LogQL.LogExpression
        do throws(LogQLError) { log = try LogQL.parseLog(text, allowEmpty: settings.allowAllStreams) } catch { throw QueryError(.invalid, error.message) }
        let written = log.hoistingLineFilters(overDecolorize: settings.lokiQuirks)
        matchers = log.matchers
        pipeline = StagePipeline(try StageBuilder(written, quirks: settings.lokiQuirks).stages)
        self.categorized = categorized
    }

    /// The rows of a batch that belong to streams of the query, in order of their times, and how far they were read.
    package struct Rows {
        fileprivate let batch: WriteBatch
        fileprivate let order: [Int]
        fileprivate var next = 0

        /// `kept`: rows that count; nil: all. O(streams · matchers + rows), and a sort where times go back.
        package init(_ batch: WriteBatch, kept: [Bool]?, matchers: [LabelMatcher]) {
            self.batch = batch
            let wanted = batch.streams.map { matchers.matches($0) }
            guard wanted.contains(true) else {
                order = []
                return
            }
            var order: [Int] = []
            var sorted = true
            var last = Int64.min
            for (index, row) in batch.rows.enumerated() where wanted[Int(row.stream)] && (kept?[index] ?? true) {
                order.append(index)
                sorted = sorted && last <= row.timestamp
                last = row.timestamp
            }
            if !sorted {
                let rows = batch.rows
                // Arrival breaks ties, so that equal times keep their order.
                order.sort { (rows[$0].timestamp, $0) < (rows[$1].timestamp, $1) }
            }
            self.order = order
        }

        package var isEmpty: Bool { next == order.count }

        /// Time and stream of what was not read yet, the first `count` of it.
        package func rest(_ count: Int) -> [(timestamp: Int64, labels: Labels)] {
            order[next...].prefix(count).map { index in
                let row = batch.rows[index]
                return (row.timestamp, batch.streams[Int(row.stream)])
            }
        }

        package var restCount: Int { order.count - next }
    }

    package typealias Entry = (labels: Labels, entry: ResultEntry)

    /// Reads on until `entries` have been found, their lines have `bytes`, or nothing is left.
    package func read(_ rows: inout Rows, entries: Int, bytes: Int) -> [Entry] {
        var found: [Entry] = []
        var size = 0
        var stream: UInt32?
        var metadata: UInt32?
        let batch = rows.batch
        while rows.next < rows.order.count, found.count < entries, size < bytes {
            let row = batch.rows[rows.order[rows.next]]
            rows.next += 1
            if stream != row.stream {
                pipeline.setStream(batch.streams[Int(row.stream)])
                pipeline.setMetadata(batch.metadata[Int(row.metadata)])
                (stream, metadata) = (row.stream, row.metadata)
            } else if metadata != row.metadata {
                pipeline.setMetadata(batch.metadata[Int(row.metadata)])
                metadata = row.metadata
            }
            let entry: Entry? = batch.withLine(row) { line in
                guard pipeline.run(line, timestamp: row.timestamp) else { return nil }
                return (
                    categorized ? pipeline.state.labels([.stream]) : pipeline.state.labels(),
                    ResultEntry(
                        timestamp: row.timestamp,
                        line: ByteString(pipeline.state.line),
                        metadata: categorized ? pipeline.state.labels([.metadata]) : Labels(),
                        parsed: categorized ? pipeline.state.labels([.parsed]) : Labels()
                    )
                )
            }
            guard let entry else { continue }
            size += entry.entry.line.count
            found.append(entry)
        }
        return found
    }
}
