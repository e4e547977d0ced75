import Synchronization

/// Bytes of request bodies in memory, all clients together.
final class ByteGate: Sendable {
    private let held = Atomic<Int>(0)
    let limit: Int

    init(limit: Int) { self.limit = limit }

    /// False, and nothing taken, where the gate is full.
    func take(_ count: Int) -> Bool {
        if held.add(count, ordering: .relaxed).newValue <= limit { return true }
        held.subtract(count, ordering: .relaxed)
        return false
    }

    /// For bytes that follow `mine` of the same request: one request alone passes whatever its size, which has limits of
    /// its own, or it would never be served.
    func take(_ count: Int, beside mine: Int) -> Bool {
        let now = held.add(count, ordering: .relaxed).newValue
        if now <= limit || now - count <= mine { return true }
        held.subtract(count, ordering: .relaxed)
        return false
    }

    func give(_ count: Int) { held.subtract(count, ordering: .relaxed) }

    var current: Int { held.load(ordering: .relaxed) }
}
