import Disk
import LogModel
import Metrics

/// The thread that merges segments, drops expired rows, and takes deleted ones off the disk.
final class Compactor: Sendable {
    /// What somebody wants done beyond what is due.
    enum Request: Sendable {
        case due
        /// Whatever can be merged, and deletions that can no longer be taken back.
        case all
        /// All deletions, now.
        case deletions
    }

    private struct Edit: Sendable {
        var make: @Sendable () throws -> any RowEditor
        var reply: @Sendable (Result<EditTally, StoreError>) -> Void
    }

    private struct State {
        var isPoked = true
        var isStopping = false
        var requests: [(what: Request, reply: @Sendable (StoreError?) -> Void)] = []
        var edits: [Edit] = []
        /// Segments that cannot be read: left alone.
        var excluded: Set<UInt64> = []
        /// Knows what delete requests mean. Nil: nobody has said so yet, and lines are hidden only.
        var judge: (any DeletionJudge)?
    }

    private let core: StoreCore
    private let deletions: StoreDeletions
    private let retention: Retention
    /// Empties the log as far as possible and tells the oldest record in it.
    private let vacateLog: @Sendable () -> UInt64?
    private let monitor = Monitor(State())
    private static let retentionInterval: Int64 = 60_000_000_000

    init(core: StoreCore, deletions: StoreDeletions, vacateLog: @escaping @Sendable () -> UInt64?) {
        self.core = core
        self.vacateLog = vacateLog
        self.deletions = deletions
        retention = Retention(settings: core.settings, clock: core.clock)
    }

    func poke() { monitor.change { $0.isPoked = true } }

    func stop() { monitor.change { $0.isStopping = true } }

    private var isStopping: Bool { monitor.withLock { $0.isStopping } }

    /// From now on deleted lines leave the disk.
    func delete(by judge: any DeletionJudge) {
        monitor.change { state in
            state.judge = judge
            state.isPoked = true
        }
    }

    /// Merges and drops what is due, and what is asked for, and calls back.
    func request(_ what: Request, _ reply: @escaping @Sendable (StoreError?) -> Void) {
        let isStopping = monitor.change { state in
            if !state.isStopping { state.requests.append((what, reply)) }
            return state.isStopping
        }
        if isStopping { reply(CommitQueue.closing) }
    }

    /// Changes what is in segments, and lets go of the log that they were made of.
    func edit(
        by make: @escaping @Sendable () throws -> any RowEditor, _ reply: @escaping @Sendable (Result<EditTally, StoreError>) -> Void
    ) {
        let isStopping = monitor.change { state in
            if !state.isStopping { state.edits.append(Edit(make: make, reply: reply)) }
            return state.isStopping
        }
        if isStopping { reply(.failure(CommitQueue.closing)) }
    }

    private func edit(_ edit: Edit) {
        do throws(StoreError) {
            let tally = try EditPass(core: core).run(edit.make) { isStopping }
            let floor = core.manifest.floor
            guard let oldest = vacateLog(), oldest > floor else {
                throw StoreError(.retryLater, "the log still holds lines as they were: once more")
            }
            edit.reply(.success(tally))
        } catch { edit.reply(.failure(error)) }
    }

    func run() {
        var deleting = DeletionPass(core: core)
        var policy = RetentionPolicy(core.settings)
        while true {
            let work = monitor.wait(timeout: Self.retentionInterval) {
                state -> (end: Bool, requests: [(what: Request, reply: @Sendable (StoreError?) -> Void)], edits: [Edit])? in
                guard state.isPoked || state.isStopping || !state.requests.isEmpty || !state.edits.isEmpty else { return nil }
                state.isPoked = false
                defer { (state.requests, state.edits) = ([], []) }
                return (state.isStopping, state.requests, state.edits)
            }
            if let work, work.end {
                for request in work.requests { request.reply(CommitQueue.closing) }
                for edit in work.edits { edit.reply(.failure(CommitQueue.closing)) }
                return
            }
            for one in work?.edits ?? [] { edit(one) }
            let failure = pass(Set((work?.requests ?? []).map(\.what)), &deleting, &policy)
            for request in work?.requests ?? [] { request.reply(failure) }
        }
    }

    private func pass(_ wanted: Set<Request>, _ deleting: inout DeletionPass, _ policy: inout RetentionPolicy) -> StoreError? {
        let all = wanted.contains(.all)
        do throws(StoreError) { try expire(&policy) } catch { return error }
        // A request that cannot be carried out is no reason not to merge.
        var failure: StoreError?
        do throws(StoreError) {
            if let judge = monitor.withLock({ $0.judge }) {
                let now = retention.now(core.clock, newest: core.snapshot().segments.map(\.info.last).max())
                try deleting.run(
                    deletions, judge, now: now, all: all, atOnce: wanted.contains(.deletions), vacateLog: vacateLog
                ) { isStopping }
            }
        } catch { failure = error }
        while !isStopping {
            let excluded = monitor.withLock { $0.excluded }
            let segments = core.snapshot().segments
            guard let inputs = Merging.choose(segments, settings: core.settings, excluded: excluded, all: all) else {
                return failure
            }
            // A merge needs the room of its inputs until they are gone.
            let needed = inputs.reduce(0) { $0 + $1.size } + core.settings.freeSpaceMin
            if let space = try? core.disk.space(at: core.settings.directory), space.free < needed { return failure }
            do throws(Merging.Failure) {
                try Merging(core: core).merge(inputs) { isStopping }
            } catch {
                guard let input = error.input else { return error.error }
                core.damage.add(error.error.message)
                core.count()
                monitor.withLock { _ = $0.excluded.insert(input.info.number) }
            }
        }
        return failure
    }

    /// Drops what is too old or too much.
    private func expire(_ policy: inout RetentionPolicy) throws(StoreError) {
        let view = core.snapshot()
        guard !view.segments.isEmpty else { return }
        let newest = view.segments.map(\.info.last).max()
        let now = retention.now(core.clock, newest: newest)
        var gone: [Segment] = []
        var mixed: [Segment] = []
        if core.settings.hasRetentionRules {
            let streams = core.streams.all()
            for segment in view.segments {
                let verdict = policy.verdict(segment, now: now, streams)
                if verdict.isWhole {
                    gone.append(segment)
                } else if verdict.expiredBytes > 0, retention.isWorthRewriting(verdict, segment) {
                    mixed.append(segment)
                }
            }
        } else {
            gone = retention.expired(view.segments, now: now)
        }
        let kept = view.segments.filter { segment in !gone.contains { $0 === segment } }
        gone += retention.surplus(kept, limit: retention.limit(disk: core.disk))
        if !gone.isEmpty {
            try core.manifest.commit(ManifestEdit(removed: gone.map(\.info.number)))
            core.publish(adding: [], removing: gone)
            core.metrics.droppedSegments.add(gone.count)
        }
        for segment in mixed where !isStopping && !gone.contains(where: { $0 === segment }) {
            try shorten(segment, policy, now)
        }
    }

    /// Rewrites a segment without the rows that are beyond their stream's time.
    private func shorten(_ segment: Segment, _ policy: RetentionPolicy, _ now: Int64) throws(StoreError) {
        guard !monitor.withLock({ $0.excluded.contains(segment.info.number) }) else { return }
        if let space = try? core.disk.space(at: core.settings.directory),
            space.free < segment.size + core.settings.freeSpaceMin
        {
            return
        }
        do throws(Merging.Failure) {
            let outcome = try Rewriting(core: core).rewrite(segment, without: ExpirySieve(policy, now: now)) { isStopping }
            core.metrics.expiredLines.add(outcome.dropped)
        } catch {
            guard let input = error.input else { throw error.error }
            core.damage.add(error.error.message)
            core.count()
            monitor.withLock { _ = $0.excluded.insert(input.info.number) }
        }
    }
}
