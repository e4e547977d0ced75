import Bytes
import Disk
import LogModel
import Metrics

/// The embedded store.
package final class LogStore: StoreReader, StoreWriter {
    package static func open(
        _ settings: StoreSettings, disk: any Disk = PosixDisk(), registry: Registry,
        clock: any TimeSource = HostTime()
    ) throws(StoreError) -> LogStore {
        throw StoreError(.system, "the store is being built")
    }

    private init() {}

    package func close() async {}

    package func append(_ batch: WriteBatch) async throws(StoreError) -> AppendReceipt {
        throw StoreError(.system, "the store is being built")
    }
    package func position(of source: ByteString) -> SourcePosition? { nil }
    package func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] { [] }
    package func flush() async throws(StoreError) {}

    package func streams(tenant: Tenant, matchers: [LabelMatcher], range: TimeRange) throws -> [StreamSummary] { [] }
    package func scan(_ request: ScanRequest, sink: (ColumnBlock) throws -> ScanFlow) throws {}
    package func counts(
        tenant: Tenant, matchers: [LabelMatcher], grid: TimeGrid, budget: QueryBudget, cancel: CancelFlag
    ) throws -> [StreamCounts] { [] }
    package func catalogue(tenant: Tenant, range: TimeRange) throws -> Catalogue { Catalogue() }
}

