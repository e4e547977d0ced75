import Synchronization

/// A number that only grows. Lock-free; safe from any thread.
package final class Counter: Sendable {
    private let bits = Atomic<UInt64>(0)
    private let last = Mutex<Exemplar?>(nil)

    /// A counter of its own, shown by no registry.
    package init() {}

    /// Adds, and remembers what it was for.
    package func add(_ amount: Double, _ exemplar: Exemplar) {
        add(amount)
        last.withLock { $0 = exemplar }
    }

    /// The last that was given.
    package var exemplar: Exemplar? { last.withLock { $0 } }

    /// Negative and not-a-number amounts are ignored: a counter that falls would read as a restart.
    package func add(_ amount: Double = 1) {
        guard amount > 0 else { return }
        AtomicDouble.add(amount, to: bits)
    }

    package func add(_ amount: Int) { add(Double(amount)) }

    package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// A number that goes up and down. Lock-free; safe from any thread.
package final class Gauge: Sendable {
    private let bits = Atomic<UInt64>(0)

    /// A gauge of its own, shown by no registry.
    package init() {}

    package func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
    package func set(_ value: Int) { set(Double(value)) }
    package func add(_ amount: Double) { AtomicDouble.add(amount, to: bits) }

    package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// How often values fell into which range. A short lock keeps sum, count and buckets of one moment together.
package final class Histogram: Sendable {
    package struct Snapshot: Sendable, Equatable {
        /// Observations not above each bound, and above all of them last; not yet added up.
        package var counts: [UInt64]
        package var sum: Double
        /// The last one of each bucket; empty while none was given.
        package var exemplars: [Exemplar?] = []

        package init(counts: [UInt64], sum: Double) {
            self.counts = counts
            self.sum = sum
        }

        package var count: UInt64 { counts.reduce(0, &+) }
    }

    /// Ascending, finite, each once: `+Inf` is implied.
    package let bounds: [Double]
    private let state: Mutex<Snapshot>

    /// Prometheus' default buckets: seconds of a network service.
    package static let defaultBounds: [Double] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    /// A histogram of its own, shown by no registry. Bounds are sorted; repeated ones and those not finite are dropped.
    package init(bounds: [Double] = Histogram.defaultBounds) {
        var clean: [Double] = []
        for bound in bounds.filter(\.isFinite).sorted() where clean.last != bound { clean.append(bound) }
        self.bounds = clean
        state = Mutex(Snapshot(counts: [UInt64](repeating: 0, count: clean.count + 1), sum: 0))
    }

    /// O(log buckets). A value that is not a number counts above all bounds, as in Go's client.
    package func observe(_ value: Double, _ exemplar: Exemplar? = nil) {
        var low = 0
        var high = bounds.count
        while low < high {
            let middle = (low + high) / 2
            if value <= bounds[middle] { high = middle } else { low = middle + 1 }
        }
        let bucket = value.isNaN ? bounds.count : low
        state.withLock { state in
            state.counts[bucket] &+= 1
            state.sum += value
            guard let exemplar else { return }
            if state.exemplars.isEmpty { state.exemplars = [Exemplar?](repeating: nil, count: state.counts.count) }
            state.exemplars[bucket] = exemplar
        }
    }

    /// Adds what another histogram of the same bounds had counted; of other bounds nothing is added, and false returned.
    package func add(_ earlier: Snapshot) -> Bool {
        state.withLock { state in
            guard earlier.counts.count == state.counts.count else { return false }
            for i in state.counts.indices { state.counts[i] &+= earlier.counts[i] }
            state.sum += earlier.sum
            return true
        }
    }

    package var snapshot: Snapshot { state.withLock { $0 } }
}

enum AtomicDouble {
    /// Adds by compare and exchange; retries only while other threads make progress.
    static func add(_ amount: Double, to bits: borrowing Atomic<UInt64>) {
        var current = bits.load(ordering: .relaxed)
        while true {
            let next = (Double(bitPattern: current) + amount).bitPattern
            let (exchanged, original) = bits.weakCompareExchange(
                expected: current, desired: next, successOrdering: .relaxed, failureOrdering: .relaxed)
            if exchanged { return }
            current = original
        }
    }
}
