import Bytes
import Disk
import LogModel
import LogShipping
import LogSources
import Synchronization

/// To servers elsewhere: positions move once every required client has the batch: acknowledged or refused for good by its
/// server, or in its spool.
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

    private let report: @Sendable (String) -> Void

    init(clients: [ShippingClient], positions: PositionsFile, report: @escaping @Sendable (String) -> Void = { _ in }) {
        self.clients = clients
        positionsFile = positions
        self.report = report
    }

    /// Entries on disk that their destination has not acknowledged.
    var backlog: Int { clients.reduce(0) { $0 + $1.backlog } }
    var hasLost: Bool { clients.contains { $0.hasLost } }

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
        let advances = batch.batch.advances.map {
            Spool.Advance(source: $0.source, path: batch.paths[$0.source] ?? "", to: $0.to)
        }
        if batch.batch.isEmpty {
            for client in clients where client.hasSpool { client.submit(batch.batch, advances: advances) { _ in } }
            settle(number, .accepted)
            return
        }
        // Those that are not required first: they never wait.
        for client in clients where !client.settings.isRequired {
            client.submit(batch.batch, advances: advances) { [self] in noteOptional($0) }
        }
        let required = clients.filter(\.settings.isRequired)
        let tally = OutcomeTally(required.count + 1) { [self] in settle(number, BatchOutcome($0)) }
        tally.add(.accepted)
        // Spooled ones first: where the others wait for room, these have the batch already.
        for client in required.filter(\.hasSpool) + required.filter({ !$0.hasSpool }) { client.submit(batch.batch, advances: advances) { tally.add($0) } }
    }

    /// What became of lines that no position waits for: said, and that is all.
    private func noteOptional(_ outcome: ShippingClient.Outcome) {
        switch outcome {
        case .accepted, .dropped, .undelivered: break
        case .refused(let words): report("refused for good: \(words)")
        }
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

    func abandon() {
        for client in clients { client.abandon() }
    }

    func drain() async {
        // At once: each may wait for its destination.
        await withTaskGroup(of: Void.self) { group in
            for client in clients { group.addTask { await client.close() } }
        }
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
