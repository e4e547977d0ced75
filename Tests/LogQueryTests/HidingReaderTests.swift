import Bytes
import LogModel
import Synchronization
import Testing

@testable import LogQuery

private final class Requests: DeletionLog {
    private let all: Mutex<[DeleteRequest]>
    init(_ all: [DeleteRequest]) { self.all = Mutex(all) }
    func requests(of tenant: Tenant) -> [DeleteRequest] { all.withLock { $0.filter { $0.tenant == tenant } } }
    func add(_ request: DeleteRequest) throws(StoreError) { all.withLock { $0.append(request) } }
    func remove(id: String, of tenant: Tenant) throws(StoreError) -> Bool { false }
}

@Suite struct HidingReaderTests {
    private static func request(_ id: String, _ query: String, _ start: Int64, _ end: Int64) -> DeleteRequest {
        DeleteRequest(id: id, tenant: .fake, query: query, start: start * 1_000_000_000, end: end * 1_000_000_000, createdAt: 0)
    }

    /// A hundred lines of two streams, one a second; `n=…`, every third with metadata.
    private static func store(_ blockSize: Int) -> MemoryStore {
        let store = MemoryStore(blockSize: blockSize)
        for i in 0..<100 {
            store.add(
                ["app": i % 2 == 0 ? "even" : "odd"], Double(i), "n=\(i) \(i % 5 == 0 ? "secret" : "open")",
                i % 3 == 0 ? ["user": "u\(i % 9)"] : [:])
        }
        return store
    }

    /// Whether line `i` is gone under the requests of the test below.
    private static func isGone(_ i: Int) -> Bool {
        (i % 2 == 0 && (10...20).contains(i)) || ((15...60).contains(i) && i % 5 == 0)
            || (i % 2 == 1 && (50...90).contains(i) && i % 9 == 3) || i == 99
    }

    private static let requests = Requests([
        request("1", #"{app="even"}"#, 10, 20), request("2", #"{app=~".+"} |= "secret""#, 15, 60),
        request("3", #"{app="odd"} | user="u3""#, 50, 90), request("4", #"{app="odd"} | logfmt | n="99""#, 0, 200),
    ])

    @Test(arguments: [1, 7, 1_000])
    func whatIsDeletedIsNeitherShownNorCounted(blockSize: Int) throws {
        let reader = HidingReader(Self.store(blockSize), deletions: Self.requests)
        let engine = QueryEngine(store: reader)
        let left = (0..<100).filter { !Self.isGone($0) }
        for direction in [Direction.forward, .backward] {
            for limit in [7, 0] {
                let (result, _) = try engine.run(
                    QueryRequest(
                        text: #"{app=~".+"}"#,
                        kind: .range(
                            start: Timestamp(nanoseconds: 0), end: Timestamp(nanoseconds: 200_000_000_000), step: 1_000_000_000,
                            interval: 0), limit: limit, direction: direction))
                guard case .streams(let streams) = result else { throw QueryError(.failed, "no streams") }
                let times = streams.flatMap { $0.entries.map { Int($0.timestamp / 1_000_000_000) } }.sorted()
                #expect(times == (limit == 0 ? left : direction == .forward ? Array(left.prefix(7)) : Array(left.suffix(7))))
            }
        }
        // Over windows, from run tables and from lines.
        for query in [#"sum(count_over_time({app=~".+"}[10s]))"#, #"sum(count_over_time({app=~".+"} |= "n" [10s]))"#] {
            let (result, _) = try engine.run(
                QueryRequest(
                    text: query,
                    kind: .range(
                        start: Timestamp(nanoseconds: 9_000_000_000), end: Timestamp(nanoseconds: 99_000_000_000),
                        step: 5_000_000_000, interval: 0)))
            guard case .matrix(let series) = result else { throw QueryError(.failed, "no matrix") }
            let points = Dictionary(uniqueKeysWithValues: (series.first?.points ?? []).map { (Int($0.timestamp / 1_000_000_000), Int($0.value)) })
            for end in stride(from: 9, through: 99, by: 5) {
                let expected = left.filter { $0 > end - 10 && $0 <= end }.count
                #expect(points[end] ?? 0 == expected, "\(query) at \(end)")
            }
        }
        let (bytes, _) = try engine.run(
            QueryRequest(text: #"sum(bytes_over_time({app=~".+"}[200s]))"#, kind: .instant(time: Timestamp(nanoseconds: 150_000_000_000))))
        guard case .vector(let samples) = bytes else { throw QueryError(.failed, "no vector") }
        #expect(Int(samples.first?.point.value ?? 0) == left.reduce(0) { $0 + "n=\($1) \($1 % 5 == 0 ? "secret" : "open")".utf8.count })
    }

    @Test func onlyStreamsThatAreGoneAsAWholeAreNotListed() throws {
        func streams(_ requests: [DeleteRequest]) throws -> [String] {
            try HidingReader(Self.store(10), deletions: Requests(requests))
                .streams(tenant: .fake, matchers: [], range: .all).map(\.labels.description)
        }
        #expect(try streams([Self.request("1", #"{app="even"}"#, 0, 98)]) == [#"{app="odd"}"#])
        #expect(try streams([Self.request("1", #"{app="even"}"#, 0, 97)]).count == 2)
        #expect(try streams([Self.request("1", #"{app="even"} |= "n""#, 0, 98)]).count == 2)
    }

    /// The promise: who deletes nothing pays nothing.
    @Test func withoutRequestsTheStoreIsAskedDirectly() throws {
        let store = Self.store(10)
        let reader = HidingReader(store, deletions: Requests([Self.request("1", #"{app="even"}"#, 500, 600)]))
        let grid = TimeGrid(start: Timestamp(nanoseconds: 99_000_000_000), step: 1, count: 1, window: .max)
        _ = try reader.counts(tenant: .fake, matchers: [], grid: grid, budget: QueryBudget(), cancel: CancelFlag())
        #expect(store.scans == 0)
        #expect(store.linesLoaded == 0)
    }

    @Test(arguments: ["rate({a=\"b\"}[1m])", "{", "{a=\"b\"} |~ \"(\""])
    func queriesThatCannotSayWhatToDelete(query: String) {
        #expect(throws: QueryError.self) { try HidingReader.check(query) }
    }

    @Test(arguments: [Int64(0), -9, -10, 1, -5, -4, 15, 16, .min, .max])
    func cellsOfAGrid(time: Int64) {
        // Instants 0, 5, 10, 15 over the ten before each.
        let grid = TimeGrid(start: Timestamp(nanoseconds: 0), step: 5, count: 4, window: 10)
        let expected = (0..<4).filter { time <= Int64($0) * 5 && time > Int64($0) * 5 - 10 }
        #expect(Array(grid.cells(of: time)) == expected)
    }
}
