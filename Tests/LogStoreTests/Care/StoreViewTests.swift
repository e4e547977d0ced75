import Bytes
import Disk
import LogModel
import LogTestKit
import Testing

@testable import LogStore

/// Lines as an LLM API writes them: a few templates, ids, numbers, text.
func sampleRows(_ count: Int, from: Int = 0, time: Int64 = noon) -> [StoredRow] {
    (from..<from + count).map { i in
        let line =
            i % 7 == 6
            ? "plain text number \(i)"
            : #"{"ts":"\#(i)","level":"\#(i % 5 == 0 ? "ERROR" : "INFO")","model":"m\#(i % 3)","request":{"id":"req_\#(i * 7919)"},"tokens":\#(i * 13 % 997)}"#
        return StoredRow(
            labels: label(["app": "a\(i % 4)"]), timestamp: time + Int64(i) * 1_000_000, line: Array(line.utf8),
            metadata: i % 10 == 0 ? label(["trace": "t\(i)"]) : Labels())
    }
}

/// A disk that nobody may change.
func sealed(_ disk: SimDisk) -> SimDisk {
    let copy = disk.copy()
    copy.onOperation { _, operation, path throws(DiskError) in throw DiskError(.write, "\(operation) \(path)", 30) }
    return copy
}

@Suite struct StoreViewTests {
    @Test func aViewShowsSegmentsAndLogAndChangesNothing() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        let all = sampleRows(900)
        _ = try await store.append(batch(Array(all[..<600])))
        try await store.flush()
        _ = try await store.append(batch(Array(all[600...])))
        // The owner goes on: its lock is held, the rest is in the log alone.
        #expect(store.parts.headRows == 300)
        let beside = try StoreView.open("data", disk: sealed(disk))
        #expect(try rows(beside) == all.sorted())
        #expect(beside.damaged.isEmpty)
        await store.close()
        #expect(try rows(try StoreView.open("data", disk: sealed(disk))) == all.sorted())
    }

    @Test func noStoreIsSaid() throws {
        let disk = SimDisk()
        try disk.makeDirectory("data")
        #expect(throws: StoreError.self) { try StoreView.open("data", disk: disk) }
        #expect(throws: StoreError.self) { try StoreView.open("/nowhere/at/all") }
    }

    /// A server seals and merges while it is looked at: each view is one moment, with every row once.
    @Test func viewsBesideAStoreThatSealsAndMerges() async throws {
        let disk = SimDisk()
        let store = try open(disk, settings { $0.mergeFan = 2; $0.headSize = 4 << 10 })
        let writer = Task {
            for i in 0..<150 {
                _ = try await store.append(batch(sampleRows(20, from: i * 20)))
                if i % 3 == 2 { try await store.flush() }
                if i % 10 == 9 { try await store.compact() }
            }
        }
        var seen = 0
        while seen < 3000 {
            let view = try StoreView.open("data", disk: disk)
            #expect(view.damaged.isEmpty, "\(view.damaged)")
            let found = try rows(view)
            #expect(found == sampleRows(found.count).sorted())
            #expect(found.count >= seen && found.count % 20 == 0)
            seen = found.count
            await Task.yield()
        }
        try await writer.value
        await store.close()
    }
}

@Suite struct StoreInfoTests {
    private func filled(_ change: (inout StoreSettings) -> Void = { _ in }) async throws -> SimDisk {
        let disk = SimDisk()
        let store = try open(disk, settings(change))
        for part in 0..<3 {
            _ = try await store.append(batch(sampleRows(1000, from: part * 1000)))
            try await store.flush()
        }
        _ = try await store.append(batch(sampleRows(10, from: 3000), tenant: try #require(Tenant("other"))))
        await store.close()
        return disk
    }

    @Test(arguments: [Codec.zstd, .zlib, .none])
    func thePartsAreTheFiles(codec: Codec) async throws {
        let disk = try await filled { $0.codec = codec }
        let info = StoreInfo.read(try StoreView.open("data", disk: sealed(disk)), countsDistinct: true)
        let onDisk = disk.paths.filter { $0.contains("/segment-") }.reduce(0) { $0 + (disk.bytes(of: $1)?.count ?? 0) }
        #expect(info.segmentBytes == onDisk)
        #expect(info.parts.sum == onDisk)
        #expect(info.columns.reduce(0) { $0 + $1.bytes } == info.parts.columns)
        #expect(info.columns.reduce(0) { $0 + $1.dictionaryBytes } == info.parts.dictionaries)
        #expect(info.columns.reduce(0) { $0 + $1.filterBytes } == info.parts.filters)
        for column in info.columns { #expect(column.forms.values.reduce(0, +) == column.bytes) }
        let all = sampleRows(3010)
        #expect(info.rows == 3010 && info.logRows == 0)
        #expect(info.lineBytes == all.reduce(0) { $0 + $1.line.count })
        #expect(info.streams == 4 + 4)
        #expect(info.tenants == ["fake", "other"])
        #expect(info.templates.reduce(0) { $0 + $1.rows } == 3010)
        #expect(info.first == noon && info.last == noon + 3009 * 1_000_000)
        let columns = Dictionary(info.columns.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
        #expect(columns["level"]?.distinct?.count == 2)
        #expect(columns["model"]?.distinct?.count == 3)
        #expect(columns["request.id"]?.distinct?.count == all.filter { $0.line.first == 0x7B }.count)
        #expect(columns["tokens"]?.kind == "number")
        #expect(info.columns.contains { $0.name.hasPrefix("#") && $0.kind == "line" })
        #expect(info.templates.contains { $0.text.hasPrefix(#"{"ts":"…","level":"…","model":"…","request":{"id":"#) })
    }

    @Test func withoutReadingValuesOnlyDictionariesTell() async throws {
        let info = StoreInfo.read(try StoreView.open("data", disk: try await filled()), countsDistinct: false)
        let columns = Dictionary(info.columns.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
        #expect(columns["model"]?.distinct?.count == 3)
        #expect(columns["request.id"]?.distinct == nil)
    }

    @Test func estimatesAreNearTheTruth() {
        for count in [10, 4_096, 5_000, 20_000, 300_000] {
            var counter = DistinctCount()
            for _ in 0..<2 {
                for i in 0..<count { counter.add("value \(i)".withView { XXH3.of($0) }) }
            }
            #expect(counter.isExact == (count <= 4_096))
            #expect(abs(counter.count - count) <= (counter.isExact ? 0 : count / 20), "\(counter.count) for \(count)")
        }
    }
}
