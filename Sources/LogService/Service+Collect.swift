import Bytes
import Glibc
import LogModel
import LogPipeline
import LogServer
import LogSources
import LogStore
import Metrics
import Redaction
import ServiceLifecycle
import UnixSignals

/// The collector alone: to servers elsewhere, or into an embedded store.
extension Service {
    static func collect(_ given: ServicePlan, _ options: ServiceOptions, _ log: ServiceLog) async throws(Failure) -> Int32 {
        let options = options.reading(stdin: given.readsStdin)
        var plan = given
        if options.stdin { plan.readStdin() }
        guard !plan.jobs.isEmpty else {
            throw Failure(status: 2, message: "tailrace: the configuration has no scrape_configs: nothing to collect")
        }
        if plan.ships { ProcessMemory.keepsSmallBuffers() }
        let registry = Registry()
        var environment = PipelineEnvironment(registry: registry)
        if options.inspects { environment.inspector = inspector(try redactor(plan)) }
        let parts = Parts(registry: registry, environment: environment, log: log, once: options.once)
        let stores = !plan.ships && !options.isDryRun
        let store = stores ? try openStore(plan.store, registry) { log.warning($0) } : nil
        let unread = UnreadCount()
        let make: CollectorHost.Maker = { plan, before async throws(Failure) in
            let target =
                if let before { before } else if options.isDryRun { printing(plan, log) } else if let store {
                    try storing(plan, store, parts)
                } else {
                    try await ship(plan, options, parts)
                }
            do throws(Failure) { return try await generation(plan, target, parts, unread) } catch {
                // A reload goes back to the old configuration, which needs queues and positions for itself.
                if before == nil { await target.abandon() }
                throw error
            }
        }
        // What comes through a pipe has no position to go on from, and so no numbers either.
        let saver = options.isDryRun || options.stdin ? nil : MetricsSaver(plan, environment, storesHere: stores, log: log)
        let first = try await make(plan, nil)
        saver?.start()
        let notes = plan.notes
        for note in notes { log.warning(note) }
        let host = CollectorHost(
            first, storesHere: stores, registry: registry, log: log,
            plan: { () throws(Failure) in try ServicePlan.make(options) }, make: make)
        let promtail = plan.promtailMetrics ? PromtailMeters(registry) { host.targets() } : nil
        // Before the first line is read: a busy port starts nothing.
        var observation: Observation?
        if plan.observes, !options.isDryRun, !options.once || options.servesMetrics {
            observation = try await observe(plan, parts, host, log)
        }
        do throws(StoreError) { try await first.collector.start() } catch { throw Failure(status: 2, message: "tailrace: \(error.message)") }

        var status = options.once
            ? await once(first, unread, timeoutSeconds: options.timeoutSeconds, log) : await untilSignal(host, log)
        if options.once {
            first.target.saver?.stop()
            // The next run would deliver all of it again.
            if status == 0, first.target.saver?.isFailing ?? false { status = 2 }
        }
        saver?.stop()
        if let store {
            do throws(StoreError) { try await store.flush() } catch { log.error(error.message) }
            await store.close()
        }
        parts.tap.end()
        await observation?.close()
        withExtendedLifetime(promtail) {}
        let totals = host.totals
        log.info(
            "\(totals.lines) lines read, \(totals.refusedLines) lines refused here, \(totals.refused.count) batches refused, "
                + "\(totals.dropped.count) dropped, \(totals.undelivered.count) not delivered")
        return status
    }

    /// What all generations of a collector share.
    struct Parts: Sendable {
        var registry: Registry
        var environment: PipelineEnvironment
        var log: ServiceLog
        var once: Bool
        var labelGuard: LabelGuard
        let tap = TapHub()

        init(registry: Registry, environment: PipelineEnvironment, log: ServiceLog, once: Bool = false) {
            self.registry = registry
            self.environment = environment
            self.log = log
            self.once = once
            labelGuard = LabelGuard(registry: registry) { log.warning($0) }
        }
    }

    /// The sources of a plan, their pipelines, and where they deliver to.
    static func generation(
        _ given: ServicePlan, _ target: DeliveryTarget, _ parts: Parts, _ unread: UnreadCount = UnreadCount()
    ) async throws(Failure) -> CollectorHost.Generation {
        var plan = given
        if let file = target.positions {
            for index in plan.jobs.indices {
                let name = plan.jobs[index].name
                plan.jobs[index].journal?.importedCursor = file.importedCursor(jobName: name)
            }
        }
        let log = parts.log
        let sink = CollectorSink(
            pipelines: try pipelines(plan, parts.environment, log), intake: target.intake,
            redactor: target.intake == nil ? try redactor(plan) : nil, registry: parts.registry, destination: target.destination,
            settings: CollectorSink.Settings(
                batchSize: target.intake == nil ? plan.clients.map(\.batchSize).min() ?? 1 << 20 : 1 << 20, batchWait: target.batchWait),
            gate: CollectorGate(plan.collectorLimits, registry: parts.registry),
            labelGuard: (parts.labelGuard, plan.limits.maxValuesPerLabel), tap: parts.tap, report: { log.warning($0) })
        let collector = try await collector(
            plan, sink: sink, destination: target.destination, once: parts.once, registry: parts.registry, log: log, unread: unread)
        return CollectorHost.Generation(plan: given, target: target, sink: sink, collector: collector)
    }

    /// Compiles everything that can be wrong with a plan, and throws it away.
    static func tryOut(_ plan: ServicePlan) throws(Failure) {
        _ = try redactor(plan)
        _ = try pipelines(plan, PipelineEnvironment(registry: Registry()), nil)
    }

    private static func printing(_ plan: ServicePlan, _ log: ServiceLog) -> DeliveryTarget {
        let file = PositionsFile(path: plan.positionsPath, readOnly: true, events: events(log))
        return DeliveryTarget(destination: PrintingDestination(positions: file), batchWait: storeWait, positions: file)
    }

    private static func storing(_ plan: ServicePlan, _ store: LogStore, _ parts: Parts) throws(Failure) -> DeliveryTarget {
        let log = parts.log
        return DeliveryTarget(
            destination: StoreDestination(store) { log.warning($0) },
            intake: intake(plan, try redactor(plan), parts.registry) { log.warning($0) }, batchWait: storeWait)
    }

    private static func inspector(_ redactor: Redactor?) -> PipelineInspector {
        PipelineInspector(redactor: redactor, colours: isatty(2) == 1 && getenv("NO_COLOR") == nil) { text in
            text.withCString { _ = write(2, $0, strlen($0)) }
        }
    }

    private static func observe(
        _ plan: ServicePlan, _ parts: Parts, _ host: CollectorHost, _ log: ServiceLog
    ) async throws(Failure) -> Observation {
        let settings = plan.server
        let server = ObservationServer(
            settings: settings, registry: parts.registry, notes: plan.notes, extra: CollectorRoutes(host, plan, parts.tap).answer
        ) { host.unready }
        do {
            let observation = try await Observation.open(server)
            log.info("metrics at http://\(settings.host):\(observation.port)/metrics")
            return observation
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(status: 2, message: "tailrace: \(error)")
        }
    }

    private static func once(
        _ generation: CollectorHost.Generation, _ unread: UnreadCount, timeoutSeconds: Int, _ log: ServiceLog
    ) async -> Int32 {
        let (collector, sink, destination) = (generation.collector, generation.sink, generation.target.destination)
        // The clock of patience runs only while nothing gets through.
        let patience = Task.detached {
            var last = -1
            var since = ContinuousClock.now
            while true {
                do { try await Task.sleep(for: .milliseconds(200)) } catch { return }
                let totals = sink.summary
                let backlog = destination.backlog
                let progress = totals.lines &* 1_000 &- totals.underWay &- backlog
                // Nothing under way: whoever writes to us takes their time, not the destination.
                if progress != last || totals.underWay + backlog == 0 {
                    last = progress
                    since = ContinuousClock.now
                } else if ContinuousClock.now - since > .seconds(timeoutSeconds) {
                    collector.giveUp()
                    return
                }
            }
        }
        await collector.finish()
        patience.cancel()
        let totals = sink.summary
        if collector.hasGivenUp || !totals.undelivered.isEmpty { return 3 }
        if !collector.sourceFailures.isEmpty { return 2 }
        if unread.value > 0 {
            log.error("not everything could be read: \(unread.value) failures, see above")
            return 2
        }
        return totals.hasLost || destination.hasLost ? 1 : 0
    }

    private static func untilSignal(_ host: CollectorHost, _ log: ServiceLog) async -> Int32 {
        do {
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [
                        ServiceGroupConfiguration.ServiceConfiguration(service: IdleService()),
                        ServiceGroupConfiguration.ServiceConfiguration(service: ReloadService { _ = await host.reload() }),
                    ],
                    gracefulShutdownSignals: [.sigterm, .sigint], logger: QuietLogger.make()))
            try await group.run()
        } catch { log.error("\(error)") }
        await host.stop()
        return 0
    }
}
