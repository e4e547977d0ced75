import Bytes
import Disk
import Glibc
import LogModel
import LogTestKit
import Metrics
import Synchronization
import Testing

@testable import LogStore

@Suite(.eachCodec) struct FaultTests {
    private func row(_ i: Int, length: Int = 100) -> StoredRow {
        StoredRow(
            labels: label(["s": "x"]),
            timestamp: noon + Int64(i),
            line: Array("\(i) ".utf8) + [UInt8](repeating: 0x61, count: length)
        )
    }

    @Test func aFullDiskRefusesForLaterLosesNothingAndRecoversByItself() async throws {
        let disk = SimDisk()
        let store = try open(disk, settings { $0.codec = .none })
        var acknowledged: [StoredRow] = []
        var random = SeededRandom(1)
        for round in 0..<10 {
            disk.setCapacity(disk.used + 30_000)
            var refusals = 0
            for i in 0..<1000 {
                // Nothing that columns make small, or sealing would free more than comes in.
                var row = row(round * 1000 + i, length: 0)
                row.line += (0..<300).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                do throws(StoreError) {
                    _ = try await store.append(batch([row]))
                    acknowledged.append(row)
                } catch {
                    #expect(error.kind == .retryLater)
                    #expect(error.message.contains("free some space"))
                    refusals += 1
                    if refusals == 3 { break }
                }
            }
            #expect(refusals == 3)
            #expect(try rows(store) == acknowledged)
        }
        disk.setCapacity(1 << 30)
        try await store.flush()
        let next = row(1_000_000)
        _ = try await store.append(batch([next]))
        #expect(try rows(store) == acknowledged + [next])
        await store.close()
        let again = try open(disk)
        #expect(try rows(again) == acknowledged + [next])
        let damaged = try again.catalogue(tenant: .fake, range: .all).damaged
        #expect(damaged == [])
        await again.close()
    }

    @Test func littleFreeSpaceRefusesBeforeTheDiskIsFull() async throws {
        let disk = SimDisk()
        let clock = ManualClock()
        disk.setCapacity(1 << 20)
        let store = try open(disk, settings { $0.freeSpaceMin = 2 << 20 }, clock: clock)
        let refusal = await #expect(throws: StoreError.self) { try await store.append(batch([row(1)])) }
        #expect(refusal?.kind == .retryLater)
        disk.setCapacity(8 << 20)
        _ = try await store.append(batch([row(1)]))
        await store.close()
    }

    @Test(arguments: 1..<40)
    func aSyncThatFailsOnceIsNotTrustedAgain(number: Int) async throws {
        let disk = SimDisk()
        let store = try open(disk, settings { $0.headSize = 4 << 10 })
        disk.fail([.sync], after: number, code: EIO)
        var acknowledged: [StoredRow] = []
        for i in 0..<60 {
            let row = row(i)
            do throws(StoreError) {
                _ = try await store.append(batch([row]))
                acknowledged.append(row)
            } catch { #expect(error.kind == .retryLater) }
        }
        // Whatever was refused may be sent again; what was acknowledged survives without any further sync.
        let image = disk.crashed(.nothing)
        #expect(try rows(store) == acknowledged)
        await store.close()
        let again = try open(image)
        #expect(try rows(again) == acknowledged)
        let damaged = try again.catalogue(tenant: .fake, range: .all).damaged
        #expect(damaged == [])
        await again.close()
    }

    /// With a policy that syncs late, a failed sync means a new file with copies. Its header used to void the older file
    /// before the copies were in it: killed in between, the log began behind what had been acknowledged.
    @Test(arguments: 0..<12)
    func aKillWhileTheLogIsWrittenAnewLosesNothing(stop: Int) async throws {
        let disk = SimDisk()
        let clock = ManualClock()
        let store = try open(disk, settings { $0.sync = .interval(1_000_000) }, clock: clock)
        for i in 0..<3 { _ = try await store.append(batch([row(i)])) }
        let first = Mutex<Int?>(nil)
        let images = Mutex<[SimDisk]>([])
        disk.onOperation { [weak disk] number, operation, path throws(DiskError) in
            let isFirstSync = first.withLock { first in
                guard first == nil, operation == .sync else { return false }
                first = number
                return true
            }
            if isFirstSync { throw DiskError(.sync, path, EIO) }
            guard let began = first.withLock({ $0 }), number == began + 1 + stop, let disk else { return }
            images.withLock { $0.append(disk.crashed(.everything)) }
        }
        clock.advance(by: 2_000_000)
        for i in 3..<6 {
            _ = try await store.append(batch([row(i)]))
            clock.advance(by: 2_000_000)
        }
        disk.onOperation(nil)
        #expect(try rows(store).count == 6)
        await store.close()
        for image in images.withLock({ $0 }) {
            let again = try open(image)
            #expect(try rows(again).prefix(3) == [row(0), row(1), row(2)])
            await again.close()
        }
    }

    @Test func whileNoSyncWorksNothingIsAcknowledged() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        _ = try await store.append(batch([row(0)]))
        disk.fail([.sync], after: 1, code: EIO, forGood: true)
        for i in 1..<5 {
            let refusal = await #expect(throws: StoreError.self) { try await store.append(batch([row(i)])) }
            #expect(refusal?.kind == .retryLater)
        }
        #expect(try rows(store) == [row(0)])
        disk.onOperation(nil)
        _ = try await store.append(batch([row(9)]))
        let image = disk.crashed(.nothing)
        await store.close()
        let again = try open(image)
        #expect(try rows(again) == [row(0), row(9)])
        await again.close()
    }

    /// Each kind of operation fails at each turn, once and for good.
    @Test(arguments: [SimDisk.Operation.create, .write, .sync, .rename, .remove, .syncDirectory], [false, true])
    func theNthFailureOfEachKindLosesNothing(operation: SimDisk.Operation, forGood: Bool) async throws {
        let setup = settings {
            $0.headSize = 6 << 10
            $0.walFileSize = 4 << 10
            $0.mergeFan = 3
        }
        var number = 1
        while true {
            let disk = SimDisk()
            let hits = Hits()
            let nth = number
            disk.onOperation { _, kind, path throws(DiskError) in
                guard kind == operation else { return }
                let now = hits.next()
                if now == nth || (forGood && now > nth) { throw DiskError(.write, path, EIO) }
            }
            var acknowledged: [StoredRow] = []
            if let store = try? open(disk, setup) {
                for i in 0..<60 {
                    let row = row(i, length: 200)
                    if (try? await store.append(batch([row]))) != nil { acknowledged.append(row) }
                    if i % 20 == 19 { try? await store.flush() }
                }
                try? await store.maintain()
                #expect(try rows(store) == acknowledged)
                disk.onOperation(nil)
                await store.close()
            }
            disk.onOperation(nil)
            let again = try open(disk, setup)
            #expect(try rows(again) == acknowledged, "\(operation) \(number)")
            let damaged = try again.catalogue(tenant: .fake, range: .all).damaged
            #expect(damaged == [], "\(operation) \(number)")
            await again.close()
            if hits.count < number { break }
            number += number < 30 ? 1 : 7
        }
        #expect(number > 1)
    }

    /// The process dies right after a failure: whatever the manifest on disk says then, nothing acknowledged is lost.
    @Test(arguments: [SimDisk.Operation.create, .write, .sync, .rename, .remove, .syncDirectory])
    func aFailureAndThenACrashLosesNothing(operation: SimDisk.Operation) async throws {
        let setup = settings {
            $0.headSize = 6 << 10
            $0.walFileSize = 4 << 10
            $0.mergeFan = 3
        }
        var number = 1
        while number < 400 {
            let disk = SimDisk()
            let store = try open(disk, setup)
            let hits = Hits()
            let nth = number
            disk.onOperation { _, kind, path throws(DiskError) in
                // From its first failure on the disk is gone.
                if kind == operation { _ = hits.next() }
                if hits.count >= nth { throw DiskError(.write, path, EIO) }
            }
            var acknowledged: [StoredRow] = []
            for i in 0..<60 {
                let row = row(i, length: 200)
                if (try? await store.append(batch([row]))) != nil { acknowledged.append(row) }
                if i % 20 == 19 { try? await store.flush() }
            }
            try? await store.maintain()
            let images = [disk.crashed(.nothing), disk.crashed(.everything), disk.crashed(.random(UInt64(number)))]
            await store.close()
            for image in images {
                let core = try recovered(image, setup)
                let found = try Set(lines(core))
                #expect(found.isSuperset(of: acknowledged.map(\.line)), "\(operation) \(number)")
                #expect(core.damage.all == [], "\(operation) \(number)")
            }
            if hits.count < number { break }
            number += number < 40 ? 1 : 5
        }
        #expect(number > 1 || operation == .rename)
    }

    @Test func intervalsAndOffAcknowledgeWithoutASync() async throws {
        for policy in [StoreSettings.Sync.interval(50_000_000), .off] {
            let disk = SimDisk()
            let clock = ManualClock()
            let store = try open(disk, settings { $0.sync = policy }, clock: clock)
            _ = try await store.append(batch([row(0)]))
            #expect(try rows(store) == [row(0)])
            let early = try open(disk.crashed(.nothing))
            #expect(try rows(early) == [])
            await early.close()
            clock.advance(by: 60_000_000)
            _ = try await store.append(batch([row(1)]))
            clock.advance(by: 60_000_000)
            _ = try await store.append(batch([row(2)]))
            let late = try open(disk.crashed(.nothing))
            if policy != .off { #expect(try rows(late).count >= 1) }
            await late.close()
            let killed = try open(disk.crashed(.everything))
            #expect(try rows(killed) == [row(0), row(1), row(2)])
            await killed.close()
            await store.close()
            let closed = try open(disk.crashed(.nothing))
            #expect(try rows(closed) == [row(0), row(1), row(2)])
            await closed.close()
        }
    }
}

final class Hits: @unchecked Sendable {
    private let monitor = Monitor(0)
    func next() -> Int {
        monitor.withLock {
            $0 += 1; return $0
        }
    }
    var count: Int { monitor.withLock { $0 } }
}
