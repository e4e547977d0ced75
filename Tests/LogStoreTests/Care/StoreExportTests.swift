import Bytes
import Disk
import LogModel
import LogTestKit
import Synchronization
import Testing

@testable import LogStore

/// Names, each counted once.
final class Names: Sendable {
    private let names = Mutex<Set<String>>([])
    func insert(_ name: String) -> Bool { names.withLock { $0.insert(name).inserted } }
}

/// Picks rows of an app whose line contains a word: `app word`, as a delete request's query in these tests.
final class WordSieve: RowSieve {
    private let requests: [DeleteRequest]
    private var claims: [(request: DeleteRequest, word: String)] = []

    init(_ requests: [DeleteRequest]) { self.requests = requests }

    func begin(_ tenant: Tenant, _ labels: Labels) -> ClosedRange<Int64>? {
        claims = requests.compactMap { request in
            let parts = request.query.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard request.tenant == tenant, parts[0] == "*" || labels["app"]?.string == parts[0] else { return nil }
            return (request, parts.count > 1 ? parts[1] : "")
        }
        guard let first = claims.map(\.request.start).min(), let last = claims.map(\.request.end).max() else { return nil }
        return first...last
    }

    func picks(_ timestamp: Int64, metadata: Labels, line: ByteView) -> Bool {
        claims.contains { claim in
            claim.request.start <= timestamp && timestamp <= claim.request.end
                && claim.word.withView { $0.isEmpty || line.contains($0) || metadata["trace"]?.withView(line.contains) == true }
        }
    }
}

struct WordJudge: DeletionJudge {
    var keeps: Set<Tenant> = []
    func sieve(_ requests: [DeleteRequest]) -> any RowSieve { WordSieve(requests) }
    func removes(_ tenant: Tenant) -> Bool { !keeps.contains(tenant) }
}

func wordRequest(
    _ id: String, _ query: String, tenant: Tenant = .fake, start: Int64 = 0, end: Int64 = .max, createdAt: Int64 = noon
) -> DeleteRequest {
    DeleteRequest(id: id, tenant: tenant, query: query, start: start, end: end, createdAt: createdAt)
}

@Suite struct StoreExportTests {
    private func exported(_ export: StoreExport) throws -> (rows: [StoredRow], outcome: StoreExport.Outcome) {
        var found: [StoredRow] = []
        let outcome = try export.run { row in
            found.append(
                StoredRow(labels: row.labels, timestamp: row.timestamp, line: row.line.copy(), metadata: row.metadata))
            return true
        }
        return (found, outcome)
    }

    @Test func everythingComesOutAndRowsOfOneTimeInTheirOrder() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        // Many rows of the same times, over several segments and the log.
        let all = (0..<600).map { i in
            StoredRow(labels: label(["app": "a\(i % 2)"]), timestamp: noon + Int64(i % 7), line: Array("line \(i)".utf8))
        }
        for part in 0..<4 {
            _ = try await store.append(batch(Array(all[part * 150..<part * 150 + 150])))
            if part < 3 { try await store.flush() }
        }
        let (found, outcome) = try exported(StoreExport(try StoreView.open("data", disk: disk)))
        #expect(outcome.rows == 600 && outcome.damaged.isEmpty)
        func ordered(_ rows: [StoredRow]) -> [StoredRow] {
            rows.enumerated().sorted { a, b in
                (a.element.labels, a.element.timestamp, a.offset) < (b.element.labels, b.element.timestamp, b.offset)
            }.map(\.element)
        }
        #expect(ordered(found) == ordered(all))
        await store.close()
    }

    @Test func rangeTenantSieveAndDeletionsChoose() async throws {
        let disk = SimDisk()
        let other = try #require(Tenant("other"))
        let store = try open(disk)
        let all = sampleRows(500)
        _ = try await store.append(batch(Array(all[..<300])))
        _ = try await store.append(batch(Array(all[..<50]), tenant: other))
        try await store.flush()
        _ = try await store.append(batch(Array(all[300...])))
        let view = try StoreView.open("data", disk: disk)
        #expect(try exported(StoreExport(view)).rows.count == 550)
        #expect(try exported(StoreExport(view, tenant: other)).rows.sorted() == Array(all[..<50]).sorted())
        let range = TimeRange(Timestamp(nanoseconds: all[100].timestamp), Timestamp(nanoseconds: all[400].timestamp))
        #expect(try exported(StoreExport(view, tenant: .fake, range: range)).rows.sorted() == Array(all[100..<400]).sorted())
        let errors = try exported(StoreExport(view, tenant: .fake, wanted: WordSieve([wordRequest("", "a1 ERROR")])))
        func isError(_ row: StoredRow) -> Bool {
            row.labels == label(["app": "a1"]) && row.line.withView { $0.contains(ByteView("ERROR")) }
        }
        #expect(errors.rows.sorted() == all.filter(isError).sorted() && !errors.rows.isEmpty)
        let rest = try exported(StoreExport(view, tenant: .fake, hidden: WordSieve([wordRequest("", "a1 ERROR")])))
        #expect(rest.rows.sorted() == all.filter { !isError($0) }.sorted())
        await store.close()
    }

    @Test func whatIsDamagedIsToldAndTheRestComesOut() async throws {
        let disk = SimDisk()
        let store = try open(disk, settings { $0.headSize = 1 << 20 })
        let all = sampleRows(3000)
        _ = try await store.append(batch(all))
        await store.close()
        let segment = try #require(try StoreView.open("data", disk: disk).core.snapshot().segments.first)
        let column = try #require(segment.groups.first?.columns.first { $0.count < 3000 && $0.body.packed > 4 })
        var bytes = try #require(disk.bytes(of: segment.path))
        bytes[column.body.offset + 2] ^= 1
        disk.setBytes(bytes, of: segment.path)
        let (found, outcome) = try exported(StoreExport(try StoreView.open("data", disk: disk)))
        #expect(outcome.lost == column.count && found.count == 3000 - column.count)
        #expect(outcome.damaged.count == 1)
        #expect(Set(found.map(\.line)).isSubset(of: Set(all.map(\.line))))
    }
}
