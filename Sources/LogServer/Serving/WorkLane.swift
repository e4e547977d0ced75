import LogModel
import NIOCore
import NIOPosix
import Synchronization

/// Threads for work that blocks, and a queue with an end in front of them: queries must neither hold the threads that
/// serve connections nor pile up without bound.
final class WorkLane: Sendable {
    private let pool: NIOThreadPool
    private let waiting = Atomic<Int>(0)
    private let waitingMax: Int

    /// `waitingMax` counts work that runs as well.
    init(threads: Int, waitingMax: Int) {
        pool = NIOThreadPool(numberOfThreads: threads)
        self.waitingMax = waitingMax + threads
        pool.start()
    }

    func stop() { pool.shutdownGracefully { _ in } }

    /// Runs `body` on a thread of the lane and waits for it, until `timeout` nanoseconds have passed or `cancel` is set
    /// by someone else. `body` must look at `cancel`: it is set at the deadline too, and a body that has not begun by
    /// then never does.
    func run<Value: Sendable>(
        timeout: Int64?, cancel: CancelFlag, loop: any EventLoop, _ body: @escaping @Sendable () throws -> Value
    ) async throws -> Value {
        guard waiting.add(1, ordering: .relaxed).newValue <= waitingMax else {
            waiting.subtract(1, ordering: .relaxed)
            throw Refusal(429, "too many outstanding requests", retryAfter: 1)
        }
        let answer = OneAnswer<Value>()
        let alarm = timeout.map { timeout in
            loop.scheduleTask(in: .nanoseconds(timeout)) {
                // In this order: a body that sees the flag must not be quicker with "cancelled".
                answer.settle(.failure(Refusal.timeout))
                cancel.cancel()
            }
        }
        pool.submit { state in
            defer { self.waiting.subtract(1, ordering: .relaxed) }
            guard state == .active else {
                answer.settle(.failure(Refusal(503, "the server is stopping", retryAfter: 5)))
                return
            }
            if cancel.isCancelled {
                answer.settle(.failure(Refusal.cancelled))
                return
            }
            answer.settle(Result { try body() })
        }
        defer { alarm?.cancel() }
        return try await withTaskCancellationHandler {
            try await answer.value()
        } onCancel: {
            cancel.cancel()
        }
    }
}

/// A result that several may offer; the first one counts, and one waits for it.
private final class OneAnswer<Value: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Value, any Error>)
        case settled(Result<Value, any Error>)
        case taken
    }

    private let state = Mutex(State.open)

    func settle(_ result: Result<Value, any Error>) {
        let waiter: CheckedContinuation<Value, any Error>? = state.withLock { state in
            switch state {
            case .open:
                state = .settled(result)
                return nil
            case .awaited(let continuation):
                state = .taken
                return continuation
            case .settled, .taken: return nil
            }
        }
        waiter?.resume(with: result)
    }

    func value() async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let ready: Result<Value, any Error>? = state.withLock { state in
                if case .settled(let result) = state {
                    state = .taken
                    return result
                }
                state = .awaited(continuation)
                return nil
            }
            if let ready { continuation.resume(with: ready) }
        }
    }
}
