import Bytes
import Disk
import LogModel
import LogStore
import LogTestKit
import Metrics

/// Small heads and files, so that little data goes all the ways.
func settings(_ change: (inout StoreSettings) -> Void = { _ in }) -> StoreSettings {
    var settings = StoreSettings(directory: "data")
    settings.headSize = 64 << 10
    settings.walFileSize = 16 << 10
    settings.freeSpaceMin = 0
    settings.retentionShare = 0
    settings.codec = TestCodec.current
    if settings.codec == .zlib { settings.codecLevel = 6 }
    change(&settings)
    return settings
}

func open(
    _ disk: any Disk,
    _ settings: StoreSettings = settings(),
    clock: ManualClock = ManualClock(),
    registry: Registry = Registry()
) throws -> LogStore {
    try LogStore.open(settings, disk: disk, registry: registry, clock: clock)
}

/// One row as a test sees it.
struct StoredRow: Equatable, Comparable, CustomStringConvertible {
    var labels: Labels
    var timestamp: Int64
    var line: [UInt8]
    var metadata: Labels = Labels()

    static func < (a: StoredRow, b: StoredRow) -> Bool {
        (a.labels, a.timestamp) != (b.labels, b.timestamp)
            ? (a.labels, a.timestamp) < (b.labels, b.timestamp) : a.line.lexicographicallyPrecedes(b.line)
    }

    var description: String { "\(labels) \(timestamp) \(String(decoding: line.prefix(60), as: UTF8.self))" }
}

func batch(_ rows: [StoredRow], tenant: Tenant = .fake) -> WriteBatch {
    var batch = WriteBatch(tenant: tenant)
    for row in rows {
        let stream = batch.stream(row.labels)
        let set = batch.metadataSet(row.metadata)
        row.line.withView { batch.add(timestamp: row.timestamp, stream: stream, metadata: set, line: $0) }
    }
    return batch
}

/// Everything of a tenant, in the order of the scan: by stream, time, arrival within a block.
func rows(
    _ store: some StoreReader,
    tenant: Tenant = .fake,
    range: TimeRange = .all,
    matchers: [LabelMatcher] = [],
    direction: Direction = .forward,
    limit: Int? = nil
) throws -> [StoredRow] {
    var found: [(row: StoredRow, order: UInt64, index: Int)] = []
    try store.scan(
        ScanRequest(tenant: tenant, range: range, direction: direction, limit: limit, matchers: matchers)
    ) { block in
        try block.loadLines()
        for row in 0..<block.count where block.undecided[row] || block.selected[row] {
            found.append(
                (
                    StoredRow(
                        labels: block.streams[Int(block.streamOf[row])].labels,
                        timestamp: block.timestamps[row],
                        line: block.line(row).copy(),
                        metadata: block.metadataSets[Int(block.metadataOf[row])]
                    ),
                    block.order, row
                )
            )
        }
        return .more
    }
    // By stream, time and arrival, as the contract lets one sort them.
    return found.sorted { a, b in
        if a.row.labels != b.row.labels { return a.row.labels < b.row.labels }
        if a.row.timestamp != b.row.timestamp { return a.row.timestamp < b.row.timestamp }
        return (a.order, a.index) < (b.order, b.index)
    }.map(\.row)
}

func label(_ pairs: KeyValuePairs<String, String>) -> Labels { Labels(pairs) }

let second: Int64 = 1_000_000_000
/// Noon of a day, so that a few hours stay in it.
let noon: Int64 = 19_675 * 86_400 * second + 43_200 * second
