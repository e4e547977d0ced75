import Bytes
import Disk
import LogModel
import Metrics

/// The thread that turns a full head into segments, and lets the log go when they are published.
///
/// One head at a time. While sealing fails – mostly a full disk – it is tried again every second; the head stays
/// readable, and when the other one is full too, writers are refused.
final class Sealer: Sendable {
    private struct State {
        var head: Head?
        var failure: StoreError?
        var tryNow = false
        var isStopping = false
        var waiting: [@Sendable (StoreError?) -> Void] = []
    }

    private let core: StoreCore
    private let monitor = Monitor(State())
    /// Called after each head that was sealed.
    private let onSealed: @Sendable () -> Void
    private static let retryDelay: Int64 = 1_000_000_000

    init(core: StoreCore, onSealed: @escaping @Sendable () -> Void) {
        self.core = core
        self.onSealed = onSealed
    }

    var isFree: Bool { monitor.withLock { $0.head == nil } }

    /// The sealer must be free.
    func start(_ head: Head) {
        monitor.change { state in
            state.head = head
            state.failure = nil
            state.tryNow = true
        }
    }

    /// Waits for the head under way. Returns why it cannot be sealed, nil when the sealer is free. Blocks.
    /// `retry`: a head that failed is tried once more first.
    func waitUntilFree(retry: Bool = false) -> StoreError? {
        if retry {
            monitor.change { state in
                if state.head != nil, state.failure != nil {
                    state.failure = nil
                    state.tryNow = true
                }
            }
        }
        return monitor.wait { state -> StoreError?? in
            if state.head == nil { return .some(nil) }
            if let failure = state.failure { return .some(failure) }
            return nil
        } ?? nil
    }

    /// Calls back when the head under way is sealed, or cannot be; at once when there is none.
    func whenDone(_ body: @escaping @Sendable (StoreError?) -> Void) {
        let now: Bool = monitor.withLock { state in
            if state.head == nil { return true }
            state.waiting.append(body)
            return false
        }
        if now { body(nil) }
    }

    func stop() { monitor.change { $0.isStopping = true } }

    func run() {
        while true {
            let isFailing = monitor.withLock { $0.failure != nil }
            let head: Head?? = monitor.wait(timeout: isFailing ? Self.retryDelay : nil) { state -> Head?? in
                if state.head != nil, state.tryNow {
                    state.tryNow = false
                    return .some(state.head)
                }
                if state.isStopping { return .some(nil) }
                return nil
            }
            switch head {
            case .some(.some(let head)): attempt(head)
            case .some(.none): return
            case .none: monitor.withLock { if $0.head != nil, $0.failure != nil { $0.tryNow = true } }
            }
        }
    }

    private func attempt(_ head: Head) {
        var failure: StoreError?
        let began = core.clock.monotonic
        do throws(StoreError) {
            try Sealing(core: core).seal(head)
            core.metrics.seals.add()
            core.metrics.sealSeconds.observe(Double(core.clock.monotonic - began) / 1e9)
        } catch {
            failure = error
            core.metrics.sealFailures.add()
        }
        let outcome = failure
        let waiting = monitor.change { state in
            if outcome == nil { state.head = nil }
            state.failure = outcome
            defer { state.waiting = [] }
            return state.waiting
        }
        for body in waiting { body(outcome) }
        if outcome == nil { onSealed() }
    }
}
