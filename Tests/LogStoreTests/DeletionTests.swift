import Bytes
import Disk
import LogModel
import LogTestKit
import Testing

@testable import LogStore

@Suite struct DeletionTests {
    static func request(_ id: String, tenant: Tenant = .fake, end: Int64 = noon) -> DeleteRequest {
        DeleteRequest(id: id, tenant: tenant, query: #"{app="a"} |= "é""#, start: -5, end: end, createdAt: noon)
    }

    @Test func requestsSurviveRestartsAndPowerLoss() async throws {
        let disk = SimDisk()
        var store = try open(disk)
        let other = try #require(Tenant("other"))
        try store.deletions.add(Self.request("1"))
        try store.deletions.add(Self.request("2", tenant: other))
        try store.deletions.add(Self.request("3"))
        #expect(try store.deletions.remove(id: "1", of: .fake))
        #expect(try !store.deletions.remove(id: "2", of: .fake))
        // What was answered is there although the power goes at once.
        let crashed = disk.crashed(.nothing)
        await store.close()
        store = try open(crashed)
        #expect(store.deletions.requests(of: .fake) == [Self.request("3")])
        #expect(store.deletions.requests(of: other) == [Self.request("2", tenant: other)])
        await store.close()
    }

    /// I5: damage is reported and never stops the rest from being served.
    @Test func aDamagedFileIsSetAsideAndTold() async throws {
        let disk = SimDisk()
        var store = try open(disk)
        try store.deletions.add(Self.request("1"))
        await store.close()
        let path = "data/DELETIONS"
        var bytes = try #require(disk.bytes(of: path))
        for at in bytes.indices {
            bytes[at] ^= 0x40
            let broken = disk.copy()
            broken.setBytes(bytes, of: path)
            bytes[at] ^= 0x40
            store = try open(broken)
            #expect(store.deletions.requests(of: .fake).isEmpty)
            #expect(try store.catalogue(tenant: .fake, range: .all).damaged.contains { $0.contains("DELETIONS") })
            #expect(broken.bytes(of: path + ".damaged") != nil)
            await store.close()
        }
    }

    @Test func requestsGoWithTheLinesTheyHide() async throws {
        let disk = SimDisk()
        let clock = ManualClock()
        var store = try open(disk, clock: clock)
        let now = clock.wall.nanoseconds
        let old = DeleteRequest(id: "1", tenant: .fake, query: "{a=\"b\"}", start: 0, end: now - 20, createdAt: now - 20)
        let young = DeleteRequest(id: "2", tenant: .fake, query: "{a=\"b\"}", start: 0, end: now - 5, createdAt: now - 5)
        try store.deletions.add(old)
        try store.deletions.add(young)
        await store.close()
        store = try open(disk, settings { $0.retentionAge = 10 }, clock: clock)
        #expect(store.deletions.requests(of: .fake) == [young])
        await store.close()
    }

    @Test func thereIsALimit() throws {
        let disk = SimDisk()
        let list = (0..<StoreDeletions.countMax).map { Self.request("\($0)") }
        try disk.makeDirectory("data")
        let contents = StoreDeletions.encode(list)
        try disk.atomicReplace("data/DELETIONS", with: contents.view)
        let deletions = try StoreDeletions.open(settings(), disk: disk, now: 0, damage: DamageList())
        #expect(deletions.requests(of: .fake).count == list.count)
        #expect(throws: StoreError.self) { try deletions.add(Self.request("more")) }
        #expect(deletions.requests(of: .fake).count == list.count)
    }
}
