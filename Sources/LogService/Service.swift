import Bytes
import Disk
import Glibc
import LogModel
import LogPipeline
import LogQuery
import LogServer
import LogSources
import LogStore
import Metrics
import Redaction
import ServiceLifecycle
import UnixSignals

/// Starts what a command asks for, runs it until a signal or the end of `--once`, and stops it in order: sources first,
/// then what they delivered, then the server, then the store.
package enum Service {
    /// Why a service could not start, and its exit status.
    struct Failure: Error {
        var status: Int32
        var message: String
    }

    /// Exit status: 0 ended as asked, 1 lines refused for good, 2 configuration or start, 3 destination unreachable.
    package static func run(_ options: ServiceOptions) async -> Int32 {
        let log = ServiceLog()
        do throws(Failure) {
            let plan = try ServicePlan.make(options)
            for warning in plan.warnings { log.warning(warning) }
            return options.roles.contains(.server)
                ? try await serve(plan, options, log) : try await collect(plan, options, log)
        } catch {
            // The reason as it is, without the frame of a log line: a person has just typed the command.
            let text = error.message.hasSuffix("\n") ? error.message : error.message + "\n"
            _ = text.withCString { write(2, $0, strlen($0)) }
            return error.status
        }
    }

    // MARK: Parts

    static func openStore(
        _ settings: StoreSettings, _ registry: Registry, report: @escaping @Sendable (String) -> Void
    ) throws(Failure) -> LogStore {
        do throws(StoreError) {
            let store = try LogStore.open(settings, registry: registry)
            store.onDamage(report)
            return store
        } catch {
            throw Failure(status: 2, message: "tailrace: \(error.message)")
        }
    }

    /// Age at which collected lines go into the embedded store, nanoseconds: they are to be queryable within 50 ms.
    static let storeWait: Int64 = 20_000_000

    /// The rules by which every line comes into the embedded store, whichever command runs.
    static func intake(
        _ plan: ServicePlan, _ redactor: Redactor?, _ registry: Registry, report: @escaping @Sendable (String) -> Void
    ) -> Intake {
        Intake(
            limits: plan.limits, tenantLimits: plan.tenantLimits, redactor: redactor, registry: registry, report: report)
    }

    static func redactor(_ plan: ServicePlan) throws(Failure) -> Redactor? {
        guard let settings = plan.redaction else { return nil }
        do throws(RedactionError) { return try Redactor(settings) } catch {
            throw Failure(status: 2, message: "tailrace: \(error)")
        }
    }

    static func pipelines(_ plan: ServicePlan, _ environment: PipelineEnvironment, _ log: ServiceLog) throws(Failure) -> [Pipeline] {
        var built: [Pipeline] = []
        for job in plan.jobs {
            do throws(PipelineError) {
                let pipeline = try Pipeline.build(job.stages, environment: environment)
                for warning in pipeline.warnings { log.warning("job \(job.name): \(warning)") }
                built.append(pipeline)
            } catch {
                throw Failure(status: 2, message: "tailrace: job \(job.name): \(error)")
            }
        }
        return built
    }

    static func collector(
        _ plan: ServicePlan, sink: CollectorSink, destination: any BatchDestination, once: Bool, registry: Registry,
        log: ServiceLog, unread: UnreadCount = UnreadCount()
    ) throws(Failure) -> Collector {
        let report: @Sendable (String) -> Void = { log.warning($0) }
        let events = SourceMeters.events(registry, unread: unread, report: report)
        do {
            let maker = SourceMaker(plan: plan, sink: sink, once: once, registry: registry, events: events, log: log)
            return Collector(sink: sink, destination: destination, sources: try maker.sources(), report: report)
        } catch {
            throw Failure(status: 2, message: "tailrace: the sources cannot start: \(error)")
        }
    }

    static func hostname() -> String {
        if let name = getenv("HOSTNAME").map({ String(cString: $0) }), !name.isEmpty { return name }
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: up and serve

    static func serve(_ plan: ServicePlan, _ options: ServiceOptions, _ log: ServiceLog) async throws(Failure) -> Int32 {
        let registry = Registry()
        let redactor = try redactor(plan)
        let pipelines = try pipelines(plan, PipelineEnvironment(registry: registry), log)
        let store = try openStore(plan.store, registry) { log.warning($0) }
        let intake = intake(plan, redactor, registry) { log.warning($0) }
        let reader = FederatedReader(HidingReader(store, deletions: store.deletions, settings: plan.query))
        let engine = QueryEngine(store: reader, settings: plan.query, registry: registry)

        let miner = plan.minesPatterns ? PatternMiner(registry: registry) : nil
        let tap = miner.map { PatternTap(store, miner: $0, registry: registry) }
        // One door into the store, so that live tails hear of pushes and of what is collected here alike.
        let tails = TailHub()
        let stored: any StoreWriter = tap ?? store
        let writer = TailedWriter(stored, hub: tails)
        var parts = ServerParts(reader: reader, writer: writer, engine: engine, intake: intake, registry: registry)
        parts.patterns = miner
        parts.limits = { intake.limits(of: $0) }
        parts.retention = plan.store.retentionAge ?? 0
        parts.tails = tails
        parts.deletions = store.deletions
        parts.deleteCancelPeriod = plan.store.deleteCancelPeriod
        store.deletePhysically(by: QueryJudge(plan))
        parts.querySettings = plan.query
        let notes = plan.notes
        parts.hooks.readyNotes = { notes + store.condition().notes }
        parts.hooks.notReady = { store.condition().missing }
        let configuration = EffectiveConfiguration.yaml(plan)
        parts.hooks.config = { configuration }
        parts.hooks.compact = {
            try await store.flush()
            try await store.compact()
        }
        let directory = plan.store.directory
        parts.hooks.snapshot = { try await SnapshotMaker.make(of: directory) }
        let server = LogServer(settings: plan.server, parts: parts)

        var collector: Collector?
        if options.roles.contains(.collector) {
            let destination = StoreDestination(writer) { log.warning($0) }
            let sink = CollectorSink(
                pipelines: pipelines, intake: intake, redactor: nil, registry: registry, destination: destination,
                settings: CollectorSink.Settings(batchWait: storeWait),
                gate: CollectorGate(plan.collectorLimits, registry: registry), report: { log.warning($0) })
            collector = try Service.collector(
                plan, sink: sink, destination: destination, once: false, registry: registry, log: log)
        }
        for note in notes { log.warning(note) }
        let working = collector
        let status: Int32
        do {
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [
                        ServiceGroupConfiguration.ServiceConfiguration(service: ServerService(
                            server: server, host: plan.server.host, log: log,
                            welcome: options.roles.contains(.collector)
                                ? Welcome.make(plan) : nil
                        ) {
                            try working?.start()
                        })
                    ],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: QuietLogger.make()))
            try await group.run()
            status = 0
        } catch let error as ServerError {
            log.error(error.message)
            status = 2
        } catch {
            log.error("\(error)")
            status = 2
        }
        await collector?.stop()
        if let tap { await onThread { tap.stop() } }
        await store.close()
        return status
    }
}
