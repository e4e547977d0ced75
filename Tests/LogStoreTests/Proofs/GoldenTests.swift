import Bytes
import Disk
import Glibc
import LogModel
import LogTestKit
import Metrics
import Testing

@testable import LogStore

/// Files as they were written when their format was settled, kept in `Tests/Golden`: whoever changes how they are read
/// hears of it here, and whoever changes what is written has to say so (docs/formats).
///
/// `Tests/Golden/store-<n>` is a data directory: manifest, one segment, and a log with rows behind it. To write those of a
/// new format: `TAILRACE_WRITE_GOLDEN=1 swift test --filter GoldenTests`, which never touches what is there.
@Suite struct GoldenTests {
    /// What can be read: segments of version 2 with free text as it is (`raw`), and since with its words coded (`prose`).
    static let stores = ["store-2", "store-2-prose"]

    private static let folder: String = {
        var parts = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        parts.removeLast(3)
        return (parts + ["Golden"]).joined(separator: "/")
    }()

    /// Without a codec: what zlib or zstd make of bytes is theirs to change. The chunks that they would make are covered by
    /// checksums of their own, and any version of them reads those of any other.
    private static let setup = settings {
        $0.codec = .none
        $0.headSize = 1 << 20
        $0.walFileSize = 8 << 10
    }

    private static func row(_ i: Int) -> StoredRow {
        let line: String
        switch i % 7 {
        case 0: line = "worker \(i) took 0\(i % 7).\(i % 10) s"
        case 1: line = "raw \u{1}\(String(UInt64(i) &* 0x9E37_79B9_7F4A_7C15, radix: 36)) caf\u{e9}"
        case 2: line = #"{"a":1.0,"a":[1,{"b":null}],"e":1e5,"z":-0}"#
        default:
            line =
                #"{"ts": "2024-01-\#(10 + i % 20)T10:00:0\#(i % 10)Z", "level": "\#(i % 9 == 2 ? "error" : "info")", "id": "\#(String(UInt64(i) &* 0x9E37_79B9_7F4A_7C15 | 1 << 63, radix: 16))", "n": \#(i * 7919 % 5000), "r": 0.\#(i % 90 + 10), "c": "same", "x": "\#(letters(i))", "m": "step \#(i % 7) of job \#(i)"}"#
        }
        return StoredRow(
            labels: label(["s": "\(i % 2)"]), timestamp: noon + Int64(i) * second, line: Array(line.utf8),
            metadata: i % 5 == 0 ? label(["m": "\(i % 3)"]) : Labels())
    }

    private static let sealed = (0..<224).map(row)
    private static let logged = (224..<236).map(row)

    /// The files of a store with these rows, as this program writes them.
    private static func written() async throws -> [String: [UInt8]] {
        let disk = SimDisk()
        let store = try open(disk, setup)
        var first = batch(sealed)
        first.key = BatchKey(client: "golden", epoch: 1, sequence: 1)
        _ = try await store.append(first)
        try await store.flush()
        var second = batch(logged)
        second.key = BatchKey(client: "golden", epoch: 1, sequence: 2)
        _ = try await store.append(second)
        let image = disk.crashed(.nothing)
        await store.close()
        var files: [String: [UInt8]] = [:]
        for path in image.paths where !path.hasSuffix("LOCK") {
            guard var bytes = image.bytes(of: path) else { continue }
            // A log is laid out in advance; the zeros behind its records say nothing.
            if path.contains("/wal-") { while bytes.last == 0 { bytes.removeLast() } }
            files[String(path.dropFirst("data/".count))] = bytes
        }
        return files
    }

    private static func read(_ store: String) throws -> [String: [UInt8]] {
        let disk = PosixDisk()
        var files: [String: [UInt8]] = [:]
        for name in try disk.list("\(folder)/\(store)") {
            let contents = try disk.contents(of: "\(folder)/\(store)/\(name)")
            files[name] = contents.view.copy()
        }
        return files
    }

    private static func withoutLog(_ files: [String: [UInt8]]) -> [String: [UInt8]] {
        files.filter { !$0.key.hasPrefix("wal-") }
    }

    @Test(arguments: stores) func whatOlderProgramsWroteIsRead(name: String) throws {
        let disk = SimDisk()
        try disk.makeDirectory("data")
        let files = try Self.read(name)
        #expect(files.count >= 4)
        for (file, bytes) in files { disk.setBytes(bytes, of: "data/\(file)") }
        let core = try recovered(disk, Self.setup)
        #expect(core.damage.all == [])
        let expected = (Self.sealed + Self.logged).sorted()
        var found: [StoredRow] = []
        var scan = StoreScan(core: core, request: ScanRequest(tenant: .fake, range: .all, matchers: []))
        try scan.run { block in
            try block.loadLines()
            for row in 0..<block.count {
                found.append(
                    StoredRow(
                        labels: block.streams[Int(block.streamOf[row])].labels, timestamp: block.timestamps[row],
                        line: block.line(row).copy(), metadata: block.metadataSets[Int(block.metadataOf[row])]))
            }
            return .more
        }
        #expect(found.sorted() == expected)
        #expect(core.snapshot().segments.count == 1 && core.snapshot().filling.rows == Self.logged.count)
        let forms = Set(core.snapshot().segments.flatMap { $0.groups.flatMap { $0.columns.map(\.form) } })
        #expect(forms.union([.raw, .prose]) == Set(ColumnForm.allCases) && forms.count == ColumnForm.allCases.count - 1)
    }

    /// The same rows make the same bytes, in this run and ever since the format was settled. Not of the log: its header
    /// holds a random number, from which its records' marks and checksums follow, so that what an older file of the same
    /// name left on the disk is never taken for a record.
    @Test func theSameRowsMakeTheSameBytes() async throws {
        let written = try await Self.written()
        let again = try await Self.written()
        #expect(Self.withoutLog(again) == Self.withoutLog(written))
        #expect(again.mapValues(\.count) == written.mapValues(\.count))
        guard let newest = Self.stores.last else { return }
        if getenv("TAILRACE_WRITE_GOLDEN") != nil {
            let target = "\(Self.folder)/\(newest)"
            let disk = PosixDisk()
            try disk.makeDirectory(Self.folder)
            try disk.makeDirectory(target)
            guard try disk.list(target).isEmpty else { return }
            for (name, bytes) in written {
                let file = try disk.open("\(target)/\(name)", .create)
                try bytes.withView { try file.write([$0], at: 0) }
                file.close()
            }
        }
        let kept = try Self.read(newest)
        #expect(Set(kept.keys) == Set(written.keys))
        #expect(kept.mapValues(\.count) == written.mapValues(\.count))
        for (name, bytes) in Self.withoutLog(kept) where written[name] != bytes {
            let at = zip(bytes, written[name] ?? []).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? -1
            Issue.record("\(name) is written differently now: \(written[name]?.count ?? 0) bytes, kept \(bytes.count), from byte \(at)")
        }
    }
}
