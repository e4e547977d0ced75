import Glibc

/// How often a read that fails is tried again: what fails at the end of a file that is being written succeeds a moment later, what is
/// damaged never does. So patience is spent by failures and comes back with success, and a damaged file costs little.
struct ReadPatience {
    private static let triesMax = 32
    /// To which good reads alone bring it back.
    private static let triesLeast = 4
    /// Microseconds between two tries.
    private static let pause: UInt32 = 3_000

    private var tries = triesMax

    /// Whether `body` returned true in the end.
    mutating func wait<E: Error>(_ body: () throws(E) -> Bool) throws(E) -> Bool {
        if try body() {
            tries = max(tries, min(tries + 1, Self.triesLeast))
            return true
        }
        for _ in 0..<tries {
            usleep(Self.pause)
            if try body() {
                tries = Self.triesMax
                return true
            }
        }
        tries /= 2
        return false
    }
}
