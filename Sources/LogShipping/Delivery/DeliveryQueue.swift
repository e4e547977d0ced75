import Dispatch
import Synchronization

/// Parcels on their way to one destination: in order, one under way, a few that wait.
///
/// - Each parcel's outcome is reported exactly once, whatever happens.
/// - `submit` blocks its thread while `waitingMax` parcels wait: that is the back-pressure on sources.
/// - After `giveUp` nothing blocks for long: the parcel under way is cancelled, all others end as `givenUp` untried.
///
/// Deliveries run on Swift's executor, so they must not block.
package final class DeliveryQueue<Parcel: Sendable, Outcome: Sendable>: Sendable {
    private struct Item: Sendable {
        var parcel: Parcel
        var done: @Sendable (Outcome) -> Void
    }

    /// What `giveUp` and the sender share; apart from the queue, so that the sender does not keep that alive.
    private final class Desk: Sendable {
        private struct State: Sendable {
            var isGivenUp = false
            var current: Task<Outcome, Never>?
        }
        private let state = Mutex(State())

        /// Nil: too late.
        func begin(_ work: @escaping @Sendable () async -> Outcome) -> Task<Outcome, Never>? {
            state.withLock { state -> Task<Outcome, Never>? in
                if state.isGivenUp { return nil }
                let task = Task.detached { await work() }
                state.current = task
                return task
            }
        }

        func giveUp() {
            let current = state.withLock { state in
                state.isGivenUp = true
                return state.current
            }
            current?.cancel()
        }
    }

    private let room: DispatchSemaphore
    private let queue: AsyncStream<Item>.Continuation
    private let sender: Task<Void, Never>
    private let desk = Desk()
    private let givenUp: Outcome

    /// `deliver` should end soon once its task is cancelled.
    package init(waitingMax: Int, givenUp: Outcome, deliver: @escaping @Sendable (Parcel) async -> Outcome) {
        let (stream, continuation) = AsyncStream.makeStream(of: Item.self)
        let room = DispatchSemaphore(value: waitingMax)
        let desk = desk
        queue = continuation
        self.room = room
        self.givenUp = givenUp
        sender = Task.detached {
            for await item in stream {
                let outcome = await desk.begin { await deliver(item.parcel) }?.value
                item.done(outcome ?? givenUp)
                room.signal()
            }
        }
    }

    /// Blocks while there is no room. Not for the cooperative pool.
    package func submit(_ parcel: Parcel, done: @escaping @Sendable (Outcome) -> Void) {
        room.wait()
        guard case .terminated = queue.yield(Item(parcel: parcel, done: done)) else { return }
        done(givenUp)
        room.signal()
    }

    /// Takes the parcel where there is room; false: there is none, and `done` is not called.
    package func trySubmit(_ parcel: Parcel, done: @escaping @Sendable (Outcome) -> Void) -> Bool {
        guard room.wait(timeout: .now()) == .success else { return false }
        if case .terminated = queue.yield(Item(parcel: parcel, done: done)) {
            done(givenUp)
            room.signal()
        }
        return true
    }

    /// From any thread; returns at once.
    package func giveUp() { desk.giveUp() }

    /// Returns when everything submitted has been reported. Nothing may be submitted any more.
    package func drain() async {
        queue.finish()
        await sender.value
    }
}
