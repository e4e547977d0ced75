import Bytes
import Disk
import LogModel
import LogShipping
import LogSources
import Synchronization

/// To servers elsewhere: positions move once every client's server has acknowledged or refused for good.
final class ShippingDestination: BatchDestination {
    /// Outcomes by order of submission: a batch's positions move only after those of all batches before it, so that
    /// giving up in the middle leaves the positions in front of what was not delivered.
    private struct Ledger {
        struct Line {
            var batch: CollectedBatch
            var outcome: BatchOutcome?
            var done: @Sendable (BatchOutcome) -> Void
        }
        var lines: [Int: Line] = [:]
        var next = 0
        var settled = 0
        /// Something was given up: nothing moves any more, a later run begins there.
        var isHalted = false
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
        let tally = OutcomeTally(clients.count) { [self] in settle(number, BatchOutcome($0)) }
        for client in clients { client.submit(batch.batch) { tally.add($0) } }
    }

    private func settle(_ number: Int, _ outcome: BatchOutcome) {
        var ready: [(BatchOutcome, @Sendable (BatchOutcome) -> Void)] = []
        ledger.withLock { ledger in
            ledger.lines[number]?.outcome = outcome
            while let line = ledger.lines[ledger.settled], let outcome = line.outcome {
                ledger.lines[ledger.settled] = nil
                ledger.settled += 1
                if case .undelivered = outcome { ledger.isHalted = true }
                if !ledger.isHalted {
                    for advance in line.batch.batch.advances {
                        positionsFile.set(advance.source, path: line.batch.paths[advance.source] ?? "", advance.to)
                    }
                }
                ready.append((outcome, line.done))
            }
        }
        for (outcome, done) in ready { done(outcome) }
    }

    /// What is under way counts as delivered: it is tried until it is, or this process ends and reads it again.
    func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] {
        let pending = ledger.withLock { ledger in
            var pending: [ByteString: SourcePosition] = [:]
            for number in ledger.settled..<ledger.next {
                for advance in ledger.lines[number]?.batch.batch.advances ?? [] { pending[advance.source] = advance.to }
            }
            return pending
        }
        return pending.laid(over: positionsFile.positions(withPrefix: prefix), prefix)
    }

    func settle() async {}

    func importedOffset(path: String) -> UInt64? { positionsFile.importedOffset(path: path) }

    func giveUp() {
        for client in clients { client.giveUp() }
    }

    func drain() async {
        for client in clients { await client.close() }
    }
}

extension BatchOutcome {
    init(_ outcome: ShippingClient.Outcome) {
        switch outcome {
        case .accepted: self = .accepted
        case .refused(let words): self = .refused(words)
        case .dropped(let words): self = .dropped(words)
        case .undelivered(let words): self = .undelivered(words)
        }
    }
}
