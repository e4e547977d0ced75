import Bytes
import LogModel
import Testing

@testable import LogShipping

@Suite struct TenantPartsTests {
    private static func batch(_ rows: [(tenant: String?, line: String)]) -> WriteBatch {
        var batch = WriteBatch(tenant: .fake)
        for (time, row) in rows.enumerated() {
            var labels = Labels(["job": "j"])
            if let tenant = row.tenant { labels["__tenant_id__"] = ByteString(tenant) }
            let stream = batch.stream(labels)
            let metadata = batch.metadataSet(Labels([Label("n", ByteString("\(time % 2)"))]))
            let line = ByteString(row.line)
            line.withView { batch.add(timestamp: Int64(time), stream: stream, metadata: metadata, line: $0) }
        }
        return batch
    }

    private static func lines(_ batch: WriteBatch) -> [String] {
        batch.rows.map { row in
            "\(row.timestamp) \(batch.metadata[Int(row.metadata)]["n"]?.string ?? "-") " + batch.withLine(row) { $0.string }
        }
    }

    /// The `tenant` stage did nothing: lines of two tenants left in one push, under the client's tenant.
    @Test func linesOfTwoTenantsGoApart() {
        let parts = TenantParts.of(Self.batch([("a", "one"), ("b", "two"), (nil, "three"), ("a", "four")]))
        #expect(parts.map { $0.tenant?.string } == ["a", "b", nil])
        #expect(parts.map { Self.lines($0.batch) } == [["0 0 one", "3 1 four"], ["1 1 two"], ["2 0 three"]])
    }

    /// `batchsize: 20000` became requests of 400,000 bytes: as large as a block of a file that was read at once.
    @Test func aBatchFarOverTheSizeIsCut() {
        let batch = Self.batch((0..<100).map { (nil, String(repeating: "x", count: 10) + " \($0 % 10)") })
        let pieces = BatchPieces.of(batch, sizeMax: 100)
        #expect(pieces.count == 13 && pieces.allSatisfy { $0.bytes.count <= 100 })
        #expect(pieces.flatMap { Self.lines($0) } == Self.lines(batch))
        #expect(BatchPieces.of(batch, sizeMax: 600).count == 1, "a little over is no matter")
        #expect(BatchPieces.of(batch, sizeMax: 1).map(\.rows.count) == [Int](repeating: 1, count: 100))
    }

    @Test func oneTenantIsOnePart() {
        #expect(TenantParts.of(Self.batch([("a", "one"), ("a", "two")])).map { $0.tenant?.string } == ["a"])
        #expect(TenantParts.of(Self.batch([(nil, "one"), ("", "two")])).map { $0.tenant?.string } == [nil])
        #expect(TenantParts.of(Self.batch([])).count == 1)
    }

    @Test func theWorstPartDecides() {
        let seen = Seen()
        let tally = OutcomeTally(3) { seen.add($0) }
        tally.add(.refused("no"))
        tally.add(.undelivered("late"))
        #expect(seen.all.isEmpty)
        tally.add(.accepted)
        #expect(seen.all == [.undelivered("late")])
    }
}
