import Bytes
import Disk
import Glibc
import LogConfig
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
            if plan.redacts { ServiceProcess.keepsSecrets() }
            for warning in plan.warnings { log.warning(warning) }
            if options.promtail?.printsConfiguration == true { say(EffectiveConfiguration.yaml(plan)) }
            return options.roles.contains(.server)
                ? try await serve(plan, options, log) : try await collect(plan, options, log)
        } catch {
            // A person has just typed the command.
            say(error.message)
            return error.status
        }
    }

    /// To standard error, without the frame of a log line.
    private static func say(_ text: String) {
        let line = text.hasSuffix("\n") ? text : text + "\n"
        _ = line.withCString { write(2, $0, strlen($0)) }
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

    static func pipelines(_ plan: ServicePlan, _ environment: PipelineEnvironment, _ log: ServiceLog?) throws(Failure) -> [Pipeline] {
        var environment = environment
        environment.redactor = try redactor(plan)
        var built: [Pipeline] = []
        for job in plan.jobs {
            do throws(PipelineError) {
                let pipeline = try Pipeline.build(job.stages, environment: environment, job: job.name)
                for warning in pipeline.warnings { log?.warning("job \(job.name): \(warning)") }
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
    ) async throws(Failure) -> Collector {
        let report: @Sendable (String) -> Void = { log.warning($0) }
        let events = SourceMeters.events(registry, unread: unread, log: log)
        do {
            let maker = SourceMaker(plan: plan, sink: sink, once: once, registry: registry, events: events, log: log)
            return Collector(sink: sink, destination: destination, sources: try await maker.sources(), report: report)
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
        // Before the store is opened: a mistake starts nothing.
        try tryOut(plan)
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
        let shared = Parts(registry: registry, environment: PipelineEnvironment(registry: registry), log: log)
        let saver = options.roles.contains(.collector) ? MetricsSaver(plan, shared.environment, storesHere: true, log: log) : nil
        let host = options.roles.contains(.collector)
            ? try await collectorHost(plan, options, StoreDestination(writer) { log.warning($0) }, intake, shared) : nil
        // Lines of all tenants pass a tap.
        if let host { parts.hooks.extra = CollectorRoutes(host, plan, plan.server.multiTenant ? nil : shared.tap).answer }
        saver?.start()
        let server = LogServer(settings: plan.server, parts: parts)
        for note in notes { log.warning(note) }
        let status: Int32
        do {
            let reload: @Sendable () async -> Void = {
                if let host { _ = await host.reload() } else { log.info("SIGHUP: there is no collector here whose configuration could be reloaded") }
            }
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [
                        ServiceGroupConfiguration.ServiceConfiguration(service: ReloadService(reload: reload)),
                        ServiceGroupConfiguration.ServiceConfiguration(service: ServerService(
                            server: server, host: plan.server.host, log: log,
                            welcome: options.roles.contains(.collector)
                                ? Welcome.make(plan) : nil
                        ) {
                            guard let host else { return }
                            Task.detached {
                                do { try await host.current.collector.start() } catch { log.error("\(error)") }
                            }
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
        shared.tap.end()
        await host?.stop()
        saver?.stop()
        if let tap { await onThread { tap.stop() } }
        await store.close()
        return status
    }

    /// The collector of a process that stores what it collects.
    private static func collectorHost(
        _ plan: ServicePlan, _ options: ServiceOptions, _ destination: StoreDestination, _ intake: Intake, _ parts: Parts
    ) async throws(Failure) -> CollectorHost {
        let make: CollectorHost.Maker = { plan, target async throws(Failure) in
            try await generation(
                plan, target ?? DeliveryTarget(destination: destination, intake: intake, batchWait: storeWait), parts)
        }
        return CollectorHost(
            try await make(plan, nil), storesHere: true, registry: parts.registry, log: parts.log,
            plan: { () throws(Failure) in try ServicePlan.make(options) }, make: make)
    }
}
