import Bytes
import LogModel
import Testing

@testable import LogQuery

/// A store for each tenant.
private struct Stores: StoreReader {
    let stores: [Tenant: MemoryStore]

    func store(_ tenant: Tenant) -> MemoryStore { stores[tenant] ?? MemoryStore() }

    func streams(tenant: Tenant, matchers: [LabelMatcher], range: TimeRange) throws -> [StreamSummary] {
        try store(tenant).streams(tenant: tenant, matchers: matchers, range: range)
    }

    func scan(_ request: ScanRequest, sink: (ColumnBlock) throws -> ScanFlow) throws {
        try store(request.tenant).scan(request, sink: sink)
    }

    func counts(
        tenant: Tenant, matchers: [LabelMatcher], grid: TimeGrid, budget: QueryBudget, cancel: CancelFlag
    ) throws -> [StreamCounts] {
        try store(tenant).counts(tenant: tenant, matchers: matchers, grid: grid, budget: budget, cancel: cancel)
    }

    func catalogue(tenant: Tenant, range: TimeRange) throws -> Catalogue { try store(tenant).catalogue(tenant: tenant, range: range) }
}

@Suite struct FederatedReaderTests {
    private static func engine() throws -> (QueryEngine, Tenant) {
        let a = try #require(Tenant("a"))
        let b = try #require(Tenant("b"))
        let first = MemoryStore(blockSize: 3)
        let second = MemoryStore(blockSize: 4)
        // Every time twice: the order of equal times must not depend on blocks.
        for i in 0..<50 {
            first.add(["app": "x"], Double(i / 2 * 2), "a\(i)")
            second.add(["app": "x", "__tenant_id__": "own"], Double(i / 2 * 2 + 1), "b\(i)")
        }
        return (QueryEngine(store: FederatedReader(Stores(stores: [a: first, b: second]))), Tenant(federated: [a, b]))
    }

    private static func times(_ engine: QueryEngine, _ tenant: Tenant, _ query: String, limit: Int, _ direction: Direction) throws -> [Int64] {
        var times: [Int64] = []
        var request = QueryRequest(
            text: query,
            kind: .range(
                start: Timestamp(nanoseconds: 0), end: Timestamp(nanoseconds: 100_000_000_000), step: 1_000_000_000, interval: 0),
            limit: limit, direction: direction)
        request.tenant = tenant
        try engine.forEachEntry(request) { _, entry in
            times.append(entry.timestamp / 1_000_000_000)
            return true
        }
        return times
    }

    @Test(arguments: [Direction.forward, .backward], [0, 9])
    func entriesComeInTheOrderOfOneStore(direction: Direction, limit: Int) throws {
        let (engine, tenant) = try Self.engine()
        var ordered: [Int64] = []
        for i in 0..<50 { ordered += [Int64(i / 2 * 2), Int64(i / 2 * 2 + 1)] }
        ordered.sort()
        if direction == .backward { ordered.reverse() }
        let times = try Self.times(engine, tenant, #"{app="x"}"#, limit: limit, direction)
        #expect(times == (Array(ordered.prefix(limit == 0 ? 100 : limit))))
    }

    @Test(arguments: [
        (#"{app="x", __tenant_id__="a"}"#, 50), (#"{app="x", __tenant_id__!="a"}"#, 50), (#"{app="x", __tenant_id__=~"a|b"}"#, 100),
        (#"{app="x", __tenant_id__="c"}"#, 0), (#"{original___tenant_id__="own"}"#, 50),
    ])
    func matchersChooseAmongTenants(query: String, count: Int) throws {
        let (engine, tenant) = try Self.engine()
        #expect(try Self.times(engine, tenant, query, limit: 0, .forward).count == count)
    }
}
