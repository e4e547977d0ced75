import Bytes
import Disk
import LogModel
import Metrics
import Synchronization

/// One consistent view of everything stored: segments in order of arrival, then the two heads. Immutable; whoever holds
/// it sees the same rows until it lets go.
struct Snapshot: Sendable {
    /// By arrival: first record, then number.
    var segments: [Segment] = []
    var sealing: Head?
    var filling: Head
    /// Changes whenever `segments` does.
    var version: UInt64 = 0

    var heads: [Head] { (sealing.map { [$0] } ?? []) + [filling] }
}

/// What the threads of a store share.
final class StoreCore: Sendable {
    let settings: StoreSettings
    let disk: any Disk
    let clock: any TimeSource
    let metrics: StoreMetrics
    let streams = StreamTable()
    let positions = PositionTable()
    let damage = DamageList()
    let codecs = CodecPool()
    let manifest: ManifestLog
    private let state: Mutex<Snapshot>

    init(
        settings: StoreSettings,
        disk: any Disk,
        clock: any TimeSource,
        metrics: StoreMetrics,
        manifest: ManifestLog
    ) {
        self.settings = settings
        self.disk = disk
        self.clock = clock
        self.metrics = metrics
        self.manifest = manifest
        state = Mutex(Snapshot(filling: Head(id: 1)))
    }

    func snapshot() -> Snapshot { state.withLock { $0 } }

    func update<R>(_ body: (inout Snapshot) -> sending R) -> R {
        let result = state.withLock { state in body(&state) }
        return result
    }

    /// Replaces segments by others in the view.
    func publish(adding added: [Segment], removing removed: [Segment], sealed: UInt64? = nil) {
        let gone = Set(removed.map { ObjectIdentifier($0) })
        state.withLock { state in
            var segments = state.segments.filter { !gone.contains(ObjectIdentifier($0)) }
            segments.append(contentsOf: added)
            segments.sort {
                ($0.info.walFirst, $0.info.number) < ($1.info.walFirst, $1.info.number)
            }
            state.segments = segments
            state.version += 1
            if let sealed, state.sealing?.id == sealed { state.sealing = nil }
        }
        for segment in removed { segment.retire() }
        count()
    }

    /// Brings the gauges up to date.
    func count() {
        let now = snapshot()
        metrics.segments.set(now.segments.count)
        metrics.stored.set(now.segments.reduce(0) { $0 + $1.size })
        metrics.headBytes.set(now.heads.reduce(0) { $0 + $1.footprint })
        metrics.damaged.set(damage.all.count)
    }

    /// Tells of a part that cannot be read.
    func report(_ error: StoreError) {
        damage.add(error.message)
        count()
    }

    func path(_ name: String) -> String { DiskPath.join(settings.directory, name) }
}
