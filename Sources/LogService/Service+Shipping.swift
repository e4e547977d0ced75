import Disk
import LogModel
import LogShipping
import LogSources

/// Where the lines of a collector go that ships them.
extension Service {
    /// Clients, their queues, and the positions that they move. Throws where a queue is in use, or positions cannot be kept.
    static func ship(_ plan: ServicePlan, _ options: ServiceOptions, _ parts: Parts) async throws(Failure) -> DeliveryTarget {
        let (registry, log) = (parts.registry, parts.log)
        let report: @Sendable (String) -> Void = { log.warning($0) }
        let isAnew = plan.clients.contains { $0.spool != nil } && SpoolPositions.isAnew(plan.positionsPath)
        let file = PositionsFile(path: plan.positionsPath, events: events(log))
        do throws(DiskError) { try file.probe() } catch {
            log.error(
                "positions cannot be kept, and everything will be delivered again after a restart: \(error); let `positions.filename` name a "
                    + "file in a directory that this user may write to")
        }
        let identity = BatchIdentity.make()
        var clients: [ShippingClient] = []
        let spools = try openSpools(plan.clients, report)
        // Before any client is at work: one that finds its destination awake removes parts at once, and what they knew of rotated
        // files, which nothing else tells any more, has to be in the positions that are saved then.
        let required = plan.clients.indices.filter { plan.clients[$0].isRequired }
        if !isAnew { SpoolPositions.adopt(required.map { spools[$0] }, into: file) }
        for (number, settings) in plan.clients.enumerated() {
            var settings = settings
            if options.once {
                // Bounded by the command's own patience instead.
                settings.maxRetries = 0
                settings.backoffMax = min(settings.backoffMax, 5_000_000_000)
            }
            let spool = spools[number]
            // Positions that only a spool knows are written before it forgets them; those of a client that is not required move nothing.
            if settings.isRequired {
                spool?.beforeRelease { advances in
                    guard advances.allSatisfy({ file.hasReached($0.source, path: $0.path, $0.to.offset) }) else { return false }
                    do throws(DiskError) { try file.save() } catch {
                        report("positions are not saved, and the queue grows meanwhile: \(error)")
                        return false
                    }
                    return true
                }
            }
            clients.append(
                ShippingClient(
                    settings, registry: registry, identity: "\(identity)-\(number)", spool: spool,
                    promtailNames: plan.promtailMetrics, environment: { Environment.variable($0) }, report: report))
        }
        let target = DeliveryTarget(
            destination: ShippingDestination(clients: clients, positions: file, report: report),
            batchWait: plan.clients.map(\.batchWait).min() ?? 1_000_000_000, positions: file, saver: PositionSaver(file, log: log))
        guard clients.allSatisfy(\.hasThreads), target.saver?.hasThread ?? true else {
            await target.abandon()
            throw Failure(status: 2, message: "tailrace: no thread to be had for shipping: the process limit is reached")
        }
        return target
    }

    /// Those of all clients, or none: a reload that fails has to leave them to the configuration before.
    private static func openSpools(
        _ clients: [ClientSettings], _ report: @escaping @Sendable (String) -> Void
    ) throws(Failure) -> [Spool?] {
        var spools: [Spool?] = []
        for settings in clients {
            do throws(Failure) { spools.append(try openSpool(settings, report)) } catch {
                for spool in spools { spool?.close() }
                throw error
            }
        }
        return spools
    }

    private static func openSpool(
        _ settings: ClientSettings, _ report: @escaping @Sendable (String) -> Void
    ) throws(Failure) -> Spool? {
        guard let queue = settings.spool else { return nil }
        do throws(DiskError) { return try Spool(queue, report: report) } catch {
            let holder = error.holder.map { ", process \($0)" } ?? ""
            throw Failure(
                status: 2,
                message: error.isLocked
                    ? "tailrace: the queue of client \(settings.title) in \(queue.directory) is in use by another collector\(holder)"
                    : "tailrace: the queue of client \(settings.title) cannot be used: \(error)")
        }
    }

    static func events(_ log: ServiceLog) -> SourceEvents {
        SourceEvents(report: { log.note($0) })
    }
}
