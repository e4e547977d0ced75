import Bytes
import LogModel
import Testing

@testable import LogQuery

/// What leaves the disk is what queries hid before: one evaluation for both.
@Suite struct DeletionSieveTests {
    private static let other = Tenant("other") ?? .fake

    private static func request(_ query: String, _ start: Int64 = 0, _ end: Int64 = 1_000, tenant: Tenant = .fake) -> DeleteRequest {
        DeleteRequest(id: query, tenant: tenant, query: query, start: start, end: end, createdAt: 0)
    }

    private func picks(
        _ requests: [DeleteRequest], _ labels: Labels, _ time: Int64, _ line: String, _ metadata: Labels = Labels(),
        tenant: Tenant = .fake
    ) throws -> Bool {
        let sieve = try DeletionSieve(requests)
        guard let span = sieve.begin(tenant, labels), span.contains(time) else { return false }
        return try line.withView { try sieve.picks(time, metadata: metadata, line: $0) }
    }

    @Test func selectorTimesFiltersAndTenantDecide() throws {
        let app = Labels(["app": "a"])
        let all = [Self.request(#"{app="a"}"#, 10, 20)]
        #expect(try picks(all, app, 10, "x") && picks(all, app, 20, "x"))
        #expect(try !picks(all, app, 9, "x") && !picks(all, app, 21, "x"))
        #expect(try !picks(all, Labels(["app": "b"]), 15, "x"))
        #expect(try !picks(all, app, 15, "x", tenant: Self.other))
        let filtered = [Self.request(#"{app=~".+"} |= "secret" | json | user="u1""#)]
        #expect(try picks(filtered, app, 5, #"{"user":"u1","text":"secret"}"#))
        #expect(try !picks(filtered, app, 5, #"{"user":"u2","text":"secret"}"#))
        #expect(try !picks(filtered, app, 5, #"{"user":"u1","text":"open"}"#))
        #expect(try picks([Self.request(#"{app="a"} | trace="t""#)], app, 5, "x", Labels(["trace": "t"])))
        #expect(throws: QueryError.self) { try DeletionSieve([Self.request("{app=")]) }
    }

    /// A span covers all requests of a stream; a row between two of them belongs to none.
    @Test func rowsBetweenTwoRequestsStay() throws {
        let requests = [Self.request(#"{app="a"}"#, 10, 20), Self.request(#"{app="a"} |= "b""#, 40, 50)]
        let app = Labels(["app": "a"])
        #expect(try picks(requests, app, 15, "a"))
        #expect(try !picks(requests, app, 30, "b"))
        #expect(try !picks(requests, app, 45, "a"))
        #expect(try picks(requests, app, 45, "b"))
    }

    @Test func finishedRequestsHideNothingAnyMore() throws {
        final class Log: DeletionLog {
            let list: [DeleteRequest]
            init(_ list: [DeleteRequest]) { self.list = list }
            func requests(of tenant: Tenant) -> [DeleteRequest] { list }
            func add(_ request: DeleteRequest) throws(StoreError) {}
            func remove(id: String, of tenant: Tenant) throws(StoreError) -> Bool { false }
        }
        let store = MemoryStore(blockSize: 10)
        for i in 0..<20 { store.add(["app": "a"], Double(i), "line \(i)", [:]) }
        for isDone in [false, true] {
            var request = Self.request(#"{app="a"}"#, 0, 5_000_000_000)
            if isDone { request.processedAt = 1 }
            let reader = HidingReader(store, deletions: Log([request]))
            var count = 0
            try reader.scan(ScanRequest(tenant: .fake, range: .all, matchers: [])) { block in
                for row in 0..<block.count where block.selected[row] || block.undecided[row] { count += 1 }
                return .more
            }
            #expect(count == (isDone ? 20 : 14))
        }
    }
}
