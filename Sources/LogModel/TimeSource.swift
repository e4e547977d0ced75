import Glibc

/// Where a part of the program gets the time from. Tests hand in a clock of their own, so that ages, idle times and
/// jumps of the wall clock can be tried without waiting for them.
package protocol TimeSource: Sendable {
    /// The wall clock: may jump.
    var wall: Timestamp { get }
    /// Nanoseconds since some moment in the past; never goes back.
    var monotonic: Int64 { get }
}

/// The clocks of the machine.
package struct HostTime: TimeSource {
    package init() {}

    package var wall: Timestamp { .now() }

    package var monotonic: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
