import Bytes
import LogModel
import Metrics
import NIOPosix
import Synchronization

/// Where lines that have just been stored meet the live tails that want them.
///
/// - Lines arrive here after the store has made them durable and visible, redacted as they are stored.
/// - Without a tail a batch costs two loads of an atomic. With tails it is handed to each as a reference; matching and
///   formatting happen on threads of the hub, never on the way in.
/// - A tail that begins asks the store for its history *after* it has been added here: a batch that is published later
///   reaches it from here, one published before is in the history, and one in between is recognised, see `Tail`.
package final class TailHub: Sendable {
    private struct State {
        var tails: [ObjectIdentifier: Tail] = [:]
        var countOf: [Tenant: Int] = [:]
    }

    private let state = Mutex(State())
    private let count = Atomic<Int>(0)
    /// Counts the moments at which a tail had its history. Appends note it when they begin.
    private let moment = Atomic<UInt64>(1)
    private let pool: NIOThreadPool
    private let meters = Mutex<Meters?>(nil)

    struct Meters: Sendable {
        var lines: Counter
        var dropped: Counter
    }

    package init() {
        pool = NIOThreadPool(numberOfThreads: Self.threads)
    }

    /// Chosen: a tail's work is a fraction of a query's, and ten tails must not take the machine from the queries.
    private static let threads = 2

    deinit { pool.shutdownGracefully { _ in } }

    func register(_ registry: Registry) {
        registry.gauge("tailrace_tails", "Live tails that are open.") { [weak self] in Double(self?.open ?? 0) }
        registry.gauge("tailrace_tail_waiting_bytes", "Bytes that wait for the readers of live tails.") { [weak self] in
            Double(self?.waitingBytes ?? 0)
        }
        let made = Meters(
            lines: registry.counter("tailrace_tail_lines_total", "Lines sent to live tails."),
            dropped: registry.counter(
                "tailrace_tail_dropped_lines_total", "Lines that live tails left out because their reader was slow."))
        meters.withLock { $0 = made }
    }

    var open: Int { count.load(ordering: .relaxed) }
    private var waitingBytes: Int { state.withLock { Array($0.tails.values) }.reduce(0) { $0 + $1.waitingBytes } }
    var metrics: Meters? { meters.withLock { $0 } }

    // MARK: Tails

    /// Lets a tail hear of what is published from now on; false when its tenant has `limit` already.
    func add(_ tail: Tail, limit: Int) -> Bool {
        // Without a tail there are no threads; starting them again does nothing.
        pool.start()
        return state.withLock { state in
            guard state.countOf[tail.tenant, default: 0] < limit else { return false }
            state.countOf[tail.tenant, default: 0] += 1
            state.tails[ObjectIdentifier(tail)] = tail
            count.add(1, ordering: .sequentiallyConsistent)
            return true
        }
    }

    func remove(_ tail: Tail) {
        state.withLock { state in
            guard state.tails.removeValue(forKey: ObjectIdentifier(tail)) != nil else { return }
            count.subtract(1, ordering: .relaxed)
            let left = state.countOf[tail.tenant, default: 1] - 1
            state.countOf[tail.tenant] = left > 0 ? left : nil
        }
    }

    /// Appends that begin from now on cannot be in a history that has been read.
    func historyRead() -> UInt64 { moment.add(1, ordering: .sequentiallyConsistent).newValue }

    func run(_ body: @escaping @Sendable () -> Void) {
        pool.submit { state in
            if state == .active { body() }
        }
    }

    // MARK: Lines

    /// The moment to hand to `published`, read before a batch goes to the store.
    var now: UInt64 { moment.load(ordering: .sequentiallyConsistent) }

    /// A batch has been stored. `begun`: `now` before that.
    func published(_ batch: WriteBatch, _ receipt: AppendReceipt, begun: UInt64) {
        guard count.load(ordering: .sequentiallyConsistent) > 0, receipt.stored > 0, !batch.isEmpty else { return }
        let tails = state.withLock { state in state.tails.values.filter { $0.tenant == batch.tenant } }
        for tail in tails { tail.offer(batch, kept: receipt.kept, begun: begun) }
    }
}

/// A store whose appends live tails hear of. Every way into the store must pass through the same one.
package struct TailedWriter: StoreWriter {
    private let store: any StoreWriter
    private let hub: TailHub

    package init(_ store: any StoreWriter, hub: TailHub) {
        self.store = store
        self.hub = hub
    }

    package func append(_ batch: WriteBatch) async throws(StoreError) -> AppendReceipt {
        let begun = hub.now
        let receipt = try await store.append(batch)
        hub.published(batch, receipt, begun: begun)
        return receipt
    }

    package func position(of source: ByteString) -> SourcePosition? { store.position(of: source) }

    package func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] {
        store.positions(withPrefix: prefix)
    }

    package func flush() async throws(StoreError) { try await store.flush() }
}
