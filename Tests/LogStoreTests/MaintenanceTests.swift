import Bytes
import LogModel
import LogTestKit
import Metrics
import Testing

@testable import LogStore

@Suite(.eachCodec) struct MaintenanceTests {
    private func row(_ i: Int, _ time: Int64) -> StoredRow {
        StoredRow(labels: label(["s": "\(i % 4)"]), timestamp: time, line: Array("row \(i)".utf8))
    }

    @Test func smallSegmentsDoNotPileUp() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        var written: [StoredRow] = []
        for i in 0..<200 {
            written.append(row(i, noon + Int64(i)))
            _ = try await store.append(batch([written[i]]))
            try await store.flush()
        }
        try await store.maintain()
        #expect(store.parts.segments < 24)
        #expect(try rows(store) == written.sorted())
        try await store.compact()
        #expect(store.parts.segments == 1)
        #expect(try rows(store) == written.sorted())
        await store.close()
        // The files of what was merged are gone.
        #expect(disk.paths.filter { $0.contains("/segment-") }.count == 1)
        let again = try open(disk)
        #expect(try rows(again) == written.sorted())
        await again.close()
    }

    @Test func mergingKeepsArrivalWhereTimesAreEqual() async throws {
        let store = try open(SimDisk())
        var written: [StoredRow] = []
        for i in 0..<30 {
            let some = (0..<3).map { j in
                StoredRow(
                    labels: label(["s": "\(j % 2)"]),
                    timestamp: noon + Int64(i % 3),
                    line: Array("\(i).\(j)".utf8)
                )
            }
            written += some
            _ = try await store.append(batch(some))
            try await store.flush()
        }
        let expected = written.enumerated().sorted { a, b in
            (a.element.labels, a.element.timestamp, a.offset) < (b.element.labels, b.element.timestamp, b.offset)
        }.map(\.element)
        #expect(try rows(store) == expected)
        try await store.compact()
        #expect(store.parts.segments == 1)
        #expect(try rows(store) == expected)
        await store.close()
    }

    @Test func segmentsOfOtherDaysAndLargeOnesStay() async throws {
        let store = try open(SimDisk(), settings { $0.segmentSize = 3000 })
        var written: [StoredRow] = []
        for i in 0..<40 {
            let day = Int64(i % 2) * 86_400 * second
            written.append(
                StoredRow(
                    labels: label(["s": "x"]),
                    timestamp: noon + day + Int64(i),
                    line: [UInt8](repeating: UInt8(0x30 + i % 10), count: 500)
                )
            )
            _ = try await store.append(batch([written[i]]))
            try await store.flush()
        }
        try await store.compact()
        // 20 rows of 500 bytes a day, 6 in a segment.
        #expect(store.parts.segments == 8)
        #expect(try rows(store) == written.sorted())
        await store.close()
    }

    @Test func rowsBeyondTheirAgeGoByWholeSegments() async throws {
        let disk = SimDisk()
        let clock = ManualClock(wall: noon)
        let setup = settings { $0.retentionAge = 3600 * second }
        let store = try open(disk, setup, clock: clock)
        for i in 0..<6 {
            _ = try await store.append(batch([row(i, noon + Int64(i) * 600 * second)]))
            try await store.flush()
        }
        try await store.maintain()
        #expect(try rows(store).count == 6)
        clock.advance(by: 3600 * second + 1500 * second)
        try await store.maintain()
        #expect(
            try rows(store)
                == [row(3, noon + 1800 * second), row(4, noon + 2400 * second), row(5, noon + 3000 * second)].sorted()
        )
        await store.close()
        #expect(disk.paths.filter { $0.contains("/segment-") }.count <= 3)
        let again = try open(disk, setup, clock: clock)
        #expect(try rows(again).count == 3)
        await again.close()
    }

    @Test func aWallClockThatJumpsDeletesNothing() async throws {
        let clock = ManualClock(wall: noon)
        let store = try open(SimDisk(), settings { $0.retentionAge = 3600 * second }, clock: clock)
        _ = try await store.append(batch([row(0, noon)]))
        try await store.flush()
        clock.jump(by: 30 * 365 * 86_400 * second)
        try await store.maintain()
        #expect(try rows(store).count == 1)
        clock.jump(by: -60 * 365 * 86_400 * second)
        try await store.maintain()
        #expect(try rows(store).count == 1)
        await store.close()
    }

    @Test func theOldestGoWhenThereIsTooMuch() async throws {
        let registry = Registry()
        let store = try open(
            SimDisk(),
            settings {
                $0.codec = .none
                $0.retentionSize = 40_000
                $0.mergeFan = 1000
            },
            registry: registry
        )
        for i in 0..<20 {
            let big = StoredRow(
                labels: label(["s": "x"]),
                timestamp: noon + Int64(i),
                line: [UInt8](repeating: 0x61, count: 5000)
            )
            _ = try await store.append(batch([big]))
            try await store.flush()
        }
        try await store.maintain()
        let left = try rows(store)
        #expect(left.count >= 5 && left.count <= 8)
        #expect(left.last?.timestamp == noon + 19)
        #expect(left.first?.timestamp == noon + 20 - Int64(left.count))
        #expect((registry.value("tailrace_store_stored_bytes") ?? .infinity) <= 40_000)
        await store.close()
    }

    @Test(arguments: [(0, 0), (1 << 20 - 1, 0), (1 << 20, 1), (8 << 20, 2), (64 << 20, 3), (1 << 40, 4)])
    func tiersOfSize(bytes: Int, tier: Int) { #expect(Merging.tier(bytes) == tier) }
}
