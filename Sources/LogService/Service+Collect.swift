import AsyncHTTPClient
import LogModel
import LogPipeline
import LogServer
import LogShipping
import LogSources
import LogStore
import Metrics
import NIOCore
import Redaction
import ServiceLifecycle
import UnixSignals

/// The collector alone: to servers elsewhere, or into an embedded store.
extension Service {
    /// What a collector delivers to, and what has to be ended after it.
    private struct Target {
        var destination: any BatchDestination
        /// Rules of the embedded store; nil: lines ship.
        var intake: Intake?
        var batchWait: Int64
        var store: LogStore?
        var positions: PositionsFile?
        var http: HTTPClient?
    }

    static func collect(_ given: ServicePlan, _ options: ServiceOptions, _ log: ServiceLog) async throws(Failure) -> Int32 {
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
        let target = plan.ships
            ? ship(plan, options, registry, report) : try store(plan, redactor, registry, report)
        if let file = target.positions {
            for index in plan.jobs.indices {
                let name = plan.jobs[index].name
                plan.jobs[index].journal?.importedCursor = file.importedCursor(jobName: name)
            }
        }
        let notes = plan.notes
        for note in notes { log.warning(note) }
        let sink = CollectorSink(
            pipelines: pipelines, intake: target.intake, redactor: target.intake == nil ? redactor : nil,
            registry: registry, destination: target.destination,
            settings: CollectorSink.Settings(
                batchSize: plan.clients.map(\.batchSize).min() ?? 1 << 20, batchWait: target.batchWait),
            gate: CollectorGate(plan.collectorLimits, registry: registry), report: report)
        let unread = UnreadCount()
        let collector = try collector(
            plan, sink: sink, destination: target.destination, once: options.once, registry: registry, log: log,
            unread: unread)
        // Before the first line is read: a busy port starts nothing.
        var observation: Observation?
        if plan.observes, !options.once || options.servesMetrics {
            observation = try await observe(plan.server, registry, notes, collector, log)
        }
        do throws(StoreError) { try collector.start() } catch { throw Failure(status: 2, message: "tailrace: \(error.message)") }

        let saver = PositionSaver(target.positions, log: log)
        let status = options.once
            ? await once(collector, sink, unread, timeoutSeconds: options.timeoutSeconds, log)
            : await untilSignal(collector, log)
        saver.stop()
        if let store = target.store {
            do throws(StoreError) { try await store.flush() } catch { log.error(error.message) }
            await store.close()
        }
        await observation?.close()
        try? await target.http?.shutdown()
        let totals = sink.summary
        log.info(
            "\(totals.lines) lines read, \(totals.refusedLines) lines refused here, \(totals.refused.count) batches refused, "
                + "\(totals.dropped.count) dropped, \(totals.undelivered.count) not delivered")
        return status
    }

    private static func ship(
        _ plan: ServicePlan, _ options: ServiceOptions, _ registry: Registry, _ report: @escaping @Sendable (String) -> Void
    ) -> Target {
        let file = PositionsFile(path: plan.positionsPath)
        let http = HTTPConnector.make()
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
                ShippingClient(settings, http: http, registry: registry, identity: "\(identity)-\(number)", report: report))
        }
        return Target(
            destination: ShippingDestination(clients: clients, positions: file),
            batchWait: plan.clients.map(\.batchWait).min() ?? 1_000_000_000, positions: file, http: http)
    }

    private static func store(
        _ plan: ServicePlan, _ redactor: Redactor?, _ registry: Registry, _ report: @escaping @Sendable (String) -> Void
    ) throws(Failure) -> Target {
        let opened = try openStore(plan.store, registry, report: report)
        return Target(
            destination: StoreDestination(opened, report: report),
            intake: intake(plan, redactor, registry, report: report),
            batchWait: storeWait, store: opened)
    }

    private static func observe(
        _ settings: ServerSettings, _ registry: Registry, _ notes: [String], _ collector: Collector, _ log: ServiceLog
    ) async throws(Failure) -> Observation {
        let server = ObservationServer(settings: settings, registry: registry, notes: notes) {
            collector.isReady ? nil : "the files are being looked through"
        }
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
        _ collector: Collector, _ sink: CollectorSink, _ unread: UnreadCount, timeoutSeconds: Int, _ log: ServiceLog
    ) async -> Int32 {
        // The clock of patience runs only while nothing gets through.
        let patience = Task.detached {
            var last = -1
            var since = ContinuousClock.now
            while true {
                do { try await Task.sleep(for: .milliseconds(200)) } catch { return }
                let totals = sink.summary
                let progress = totals.lines &* 1_000 &- totals.underWay
                // Nothing under way: whoever writes to us takes their time, not the destination.
                if progress != last || totals.underWay == 0 {
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
        return totals.hasLost ? 1 : 0
    }

    private static func untilSignal(_ collector: Collector, _ log: ServiceLog) async -> Int32 {
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
