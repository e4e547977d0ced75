import Bytes
import LogModel

/// Several tenants read as one: `X-Scope-OrgID: a|b`.
///
/// Every stream has the label `__tenant_id__` then; one that a stream has by itself is called `original___tenant_id__`.
/// Matchers on `__tenant_id__` choose among the tenants. For any other tenant the store is asked directly.
///
/// Blocks of several tenants must come in the order of one store's, so they are gathered first (their lines are not):
/// about 20 bytes a row, which the query's budget answers for.
package struct FederatedReader: StoreReader {
    fileprivate let base: any StoreReader

    package static let label: ByteString = "__tenant_id__"
    private static let original: ByteString = "original___tenant_id__"
    private static let bytesPerRow = 20

    package init(_ base: any StoreReader) { self.base = base }

    /// The tenants that a question is about, and the matchers that remain for each.
    private func parts(_ tenant: Tenant, _ matchers: [LabelMatcher]) -> (tenants: [Tenant], matchers: [LabelMatcher]) {
        let choosing = matchers.filter { $0.name == Self.label }
        let chosen = tenant.members.filter { member in
            choosing.allSatisfy { $0.matches(ByteString(member.name)) }
        }
        let rest = matchers.filter { $0.name != Self.label }.map { matcher in
            guard matcher.name == Self.original else { return matcher }
            // Its expression has compiled before.
            return (try? LabelMatcher(Self.label, matcher.op, matcher.value)) ?? matcher
        }
        return (chosen, rest)
    }

    private static func labels(_ labels: Labels, _ tenant: Tenant) -> Labels {
        var result = labels
        if let own = labels[label] { result[original] = own }
        result[label] = ByteString(tenant.name)
        return result
    }

    package func streams(tenant: Tenant, matchers: [LabelMatcher], range: TimeRange) throws -> [StreamSummary] {
        guard tenant.isFederated else { return try base.streams(tenant: tenant, matchers: matchers, range: range) }
        let parts = parts(tenant, matchers)
        var found: [StreamSummary] = []
        for (place, member) in parts.tenants.enumerated() {
            for var stream in try base.streams(tenant: member, matchers: parts.matchers, range: range) {
                stream.labels = Self.labels(stream.labels, member)
                stream.id = Self.id(stream.id, place, of: parts.tenants.count)
                found.append(stream)
            }
        }
        return found.sorted { $0.labels < $1.labels }
    }

    /// Numbers of different tenants' streams are kept apart.
    private static func id(_ id: UInt32, _ place: Int, of count: Int) -> UInt32 { id &* UInt32(count) &+ UInt32(place) }

    package func scan(_ request: ScanRequest, sink: (ColumnBlock) throws -> ScanFlow) throws {
        guard request.tenant.isFederated else { return try base.scan(request, sink: sink) }
        let parts = parts(request.tenant, request.matchers)
        var blocks: [(border: Int64, block: ColumnBlock)] = []
        var held = 0
        defer { request.budget.give(held) }
        for (place, member) in parts.tenants.enumerated() {
            var asked = request
            asked.tenant = member
            asked.matchers = parts.matchers
            // The store does not know the labels that tell tenants apart.
            if ["__tenant_id__", "original___tenant_id__"].contains(where: { request.predicate.asks(for: $0) }) {
                asked.predicate = .all
            }
            try base.scan(asked) { block in
                let size = block.count * Self.bytesPerRow
                held += size
                guard request.budget.take(size) else {
                    throw QueryError(
                        .invalid,
                        "the query needs more memory than it may have (\(request.budget.memoryLimit >> 20) MiB): ask fewer "
                            + "tenants at once, or narrow the selector or the time range")
                }
                guard let first = block.timestamps.min(), let last = block.timestamps.max() else { return .more }
                let streams = block.streams.map {
                    StreamRef(
                        id: Self.id($0.id, place, of: parts.tenants.count), labels: Self.labels($0.labels, member))
                }
                blocks.append((request.direction == .forward ? first : last, block.relabelled(streams)))
                return .more
            }
        }
        blocks.sort { a, b in
            if a.border == b.border { return a.block.order < b.block.order }
            return (a.border < b.border) == (request.direction == .forward)
        }
        var wanted = request.range
        for (_, block) in blocks {
            guard let first = block.timestamps.min(), let last = block.timestamps.max(),
                wanted.overlaps(first: Timestamp(nanoseconds: first), last: Timestamp(nanoseconds: last))
            else { continue }
            switch try sink(block) {
            case .more: break
            case .narrow(let range): wanted = range
            case .stop: return
            }
        }
    }

    package func scan(
        _ request: ScanRequest, parts: Int, sink: @escaping @Sendable (Int, ColumnBlock) throws -> Void
    ) throws {
        guard request.tenant.isFederated else { return try base.scan(request, parts: parts, sink: sink) }
        try scan(request) { block in
            try sink(0, block)
            return .more
        }
    }

    package func counts(
        tenant: Tenant, matchers: [LabelMatcher], grid: TimeGrid, budget: QueryBudget, cancel: CancelFlag
    ) throws -> [StreamCounts] {
        guard tenant.isFederated else {
            return try base.counts(tenant: tenant, matchers: matchers, grid: grid, budget: budget, cancel: cancel)
        }
        let parts = parts(tenant, matchers)
        return try parts.tenants.flatMap { member in
            try base.counts(tenant: member, matchers: parts.matchers, grid: grid, budget: budget, cancel: cancel).map {
                StreamCounts(labels: Self.labels($0.labels, member), rows: $0.rows, bytes: $0.bytes, mayHaveErrors: $0.mayHaveErrors)
            }
        }
    }

    package func catalogue(tenant: Tenant, range: TimeRange) throws -> Catalogue {
        guard tenant.isFederated else { return try base.catalogue(tenant: tenant, range: range) }
        var sum = Catalogue()
        for member in tenant.members {
            let one = try base.catalogue(tenant: member, range: range)
            sum.streams += one.streams
            sum.rows += one.rows
            sum.bytes += one.bytes
            sum.stored += one.stored
            sum.first = [sum.first, one.first].compactMap { $0 }.min()
            sum.last = [sum.last, one.last].compactMap { $0 }.max()
            sum.damaged = one.damaged
        }
        return sum
    }
}

extension FederatedReader: CensusReader {
    /// Of several tenants rows are read: their streams have a label more.
    package func census(_ request: CensusRequest) throws -> Census? {
        guard !request.tenant.isFederated else { return nil }
        return try (base as? any CensusReader)?.census(request)
    }
}
