import LogModel
import LogStages

/// A range aggregation whose samples come in parts, from several threads, and are put together at the end in the order
/// of the parts: the answer does not depend on which thread was how fast.
final class RangeParts: Sendable {
    /// A constant, so that sums are the same on every machine.
    static let count = 8

    private let parts: [Owned<Part>]

    /// What one part has gathered. Used by one thread at a time, as a scan promises.
    private final class Part {
        var scan: RangeScan
        var `guard`: QueryGuard

        init(_ plan: RangePlan, _ guard: borrowing QueryGuard) {
            scan = RangeScan(plan)
            self.guard = QueryGuard(budget: `guard`.budget, cancel: `guard`.cancel, deadline: `guard`.deadline)
        }

        /// Gives back what it holds.
        func clear() {
            scan = RangeScan(scan.plan)
            self.guard = QueryGuard(budget: self.guard.budget, cancel: self.guard.cancel, deadline: self.guard.deadline)
        }
    }

    init(_ plan: RangePlan, _ guard: borrowing QueryGuard) {
        var parts: [Owned<Part>] = []
        for _ in 0..<Self.count { parts.append(Owned(Part(plan, `guard`))) }
        self.parts = parts
    }

    func add(_ block: ColumnBlock, to part: Int) throws {
        let part = parts[part].value
        try part.scan.add(block, &part.guard)
    }

    /// Whether a line failed the query: which one does depends on the order, see `Evaluator`.
    var hasFailedLine: Bool { parts.contains { $0.value.scan.hasFailedLine } }

    /// Gives back what all parts hold.
    func clear() { for part in parts { part.value.clear() } }

    func finish(_ guard: inout QueryGuard) throws(QueryError) -> [StepSeries] {
        let first = parts[0].value
        for part in parts.dropFirst() {
            try first.scan.absorb(part.value.scan, &`guard`)
            part.value.clear()
        }
        return try first.scan.finish(&`guard`)
    }
}

/// Carries something to other threads that is used by one of them at a time.
final class Owned<Value>: @unchecked Sendable {
    // Sendable: whoever shares it sees to it that uses come one after another.
    var value: Value
    init(_ value: Value) { self.value = value }
}
