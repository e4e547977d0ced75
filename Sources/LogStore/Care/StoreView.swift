import Bytes
import Disk
import LogModel
import Metrics

/// What a data directory holds, read without touching it: no lock, no repair, nothing written. Works beside a process
/// that has the store open, on a snapshot, and on a medium that cannot be written.
///
/// How it sees one moment although the owner goes on: the manifest is read, then segments are opened and the log is
/// read, then the manifest again. When the floor has moved in between, rows may have gone from the log into segments
/// that were not looked at, so all of it is done again. Open files stay readable after the owner removed them.
///
/// Memory: the indexes of segments and what of the log is in no segment yet.
package final class StoreView: StoreReader {
    let core: StoreCore
    /// What the owner was asked to delete, done or not.
    package let requests: [DeleteRequest]
    /// What the log holds beside rows: records read, and bytes of a write that never ended.
    let log: (records: Int, tornBytes: Int)
    /// Segments of the manifest that could not be opened.
    let unreadable: [UnreadableSegment]
    /// Every file of the directory with its size.
    let files: [(name: String, size: Int)]

    struct UnreadableSegment: Sendable {
        var entry: SegmentEntry
        var error: StoreError
    }

    private init(
        core: StoreCore, requests: [DeleteRequest], log: (records: Int, tornBytes: Int),
        unreadable: [UnreadableSegment], files: [(name: String, size: Int)]
    ) {
        self.core = core
        self.requests = requests
        self.log = log
        self.unreadable = unreadable
        self.files = files
    }

    /// Parts that are damaged, in words.
    package var damaged: [String] { core.damage.all }

    /// Whose rows there are, by name.
    package var tenants: [Tenant] { Set(core.streams.all().map(\.tenant)).sorted { $0.name < $1.name } }

    package var directory: String { core.settings.directory }

    /// Looks this often for a moment that holds still; a store under load seals every few seconds.
    private static let attemptsMax = 50

    /// `.invalid` where there is no store, or one of another format. Damage does not throw: see `damaged`.
    package static func open(_ directory: String, disk: any Disk = PosixDisk()) throws(StoreError) -> StoreView {
        var attempt = 1
        while true {
            let (view, isSteady) = try read(directory, disk)
            // What is damaged stays damaged: a few looks tell it from a file that was replaced under our eyes.
            if isSteady, view.damaged.isEmpty || attempt >= 3 { return view }
            if attempt == attemptsMax {
                throw StoreError(.retryLater, "the store in \(directory) changes faster than it can be read: try again")
            }
            attempt += 1
        }
    }

    private static func read(_ directory: String, _ disk: any Disk) throws(StoreError) -> (StoreView, isSteady: Bool) {
        // First: a request that is done by the time the segments are opened must still hide what older ones hold.
        let (requests, damage) = try requests(directory, disk)
        let names = try list(directory, disk)
        guard names.contains(StoreNames.current) || names.contains(where: { StoreNames.segment($0) != nil }) else {
            // The first moments of a store: a log and no manifest yet.
            guard names.contains(where: { StoreNames.wal($0) != nil }) else {
                throw StoreError(.invalid, "there is no store in \(directory)")
            }
            return try read(directory, disk, names, ManifestLog.Reading(), requests, damage)
        }
        let reading = try ManifestLog.read(disk: disk, directory: directory, names: names)
        return try read(directory, disk, names, reading, requests, damage)
    }

    private static func list(_ directory: String, _ disk: any Disk) throws(StoreError) -> [String] {
        do throws(DiskError) { return try disk.list(directory) } catch {
            if error.isMissing { throw StoreError(.invalid, "there is no store in \(directory)") }
            throw StoreError(error, "reading data directory \(directory)")
        }
    }

    private static func read(
        _ directory: String, _ disk: any Disk, _ names: [String], _ reading: ManifestLog.Reading,
        _ requests: [DeleteRequest], _ damage: String?
    ) throws(StoreError) -> (StoreView, isSteady: Bool) {
        // Beside what a file system refuses, only damage is counted: a private registry is enough.
        let core = StoreCore(
            settings: StoreSettings(directory: directory), disk: disk, clock: HostTime(),
            metrics: StoreMetrics(Registry()),
            manifest: ManifestLog(disk: disk, directory: directory, lastNumber: 0, keepsOld: false))
        core.manifest.adopt(reading.manifest)
        for text in reading.damaged + (damage.map { [$0] } ?? []) { core.damage.add(text) }
        var isSteady = true
        var segments: [Segment] = []
        var unreadable: [UnreadableSegment] = []
        let table = core.streams
        for entry in reading.manifest.segments.values.sorted(by: { $0.number < $1.number }) {
            let path = core.path(StoreNames.segmentName(entry.number))
            do throws(StoreError) {
                let segment = try Segment.open(disk: disk, path: path) { table.register($0, $1) }
                guard segment.info.number == entry.number, segment.info.rows == entry.rows, segment.size == entry.size
                else { throw StoreError(.damaged, "segment \(path) is not the one that the manifest lists") }
                segments.append(segment)
            } catch {
                core.damage.add("\(error.message) (\(entry.rows) lines, times \(entry.first)–\(entry.last) ns)")
                unreadable.append(UnreadableSegment(entry: entry, error: error))
            }
        }
        core.publish(adding: segments, removing: [])
        var replay = try WalReplay.read(disk: disk, directory: directory, names: names)
        var records = 0
        _ = try replay.apply(behind: reading.manifest.floor) { sequence, record throws(StoreError) in
            records += 1
            do throws(DecodeError) {
                let decoded = try BatchRecord.decode(record, sequence: sequence) { table.register($0, $1) }
                core.update { state in
                    state.filling.add(
                        decoded.batch, advances: decoded.advances, key: decoded.key, receivedAt: decoded.receivedAt, now: 0)
                }
            } catch {
                core.damage.add("write-ahead log: record \(sequence) cannot be decoded: \(error)")
            }
        }
        for file in replay.files { file.handle.close() }
        for text in replay.damaged { core.damage.add(text) }
        // Again: see the head of the file.
        let namesNow = try list(directory, disk)
        if namesNow.contains(StoreNames.current) {
            let now = try ManifestLog.read(disk: disk, directory: directory, names: namesNow)
            isSteady = now.manifest.floor == reading.manifest.floor
                && unreadable.allSatisfy { now.manifest.segments[$0.entry.number] != nil }
        } else if names.contains(StoreNames.current) {
            isSteady = false
        }
        var files: [(name: String, size: Int)] = []
        for name in namesNow {
            // A directory has a size of its own that says nothing.
            if name == SnapshotNames.directory { continue }
            if let size = try? disk.size(of: DiskPath.join(directory, name)) { files.append((name, size)) }
        }
        return (
            StoreView(
                core: core, requests: requests, log: (records, replay.tornBytes), unreadable: unreadable, files: files),
            isSteady
        )
    }

    private static func requests(
        _ directory: String, _ disk: any Disk
    ) throws(StoreError) -> (requests: [DeleteRequest], damage: String?) {
        let path = DiskPath.join(directory, StoreNames.deletions)
        do throws(DiskError) {
            guard try disk.size(of: path) != nil else { return ([], nil) }
            let contents = try disk.contents(of: path)
            do throws(DecodeError) { return (try StoreDeletions.decode(contents.view), nil) } catch {
                return ([], "\(path): \(error); what it hides is shown")
            }
        } catch {
            throw StoreError(error, "reading \(path)")
        }
    }

    // MARK: StoreReader

    package func streams(tenant: Tenant, matchers: [LabelMatcher], range: TimeRange) throws -> [StreamSummary] {
        core.streams(tenant: tenant, matchers: matchers, range: range)
    }

    package func scan(_ request: ScanRequest, sink: (ColumnBlock) throws -> ScanFlow) throws {
        try core.scan(request, sink: sink)
    }

    package func scan(
        _ request: ScanRequest, parts: Int, sink: @escaping @Sendable (Int, ColumnBlock) throws -> Void
    ) throws {
        try core.scan(request, parts: parts, sink: sink)
    }

    package func counts(
        tenant: Tenant, matchers: [LabelMatcher], grid: TimeGrid, budget: QueryBudget, cancel: CancelFlag
    ) throws -> [StreamCounts] {
        try core.counts(tenant: tenant, matchers: matchers, grid: grid, budget: budget, cancel: cancel)
    }

    package func catalogue(tenant: Tenant, range: TimeRange) throws -> Catalogue {
        core.catalogue(tenant: tenant, range: range)
    }
}

/// Where snapshots that a running server makes lie in its data directory.
package enum SnapshotNames {
    package static let directory = "snapshots"
}
