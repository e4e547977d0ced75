import Bytes
import Synchronization

/// Set by whoever no longer wants the answer: the client went away, the deadline passed, the server stops.
package final class CancelFlag: Sendable {
    private let flag = Atomic<Bool>(false)
    package init() {}
    package func cancel() { flag.store(true, ordering: .relaxed) }
    package var isCancelled: Bool { flag.load(ordering: .relaxed) }
}

/// What one query may use, and what it has used so far. Shared by its workers.
package final class QueryBudget: Sendable {
    /// Bytes of memory the query may hold at once.
    package let memoryLimit: Int
    private let held = Atomic<Int>(0)
    private let lines = Atomic<Int>(0)
    private let bytes = Atomic<Int>(0)
    private let damaged = Atomic<Int>(0)

    package init(memoryLimit: Int = 64 << 20) { self.memoryLimit = memoryLimit }

    /// Takes `count` bytes of the budget; false when there are none left (the query must then fail, not the process).
    package func take(_ count: Int) -> Bool {
        held.add(count, ordering: .relaxed).newValue <= memoryLimit
    }

    package func give(_ count: Int) { held.subtract(count, ordering: .relaxed) }

    package func counted(lines: Int, bytes: Int) {
        self.lines.add(lines, ordering: .relaxed)
        self.bytes.add(bytes, ordering: .relaxed)
    }

    /// A store tells how many of its parts in the time asked about are damaged: what it can read of them is all there is.
    package func met(damagedParts: Int) { damaged.max(damagedParts, ordering: .relaxed) }

    package var damagedParts: Int { damaged.load(ordering: .relaxed) }

    /// Lines and bytes looked at, for the statistics of an answer.
    package var linesRead: Int { lines.load(ordering: .relaxed) }
    package var bytesRead: Int { bytes.load(ordering: .relaxed) }
}

package enum Direction: String, Sendable { case forward, backward }

/// What a query wants read.
package struct ScanRequest: Sendable {
    package var tenant: Tenant
    package var range: TimeRange
    package var direction: Direction
    /// How many rows will probably do. A hint: the sink decides.
    package var limit: Int?
    /// Whether lines of most rows will be read: then blocks are small, or as large as the store likes. A hint.
    package var readsLines = true
    package var matchers: [LabelMatcher]
    package var predicate: Predicate
    package var budget: QueryBudget
    package var cancel: CancelFlag

    package init(
        tenant: Tenant, range: TimeRange, direction: Direction = .forward, limit: Int? = nil, matchers: [LabelMatcher],
        predicate: Predicate = .all,
        budget: QueryBudget = QueryBudget(), cancel: CancelFlag = CancelFlag()
    ) {
        self.tenant = tenant
        self.range = range
        self.direction = direction
        self.limit = limit
        self.matchers = matchers
        self.predicate = predicate
        self.budget = budget
        self.cancel = cancel
    }
}

/// A label of `| json` that a query asks for beside the line.
package struct FieldRequest: Hashable, Sendable {
    package var name: ByteString
    /// Whether numbers will do: a column of numbers then comes as such.
    package var asNumber: Bool

    package init(name: ByteString, asNumber: Bool) {
        self.name = name
        self.asNumber = asNumber
    }
}

/// What the receiver of blocks says after each.
package enum ScanFlow: Sendable {
    case more
    /// Go on, but rows strictly outside this range are no longer wanted (a full log query narrows it as it fills up).
    case narrow(TimeRange)
    case stop
}
