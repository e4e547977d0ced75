import Bytes
import Disk
import LogModel
import LogTestKit
import Testing

@testable import LogStore

@Suite struct StoreVerificationTests {
    private func verify(_ disk: SimDisk) throws -> StoreVerification {
        StoreVerification.run(try StoreView.open("data", disk: sealed(disk)))
    }

    private func filled(_ codec: Codec = .zstd) async throws -> SimDisk {
        let disk = SimDisk()
        let store = try open(disk, settings { $0.codec = codec; $0.headSize = 1 << 20 })
        _ = try await store.append(batch(sampleRows(3000)))
        await store.close()
        return disk
    }

    @Test func whatIsWholeIsClean() async throws {
        let disk = try await filled()
        let result = try verify(disk)
        #expect(result.isClean, "\(result.findings)")
        #expect(result.rows == 3000)
        #expect(result.bytes == disk.paths.filter { $0.contains("/segment-") }.reduce(0) { $0 + (disk.bytes(of: $1)?.count ?? 0) })
    }

    /// There is no byte of a segment whose change goes unnoticed.
    @Test(arguments: [Codec.zstd, .zlib, .none])
    func anyChangedByteIsFound(codec: Codec) async throws {
        let disk = try await filled(codec)
        let path = try #require(disk.paths.first { $0.contains("/segment-") })
        let bytes = try #require(disk.bytes(of: path))
        var random = SeededRandom(5)
        let places = [0, 4, 20, 60, 64, bytes.count - 1, bytes.count - 20, bytes.count - 48, bytes.count - 49]
            + (0..<(isTorture ? 2000 : 60)).map { _ in random.below(bytes.count) }
        for place in places {
            let broken = disk.copy()
            var changed = bytes
            changed[place] ^= UInt8(1 << random.below(8))
            broken.setBytes(changed, of: path)
            let result = try verify(broken)
            #expect(!result.isClean, "byte \(place) of \(bytes.count)")
            #expect(result.findings.allSatisfy { $0.segment == 1 }, "\(result.findings)")
        }
    }

    @Test func damageNamesSegmentGroupAndRows() async throws {
        let disk = try await filled()
        let view = try StoreView.open("data", disk: disk)
        let segment = try #require(view.core.snapshot().segments.first)
        let column = try #require(segment.groups.first?.columns.first { $0.count < 3000 && $0.body.packed > 4 })
        var bytes = try #require(disk.bytes(of: segment.path))
        bytes[column.body.offset + 2] ^= 1
        disk.setBytes(bytes, of: segment.path)
        let result = try verify(disk)
        let finding = try #require(result.findings.first)
        #expect(result.findings.count == 1)
        #expect(finding.segment == segment.info.number && finding.group == 0)
        #expect(finding.rows == 0..<3000)
        #expect(finding.lost == column.count, "rows of other templates can be read")
        #expect(result.rows == 3000 - column.count)
        #expect(finding.message.contains("column \(column.column)"))
    }

    @Test func otherFilesAreChecked() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        _ = try await store.append(batch(sampleRows(50)))
        try await store.flush()
        _ = try await store.append(batch(sampleRows(50, from: 50)))
        try store.deletions.add(DeletionTests.request("1"))
        let image = disk.copy()
        await store.close()
        #expect(try verify(image).isClean)
        #expect(try verify(image).rows == 100)
        #expect(try verify(image).logRecords == 1)
        for name in ["CURRENT", "DELETIONS"] + image.paths.filter({ $0.contains("manifest") }).map({ String($0.dropFirst(5)) }) {
            let broken = image.copy()
            var bytes = try #require(broken.bytes(of: "data/\(name)"))
            bytes[bytes.count / 2] ^= 0x10
            broken.setBytes(bytes, of: "data/\(name)")
            #expect(try !verify(broken).isClean, "\(name)")
        }
        let missing = image.copy()
        missing.removeFile(try #require(missing.paths.first { $0.contains("/segment-") }))
        let result = try verify(missing)
        #expect(result.findings.map(\.lost) == [50])
    }
}
