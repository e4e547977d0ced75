import Bytes
import Disk
import Glibc
import LogModel
import LogSources
import Metrics
import Synchronization

/// The sources of a configuration and the threads that run them.
final class Collector: Sendable {
    private let sink: CollectorSink
    private let destination: any BatchDestination
    private let sources: [any CollectorSource]
    private let workers = Mutex<[Worker]>([])
    private let clock = Mutex<Worker?>(nil)
    private let started = Atomic<Bool>(false)
    private let stopping = Atomic<Bool>(false)
    private let givenUp = Atomic<Bool>(false)
    private let failures = Mutex<[String]>([])
    private let report: @Sendable (String) -> Void

    init(
        sink: CollectorSink, destination: any BatchDestination, sources: [any CollectorSource],
        report: @escaping @Sendable (String) -> Void
    ) {
        self.sink = sink
        self.destination = destination
        self.sources = sources
        self.report = report
    }

    /// Lines are flushed at this pace, nanoseconds: well below the 50 ms in which a written line should be queryable.
    private static let pace: UInt32 = 10_000

    /// Starts every source on a thread of its own; a second call does nothing. Throws where there are no threads to be had; then
    /// nothing runs.
    func start() async throws(StoreError) {
        guard !started.exchange(true, ordering: .relaxed) else { return }
        do throws(StoreError) { try startThreads() } catch {
            for source in sources { source.stop() }
            stopping.store(true, ordering: .relaxed)
            sink.close()
            await joinSources()
            throw error
        }
    }

    private func startThreads() throws(StoreError) {
        for source in sources {
            let name = source.name
            let worker = Worker(name) { [self] in
                do {
                    try source.run()
                } catch is CollectorSink.Closed {
                    // Stopped from outside: what was not delivered is read again next time.
                } catch {
                    failures.withLock { $0.append("\(error)") }
                    report("\(name): \(error)")
                }
            }
            guard let worker else { throw Self.noThread(name) }
            workers.withLock { $0.append(worker) }
        }
        let ticker = Worker("collect-clock") { [self] in
            while !stopping.load(ordering: .relaxed) {
                usleep(Self.pace)
                sink.tick()
            }
        }
        guard let ticker else { throw Self.noThread("the clock") }
        clock.withLock { $0 = ticker }
    }

    private static func noThread(_ name: String) -> StoreError {
        StoreError(.system, "no thread to be had for \(name): the process limit is reached")
    }

    /// Waits until all sources have ended by themselves (once mode), then for everything to be acknowledged.
    func finish() async {
        await joinSources()
        await settle()
    }

    /// How long a stop waits for a destination that does not answer. Long enough for one that is only slow, and well
    /// below the ten seconds after which `docker stop` kills.
    static let stopPatience = Duration.seconds(5)

    /// Stops reading, hands on what is there, and waits for it, `patience` at most: what is not delivered then is read
    /// again by a later run.
    func stop(patience: Duration = Collector.stopPatience) async {
        // One that was never started does not start any more.
        started.store(true, ordering: .relaxed)
        let limit = Task.detached { [self] in
            do { try await Task.sleep(for: patience) } catch { return }
            giveUp()
        }
        for source in sources { source.stop() }
        await joinSources()
        await settle()
        limit.cancel()
    }

    /// Ends the sources and hands on all that they have read. Waits for room for it as long as that takes; `stop` ends the wait.
    func pause() async {
        started.store(true, ordering: .relaxed)
        for source in sources { source.stop() }
        await joinSources()
        await endSink()
    }

    /// Sources are turned away, and what is not delivered stays so. `finish` and `stop` then end soon. From any thread.
    func giveUp() {
        givenUp.store(true, ordering: .relaxed)
        sink.close()
        destination.giveUp()
    }

    var hasGivenUp: Bool { givenUp.load(ordering: .relaxed) }

    /// Words about sources that ended in failure.
    var sourceFailures: [String] { failures.withLock { $0 } }
    /// Why not everything is followed yet, or any more; nil: it is.
    var unready: String? {
        guard let source = sources.first(where: { !$0.isReady }) else { return nil }
        return source.trouble.map { "\(source.name): \($0)" } ?? "the files are being looked through"
    }
    /// What is followed now.
    func targets() -> [TargetStatus] { sources.flatMap { $0.targetStatus() } }

    private func joinSources() async {
        let threads = workers.withLock { list in
            defer { list = [] }
            return list
        }
        await onThread { for thread in threads { thread.join() } }
    }

    private func settle() async {
        await endSink()
        await destination.drain()
    }

    private func endSink() async {
        stopping.store(true, ordering: .relaxed)
        let ticker = clock.withLock { clock in
            defer { clock = nil }
            return clock
        }
        await onThread { [self] in
            ticker?.join()
            sink.tick(all: true)
            sink.close()
        }
    }
}

/// Runs blocking work on a thread of its own and waits without holding one of Swift's.
func onThread(_ body: @escaping @Sendable () -> Void) async {
    await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
        let worker = Worker("wait") {
            body()
            continuation.resume()
        }
        if worker == nil {
            body()
            continuation.resume()
        }
    }
}
