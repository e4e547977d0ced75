import LogModel
import LogSources
import Metrics
import Synchronization

/// The collector of a process, which a reload replaces while the process goes on.
///
/// A new configuration is read, checked and compiled before anything stops; if it is bad, the old one goes on untouched. Then the old
/// sources end, what they have read is handed on, and the new ones go on from there: nothing is read twice, nothing is passed over.
/// Where the new sources cannot start (a port is taken), the old configuration starts again.
final class CollectorHost: Sendable {
    /// All that one configuration needs to collect.
    struct Generation: Sendable {
        var plan: ServicePlan
        var target: DeliveryTarget
        var sink: CollectorSink
        var collector: Collector
    }

    enum Outcome: Sendable, Equatable {
        /// In effect; words about what of it waits for a restart.
        case reloaded([String])
        case failed(String)
    }

    /// Makes what a plan needs. `target`: where lines went before and go on going; nil: to wherever the plan says.
    typealias Maker = @Sendable (_ plan: ServicePlan, _ target: DeliveryTarget?) async throws(Service.Failure) -> Generation

    private struct State {
        var current: Generation
        var isReloading = false
        var isStopped = false
        /// Why nothing is collected at all, in words for `/ready`.
        var standstill: String?
        /// Of generations that are gone.
        var totals = CollectorSink.Totals()
    }

    private let state: Mutex<State>
    private let plan: @Sendable () throws(Service.Failure) -> ServicePlan
    private let make: Maker
    private let storesHere: Bool
    private let log: ServiceLog
    private let succeeded: Counter
    private let failed: Counter
    private let isGood: Gauge

    /// `plan` reads the configuration again. `storesHere`: lines go to the store of this process.
    init(
        _ first: Generation, storesHere: Bool, registry: Registry, log: ServiceLog,
        plan: @escaping @Sendable () throws(Service.Failure) -> ServicePlan, make: @escaping Maker
    ) {
        state = Mutex(State(current: first))
        self.plan = plan
        self.make = make
        self.storesHere = storesHere
        self.log = log
        succeeded = registry.counter("tailrace_config_reloads_total", "Reloads of the configuration by their end.", ["result": "success"])
        failed = registry.counter("tailrace_config_reloads_total", "Reloads of the configuration by their end.", ["result": "failure"])
        isGood = registry.gauge("tailrace_config_last_reload_successful", "Whether the last reload took effect.")
        isGood.set(1)
    }

    var current: Generation { state.withLock { $0.current } }
    /// Words for `/ready`; nil: ready.
    var unready: String? {
        let (standstill, collector) = state.withLock { ($0.standstill, $0.current.collector) }
        return standstill ?? collector.unready
    }
    func targets() -> [TargetStatus] { current.collector.targets() }

    /// Over all generations.
    var totals: CollectorSink.Totals { state.withLock { $0.totals + $0.current.sink.summary } }

    /// Stops for good, as `Collector.stop`. A reload that is under way ends without starting anything.
    func stop() async {
        let last = state.withLock { state in
            state.isStopped = true
            return state.current
        }
        await last.collector.stop()
        last.target.saver?.stop()
    }

    // MARK: Reload

    /// Returns when the new configuration is in effect, or why it is not.
    func reload() async -> Outcome {
        let isFree = state.withLock { state in
            defer { state.isReloading = true }
            return !state.isReloading && !state.isStopped
        }
        guard isFree else { return .failed("another reload is under way, or the process is ending") }
        let outcome = await replace()
        state.withLock { $0.isReloading = false }
        switch outcome {
        case .reloaded(let notes):
            succeeded.add()
            isGood.set(1)
            log.info("the configuration is reloaded")
            for note in notes { log.warning(note) }
        case .failed(let words):
            failed.add()
            isGood.set(0)
            log.error("the configuration is not reloaded: \(words)")
        }
        return outcome
    }

    private func replace() async -> Outcome {
        let before = current
        let next: ServicePlan
        let notes: [String]
        do throws(Service.Failure) {
            next = try plan()
            notes = try ReloadLimits.check(before.plan, next, storesHere: storesHere)
            // Everything that can be wrong with it, while the old one is at work.
            try Service.tryOut(next)
        } catch {
            return .failed(Self.words(error))
        }
        let keepsTarget = storesHere || ReloadLimits.keepsTarget(before.plan, next)
        if keepsTarget {
            await before.collector.pause()
            await before.target.destination.settle()
        } else {
            await before.collector.stop()
            before.target.saver?.stop()
        }
        do throws(Service.Failure) {
            try await start(next, keepsTarget ? before.target : nil)
            return .reloaded(notes + next.warnings)
        } catch {
            let words = Self.words(error)
            do throws(Service.Failure) {
                try await start(before.plan, keepsTarget ? before.target : nil)
                return .failed(words + "; the old configuration goes on")
            } catch {
                let standstill = "nor can the old one start again: " + Self.words(error)
                state.withLock { $0.standstill = "nothing is collected since a reload failed: \(Self.words(error))" }
                startLater(before.plan, keepsTarget ? before.target : nil)
                return .failed(words + "; " + standstill + "; it is tried again until it does")
            }
        }
    }

    private func start(_ plan: ServicePlan, _ target: DeliveryTarget?) async throws(Service.Failure) {
        if state.withLock({ $0.isStopped }) { throw Service.Failure(status: 0, message: "the process is ending") }
        let made = try await make(plan, target)
        let isStopped = state.withLock { state in
            if !state.isStopped {
                state.totals = state.totals + state.current.sink.summary
                state.current = made
            }
            return state.isStopped
        }
        if isStopped {
            if target == nil { await made.target.abandon() }
            throw Service.Failure(status: 0, message: "the process is ending")
        }
        do throws(StoreError) { try await made.collector.start() } catch {
            // What stays is the target of the generation before, for the next attempt.
            if target == nil { await made.target.abandon() }
            throw Service.Failure(status: 2, message: error.message)
        }
        state.withLock { $0.standstill = nil }
    }

    /// Until a plan starts, or another reload takes its place. Pauses grow from one second to a minute.
    private func startLater(_ plan: ServicePlan, _ target: DeliveryTarget?) {
        Task.detached { [self] in
            var pause = 1
            while true {
                do { try await Task.sleep(for: .seconds(pause)) } catch { return }
                pause = min(60, pause * 2)
                let isWanted: Bool? = state.withLock { state in
                    if state.standstill == nil || state.isStopped { return nil }
                    defer { state.isReloading = true }
                    return !state.isReloading
                }
                guard let isWanted else { return }
                guard isWanted else { continue }
                do throws(Service.Failure) {
                    try await start(plan, target)
                    log.info("collecting goes on, with the configuration before the reload that failed")
                } catch { log.error("collecting does not go on: \(Self.words(error))") }
                state.withLock { $0.isReloading = false }
            }
        }
    }

    private static func words(_ failure: Service.Failure) -> String {
        let text = failure.message.hasPrefix("tailrace: ") ? String(failure.message.dropFirst(10)) : failure.message
        return text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
}

/// What of a new configuration a running process can take over.
enum ReloadLimits {
    /// Blocks that wait for a restart, in words. Throws where going on with the old ones would be wrong.
    static func check(_ old: ServicePlan, _ new: ServicePlan, storesHere: Bool) throws(Service.Failure) -> [String] {
        func refuse(_ words: String) -> Service.Failure { Service.Failure(status: 2, message: words + ": restart the process") }
        if new.jobs.isEmpty { throw Service.Failure(status: 2, message: "it has no scrape_configs: nothing to collect") }
        if !storesHere, !new.ships { throw refuse("`clients:` are gone, and this process has no store") }
        if storesHere, old.redaction != new.redaction {
            // Else whoever has added a rule believes that it holds.
            throw refuse("`redaction:` differs, and the store of this process goes on with the old rules")
        }
        var notes: [String] = []
        func note(_ block: String, _ isEqual: Bool) {
            if !isEqual { notes.append("`\(block)` differs: it takes effect when the process starts again") }
        }
        note("server", old.server == new.server && old.observes == new.observes)
        if storesHere {
            note("store", old.store == new.store)
            note("query", old.query == new.query)
            note("limits", old.limits == new.limits && old.tenantLimits == new.tenantLimits)
        }
        return notes
    }

    /// Whether the new configuration sends to where the old one did, so that nobody has to wait for what is under way.
    static func keepsTarget(_ old: ServicePlan, _ new: ServicePlan) -> Bool {
        old.clients == new.clients && old.positionsPath == new.positionsPath
    }
}
