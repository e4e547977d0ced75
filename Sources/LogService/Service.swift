import AsyncHTTPClient
import Bytes
import Disk
import Glibc
import LogModel
import LogPipeline
import LogQuery
import LogServer
import LogShipping
import LogSources
import LogStore
import Metrics
import NIOCore
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

    private static func openStore(_ settings: StoreSettings, _ registry: Registry) throws(Failure) -> LogStore {
        do throws(StoreError) {
            return try LogStore.open(settings, registry: registry)
        } catch {
            throw Failure(status: 2, message: "tailrace: \(error.message)")
        }
    }

    private static func redactor(_ plan: ServicePlan) throws(Failure) -> Redactor? {
        guard let settings = plan.redaction else { return nil }
        do throws(RedactionError) { return try Redactor(settings) } catch {
            throw Failure(status: 2, message: "tailrace: \(error)")
        }
    }

    private static func pipelines(_ plan: ServicePlan, _ environment: PipelineEnvironment, _ log: ServiceLog) throws(Failure) -> [Pipeline] {
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

    private static func collector(
        _ plan: ServicePlan, sink: CollectorSink, destination: any BatchDestination, once: Bool, registry: Registry,
        log: ServiceLog
    ) throws(Failure) -> Collector {
        let report: @Sendable (String) -> Void = { log.warning($0) }
        let events = SourceMeters.events(registry, report: report)
        do {
            let targets = FileTarget.resolve(plan.jobs.flatMap(\.targets), hostname: hostname()) { target, _, words in
                log.warning("job \(target.jobName): target \(target.labels) is not followed: \(words)")
            }
            let files = targets.isEmpty
                ? nil : try FileSource(targets: targets, settings: plan.files, sink: sink, once: once, events: events)
            let journals = try plan.jobs.compactMap(\.journal).map {
                try JournalSource(settings: $0, sink: sink, once: once, events: events)
            }
            let stdin = plan.stdinLabels.map { given in
                // Promtail's labels, under those of the configuration.
                let own = [Label("hostname", ByteString(hostname())), Label("job", "stdin")]
                return StdinSource(
                    labels: Labels(own + given.pairs), job: 0, maxLineBytes: plan.files.maxLineBytes, sink: sink)
            }
            return Collector(
                sink: sink, destination: destination, files: files, journals: journals, stdin: stdin, report: report)
        } catch {
            throw Failure(status: 2, message: "tailrace: the sources cannot start: \(error)")
        }
    }

    private static func hostname() -> String {
        if let name = getenv("HOSTNAME").map({ String(cString: $0) }), !name.isEmpty { return name }
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, name.count - 1)
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    // MARK: up and serve

    private static func serve(_ plan: ServicePlan, _ options: ServiceOptions, _ log: ServiceLog) async throws(Failure) -> Int32 {
        let registry = Registry()
        let redactor = try redactor(plan)
        let pipelines = try pipelines(plan, PipelineEnvironment(registry: registry), log)
        let store = try openStore(plan.store, registry)
        let intake = Intake(
            limits: plan.limits, tenantLimits: plan.tenantLimits, redactor: redactor, registry: registry,
            report: { log.warning($0) })
        let engine = QueryEngine(store: store, settings: plan.query, registry: registry)

        let miner = plan.minesPatterns ? PatternMiner(registry: registry) : nil
        let tap = miner.map { PatternTap(store, miner: $0, registry: registry) }
        let writer: any StoreWriter = tap ?? store
        var parts = ServerParts(reader: store, writer: writer, engine: engine, intake: intake, registry: registry)
        parts.patterns = miner
        parts.limits = { intake.limits(of: $0) }
        let notes = redactor == nil ? ["redaction is off: add `redaction: {}` to mask personal data"] : []
        parts.hooks.readyNotes = { notes }
        parts.hooks.compact = {
            try await store.flush()
            try await store.compact()
        }
        let server = LogServer(settings: plan.server, parts: parts)

        var collector: Collector?
        if options.roles.contains(.collector) {
            let destination = StoreDestination(writer) { log.warning($0) }
            let sink = CollectorSink(
                pipelines: pipelines, intake: intake, redactor: nil, registry: registry, destination: destination,
                settings: CollectorSink.Settings(batchWait: 20_000_000),
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
                            welcomes: options.roles.contains(.collector)
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

    // MARK: collect

    private static func collect(_ given: ServicePlan, _ options: ServiceOptions, _ log: ServiceLog) async throws(Failure) -> Int32 {
        var plan = given
        let options = options.reading(stdin: given.readsStdin)
        if options.stdin { plan.readStdin() }
        let registry = Registry()
        let redactor = try redactor(plan)
        let pipelines = try pipelines(plan, PipelineEnvironment(registry: registry), log)
        guard !plan.jobs.isEmpty else {
            throw Failure(status: 2, message: "tailrace: the configuration has no scrape_configs: nothing to collect")
        }
        let report: @Sendable (String) -> Void = { log.warning($0) }

        var store: LogStore?
        var positions: PositionsFile?
        let destination: any BatchDestination
        let intake: Intake?
        let wait: Int64
        if plan.ships {
            let file = PositionsFile(path: plan.positionsPath)
            positions = file
            let identity = BatchIdentity.make()
            var clients: [ShippingClient] = []
            for (number, settings) in plan.clients.enumerated() {
                var settings = settings
                if options.once {
                    // Bounded by the command's own patience instead.
                    settings.maxRetries = 0
                    settings.backoffMax = min(settings.backoffMax, 5_000_000_000)
                }
                clients.append(
                    ShippingClient(
                        settings, http: HTTPClient.shared, registry: registry, identity: "\(identity)-\(number)", report: report))
            }
            for index in plan.jobs.indices {
                let name = plan.jobs[index].name
                plan.jobs[index].journal?.importedCursor = file.importedCursor(jobName: name)
            }
            destination = ShippingDestination(clients: clients, positions: file)
            intake = nil
            wait = plan.clients.map(\.batchWait).min() ?? 1_000_000_000
        } else {
            let opened = try openStore(plan.store, registry)
            store = opened
            destination = StoreDestination(opened, report: report)
            intake = Intake(limits: plan.limits, redactor: redactor, registry: registry, report: report)
            wait = 20_000_000
        }
        if redactor == nil { log.warning("redaction is off: add `redaction: {}` to mask personal data") }
        let sink = CollectorSink(
            pipelines: pipelines, intake: intake, redactor: intake == nil ? redactor : nil, registry: registry,
            destination: destination,
            settings: CollectorSink.Settings(batchSize: plan.clients.map(\.batchSize).min() ?? 1 << 20, batchWait: wait),
            gate: CollectorGate(plan.collectorLimits, registry: registry), report: report)
        let collector = try collector(
            plan, sink: sink, destination: destination, once: options.once, registry: registry, log: log)
        do throws(StoreError) { try collector.start() } catch { throw Failure(status: 2, message: "tailrace: \(error.message)") }

        let saver = PositionSaver(positions, log: log)
        let status = options.once
            ? await once(collector, sink, timeoutSeconds: options.timeoutSeconds)
            : await untilSignal(collector, plan, registry, log)
        saver.stop()
        if let store {
            do throws(StoreError) { try await store.flush() } catch { log.error(error.message) }
            await store.close()
        }
        let totals = sink.summary
        log.info("\(totals.lines) lines read, \(totals.refused.count) batches refused, \(totals.undelivered.count) not delivered")
        return status
    }

    private static func once(_ collector: Collector, _ sink: CollectorSink, timeoutSeconds: Int) async -> Int32 {
        // The clock of patience runs only while nothing gets through: cancelling ends the retries.
        let work = Task.detached { await collector.finish() }
        let patience = Task.detached {
            var last = -1
            var since = ContinuousClock.now
            while !Task.isCancelled {
                try? await Task.sleep(for: .milliseconds(200))
                let totals = sink.summary
                let progress = totals.lines &* 1_000 &- totals.underWay
                // Nothing under way: whoever writes to us takes their time, not the destination.
                if progress != last || totals.underWay == 0 {
                    last = progress
                    since = ContinuousClock.now
                } else if ContinuousClock.now - since > .seconds(timeoutSeconds) {
                    work.cancel()
                    return
                }
            }
        }
        await work.value
        patience.cancel()
        let totals = sink.summary
        if !totals.undelivered.isEmpty { return 3 }
        if !collector.sourceFailures.isEmpty { return 2 }
        return totals.refused.isEmpty ? 0 : 1
    }

    private static func untilSignal(
        _ collector: Collector, _ plan: ServicePlan, _ registry: Registry, _ log: ServiceLog
    ) async -> Int32 {
        do {
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [ServiceGroupConfiguration.ServiceConfiguration(service: IdleService())],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: QuietLogger.make()))
            try await group.run()
        } catch { log.error("\(error)") }
        await collector.stop()
        return 0
    }
}
