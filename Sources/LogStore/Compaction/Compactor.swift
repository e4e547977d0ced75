import Disk
import LogModel
import Metrics

/// The thread that merges segments and drops expired ones.
final class Compactor: Sendable {
    private struct State {
        var isPoked = true
        var isStopping = false
        var requests: [(all: Bool, reply: @Sendable (StoreError?) -> Void)] = []
        /// Segments that cannot be read: left alone.
        var excluded: Set<UInt64> = []
    }

    private let core: StoreCore
    private let retention: Retention
    private let monitor = Monitor(State())
    private static let retentionInterval: Int64 = 60_000_000_000

    init(core: StoreCore) {
        self.core = core
        retention = Retention(settings: core.settings, clock: core.clock)
    }

    func poke() { monitor.change { $0.isPoked = true } }

    func stop() { monitor.change { $0.isStopping = true } }

    private var isStopping: Bool { monitor.withLock { $0.isStopping } }

    /// Merges and drops what is due – with `all`, whatever fits together – and calls back.
    func request(all: Bool, _ reply: @escaping @Sendable (StoreError?) -> Void) {
        let isStopping = monitor.change { state in
            if !state.isStopping { state.requests.append((all, reply)) }
            return state.isStopping
        }
        if isStopping { reply(CommitQueue.closing) }
    }

    func run() {
        while true {
            let work = monitor.wait(timeout: Self.retentionInterval) {
                state -> (end: Bool, requests: [(all: Bool, reply: @Sendable (StoreError?) -> Void)])? in
                guard state.isPoked || state.isStopping || !state.requests.isEmpty else { return nil }
                state.isPoked = false
                defer { state.requests = [] }
                return (state.isStopping, state.requests)
            }
            if let work, work.end {
                for request in work.requests { request.reply(CommitQueue.closing) }
                return
            }
            let failure = pass(all: work?.requests.contains { $0.all } ?? false)
            for request in work?.requests ?? [] { request.reply(failure) }
        }
    }

    private func pass(all: Bool) -> StoreError? {
        do throws(StoreError) { try expire() } catch { return error }
        while !isStopping {
            let excluded = monitor.withLock { $0.excluded }
            let segments = core.snapshot().segments
            guard let inputs = Merging.choose(segments, settings: core.settings, excluded: excluded, all: all) else {
                return nil
            }
            // A merge needs the room of its inputs until they are gone.
            let needed = inputs.reduce(0) { $0 + $1.size } + core.settings.freeSpaceMin
            if let space = try? core.disk.space(at: core.settings.directory), space.free < needed { return nil }
            do throws(Merging.Failure) {
                try Merging(core: core).merge(inputs) { isStopping }
            } catch {
                guard let input = error.input else { return error.error }
                core.damage.add(error.error.message)
                core.count()
                monitor.withLock { _ = $0.excluded.insert(input.info.number) }
            }
        }
        return nil
    }

    /// Drops what is too old or too much.
    private func expire() throws(StoreError) {
        let view = core.snapshot()
        guard !view.segments.isEmpty else { return }
        let newest = view.segments.map(\.info.last).max()
        let now = retention.now(core.clock, newest: newest)
        let gone = retention.expired(view.segments, now: now, limit: retention.limit(disk: core.disk))
        guard !gone.isEmpty else { return }
        try core.manifest.commit(ManifestEdit(removed: gone.map(\.info.number)))
        core.publish(adding: [], removing: gone)
        core.metrics.droppedSegments.add(gone.count)
    }
}
