import Bytes
import Disk
import LogModel
import LogTestKit
import Metrics
import Testing

@testable import LogStore

@Suite struct ScrubTests {
    @Test func eachSegmentOnceInAPeriodEvenlySpread() {
        var random = SeededRandom(1)
        var schedule = ScrubSchedule(period: 1000, now: 0)
        let segments: [UInt64] = [3, 5, 8, 9]
        #expect(schedule.wait([], now: 0) == nil)
        var seen: [UInt64] = []
        var now: Int64 = 0
        for _ in 0..<8 {
            let wait = schedule.wait(segments, now: now) ?? 0
            #expect(wait == 250)
            now += wait
            #expect(schedule.wait(segments, now: now) == 0)
            guard let next = schedule.next(segments, using: &random) else { break }
            seen.append(next)
            schedule.note(next, of: segments, now: now)
        }
        #expect(Set(seen.prefix(4)) == Set(segments))
        #expect(Array(seen.prefix(4)) == Array(seen.suffix(4)), "then the one of longest ago")
        // What was merged away is forgotten, what is new comes first.
        schedule.note(3, of: [3, 11], now: now)
        #expect(schedule.next([3, 11], using: &random) == 11)
    }

    /// Damage is told before a query meets it; queries go on with what can be read.
    @Test func damageIsToldAndTheRestIsServed() async throws {
        let disk = SimDisk()
        let registry = Registry()
        let store = try open(disk, settings { $0.headSize = 1 << 20; $0.scrubPeriod = nil }, registry: registry)
        _ = try await store.append(batch(sampleRows(3000)))
        try await store.flush()
        await store.scrub()
        #expect(try store.catalogue(tenant: .fake, range: .all).damaged.isEmpty)
        let segment = try #require(store.core.snapshot().segments.first)
        let column = try #require(segment.groups.first?.columns.first { $0.count < 3000 && $0.body.packed > 4 })
        var bytes = try #require(disk.bytes(of: segment.path))
        bytes[column.body.offset + 2] ^= 1
        // Under the open file: the node's bytes change.
        let changed = arena(bytes)
        try disk.open(segment.path, .update).write([changed.view], at: 0)
        await store.scrub()
        let damaged = try store.catalogue(tenant: .fake, range: .all).damaged
        #expect(damaged.count == 1 && damaged[0].contains("column \(column.column)") && damaged[0].contains("\(column.count) lines"))
        #expect(try rows(store).count == 3000 - column.count)
        // A query over it hears of that, one over another time does not.
        for (range, parts) in [(TimeRange.all, 1), (TimeRange(Timestamp(nanoseconds: 0), Timestamp(nanoseconds: noon)), 0)] {
            let budget = QueryBudget()
            try store.scan(ScanRequest(tenant: .fake, range: range, matchers: [], budget: budget)) { _ in .more }
            #expect(budget.damagedParts == parts)
        }
        let out = ByteArena()
        registry.expose(into: out)
        #expect(out.view.string.contains("tailrace_store_scrub_findings_total 1"))
        #expect(out.view.string.contains("tailrace_store_scrubbed_segments_total 2"))
        await store.close()
    }
}

/// Bytes with an owner.
private func arena(_ bytes: [UInt8]) -> ByteArena {
    let made = ByteArena(capacity: bytes.count)
    made.append(bytes)
    return made
}
