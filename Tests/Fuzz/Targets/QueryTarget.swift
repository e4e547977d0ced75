import Bytes
import LogModel
import LogQuery

/// A log query and a line that it is asked of: parsed, built, run.
@Sendable func fuzzQuery(_ input: ByteView) throws(FuzzTarget.Breach) {
    let parts = input.records(2)
    guard let tenant = Tenant("fuzz") else { return }
    var batch = WriteBatch(tenant: tenant)
    let stream = batch.stream(StageRun.stream)
    let metadata = batch.metadataSet(StageRun.metadata)
    for number in 0..<2 {
        batch.add(
            timestamp: 1_700_000_000_000_000_000 - Int64(number), stream: stream, metadata: number == 0 ? metadata : 0,
            line: parts[1])
    }
    for quirks in [false, true] {
        var settings = QuerySettings()
        settings.allowAllStreams = true
        settings.lokiQuirks = quirks
        let query: LiveQuery
        do throws(QueryError) {
            query = try LiveQuery(parts[0].string, settings: settings, categorized: quirks)
        } catch {
            try expect(!error.message.isEmpty, "refused without words")
            return
        }
        var rows = LiveQuery.Rows(batch, kept: nil, matchers: [])
        let found = query.read(&rows, entries: 10, bytes: 64 << 20)
        try expect(found.count <= 2 && rows.isEmpty, "\(found.count) entries of two")
    }
}
