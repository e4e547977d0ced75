import Bytes
import Disk
import LogModel
import LogTestKit
import NIOCore
import Synchronization
import Testing

@testable import LogShipping

@Suite(.timeLimit(.minutes(2))) struct SpoolTests {
    private static let folder = "/spool"

    private static func open(_ disk: SimDisk, sizeMax: Int = 1 << 30, said: Said = Said()) throws -> Spool {
        var settings = SpoolSettings(directory: folder)
        settings.sizeMax = sizeMax
        return try Spool(settings, disk: disk, report: { said.add($0) })
    }

    final class Said: Sendable {
        private let list = Mutex<[String]>([])
        func add(_ text: String) { list.withLock { $0.append(text) } }
        var all: String { list.withLock { $0.joined(separator: "\n") } }
    }

    private static func parcel(_ number: Int, size: Int = 100) -> Parcel {
        var body = ByteBuffer(string: "body \(number) ")
        body.writeRepeatingByte(0x78, count: size)
        return Parcel(body: body, entries: 10, bytes: 1_000, tenant: "t\(number % 3)", batchHeader: "", shard: number % 4)
    }

    private static func advance(_ number: Int) -> Spool.Advance {
        Spool.Advance(
            source: ByteString("file:\(number % 2)"), path: "/var/log/\(number % 2).log",
            to: SourcePosition(offset: UInt64(number * 100 + 100), detail: "mark"))
    }

    private static func append(_ spool: Spool, _ number: Int, size: Int = 100) -> Spool.Appended {
        spool.append([advance(number)], [parcel(number, size: size)], [spool.sequences(1)])
    }

    /// What is left, without waiting for more.
    private static func rest(_ spool: Spool) -> [(ordinal: UInt64, parcels: [Parcel])] {
        spool.finish()
        var found: [(ordinal: UInt64, parcels: [Parcel])] = []
        while let next = spool.next() { found.append(next) }
        return found
    }

    private static func bodies(_ records: [(ordinal: UInt64, parcels: [Parcel])]) -> [String] {
        records.flatMap { $0.parcels.map { String(buffer: $0.body).split(separator: " ").prefix(2).joined(separator: " ") } }
    }

    @Test func recordsComeBackInOrderWithTheirNumbers() throws {
        let disk = SimDisk()
        var spool = try Self.open(disk)
        for number in 0..<10 { #expect(Self.append(spool, number) == .stored) }
        guard let first = spool.next(), let second = spool.next() else {
            Issue.record("nothing there")
            return
        }
        #expect(first.parcels.first?.tenant == "t0" && second.parcels.first?.shard == 1 && first.parcels.first?.entries == 10)
        spool.done(second.ordinal)
        spool.done(first.ordinal)
        spool.close()
        spool = try Self.open(disk)
        let rest = Self.rest(spool)
        #expect(Self.bodies(rest) == (2..<10).map { "body \($0)" })
        #expect(Set(rest.flatMap { $0.parcels.map(\.batchHeader) }).count == 8)
        #expect(Array(spool.advances.map(\.to.offset)) == [900, 1_000], "the latest of each source")
        spool.close()
        let again = Self.rest(try Self.open(disk))
        #expect(again.map { $0.parcels.map(\.batchHeader) } == rest.map { $0.parcels.map(\.batchHeader) }, "the same numbers")
    }

    @Test func twoRunsNeverGiveTheSameNumber() throws {
        let disk = SimDisk()
        var headers: [String] = []
        for run in 0..<3 {
            let spool = try Self.open(disk)
            for number in 0..<3 { _ = Self.append(spool, run * 3 + number) }
            if run == 2 { headers = Self.rest(spool).flatMap { $0.parcels.map(\.batchHeader) } }
            spool.close()
        }
        #expect(headers.count == 9 && Set(headers).count == 9)
    }

    @Test func partsThatAreDoneLeaveTheDiskOncePositionsAreSaved() throws {
        let disk = SimDisk()
        let spool = try Self.open(disk, sizeMax: 8 << 20)
        let saves = Atomic<Int>(0)
        spool.beforeRelease { _ in
            saves.add(1, ordering: .relaxed)
            return true
        }
        for number in 0..<20 {
            #expect(Self.append(spool, number, size: 400_000) == .stored)
            if let record = spool.next() { spool.done(record.ordinal) }
        }
        #expect(Self.rest(spool).isEmpty)
        #expect(saves.load(ordering: .relaxed) > 0)
        #expect(spool.summary.bytes < 3 << 20 && spool.summary.entries == 0)
        #expect(disk.used < 3 << 20)
    }

    /// A part was acknowledged and removed before the positions file had been told of what was in it: after a kill its lines came twice.
    @Test func aPartStaysUntilItsPositionsAreSafeElsewhere() throws {
        let disk = SimDisk()
        let spool = try Self.open(disk, sizeMax: 8 << 20)
        let asked = Mutex<[[Spool.Advance]]>([])
        let isSafe = Atomic<Bool>(false)
        spool.beforeRelease { advances in
            asked.withLock { $0.append(advances.sorted { $0.source < $1.source }) }
            return isSafe.load(ordering: .relaxed)
        }
        for number in 0..<6 {
            #expect(Self.append(spool, number, size: 400_000) == .stored)
            if let record = spool.next() { spool.done(record.ordinal) }
        }
        let held = disk.used
        #expect(held > 2_400_000 && spool.summary.bytes > 2_400_000, "nothing is gone")
        #expect(asked.withLock { $0.first } == [Self.advance(0), Self.advance(1)], "the latest of each source in the first part")
        spool.close()
        // Now a run in which they are.
        let again = try Self.open(disk, sizeMax: 8 << 20)
        #expect(again.advances.map(\.to.offset).max() == 600, "they are still known")
        again.beforeRelease { _ in true }
        #expect(Self.rest(again).isEmpty)
        #expect(disk.used < 1_000)
    }

    /// One job's record whose sync failed is written again later; what took its number in between was another's. The first one is not there,
    /// so its position must not be believed.
    @Test func positionsOfARecordThatWasReplacedAreNotBelieved() throws {
        let disk = SimDisk()
        var settings = SpoolSettings(directory: Self.folder)
        settings.syncs = true
        let spool = try Spool(settings, disk: disk, report: { _ in })
        #expect(Self.append(spool, 0) == .stored)
        let fails = Atomic<Bool>(true)
        disk.onOperation { _, operation, path throws(DiskError) in
            if operation == .sync, fails.exchange(false, ordering: .relaxed) { throw DiskError(.sync, path, 5) }
        }
        guard case .failed = Self.append(spool, 1) else {
            Issue.record("it was stored")
            return
        }
        #expect(Self.append(spool, 2) == .stored)
        spool.close()
        let again = try Self.open(disk)
        #expect(Self.bodies(Self.rest(again)) == ["body 0", "body 2"])
        #expect(!again.advances.contains(Self.advance(1)), "\(again.advances)")
    }

    @Test func whenFullItSaysSoAndTheOldestCanMakeRoom() throws {
        let disk = SimDisk()
        let spool = try Self.open(disk, sizeMax: 4 << 20)
        var stored = 0
        while Self.append(spool, stored, size: 500_000) == .stored { stored += 1 }
        #expect((6...8).contains(stored))
        #expect(disk.used <= 4 << 20 + 100)
        let lost = spool.makeRoom()
        #expect(lost > 0 && lost % 10 == 0)
        #expect(Self.append(spool, stored, size: 500_000) == .stored)
        #expect(Self.bodies(Self.rest(spool)) == (lost / 10...stored).map { "body \($0)" })
        #expect(Self.append(spool, 0, size: 5 << 20) != .stored, "larger than all of it")
    }

    /// Power fails at every operation, and any of what was not synced may be there or not: what was reported as stored is
    /// there, once, and nothing else that was not begun.
    @Test(arguments: [0, 1, 2])
    func nothingStoredIsLostWhenPowerFails(mode: Int) throws {
        var at = 1
        while true {
            let disk = SimDisk()
            let point = at
            disk.onOperation { number, _, path throws(DiskError) in
                if number >= point { throw DiskError(.write, path, 5) }
            }
            var stored: [Int] = []
            var acknowledged = 0
            if let spool = try? Self.open(disk, sizeMax: 8 << 20) {
                for number in 0..<8 {
                    if Self.append(spool, number, size: 300_000) == .stored { stored.append(number) }
                    if number % 3 == 2, stored.count > acknowledged, let record = spool.next() {
                        spool.done(record.ordinal)
                        acknowledged += 1
                    }
                }
            }
            let count = disk.operations
            disk.powerOff()
            let survival: SimDisk.Survival = mode == 0 ? .nothing : mode == 1 ? .everything : .random(UInt64(at))
            let after = disk.crashed(survival)
            let spool = try Self.open(after)
            let found = Self.bodies(Self.rest(spool))
            let wanted = stored.dropFirst(acknowledged).map { "body \($0)" }
            #expect(Set(wanted).isSubset(of: found), "operation \(at): lost of \(wanted): \(found)")
            #expect(Set(found).count == found.count, "operation \(at): twice")
            if count < point { break }
            at += 1
        }
        #expect(at > 10)
    }

    @Test func aDamagedPartIsSetAsideAndTheRestIsSent() throws {
        let disk = SimDisk()
        var spool = try Self.open(disk, sizeMax: 8 << 20)
        for number in 0..<9 { _ = Self.append(spool, number, size: 300_000) }
        spool.close()
        let parts = disk.paths.filter { $0.contains("/part-") }
        #expect(parts.count == 3)
        guard let victim = parts.first, var bytes = disk.bytes(of: victim) else { return }
        bytes[400_000] ^= 1
        disk.setBytes(bytes, of: victim)
        let said = Said()
        spool = try Self.open(disk, said: said)
        #expect(spool.damagedParts == 1)
        #expect(said.all.contains("set aside as \(victim).damaged"))
        #expect(disk.paths.contains("\(victim).damaged"))
        #expect(Self.bodies(Self.rest(spool)) == [0, 2, 3, 4, 5, 6, 7, 8].map { "body \($0)" })
        spool.close()
        // A head that cannot be read costs its part, and no more.
        guard let other = parts.last, var head = disk.bytes(of: other) else { return }
        head[3] ^= 1
        disk.setBytes(head, of: other)
        spool = try Self.open(disk, said: said)
        #expect(Self.bodies(Self.rest(spool)) == [0, 2, 3, 4, 5].map { "body \($0)" })
        #expect(Self.append(spool, 9) == .stored)
    }

    /// A kill left half a record at the end of the last part. At the second start that part was not the last one any more,
    /// and half a record in the middle is damage.
    @Test func halfARecordAtTheEndIsNoDamageLaterEither() throws {
        let disk = SimDisk()
        var spool = try Self.open(disk)
        for number in 0..<3 { _ = Self.append(spool, number) }
        spool.close()
        guard let part = disk.paths.first(where: { $0.contains("/part-") }), let bytes = disk.bytes(of: part) else { return }
        disk.setBytes(Array(bytes.dropLast(50)), of: part)
        let said = Said()
        for run in 0..<3 {
            spool = try Self.open(disk, said: said)
            #expect(spool.damagedParts == 0)
            #expect(Self.append(spool, 10 + run) == .stored)
            spool.close()
        }
        #expect(said.all.contains("were not written whole"))
        #expect(Self.bodies(Self.rest(try Self.open(disk))) == [0, 1, 10, 11, 12].map { "body \($0)" })
    }

    /// What is wrong in the middle of the last part is not what a kill leaves.
    @Test func damageInTheMiddleOfTheLastPartIsDamage() throws {
        let disk = SimDisk()
        var spool = try Self.open(disk)
        for number in 0..<3 { _ = Self.append(spool, number, size: 1_000) }
        spool.close()
        guard let part = disk.paths.first(where: { $0.contains("/part-") }), var bytes = disk.bytes(of: part) else { return }
        bytes[1_500] ^= 1
        disk.setBytes(bytes, of: part)
        spool = try Self.open(disk)
        #expect(spool.damagedParts == 1)
        #expect(Self.bodies(Self.rest(spool)) == [0, 2].map { "body \($0)" })
    }

    /// Many small records: those that are done are moved out seldom.
    @Test func manySmallRecordsAreSentInTheirOrder() throws {
        let disk = SimDisk()
        let spool = try Self.open(disk)
        for number in 0..<3_000 { _ = spool.append([], [Self.parcel(number, size: 1)], [spool.sequences(1)]) }
        var seen: [UInt64] = []
        for _ in 0..<3_000 {
            guard let record = spool.next() else { break }
            seen.append(record.ordinal)
            // The one before is done after this one, but for the last.
            if seen.count % 2 == 0 {
                spool.done(record.ordinal)
                spool.done(record.ordinal - 1)
            }
        }
        #expect(seen == Array(0..<3_000))
        #expect(spool.isEmpty && spool.summary.entries == 0)
        #expect(Self.append(spool, 3_000) == .stored)
        #expect(Self.bodies(Self.rest(spool)) == ["body 3000"])
    }

    @Test func twoCollectorsDoNotShareASpool() throws {
        let disk = SimDisk()
        let spool = try Self.open(disk)
        #expect(throws: DiskError.self) { try Self.open(disk) }
        spool.close()
        _ = try Self.open(disk)
    }

    @Test func foreignBytesAreErrors() {
        let identity = SpoolIdentity.make()
        let record = SpoolFormat.record(
            ordinal: 7, advances: [Self.advance(1)], parcels: [Self.parcel(1)], sequences: [300])
        let payload = record.view.suffix(from: SpoolFormat.recordHeadSize)
        for length in 0..<payload.count {
            #expect(throws: DecodeError.self) {
                try SpoolFormat.decode(payload.prefix(length), identity: identity, keepsBodies: true)
            }
        }
        withExtendedLifetime(record) {}
    }
}
