import Disk
import LogConfig
import LogModel
import LogServer
import LogSources
import ServiceLifecycle
import Synchronization

/// `loki_push_api:`: a port of its own that takes what other collectors push, and hands it to the sink.
///
/// A push is answered when the sink has taken all of it. That is before it is durable: what is still in memory when this
/// process is killed is lost, as it is with Promtail. While the sink has no room the sender waits for its answer.
final class PushSource: CollectorSource {
    let name: String
    /// The port that is listened on.
    let port: Int
    private let intake: PushIntake
    private let group: ServiceGroup
    private let task: Task<Void, Never>
    private let over: Monitor<End?>
    private let events: SourceEvents
    private let place: String
    private let stopped = Atomic<Bool>(false)

    /// How the listener ended: nil in it, as it should.
    private struct End: Sendable { var failure: (any Error)? }

    /// How long requests may go on once this stops; shorter than the patience with a destination that does not answer.
    private static let grace = Duration.seconds(4)

    var isReady: Bool { intake.isOpen }

    /// Opens the port, so that a busy one is told before anything starts. Pushes are taken once `run` is called.
    static func open(_ settings: PushTargetSettings, sink: any LineSink, events: SourceEvents) async throws -> PushSource {
        let intake = PushIntake(settings, sink: sink, events: events)
        let listener = PushListener(
            settings: settings.server, sizeMax: settings.sizeMax,
            place: "loki_push_api.server.http_listen_port of job \(settings.jobName)", taker: intake)
        let (ports, announce) = AsyncStream<Int>.makeStream()
        let service = ListenerService { try await listener.run { announce.yield($0) } }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [ServiceGroupConfiguration.ServiceConfiguration(service: service)], gracefulShutdownSignals: [],
                logger: QuietLogger.make()))
        let over = Monitor<End?>(nil)
        let task = Task.detached {
            var failure: (any Error)?
            do { try await group.run() } catch { failure = error }
            let end = End(failure: failure)
            over.change { $0 = end }
            announce.finish()
        }
        for await port in ports {
            return PushSource(settings, intake: intake, group: group, task: task, over: over, events: events, port: port)
        }
        let failure = over.withLock { $0?.failure }
        throw StoreError(
            .system, "loki_push_api of job \(settings.jobName): \(failure.map { "\($0)" } ?? "ended before it listened")")
    }

    private init(
        _ settings: PushTargetSettings, intake: PushIntake, group: ServiceGroup, task: Task<Void, Never>,
        over: Monitor<End?>, events: SourceEvents, port: Int
    ) {
        name = "push:\(settings.jobName)"
        place = "\(settings.server.host):\(port)"
        self.intake = intake
        self.group = group
        self.task = task
        self.over = over
        self.events = events
        self.port = port
    }

    func run() throws {
        events.tell(.info, name, "takes pushes on http://\(place)")
        intake.open()
        let end = over.wait { $0 }
        guard !stopped.load(ordering: .relaxed), let failure = end?.failure else { return }
        throw StoreError(.system, "\(failure)")
    }

    /// Requests that have come in are answered first.
    func stop() {
        guard !stopped.exchange(true, ordering: .relaxed) else { return }
        let (group, task) = (group, task)
        Task.detached {
            await group.triggerGracefulShutdown()
            try? await Task.sleep(for: Self.grace)
            task.cancel()
        }
    }
}

private struct ListenerService: ServiceLifecycle.Service {
    let body: @Sendable () async throws -> Void
    func run() async throws { try await body() }
}

/// Between the listener and the collector's sink.
final class PushIntake: PushTaker {
    private let settings: PushTargetSettings
    private let sink: any LineSink
    private let events: SourceEvents
    private let started = Atomic<Bool>(false)

    init(_ settings: PushTargetSettings, sink: any LineSink, events: SourceEvents) {
        self.settings = settings
        self.sink = sink
        self.events = events
    }

    var isOpen: Bool { started.load(ordering: .relaxed) }
    func open() { started.store(true, ordering: .relaxed) }

    func makeSink(tenant: Tenant?, hasTimes: Bool) -> PushGatherer {
        PushGatherer(
            settings, tenant: tenant, keepsTimes: settings.usesIncomingTimestamp && hasTimes, now: Timestamp.now().nanoseconds)
    }

    func take(_ gathered: PushGatherer) throws {
        var gathered = gathered
        for batch in gathered.finish() { try sink.deliver(batch) }
        if gathered.entries > 0 { events.count(.pushEntries, UInt64(gathered.entries)) }
        if gathered.dropped > 0 { events.count(.pushDropped, UInt64(gathered.dropped)) }
    }

    func refused(status: Int) { events.count(.pushRefused, 1) }
}
