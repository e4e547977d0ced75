import Bytes
import Disk
import LogModel
import LogTestKit
import Metrics
import Synchronization
import Testing

@testable import LogStore

/// Lines of delete requests leave the disk: in time, all of them, nothing else, whatever happens to the process.
@Suite(.eachCodec) struct PhysicalDeletionTests {
    static let hour: Int64 = 3_600 * second
    static var setup: StoreSettings {
        settings {
            $0.deleteCancelPeriod = 2 * hour
            $0.deleteWithin = 4 * hour
            $0.codec = .none
        }
    }

    static func isMeant(_ row: StoredRow) -> Bool {
        row.labels == label(["app": "a1"]) && row.line.withView { $0.contains(ByteView("ERROR")) }
    }

    /// The files of the store that the bytes of a line are in.
    static func holders(_ text: String, _ disk: SimDisk) -> [String] {
        disk.paths.filter { path in
            disk.bytes(of: path)?.withView { bytes in text.withView { bytes.contains($0) } } ?? false
        }
    }

    static func isOnDisk(_ text: String, _ disk: SimDisk) -> Bool { !holders(text, disk).isEmpty }

    /// The log kept a deleted line for as long as its file had room: the request said it was carried out, and was not.
    @Test func aRequestIsNotFinishedWhileTheLogHoldsItsLines() async throws {
        let disk = SimDisk()
        let clock = ManualClock(wall: noon)
        let store = try open(disk, Self.setup, clock: clock)
        store.deletePhysically(by: WordJudge())
        let secret = StoredRow(labels: label(["app": "a1"]), timestamp: noon + 7, line: Array("ERROR whole-secret-4711 here".utf8))
        _ = try await store.append(batch(sampleRows(100) + [secret]))
        try await store.flush()
        // In the same file of the log, and in no segment yet.
        let young = StoredRow(labels: label(["app": "young"]), timestamp: noon + 9, line: Array("quiet".utf8))
        _ = try await store.append(batch([young]))
        try store.deletions.add(wordRequest("1", "a1 ERROR"))
        clock.advance(by: 30 * Self.hour)
        try await store.maintain()
        let isFinished = store.deletions.all.first?.isProcessed == true
        // The other way round it may be a moment behind: the log lets go of files by itself.
        #expect(!isFinished || !Self.isOnDisk("whole-secret-4711", disk))
        try await store.flush()
        try await store.maintain()
        #expect(store.deletions.all.first?.isProcessed == true)
        #expect(Self.holders("whole-secret-4711", disk) == [])
        await store.close()
        let again = try open(disk, Self.setup, clock: clock)
        #expect(try rows(again) == (sampleRows(100) + [young]).filter { !Self.isMeant($0) }.sorted())
        await again.close()
    }

    @Test func linesLeaveTheDiskWhenTheRequestCanNoLongerBeTakenBack() async throws {
        let disk = SimDisk()
        let clock = ManualClock(wall: noon)
        let registry = Registry()
        let store = try open(disk, Self.setup, clock: clock, registry: registry)
        store.deletePhysically(by: WordJudge())
        // The codec packs nothing, so an id is found in a file as it is.
        let secret = StoredRow(labels: label(["app": "a1"]), timestamp: noon + 7, line: Array("ERROR whole-secret-4711 here".utf8))
        let all = sampleRows(400) + [secret]
        _ = try await store.append(batch(all))
        try await store.flush()
        try store.deletions.add(wordRequest("1", "a1 ERROR"))
        try await store.maintain()
        #expect(try rows(store) == all.sorted(), "the store itself hides nothing")
        clock.advance(by: 3 * Self.hour)
        try await store.maintain()
        #expect(store.deletions.all.first?.isProcessed == false, "half of the time has not passed")
        #expect(Self.isOnDisk("whole-secret-4711", disk))
        clock.advance(by: Self.hour)
        try await store.maintain()
        #expect(store.deletions.all.first?.processedAt == clock.wall.nanoseconds)
        #expect(try rows(store) == all.filter { !Self.isMeant($0) }.sorted())
        #expect(Self.holders("whole-secret-4711", disk) == [])
        await store.close()
        #expect(StoreVerification.run(try StoreView.open("data", disk: disk)).isClean)
        let again = try open(disk, Self.setup, clock: clock)
        #expect(try rows(again) == all.filter { !Self.isMeant($0) }.sorted())
        #expect(again.deletions.all.first?.isProcessed == true)
        await again.close()
    }

    @Test func aManualMergeNeedNotWaitForHalfOfTheTime() async throws {
        let clock = ManualClock(wall: noon)
        let store = try open(SimDisk(), Self.setup, clock: clock)
        store.deletePhysically(by: WordJudge())
        _ = try await store.append(batch(sampleRows(100)))
        try await store.flush()
        try store.deletions.add(wordRequest("1", "a1 ERROR"))
        try await store.compact()
        #expect(store.deletions.all.first?.isProcessed == false, "it can still be taken back")
        clock.advance(by: 2 * Self.hour)
        try await store.compact()
        #expect(store.deletions.all.first?.isProcessed == true)
        #expect(try rows(store) == sampleRows(100).filter { !Self.isMeant($0) }.sorted())
        await store.close()
    }

    @Test func atOnceWhereSomebodyAsksForIt() async throws {
        let disk = SimDisk()
        let store = try open(disk, Self.setup, clock: ManualClock(wall: noon))
        store.deletePhysically(by: WordJudge())
        _ = try await store.append(batch(sampleRows(100)))
        try store.deletions.add(wordRequest("1", "a1 ERROR"))
        try store.deletions.add(wordRequest("2", "a2"))
        try await store.deleteNow()
        let left = sampleRows(100).filter { !Self.isMeant($0) && $0.labels != label(["app": "a2"]) }
        #expect(try rows(store) == left.sorted())
        #expect(store.deletions.all.allSatisfy { $0.isProcessed })
        await store.close()
    }

    @Test func rowsInMemoryKeepARequestOpen() async throws {
        let clock = ManualClock(wall: noon)
        let store = try open(SimDisk(), Self.setup, clock: clock)
        store.deletePhysically(by: WordJudge())
        clock.advance(by: 10 * Self.hour)
        _ = try await store.append(batch(sampleRows(100)))
        try store.deletions.add(wordRequest("1", "a1 ERROR"))
        try await store.maintain()
        #expect(store.deletions.all.first?.isProcessed == false)
        try await store.flush()
        try await store.maintain()
        #expect(store.deletions.all.first?.isProcessed == true)
        #expect(try rows(store) == sampleRows(100).filter { !Self.isMeant($0) }.sorted())
        await store.close()
    }

    @Test func wholeSegmentsGoAndOthersStayAsTheyAre() async throws {
        let disk = SimDisk()
        let other = try #require(Tenant("other"))
        let kept = try #require(Tenant("kept"))
        let store = try open(disk, settings { $0.mergeFan = 100 }, clock: ManualClock(wall: noon))
        store.deletePhysically(by: WordJudge(keeps: [kept]))
        let one = StoredRow(labels: label(["app": "x"]), timestamp: noon, line: Array("one".utf8))
        let two = StoredRow(labels: label(["app": "y"]), timestamp: noon, line: Array("two".utf8))
        _ = try await store.append(batch([one]))
        try await store.flush()
        _ = try await store.append(batch([two]))
        try await store.flush()
        _ = try await store.append(batch([one], tenant: other))
        _ = try await store.append(batch([one], tenant: kept))
        try await store.flush()
        let before = disk.paths.filter { $0.contains("/segment-") }
        try store.deletions.add(wordRequest("1", "x"))
        try store.deletions.add(wordRequest("2", "x", tenant: kept))
        try await store.deleteNow()
        #expect(try rows(store) == [two])
        #expect(try rows(store, tenant: other) == [one])
        #expect(try rows(store, tenant: kept) == [one], "hidden only, as its limits say")
        #expect(store.deletions.all.map(\.isProcessed) == [true, false])
        #expect(disk.paths.filter { $0.contains("/segment-") } == Array(before.dropFirst()))
        await store.close()
    }

    /// A part that cannot be read may hold what was deleted: the request stays open, and goes on hiding it.
    @Test func damagedSegmentsKeepARequestOpen() async throws {
        let disk = SimDisk()
        var store = try open(disk, settings { $0.headSize = 1 << 20 }, clock: ManualClock(wall: noon))
        _ = try await store.append(batch(sampleRows(1000)))
        await store.close()
        let segment = try #require(try StoreView.open("data", disk: disk).core.snapshot().segments.first)
        let column = try #require(segment.groups.first?.columns.first { $0.body.packed > 4 && $0.count < 1000 })
        var bytes = try #require(disk.bytes(of: segment.path))
        bytes[column.body.offset + 2] ^= 1
        disk.setBytes(bytes, of: segment.path)
        store = try open(disk, Self.setup, clock: ManualClock(wall: noon))
        store.deletePhysically(by: WordJudge())
        try store.deletions.add(wordRequest("1", "a1 nothing has this"))
        try await store.deleteNow()
        #expect(store.deletions.all.first?.isProcessed == false)
        #expect(disk.bytes(of: segment.path) == bytes, "and the file stays as it is")
        await store.close()
    }

    /// One that nobody can read any more fails who asks for it, and stops nothing else.
    @Test func aRequestThatCannotBeCarriedOutStopsNothing() async throws {
        struct Broken: DeletionJudge {
            func sieve(_ requests: [DeleteRequest]) throws -> any RowSieve { throw DecodeError("what is this") }
            func removes(_ tenant: Tenant) -> Bool { true }
        }
        let store = try open(SimDisk(), clock: ManualClock(wall: noon))
        store.deletePhysically(by: Broken())
        for part in 0..<3 {
            _ = try await store.append(batch(sampleRows(50, from: part * 50)))
            try await store.flush()
        }
        try store.deletions.add(wordRequest("1", "a1", createdAt: 0))
        await #expect(throws: StoreError.self) { try await store.compact() }
        #expect(store.parts.segments == 1)
        #expect(try rows(store) == sampleRows(150).sorted())
        #expect(store.deletions.all.map(\.isProcessed) == [false])
        await store.close()
    }

    private final class Faults: Sendable {
        let found = Mutex<[String]>([])
        let images = Atomic<Int>(0)
    }

    /// The power fails at every write and every sync of a deletion. Afterwards each kept line is there once; a deleted
    /// one is there – and then its request is open and hides it – or gone; and what is tried again succeeds.
    @Test func atEveryOperationOfADeletion() async throws {
        let base = SimDisk()
        let filling = try open(base, settings { $0.headSize = 16 << 10; $0.mergeFan = 100; $0.segmentSize = 1 }, clock: ManualClock(wall: noon))
        let all = sampleRows(600)
        for part in 0..<3 {
            _ = try await filling.append(batch(Array(all[part * 200..<part * 200 + 200])))
            try await filling.flush()
        }
        await filling.close()
        let kept = all.filter { !Self.isMeant($0) }.map(\.line)
        let meant = all.filter(Self.isMeant).map(\.line)
        let setup = settings { $0.mergeFan = 100; $0.segmentSize = 1 }

        let disk = base.copy()
        let store = try open(disk, setup, clock: ManualClock(wall: noon))
        store.deletePhysically(by: WordJudge())
        try store.deletions.add(wordRequest("1", "a1 ERROR"))
        let faults = Faults()
        disk.onOperation { number, _, _ throws(DiskError) in
            for survival in [SimDisk.Survival.nothing, .everything, .random(UInt64(number)), .prefix(UInt64(number))] {
                let image = disk.crashed(survival)
                let what = "operation \(number), \(survival)"
                faults.images.add(1, ordering: .relaxed)
                do {
                    let core = try recovered(image, setup)
                    let found = try lines(core)
                    let requests = try StoreDeletions.open(setup, disk: image, now: noon, damage: core.damage).all
                    var problems: [String] = core.damage.all
                    if Set(found).count != found.count { problems.append("a line is there twice") }
                    if !Set(kept).isSubset(of: Set(found)) { problems.append("a line is lost") }
                    if found.count != kept.count + Set(found).intersection(meant).count { problems.append("strange lines") }
                    let isDone = requests.first?.isProcessed ?? false
                    if requests.count != 1 { problems.append("the request is lost") }
                    if isDone, found.count != kept.count { problems.append("done, and not gone") }
                    if !problems.isEmpty { faults.found.withLock { $0 += problems.map { "\(what): \($0)" } } }
                } catch {
                    faults.found.withLock { $0.append("\(what): \(error)") }
                }
            }
        }
        try await store.deleteNow()
        disk.onOperation(nil)
        #expect(faults.images.load(ordering: .relaxed) > 60)
        let found = faults.found.withLock { $0 }
        #expect(found.isEmpty, "\(found.count) faults, first: \(found.prefix(5))")
        #expect(try rows(store).map(\.line).sorted { $0.lexicographicallyPrecedes($1) } == kept.sorted { $0.lexicographicallyPrecedes($1) })
        await store.close()

        // Killed in the middle, started again: it is finished.
        let total = disk.operations
        for step in stride(from: 2, through: total, by: 3) {
            let image = base.copy()
            let first = try open(image, setup, clock: ManualClock(wall: noon))
            first.deletePhysically(by: WordJudge())
            try first.deletions.add(wordRequest("1", "a1 ERROR"))
            let start = image.operations
            image.onOperation { number, operation, path throws(DiskError) in
                if number >= start + step { throw DiskError(.write, path, 5) }
            }
            _ = try? await first.deleteNow()
            let crashed = image.crashed(.random(UInt64(step)))
            await first.close()
            let second = try open(crashed, setup, clock: ManualClock(wall: noon))
            second.deletePhysically(by: WordJudge())
            try await second.deleteNow()
            #expect(second.deletions.all.map(\.isProcessed) == [true], "step \(step)")
            #expect(try rows(second) == all.filter { !Self.isMeant($0) }.sorted(), "step \(step)")
            await second.close()
        }
    }
}
