import Bytes
import Disk
import LogModel

/// What callers hand to the committer thread, and how they wait.
///
/// Bounded by bytes: who comes when it is full waits, suspended, with the batch not yet copied.
final class CommitQueue: Sendable {
    typealias Reply<T: Sendable> = CheckedContinuation<Result<T, StoreError>, Never>

    enum Item: Sendable {
        /// `reserved` is the room taken with `admit`.
        case append(BatchRecord, reserved: Int, Reply<AppendReceipt>)
        case flush(Reply<Void>)
        /// Lets the log go as far as its rows are in segments; called back with the oldest record that its files hold.
        case vacate(@Sendable (UInt64) -> Void)
    }

    struct State: Sendable {
        var items: [Item] = []
        /// Bytes of records admitted and not yet answered.
        var bytes = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
        var poked = false
        var isClosed = false
    }

    let monitor = Monitor(State())
    /// Bytes of records under way.
    let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    static let closing = StoreError(.retryLater, "the store is shutting down: send the batch again when it is back")

    /// Takes room for a record of about `size` bytes; suspends while there is none. A record larger than everything is
    /// let in alone.
    func admit(_ size: Int) async throws(StoreError) {
        while true {
            let isClosed: Bool? = monitor.withLock { state in
                if state.isClosed { return true }
                if state.bytes == 0 || state.bytes + size <= capacity {
                    state.bytes += size
                    return false
                }
                return nil
            }
            if let isClosed {
                if isClosed { throw Self.closing }
                return
            }
            await withCheckedContinuation { (reply: CheckedContinuation<Void, Never>) in
                let goOn = monitor.withLock { state in
                    if state.isClosed || state.bytes == 0 { return true }
                    state.waiting.append(reply)
                    return false
                }
                if goOn { reply.resume() }
            }
        }
    }

    /// Gives the room back; who waits tries again.
    func release(_ size: Int) {
        let waiting = monitor.withLock { state in
            state.bytes -= size
            defer { state.waiting = [] }
            return state.waiting
        }
        for reply in waiting { reply.resume() }
    }

    /// Enqueues; false when the store is closing.
    func push(_ item: Item) -> Bool {
        monitor.change { state in
            if state.isClosed { return false }
            state.items.append(item)
            return true
        }
    }

    /// Lets the log go as far as possible and says which record is the oldest in its files; nil when the store is closing.
    /// Blocks; not for the threads that the committer waits for.
    func vacate() -> UInt64? {
        let answer = Monitor<UInt64?>(nil)
        guard push(.vacate { oldest in answer.change { $0 = oldest } }) else { return nil }
        return answer.wait { $0 }
    }

    /// Makes the committer look at its deadlines.
    func poke() { monitor.change { $0.poked = true } }

    func close() {
        let waiting = monitor.change { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for reply in waiting { reply.resume() }
    }
}
