import Bytes
import LogModel
import LogStore
import LogTestKit
import Testing

@Suite struct SmokeTests {
    @Test func linesComeBackFromHeadSegmentAndAfterRestart() async throws {
        let disk = SimDisk()
        let written = (0..<500).map {
            StoredRow(
                labels: label(["app": "a\($0 % 3)"]), timestamp: noon + Int64($0) * second,
                line: Array("line \($0)".utf8), metadata: $0 % 5 == 0 ? label(["trace": "\($0)"]) : Labels())
        }
        var store = try open(disk)
        #expect(try await store.append(batch(written)) == AppendReceipt(stored: 500, duplicates: 0))
        #expect(try rows(store) == written.sorted())
        try await store.flush()
        #expect(store.parts.headRows == 0)
        #expect(try rows(store) == written.sorted())
        #expect(try rows(store, direction: .backward, limit: 10) == written.sorted())
        await store.close()
        store = try open(disk)
        #expect(try rows(store) == written.sorted())
        #expect(try store.catalogue(tenant: .fake, range: .all).damaged == [])
        await store.close()
    }
}
