import Bytes
import Disk
import LogModel
import LogShipping
import LogSources
import Synchronization

/// To servers elsewhere: positions move once every client's server has acknowledged.
final class ShippingDestination: BatchDestination {
    /// Outcomes of one batch at its clients.
    private final class Tally: Sendable {
        private let state: Mutex<(waiting: Int, worst: BatchOutcome)>
        private let done: @Sendable (BatchOutcome) -> Void

        init(_ clients: Int, _ done: @escaping @Sendable (BatchOutcome) -> Void) {
            state = Mutex((clients, .accepted))
            self.done = done
        }

        func add(_ outcome: ShippingClient.Outcome) {
            let last: BatchOutcome? = state.withLock { state in
                switch (outcome, state.worst) {
                case (.accepted, _), (.refused, .undelivered): break
                case (.refused(let words), _): state.worst = .refused(words)
                case (.undelivered(let words), _): state.worst = .undelivered(words)
                }
                state.waiting -= 1
                return state.waiting == 0 ? state.worst : nil
            }
            if let last { done(last) }
        }
    }

    /// Outcomes by order of submission: a batch's positions move only after those of all batches before it, so that a
    /// failure in the middle leaves the positions in front of what it lost.
    private struct Ledger {
        struct Line {
            var batch: CollectedBatch
            var outcome: BatchOutcome?
            var done: @Sendable (BatchOutcome) -> Void
        }
        var lines: [Int: Line] = [:]
        var next = 0
        var settled = 0
        var isStuck = false
    }

    private let clients: [ShippingClient]
    private let positionsFile: PositionsFile
    private let ledger = Mutex(Ledger())

    init(clients: [ShippingClient], positions: PositionsFile) {
        self.clients = clients
        positionsFile = positions
    }

    func submit(_ batch: CollectedBatch, done: @escaping @Sendable (BatchOutcome) -> Void) {
        var light = batch
        // The lines are on their way; the ledger needs the positions only.
        light.batch = WriteBatch(tenant: batch.batch.tenant)
        light.batch.advances = batch.batch.advances
        let number = ledger.withLock { ledger in
            ledger.lines[ledger.next] = Ledger.Line(batch: light, outcome: nil, done: done)
            ledger.next += 1
            return ledger.next - 1
        }
        if batch.batch.isEmpty {
            settle(number, .accepted)
            return
        }
        let tally = Tally(clients.count) { [self] in settle(number, $0) }
        for client in clients { client.submit(batch.batch) { tally.add($0) } }
    }

    private func settle(_ number: Int, _ outcome: BatchOutcome) {
        var ready: [(BatchOutcome, @Sendable (BatchOutcome) -> Void)] = []
        ledger.withLock { ledger in
            ledger.lines[number]?.outcome = outcome
            while let line = ledger.lines[ledger.settled], let outcome = line.outcome {
                ledger.lines[ledger.settled] = nil
                ledger.settled += 1
                if case .undelivered = outcome { ledger.isStuck = true }
                if !ledger.isStuck {
                    for advance in line.batch.batch.advances {
                        positionsFile.set(advance.source, path: line.batch.paths[advance.source] ?? "", advance.to)
                    }
                }
                ready.append((outcome, line.done))
            }
        }
        for (outcome, done) in ready { done(outcome) }
    }

    func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] {
        positionsFile.positions(withPrefix: prefix)
    }

    func importedOffset(path: String) -> UInt64? { positionsFile.importedOffset(path: path) }

    func drain() async {
        for client in clients { await client.close() }
    }
}
