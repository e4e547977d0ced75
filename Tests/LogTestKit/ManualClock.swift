import LogModel
import Synchronization

/// A clock that moves when told to.
package final class ManualClock: TimeSource {
    private struct Times {
        var wall: Int64
        var monotonic: Int64
    }
    private let times: Mutex<Times>

    /// Wall time in nanoseconds since 1970.
    package init(wall: Int64 = 1_700_000_000_000_000_000) { times = Mutex(Times(wall: wall, monotonic: 1_000_000_000)) }

    package var wall: Timestamp { Timestamp(nanoseconds: times.withLock { $0.wall }) }
    package var monotonic: Int64 { times.withLock { $0.monotonic } }

    /// Both clocks go on.
    package func advance(by nanoseconds: Int64) {
        times.withLock {
            $0.wall += nanoseconds
            $0.monotonic += nanoseconds
        }
    }

    /// Somebody sets the wall clock.
    package func jump(by nanoseconds: Int64) { times.withLock { $0.wall += nanoseconds } }
}
