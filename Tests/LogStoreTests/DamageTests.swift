import Bytes
import Disk
import LogModel
import LogTestKit
import Metrics
import Testing

@testable import LogStore

/// Damage is found, contained and told (guarantee I5); it never alters a line.
@Suite(.eachCodec) struct DamageTests {
    private static var setup: StoreSettings {
        settings {
            $0.headSize = 1 << 30
            $0.walFileSize = 1 << 30
        }
    }

    private static func row(_ i: Int) -> StoredRow {
        StoredRow(
            labels: label(["s": "\(i % 3)"]),
            timestamp: noon + Int64(i) * second,
            line: LineOracle.line(source: 0, number: i, length: 40 + i % 50),
            metadata: i % 4 == 0 ? label(["m": "\(i)"]) : Labels()
        )
    }

    /// A store whose rows are all in one log file.
    private static func logged(_ records: Int, from first: Int = 0) async throws -> (
        disk: SimDisk, path: String, bytes: [UInt8]
    ) {
        let disk = SimDisk()
        let store = try open(disk, setup)
        for i in first..<first + records { _ = try await store.append(batch([row(i)])) }
        let image = disk.crashed(.nothing)
        await store.close()
        let path = try #require(image.paths.first { $0.contains("/wal-") })
        return (image, path, try #require(image.bytes(of: path)))
    }

    private struct Replayed {
        var records: [UInt64: [UInt8]] = [:]
        var last: UInt64 = 0
        var damaged: [String] = []
    }

    private static func replay(_ path: String, _ bytes: [UInt8]) throws -> Replayed {
        let disk = SimDisk()
        try disk.makeDirectory("data")
        disk.setBytes(bytes, of: path)
        var replay = try WalReplay.read(disk: disk, directory: "data", names: try disk.list("data"))
        var result = Replayed()
        result.last = try replay.apply(behind: 0) { sequence, record throws(StoreError) in
            result.records[sequence] = record.view.suffix(from: WalFormat.recordHeaderSize).copy()
        }
        result.damaged = replay.damaged
        return result
    }

    /// Where each record of a log file ends.
    private static func ends(_ path: String, _ bytes: [UInt8]) throws -> [Int] {
        let disk = SimDisk()
        try disk.makeDirectory("data")
        disk.setBytes(bytes, of: path)
        let replay = try WalReplay.read(disk: disk, directory: "data", names: try disk.list("data"))
        return replay.entries.map { $0.offset + $0.length }
    }

    @Test func aLogTornAtAnyByteIsAPrefix() async throws {
        let (_, path, bytes) = try await Self.logged(isTorture ? 400 : 60)
        let (_, _, old) = try await Self.logged(isTorture ? 400 : 60, from: 1000)
        let ends = try Self.ends(path, bytes)
        let whole = try Self.replay(path, bytes).records
        #expect(whole.count == ends.count)
        for length in 0...bytes.count {
            for tail in 0..<3 {
                var torn = Array(bytes[..<length])
                switch tail {
                case 0: break
                case 1: torn += [UInt8](repeating: 0, count: 2000)
                case _ where length < WalFormat.dataStart: continue  // its header would be the other log's
                default: torn += old[min(length, old.count)...]
                }
                // A tail may by chance begin with the very bytes that were cut off.
                var complete = ends.filter { $0 <= length }.count
                while complete < ends.count, ends[complete] <= torn.count,
                    torn[length..<ends[complete]] == bytes[length..<ends[complete]]
                {
                    complete += 1
                }
                let found = try Self.replay(path, torn)
                // A header cut in two is no log, and none was acknowledged then.
                if length < WalFormat.headerSize {
                    #expect(found.records.isEmpty)
                    continue
                }
                guard found.records.count == complete, found.last == UInt64(complete),
                    found.records.allSatisfy({ whole[$0.key] == $0.value })
                else {
                    Issue.record("cut at \(length), tail \(tail): \(found.records.count) records, expected \(complete)")
                    return
                }
                if length >= WalFormat.dataStart, !found.damaged.isEmpty {
                    Issue.record("cut at \(length), tail \(tail): \(found.damaged)")
                    return
                }
            }
        }
    }

    @Test func aFlippedBitInTheLogIsFoundAndAltersNothing() async throws {
        let (_, path, bytes) = try await Self.logged(isTorture ? 300 : 60)
        let ends = try Self.ends(path, bytes)
        let whole = try Self.replay(path, bytes).records
        let tail = ends.count > 1 ? ends[ends.count - 2] : 0
        var random = SeededRandom(8)
        for at in bytes.indices {
            var flipped = bytes
            flipped[at] ^= 1 << UInt8(random.below(8))
            let found = try Self.replay(path, flipped)
            for (sequence, record) in found.records where whole[sequence] != record {
                Issue.record("flip at \(at): record \(sequence) is altered")
                return
            }
            let lost = whole.count - found.records.count
            // The last record cannot be told from one that was never finished; all others can.
            if lost > (at < WalFormat.dataStart ? 0 : 1) || (at < tail && found.damaged.isEmpty) {
                Issue.record("flip at \(at): \(lost) records lost, reported \(found.damaged)")
                return
            }
        }
    }

    @Test func aMarkMakesTheLastRecordCertain() async throws {
        let disk = SimDisk()
        let clock = ManualClock()
        let store = try open(disk, Self.setup, clock: clock)
        _ = try await store.append(batch([Self.row(0)]))
        let path = try #require(disk.paths.first { $0.contains("/wal-") })
        let before = try #require(disk.bytes(of: path))
        clock.advance(by: 150_000_000)
        store.clockMoved()
        while disk.bytes(of: path)?.count == before.count { await Task.yield() }
        var bytes = try #require(disk.bytes(of: path))
        #expect(bytes.count == before.count + WalFormat.recordHeaderSize)
        #expect(try Self.replay(path, bytes).damaged == [])
        bytes[before.count - 1] ^= 1
        #expect(try Self.replay(path, bytes).damaged.count == 1)
        await store.close()
    }

    @Test func damageInTheLogIsServedAroundAndTheFileIsKept() async throws {
        let (disk, path, bytes) = try await Self.logged(20)
        var flipped = bytes
        flipped[try Self.ends(path, bytes)[9] - 3] ^= 4
        disk.setBytes(flipped, of: path)
        let store = try open(disk, Self.setup)
        #expect(try rows(store).count == 19)
        #expect(try store.catalogue(tenant: .fake, range: .all).damaged.count == 1)
        _ = try await store.append(batch([Self.row(100)]))
        await store.close()
        #expect(disk.paths.contains(path + ".damaged"))
        let again = try open(disk, Self.setup)
        #expect(try rows(again).count == 20)
        await again.close()
    }

    /// A store whose rows are all in one segment.
    private static func sealed(_ count: Int, codec: Codec = .zstd) async throws -> (
        disk: SimDisk, path: String, bytes: [UInt8], rows: [StoredRow]
    ) {
        let disk = SimDisk()
        let store = try open(
            disk,
            settings {
                $0.headSize = 1 << 30
                $0.codec = codec
            }
        )
        let rows = (0..<count).map(row)
        _ = try await store.append(batch(rows))
        await store.close()
        let path = try #require(disk.paths.first { $0.contains("/segment-") })
        return (disk, path, try #require(disk.bytes(of: path)), rows.sorted())
    }

    @Test(arguments: [Codec.zstd, .zlib, .none])
    func aFlippedBitInASegmentIsFound(codec: Codec) async throws {
        let (_, path, bytes, expected) = try await Self.sealed(isTorture ? 1000 : 150, codec: codec)
        var random = SeededRandom(6)
        let table = StreamTable()
        func read(_ bytes: [UInt8]) throws(StoreError) -> Int {
            let disk = SimDisk()
            disk.setBytes(bytes, of: path)
            let segment = try Segment.open(disk: disk, path: path) { table.register($0, $1) }
            let cursor = SegmentCursor(segment: segment, codecs: CodecPool())
            var count = 0
            while try cursor.advance() {
                _ = try cursor.line()
                count += 1
            }
            // Filters are no part of any line: the check reads them.
            if let finding = SegmentCheck.run(segment, codecs: CodecPool()).findings.first {
                throw StoreError(.damaged, finding.message)
            }
            return count
        }
        #expect(try read(bytes) == expected.count)
        for at in bytes.indices {
            var flipped = bytes
            flipped[at] ^= 1 << UInt8(random.below(8))
            do throws(StoreError) {
                _ = try read(flipped)
                Issue.record("flip at \(at) of \(bytes.count) was not found")
                return
            } catch {
                // A version that is not ours is refused by name.
                if error.kind != .damaged, error.kind != .invalid { Issue.record("flip at \(at): \(error)") }
            }
        }
        for length in stride(from: 0, to: bytes.count, by: isTorture ? 1 : 13) {
            #expect(throws: StoreError.self) { try read(Array(bytes[..<length])) }
        }
    }

    @Test func aQueryThatMeetsDamageAnswersWithTheRestAndSaysSo() async throws {
        let (disk, path, bytes, expected) = try await Self.sealed(3000)
        var random = SeededRandom(17)
        for _ in 0..<(isTorture ? 2000 : 150) {
            var flipped = bytes
            flipped[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
            let damaged = disk.copy()
            damaged.setBytes(flipped, of: path)
            let core = try recovered(damaged, Self.setup)
            var found: [[UInt8]] = []
            for line in try lines(core) { found.append(line) }
            #expect(Set(found).isSubset(of: Set(expected.map(\.line))))
            #expect(found.count == expected.count || !core.damage.all.isEmpty)
            #expect(damaged.bytes(of: path) == flipped)
        }
    }

    @Test func blocksWithoutLinesReadNoColumns() async throws {
        let (disk, path, bytes, expected) = try await Self.sealed(500)
        var flipped = bytes
        let whole = try open(disk, Self.setup)
        let column = try #require(whole.core.snapshot().segments.first?.groups.first?.columns.first)
        await whole.close()
        flipped[column.body.offset] ^= 1
        disk.setBytes(flipped, of: path)
        let store = try open(disk, Self.setup)
        var count = 0
        try store.scan(ScanRequest(tenant: .fake, range: .all, matchers: [])) {
            count += $0.count
            return .more
        }
        #expect(count == expected.count)
        #expect(try store.catalogue(tenant: .fake, range: .all).damaged == [])
        #expect(try rows(store).count < expected.count)
        #expect(try store.catalogue(tenant: .fake, range: .all).damaged.count == 1)
        await store.close()
    }

    @Test func aDamagedSegmentIsLeftOutReportedAndKept() async throws {
        let (disk, path, bytes, _) = try await Self.sealed(100)
        for fault in 0..<4 {
            let image = disk.copy()
            switch fault {
            case 0: image.setBytes(Array(bytes.dropLast()), of: path)
            case 1: image.setBytes([], of: path)
            case 2: image.removeFile(path)
            default: image.setBytes([UInt8](repeating: 0, count: bytes.count), of: path)
            }
            for _ in 0..<2 {
                let store = try open(image, Self.setup)
                #expect(try rows(store).isEmpty || fault > 3)
                let damaged = try store.catalogue(tenant: .fake, range: .all).damaged
                #expect(damaged.count == 1)
                #expect(damaged.first?.contains("100 lines") == true)
                await store.close()
            }
            if fault != 2 { #expect(image.paths.contains(path)) }
        }
    }

    @Test func filesThatNobodyListsAreRemovedAndForeignOnesStay() async throws {
        let (disk, path, bytes, _) = try await Self.sealed(10)
        disk.setBytes(bytes, of: "data/segment-000000000999.seg")
        disk.setBytes([1, 2, 3], of: "data/notes.txt")
        disk.setBytes([1, 2, 3], of: "data/segment-1.seg")
        let store = try open(disk, Self.setup)
        #expect(try rows(store).count == 10)
        await store.close()
        #expect(!disk.paths.contains("data/segment-000000000999.seg"))
        #expect(disk.paths.contains("data/notes.txt") && disk.paths.contains("data/segment-1.seg"))
        #expect(disk.paths.contains(path))
    }

    @Test(arguments: ["CURRENT", "manifest-"])
    func aFlippedBitInTheManifestLosesNoLine(file: String) async throws {
        let disk = SimDisk()
        let store = try open(disk, settings { $0.headSize = 1 << 20 })
        var expected: [[UInt8]] = []
        for round in 0..<6 {
            let some = (0..<20).map { Self.row(round * 20 + $0) }
            _ = try await store.append(batch(some))
            expected += some.map(\.line)
            if round < 5 { try await store.flush() }
            if round == 2 { try await store.compact() }
        }
        let image = disk.crashed(.nothing)
        await store.close()
        let path = try #require(image.paths.first { $0.hasPrefix("data/" + file) })
        let bytes = try #require(image.bytes(of: path))
        let mark = Array("TRME".utf8)
        let lastEdit = bytes.indices.last { bytes[$0...].starts(with: mark) } ?? bytes.count
        var random = SeededRandom(5)
        for at in bytes.indices {
            let damaged = image.copy()
            var flipped = bytes
            flipped[at] ^= 1 << UInt8(random.below(8))
            damaged.setBytes(flipped, of: path)
            do {
                let core = try recovered(damaged, Self.setup)
                let found = try lines(core)
                guard found.count == expected.count, Set(found) == Set(expected) else {
                    Issue.record(
                        "flip at \(at) of \(bytes.count): \(found.count) of \(expected.count) lines, \(core.damage.all)"
                    )
                    return
                }
                // The last edit cannot be told from one that was never finished; the log still has its rows.
                if core.damage.all.isEmpty, at < lastEdit {
                    Issue.record("flip at \(at) of \(bytes.count) was not reported")
                }
            } catch {
                Issue.record("flip at \(at) of \(bytes.count): \(error)")
                return
            }
        }
    }

    /// Found by `EveryBitTests`: a manifest lost the edit of a seal and kept that of the merge behind it. The rows of that
    /// seal were served twice then, from the merged segment and from the log, which still had them.
    @Test func aMergeBehindALostEditBringsNoRowTwice() async throws {
        let disk = SimDisk()
        let store = try open(disk, Self.setup)
        for round in 0..<3 {
            _ = try await store.append(batch((0..<10).map { Self.row(round * 10 + $0) }))
            try await store.flush()
        }
        try await store.compact()
        _ = try await store.append(batch((30..<35).map { Self.row($0) }))
        let image = disk.crashed(.nothing)
        await store.close()
        let path = try #require(image.paths.first { $0.contains("manifest-") })
        var bytes = try #require(image.bytes(of: path))
        let mark = Array("TRME".utf8)
        let edits = bytes.indices.filter { bytes[$0...].starts(with: mark) }
        // The last one is the merge's.
        bytes[edits[edits.count - 2] + 30] ^= 1
        image.setBytes(bytes, of: path)
        let core = try recovered(image, Self.setup)
        let found = try lines(core)
        #expect(found.count == 35 && Set(found) == Set((0..<35).map { Self.row($0).line }))
        #expect(!core.damage.all.isEmpty)
    }

    @Test func aLostLogFileIsReported() async throws {
        let disk = SimDisk()
        let store = try open(
            disk,
            settings {
                $0.headSize = 1 << 30
                $0.walFileSize = 2 << 10
            }
        )
        for i in 0..<60 { _ = try await store.append(batch([Self.row(i)])) }
        let image = disk.crashed(.nothing)
        await store.close()
        let logs = image.paths.filter { $0.contains("/wal-") }
        #expect(logs.count > 3)
        image.removeFile(logs[1])
        let core = try recovered(image, Self.setup)
        #expect(core.damage.all.count == 1)
        let found = try lines(core)
        #expect(found.count < 60 && found.count > 30)
    }
}
