import Bytes
import Disk
import Glibc
import LogModel
import LogTestKit
import Metrics
import Testing

@testable import LogStore

@Suite(.eachCodec) struct LifeTests {
    private func sample(_ count: Int, from start: Int = 0) -> [StoredRow] {
        (start..<start + count).map {
            StoredRow(
                labels: label(["app": "a\($0 % 3)"]),
                timestamp: noon + Int64($0) * second,
                line: Array("line \($0)".utf8),
                metadata: $0 % 5 == 0 ? label(["trace": "\($0)"]) : Labels()
            )
        }
    }

    @Test(arguments: [Codec.zstd, .zlib, .none])
    func linesComeBackFromHeadSegmentAndAfterRestart(codec: Codec) async throws {
        let disk = SimDisk()
        let setup = settings { $0.codec = codec }
        let written = sample(500)
        var store = try open(disk, setup)
        #expect(try await store.append(batch(written)) == AppendReceipt(stored: 500, duplicates: 0))
        #expect(try rows(store) == written.sorted())
        try await store.flush()
        #expect(store.parts.headRows == 0 && store.parts.segments == 1)
        #expect(try rows(store) == written.sorted())
        #expect(try rows(store, direction: .backward, limit: 10) == written.sorted())
        await store.close()
        store = try open(disk, setup)
        #expect(try rows(store) == written.sorted())
        let damaged = try store.catalogue(tenant: .fake, range: .all).damaged
        #expect(damaged == [])
        await store.close()
    }

    @Test func linesOfEveryShapeComeBackByteForByte() async throws {
        let lines: [[UInt8]] = [
            [], [0], Array(repeating: 0, count: 70_000), [0xFF, 0xFE, 0x0A, 0x0D], Array("a\r".utf8),
            Array(repeating: 0x41, count: 300_000), Array("é\u{65}\u{301}".utf8), (0...255).map { UInt8($0) },
        ]
        let written = lines.enumerated().map {
            StoredRow(labels: label(["s": "x"]), timestamp: noon + Int64($0.offset), line: $0.element)
        }
        let disk = SimDisk()
        var store = try open(disk)
        _ = try await store.append(batch(written))
        #expect(try rows(store) == written)
        await store.close()
        store = try open(disk)
        #expect(try rows(store) == written)
        await store.close()
    }

    @Test func whatWasNotSealedComesBackFromTheLog() async throws {
        let disk = SimDisk()
        let store = try open(disk, settings { $0.headSize = 1 << 30 })
        let written = sample(300)
        for i in 0..<30 { _ = try await store.append(batch(Array(written[i * 10..<i * 10 + 10]))) }
        // The process dies; the disk stays as it is.
        let image = disk.crashed(.nothing)
        await store.close()
        let second = try open(image)
        #expect(second.parts.segments == 0)
        #expect(try rows(second) == written.sorted())
        _ = try await second.append(batch(sample(50, from: 300)))
        #expect(try rows(second) == sample(350).sorted())
        await second.close()
        let third = try open(image)
        #expect(try rows(third) == sample(350).sorted())
        let damaged = try third.catalogue(tenant: .fake, range: .all).damaged
        #expect(damaged == [])
        await third.close()
    }

    @Test func aLogLongerThanTheHeadsIsSealedWhileItIsRead() async throws {
        let disk = SimDisk()
        let store = try open(disk, settings { $0.headSize = 1 << 30 })
        let written = sample(6000)
        for i in 0..<60 { _ = try await store.append(batch(Array(written[i * 100..<i * 100 + 100]))) }
        let image = disk.crashed(.nothing)
        await store.close()
        let second = try open(image, settings { $0.headSize = 32 << 10 })
        #expect(second.parts.segments > 0)
        #expect(try rows(second) == written.sorted())
        await second.close()
    }

    @Test func tenantsSeeTheirOwn() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        let other = try #require(Tenant("other"))
        let mine = sample(20)
        let theirs = sample(10, from: 100)
        _ = try await store.append(batch(mine))
        _ = try await store.append(batch(theirs, tenant: other))
        for _ in 0..<2 {
            #expect(try rows(store) == mine.sorted())
            #expect(try rows(store, tenant: other) == theirs.sorted())
            #expect(try store.streams(tenant: other, matchers: [], range: .all).map(\.rows).reduce(0, +) == 10)
            #expect(try store.catalogue(tenant: other, range: .all).rows == 10)
            #expect(try rows(store, tenant: try #require(Tenant("nobody"))) == [])
            try await store.flush()
        }
        await store.close()
    }

    @Test func aSecondProcessIsRefusedWithTheFirstOnesNumber() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        let refusal = #expect(throws: StoreError.self) { try open(disk) }
        #expect(refusal?.kind == .locked)
        #expect(refusal?.message.hasPrefix("data directory data is in use by process \(getpid())") == true)
        await store.close()
        let again = try open(disk)
        await again.close()
    }

    @Test func aDirectoryOfAnotherFormatIsRefused() async throws {
        let disk = SimDisk()
        await (try open(disk)).close()
        let text = "tailrace store 2\nmanifest-000000000001.log\n"
        let crc = Array(text.utf8).withView { CRC32C.of($0) }
        disk.setBytes(Array((text + "\(crc)\n").utf8), of: "data/CURRENT")
        let refusal = #expect(throws: StoreError.self) { try open(disk) }
        #expect(refusal?.kind == .invalid)
        #expect(refusal?.message.contains("format 2") == true)
    }

    @Test func appendsAfterCloseAreRefusedForLater() async throws {
        let store = try open(SimDisk())
        await store.close()
        await #expect(throws: StoreError.self) { try await store.append(batch(sample(1))) }
        await #expect(throws: StoreError.self) { try await store.flush() }
        await store.close()
    }

    @Test func idleTimeSealsAndEmptiesTheLog() async throws {
        let disk = SimDisk()
        let clock = ManualClock()
        let store = try open(disk, clock: clock)
        for i in 0..<400 { _ = try await store.append(batch(sample(1, from: i))) }
        #expect(disk.paths.filter { $0.contains("/wal-") }.count > 1)
        clock.advance(by: 2 * second)
        store.clockMoved()
        while store.parts.headRows > 0 { await Task.yield() }
        // The log is let go by the committer once the sealer has told it.
        func logs() -> [Int] { disk.paths.filter { $0.contains("/wal-") }.map { disk.bytes(of: $0)?.count ?? 0 } }
        while logs() != [WalFormat.dataStart] { await Task.yield() }
        #expect(try rows(store).count == 400)
        await store.close()
    }

    @Test func anOldHeadIsSealedThoughWritingGoesOn() async throws {
        let clock = ManualClock()
        let store = try open(SimDisk(), settings { $0.headAge = 10 * second }, clock: clock)
        for i in 0..<12 {
            _ = try await store.append(batch(sample(1, from: i)))
            clock.advance(by: second)
            store.clockMoved()
        }
        while store.parts.segments == 0 { await Task.yield() }
        #expect(try rows(store) == sample(12).sorted())
        await store.close()
    }

    @Test func daysGoIntoFilesOfTheirOwn() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        let day = 86_400 * second
        var written: [StoredRow] = []
        for i in 0..<40 {
            let time = (i % 2 == 0 ? -1 : 1) * Int64(i % 4) * day - Int64(i)
            written.append(StoredRow(labels: label(["a": "b"]), timestamp: time, line: Array("\(i)".utf8)))
        }
        _ = try await store.append(batch(written))
        try await store.flush()
        #expect(Set(written.map { SegmentFormat.day($0.timestamp) }).count == store.parts.segments)
        #expect(try rows(store) == written.sorted())
        await store.close()
    }

    @Test func scatteredDaysMakeFewFiles() async throws {
        let store = try open(SimDisk(), settings { $0.headSize = 1 << 30 })
        var random = SeededRandom(3)
        let written = (0..<3000).map { i in
            StoredRow(
                labels: label(["a": "b"]),
                timestamp: Int64(truncatingIfNeeded: random.next() >> 1),
                line: Array("\(i)".utf8)
            )
        }
        _ = try await store.append(batch(written))
        try await store.flush()
        #expect(store.parts.segments <= Sealing.partitionsMax)
        #expect(try rows(store) == written.sorted())
        await store.close()
    }

    @Test func countersTellWhatHappened() async throws {
        let registry = Registry()
        let store = try open(SimDisk(), registry: registry)
        _ = try await store.append(batch(sample(10)))
        #expect(registry.value("tailrace_store_lines_total") == 10)
        #expect(registry.value("tailrace_store_line_bytes_total") == 60)
        try await store.flush()
        #expect(registry.value("tailrace_store_segments") == 1)
        #expect(registry.value("tailrace_store_head_bytes") == 0)
        await store.close()
    }

    @Test func manyWritersAtOnceAllGetTheirAnswer() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<16 {
                group.addTask {
                    for i in 0..<50 {
                        let row = StoredRow(
                            labels: label(["w": "\(writer)"]),
                            timestamp: noon + Int64(i),
                            line: Array("\(writer)/\(i) \(String(repeating: "x", count: 200))".utf8)
                        )
                        do { _ = try await store.append(batch([row])) } catch { Issue.record(error) }
                    }
                }
            }
        }
        let found = try rows(store)
        #expect(found.count == 800)
        #expect(Set(found.map(\.line)).count == 800)
        await store.close()
        #expect(try rows(try open(disk)).count == 800)
    }

    @Test func aBatchThatIsTooLargeIsTheCallersFault() async throws {
        let store = try open(SimDisk())
        let row = StoredRow(
            labels: label([:]),
            timestamp: noon,
            line: [UInt8](repeating: 0x61, count: LogStore.lineBytesMax + 1)
        )
        let refusal = await #expect(throws: StoreError.self) { try await store.append(batch([row])) }
        #expect(refusal?.kind == .invalid)
        await store.close()
    }

    @Test func onARealDiskToo() async throws {
        var template = Array("/tmp/tailrace-store-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let disk = PosixDisk()
        defer {
            for name in (try? disk.list(directory)) ?? [] { try? disk.unlink(DiskPath.join(directory, name)) }
            rmdir(directory)
        }
        let setup = settings { $0.directory = directory }
        let written = sample(2000)
        for round in 0..<2 {
            let store = try LogStore.open(setup, disk: disk, registry: Registry())
            if round == 0 {
                for i in 0..<20 { _ = try await store.append(batch(Array(written[i * 100..<i * 100 + 100]))) }
            }
            #expect(try rows(store) == written.sorted())
            let damaged = try store.catalogue(tenant: .fake, range: .all).damaged
            #expect(damaged == [])
            let refusal = #expect(throws: StoreError.self) {
                try LogStore.open(setup, disk: disk, registry: Registry())
            }
            #expect(refusal?.kind == .locked)
            await store.close()
        }
    }
}
