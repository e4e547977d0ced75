import Bytes
import Disk
import LogModel

@testable import LogService

/// Keeps batches and says what became of them when a test wants it.
final class FakeDestination: BatchDestination {
    private struct State {
        var batches: [CollectedBatch] = []
        var reports: [@Sendable (BatchOutcome) -> Void] = []
        var isStalled = false
        /// Threads inside `submit`.
        var waiting = 0
    }
    private let state = Monitor(State())

    /// While stalled, `submit` blocks.
    func stall(_ stalled: Bool) { state.change { $0.isStalled = stalled } }

    func submit(_ batch: CollectedBatch, done: @escaping @Sendable (BatchOutcome) -> Void) {
        state.change { state in
            state.batches.append(batch)
            state.waiting += 1
        }
        _ = state.wait { $0.isStalled ? nil : true }
        state.change { state in
            state.waiting -= 1
            state.reports.append(done)
        }
    }

    /// What came, in order of submission.
    var batches: [CollectedBatch] { state.withLock { $0.batches } }
    var lines: [String] {
        batches.flatMap { collected in
            collected.batch.rows.map { row in collected.batch.withLine(row) { $0.string } }
        }
    }

    /// Blocks until so many threads are in `submit`; false after a minute.
    func waitUntil(inside count: Int) -> Bool {
        state.wait(timeout: 60_000_000_000) { $0.waiting >= count ? true : nil } ?? false
    }

    func report(_ outcome: BatchOutcome) {
        for done in state.change({ state in
            defer { state.reports = [] }
            return state.reports
        }) { done(outcome) }
    }

    func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] { [] }
    func importedOffset(path: String) -> UInt64? { nil }
    func giveUp() { stall(false) }
    func settle() async {}
    func drain() async {}
}
