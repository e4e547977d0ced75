import Bytes
import LogModel
import LogStages

/// What delete requests pick, row by row: the same parser and the same stages as `HidingReader` and queries use.
package final class DeletionSieve: RowSieve {
    private struct Entry {
        var request: DeleteRequest
        var matchers: [LabelMatcher]
        /// Nil: all lines of the streams.
        var pipeline: StagePipeline?
    }

    private let entries: [Entry]
    /// Entries that are about the stream begun last.
    private var claims: [Int] = []

    package init(_ requests: [DeleteRequest], quirks: Bool = false) throws(QueryError) {
        var entries: [Entry] = []
        for request in requests {
            let (matchers, stages) = try HidingReader.compile(request.query, quirks: quirks)
            entries.append(
                Entry(request: request, matchers: matchers, pipeline: stages.isEmpty ? nil : StagePipeline(stages)))
        }
        self.entries = entries
    }

    package func begin(_ tenant: Tenant, _ labels: Labels) -> ClosedRange<Int64>? {
        claims.removeAll(keepingCapacity: true)
        var span: ClosedRange<Int64>?
        for (i, entry) in entries.enumerated() {
            let request = entry.request
            guard request.tenant == tenant, request.start <= request.end, entry.matchers.matches(labels) else { continue }
            claims.append(i)
            entry.pipeline?.setStream(labels)
            span = min(span?.lowerBound ?? request.start, request.start)...max(span?.upperBound ?? request.end, request.end)
        }
        return span
    }

    package func picks(_ timestamp: Int64, metadata: Labels, line: ByteView) throws -> Bool {
        for claim in claims {
            let request = entries[claim].request
            guard request.start <= timestamp, timestamp <= request.end else { continue }
            guard let pipeline = entries[claim].pipeline else { return true }
            pipeline.setMetadata(metadata)
            if pipeline.run(line, timestamp: timestamp) { return true }
        }
        return false
    }
}
