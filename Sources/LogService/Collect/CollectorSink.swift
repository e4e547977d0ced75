import Bytes
import Disk
import Glibc
import LogModel
import LogPipeline
import Metrics
import Redaction
import Synchronization

/// Between sources and destination: runs each job's pipeline over what its sources deliver, and hands on batches that
/// are full or old.
///
/// A source's thread does the work of its own lines; where the destination has no room, it waits here, and that is what
/// slows reading down. Each job has a lane with a lock, so that the files of a job and its journal may come from
/// different threads.
final class CollectorSink: LineSink {
    /// What became of everything, for the exit status of `--once`.
    struct Totals: Sendable {
        var lines = 0
        /// Lines that the limits of this process refused.
        var refusedLines = 0
        /// Batches that a destination will never take, that ran out of attempts, and that were given up.
        var refused = Incidents()
        var dropped = Incidents()
        var undelivered = Incidents()
        /// Batches cut and not reported yet.
        var underWay = 0

        /// Whether anything will never be delivered.
        var hasLost: Bool { refusedLines > 0 || !refused.isEmpty || !dropped.isEmpty }

        static func + (a: Totals, b: Totals) -> Totals {
            var sum = a
            sum.lines += b.lines
            sum.refusedLines += b.refusedLines
            sum.refused.add(b.refused)
            sum.dropped.add(b.dropped)
            sum.undelivered.add(b.undelivered)
            sum.underWay += b.underWay
            return sum
        }
    }

    struct Settings: Sendable {
        /// Bytes of lines that make a batch full.
        var batchSize = 1 << 20
        /// Age at which a batch goes though it is not full, nanoseconds.
        var batchWait: Int64
    }

    /// A batch that was cut, and what is to be said when it goes.
    private struct Outgoing: Sendable {
        var batch: CollectedBatch
        var refusal: String?
    }

    private final class Lane {
        let runner: PipelineRunner
        let output: PipelineOutput
        /// Of the sources whose advances are in the gathering batch or still to come.
        var paths: [ByteString: String] = [:]
        /// Cut and not submitted yet, oldest first. More than one only while the destination stands still.
        var outbox: [Outgoing] = []
        /// When the first line of the gathering batch came, monotonic nanoseconds.
        var since: Int64?

        init(runner: PipelineRunner, output: PipelineOutput) {
            self.runner = runner
            self.output = output
        }
    }

    /// A lane and its locks: `Mutex` itself cannot stand in an array.
    ///
    /// `submit` blocks while the destination has no room, so it is called without the lane's lock: else a stalled
    /// destination would stop the clock and every other thread of the lane too. `turn` is held meanwhile: whoever has
    /// it empties the outbox, so that batches go in the order in which they were cut.
    private final class GuardedLane: Sendable {
        /// Name of the lane's job.
        let job: String
        let state: Mutex<Lane>
        let turn = Mutex<Void>(())
        init(_ job: String, _ lane: sending Lane) {
            self.job = job
            state = Mutex(lane)
        }
    }

    private let lanes: [GuardedLane]
    private let destination: any BatchDestination
    private let settings: Settings
    private let gate: CollectorGate?
    private let tap: TapHub?
    private let totals = Mutex(Totals())
    private let ships: Bool
    /// Batches that were shipped, emptied: else every batch takes its pages from the system anew.
    private let spares = Mutex<[WriteBatch]>([])
    private static let sparesMax = 2
    private let closed = Atomic<Bool>(false)
    private let report: @Sendable (String) -> Void

    /// A pipeline for each job, in order. `intake`: lines go to the store of this process, by its rules; nil: they ship.
    init(
        pipelines: [Pipeline], intake: Intake?, redactor: Redactor?, registry: Registry, destination: any BatchDestination,
        settings: Settings, gate: CollectorGate? = nil, labelGuard: (guard: LabelGuard, max: Int)? = nil, tap: TapHub? = nil, report: @escaping @Sendable (String) -> Void
    ) {
        self.gate = gate
        self.tap = tap
        ships = intake == nil
        lanes = pipelines.map { pipeline in
            GuardedLane(
                pipeline.job,
                Lane(
                    runner: pipeline.makeRunner(),
                    output: PipelineOutput(
                        intake: intake, ships: intake == nil, redactor: redactor, registry: registry, gate: gate,
                        labelGuard: labelGuard)))
        }
        self.destination = destination
        self.settings = settings
        self.report = report
    }

    /// What a closed sink answers to sources.
    struct Closed: Error {}

    func deliver(_ batch: LineBatch) throws {
        guard !closed.load(ordering: .relaxed) else { throw Closed() }
        guard lanes.indices.contains(batch.job) else { return }
        let lane = lanes[batch.job]
        let (goes, added) = lane.state.withLock { lane in
            let before = lane.output.count
            if before == 0, let spare = spares.withLock({ $0.popLast() }) { lane.output.adopt(consume spare) }
            lane.runner.process(batch, into: lane.output)
            let added = lane.output.count - before
            lane.paths[batch.source] = batch.path
            if lane.since == nil, !lane.output.isEmpty { lane.since = Self.clock() }
            if lane.output.byteCount >= settings.batchSize { cut(lane) }
            return (!lane.outbox.isEmpty, added)
        }
        totals.withLock { $0.lines += batch.lines.count }
        // Waiting for the turn is waiting for room: that slows the source down.
        if goes { lane.turn.withLock { _ in submitAll(lane) } }
        if let pause = gate?.pause(afterLines: added), pause > 0 { wait(pause) }
        // Given up meanwhile: room there was only because nothing is delivered any more.
        guard !closed.load(ordering: .relaxed) else { throw Closed() }
    }

    /// Holds the source back, outside of the lane's lock, in steps short enough to stop in.
    private func wait(_ nanoseconds: Int64) {
        let end = Self.clock() + nanoseconds
        while !closed.load(ordering: .relaxed) {
            let left = end - Self.clock()
            guard left > 0 else { return }
            usleep(UInt32(min(left, 50_000_000) / 1_000))
        }
    }

    func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] {
        destination.positions(withPrefix: prefix)
    }

    func importedOffset(path: String) -> UInt64? { destination.importedOffset(path: path) }

    /// Hands on what is old enough, or everything with `all`. Called by the collector's clock.
    func tick(all: Bool = false) {
        let now = Self.clock()
        for lane in lanes {
            let goes = lane.state.withLock { lane in
                if lane.runner.isWaiting || all { lane.runner.flush(into: lane.output, all: all) }
                if lane.since == nil, !lane.output.isEmpty { lane.since = now }
                // While one batch waits for its turn the next goes on growing.
                if let since = lane.since, all || (now - since >= settings.batchWait && lane.outbox.isEmpty) { cut(lane) }
                return !lane.outbox.isEmpty
            }
            guard goes else { continue }
            if all {
                lane.turn.withLock { _ in submitAll(lane) }
            } else {
                // Whoever has the turn takes what was cut here as well, or the next tick does.
                _ = lane.turn.withLockIfAvailable { _ in submitAll(lane) }
            }
        }
    }

    /// From now on sources are turned away.
    func close() { closed.store(true, ordering: .relaxed) }

    var summary: Totals { totals.withLock { $0 } }

    private func cut(_ lane: Lane) {
        lane.since = nil
        guard !lane.output.isEmpty else { return }
        let taken = lane.output.take()
        guard let batch = taken.stored?.batch ?? taken.shipped else { return }
        let refused = taken.stored?.rejectedLines ?? 0
        let paths = lane.paths
        // Lines that a stage holds back come with a later batch, and so does their position.
        if !paths.isEmpty { lane.paths = paths.filter { lane.runner.isHolding($0.key) } }
        lane.outbox.append(
            Outgoing(
                batch: CollectedBatch(batch: batch, paths: paths),
                refusal: RefusalReport.line(count: refused, messages: taken.stored?.messages ?? [])))
        totals.withLock { totals in
            totals.underWay += 1
            totals.refusedLines += refused
        }
    }

    /// For who has the lane's turn.
    private func submitAll(_ lane: GuardedLane) {
        while var next = lane.state.withLock({ $0.outbox.isEmpty ? nil : $0.outbox.removeFirst() }) {
            if let refusal = next.refusal { report(refusal) }
            if let tap, tap.isOpen { tap.publish(next.batch.batch, job: lane.job) }
            destination.submit(next.batch) { [self] in note($0) }
            keep(&next.batch.batch)
        }
    }

    /// A destination that ships has encoded the batch by now: its memory is for the next one.
    private func keep(_ batch: inout WriteBatch) {
        guard ships, batch.bytes.capacity <= 4 * settings.batchSize else { return }
        var emptied = WriteBatch(tenant: batch.tenant)
        swap(&emptied, &batch)
        emptied.removeAll()
        spares.withLock { if $0.count < Self.sparesMax { $0.append(emptied) } }
    }

    private func note(_ outcome: BatchOutcome) {
        totals.withLock { totals in
            totals.underWay -= 1
            switch outcome {
            case .accepted: break
            case .refused(let words): totals.refused.add(words)
            case .dropped(let words): totals.dropped.add(words)
            case .undelivered(let words): totals.undelivered.add(words)
            }
        }
        switch outcome {
        case .accepted: break
        case .refused(let words): report("refused for good: \(words)")
        case .dropped(let words): report("a batch is dropped: \(words)")
        case .undelivered(let words): report("not delivered: \(words)")
        }
    }

    private static func clock() -> Int64 { CollectorGate.monotonic() }
}
