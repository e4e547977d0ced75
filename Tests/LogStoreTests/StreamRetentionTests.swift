import Bytes
import Disk
import LogModel
import LogTestKit
import Metrics
import Testing

@testable import LogStore

/// Streams that are kept longer or shorter than others.
@Suite(.eachCodec) struct StreamRetentionTests {
    static let hour: Int64 = 3_600 * second

    private func rule(_ app: String, priority: Int = 0, hours: Int64) throws -> RetentionRule {
        RetentionRule(
            matchers: [try LabelMatcher("app", .matches, ByteString(app))], priority: priority, period: hours * Self.hour)
    }

    @Test func theHighestPriorityCountsAndAmongEqualsTheShortest() throws {
        let retention = TenantRetention(
            age: 100, rules: [try rule("a.*", priority: 1, hours: 5), try rule("ab", priority: 2, hours: 9), try rule("a.", priority: 1, hours: 3), try rule("z", hours: 0)])
        #expect(retention.age(of: label(["app": "ab"])) == 9 * Self.hour)
        #expect(retention.age(of: label(["app": "ac"])) == 3 * Self.hour)
        #expect(retention.age(of: label(["app": "acc"])) == 5 * Self.hour)
        #expect(retention.age(of: label(["app": "b"])) == 100)
        #expect(retention.age(of: label(["app": "z"])) == nil, "0 is for ever")
        #expect(retention.longest == nil)
        #expect(TenantRetention(age: 100, rules: [try rule("a", hours: 7)]).longest == 7 * Self.hour)
        #expect(TenantRetention(age: nil, rules: []).longest == nil)
    }

    private func rows(_ app: String, _ count: Int, _ time: Int64) -> [StoredRow] {
        (0..<count).map {
            StoredRow(labels: label(["app": app]), timestamp: time + Int64($0), line: Array("\(app) line \($0)".utf8))
        }
    }

    @Test func mixedFilesLoseTheExpiredStreamsWhenTheyAreAQuarterAndNotBefore() async throws {
        let disk = SimDisk()
        let clock = ManualClock(wall: noon)
        let registry = Registry()
        let setup = settings {
            $0.retentionAge = 1000 * Self.hour
            $0.retentionRules = [
                RetentionRule(matchers: (try? [LabelMatcher("app", .equal, "short")]) ?? [], priority: 1, period: 2 * Self.hour)
            ]
        }
        let store = try open(disk, setup, clock: clock, registry: registry)
        // A third of this file, a tenth of that one.
        let first = rows("short", 50, noon) + rows("stays", 100, noon)
        let second = rows("short", 10, noon + 1000) + rows("stays", 100, noon + 1000)
        _ = try await store.append(batch(first))
        try await store.flush()
        _ = try await store.append(batch(second))
        try await store.flush()
        clock.advance(by: Self.hour)
        try await store.maintain()
        #expect(try LogStoreTests.rows(store) == (first + second).sorted())
        clock.advance(by: 2 * Self.hour)
        try await store.maintain()
        #expect(try LogStoreTests.rows(store) == (rows("stays", 100, noon) + second).sorted())
        // Few bytes wait a day, not for ever.
        clock.advance(by: 24 * Self.hour)
        try await store.maintain()
        #expect(try LogStoreTests.rows(store) == (rows("stays", 100, noon) + rows("stays", 100, noon + 1000)).sorted())
        #expect(store.parts.segments == 2)
        await store.close()
        #expect(StoreVerification.run(try StoreView.open("data", disk: disk)).isClean)
    }

    @Test func wholeFilesGoWithoutBeingRead() async throws {
        let disk = SimDisk()
        let clock = ManualClock(wall: noon)
        let other = try #require(Tenant("other"))
        let setup = settings {
            $0.retentionRules = [
                RetentionRule(matchers: (try? [LabelMatcher("app", .equal, "short")]) ?? [], priority: 1, period: 2 * Self.hour)
            ]
            $0.tenantRetention = [other: TenantRetention(age: Self.hour, rules: [])]
            $0.mergeFan = 100
        }
        let store = try open(disk, setup, clock: clock)
        _ = try await store.append(batch(rows("short", 20, noon)))
        try await store.flush()
        _ = try await store.append(batch(rows("stays", 20, noon)))
        try await store.flush()
        _ = try await store.append(batch(rows("stays", 20, noon), tenant: other))
        try await store.flush()
        clock.advance(by: 90 * 60 * second)
        try await store.maintain()
        #expect(try LogStoreTests.rows(store, tenant: other).isEmpty)
        #expect(try LogStoreTests.rows(store).count == 40)
        clock.advance(by: Self.hour)
        try await store.maintain()
        #expect(try LogStoreTests.rows(store) == rows("stays", 20, noon).sorted())
        #expect(store.parts.segments == 1)
        await store.close()
    }

    /// A request that hides lines of a stream kept for ever must not be forgotten because others expire.
    @Test func deleteRequestsLiveAsLongAsWhatTheyHide() async throws {
        let disk = SimDisk()
        let clock = ManualClock()
        var store = try open(disk, clock: clock)
        let now = clock.wall.nanoseconds
        try store.deletions.add(wordRequest("1", "a", end: now - 20, createdAt: now - 20))
        await store.close()
        store = try open(
            disk, settings { $0.retentionAge = 10; $0.retentionRules = [RetentionRule(matchers: [], priority: 0, period: 0)] },
            clock: clock)
        #expect(store.deletions.all.count == 1)
        await store.close()
        store = try open(disk, settings { $0.retentionAge = 10 }, clock: clock)
        #expect(store.deletions.all.isEmpty)
        await store.close()
    }
}
