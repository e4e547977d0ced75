import Glibc

/// How long one text may be looked at, in processor time of the thread: a busy machine makes no line suspicious.
///
/// Asking for the time costs as much as looking at a few candidates, so it is done for one of `interval` of them. Texts
/// with fewer are never over the budget.
struct TimeBudget {
    private static let interval = 64

    /// Nanoseconds; 0: as long as it takes.
    private let budget: UInt64
    private var deadline: UInt64 = 0
    private var looked = 0

    init(nanoseconds: Int64) { budget = UInt64(max(0, nanoseconds)) }

    /// A text begins.
    mutating func start() {
        guard budget > 0 else { return }
        deadline = 0
        looked = 0
    }

    /// One more candidate is to be looked at; false: there is no time left.
    mutating func allows() -> Bool {
        guard budget > 0 else { return true }
        looked += 1
        guard looked % TimeBudget.interval == 0 else { return true }
        let now = TimeBudget.now()
        // What was spent up to here is little, and most texts never come here.
        if deadline == 0 { deadline = now + budget }
        return now < deadline
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
