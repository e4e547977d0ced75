import Bytes
import LogModel
import LogTestKit
import Testing

@testable import LogStore

@Suite(.eachCodec) struct DuplicateTests {
    private func pushed(_ rows: [StoredRow]) -> WriteBatch {
        var result = batch(rows)
        result.deduplicates = true
        return result
    }

    private let a = StoredRow(labels: label(["s": "a"]), timestamp: noon, line: Array("one".utf8))

    @Test func aRowIsEqualOnlyWithAllItsParts() async throws {
        var others: [StoredRow] = []
        for i in 0..<4 {
            var other = a
            switch i {
            case 0: other.labels = label(["s": "b"])
            case 1: other.timestamp += 1
            case 2: other.line = Array("two".utf8)
            default: other.metadata = label(["m": "1"])
            }
            others.append(other)
        }
        for flushes in [false, true] {
            let store = try open(SimDisk())
            #expect(try await store.append(pushed([a])).stored == 1)
            if flushes { try await store.flush() }
            #expect(try await store.append(pushed([a])) == AppendReceipt(stored: 0, duplicates: 1))
            #expect(try await store.append(pushed(others)) == AppendReceipt(stored: 4, duplicates: 0))
            if flushes { try await store.flush() }
            #expect(try await store.append(pushed(others + [a])) == AppendReceipt(stored: 0, duplicates: 5))
            #expect(try rows(store).sorted() == ([a] + others).sorted())
            await store.close()
        }
    }

    @Test func repetitionsInsideABatchAreFound() async throws {
        let store = try open(SimDisk())
        #expect(try await store.append(pushed([a, a, a])) == AppendReceipt(stored: 1, duplicates: 2, kept: [true, false, false]))
        await store.close()
    }

    @Test func tailedLinesAreNeverLeftOut() async throws {
        let store = try open(SimDisk())
        var tailed = pushed([a, a])
        tailed.advances = [SourceAdvance(source: "f", from: 0, to: SourcePosition(offset: 10))]
        #expect(try await store.append(tailed) == AppendReceipt(stored: 2, duplicates: 0))
        #expect(try await store.append(batch([a])) == AppendReceipt(stored: 1, duplicates: 0))
        // A pushed row that equals a tailed one is stored already, though.
        #expect(try await store.append(pushed([a])) == AppendReceipt(stored: 0, duplicates: 1))
        await store.close()
    }

    @Test func theyAreFoundAfterARestart() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        _ = try await store.append(pushed([a]))
        let image = disk.crashed(.nothing)
        await store.close()
        for disk in [image, disk] {
            let store = try open(disk)
            #expect(try await store.append(pushed([a])) == AppendReceipt(stored: 0, duplicates: 1))
            await store.close()
        }
    }

    /// Random pushes with many repetitions, over heads, sealed heads, segments and merges, against a set.
    @Test(arguments: 0..<6)
    func agreesWithASet(seed: UInt64) async throws {
        let store = try open(SimDisk(), settings { $0.headSize = 8 << 10 })
        var random = SeededRandom(seed)
        var model: Set<[String]> = []
        for round in 0..<60 {
            var some: [StoredRow] = []
            for _ in 0..<random.below(40) {
                some.append(
                    StoredRow(
                        labels: label(["s": "\(random.below(3))"]),
                        timestamp: noon + Int64(random.below(40) + round),
                        line: Array("line \(random.below(4))".utf8),
                        metadata: random.chance(0.3) ? label(["m": "\(random.below(2))"]) : Labels()
                    )
                )
            }
            var fresh = 0
            for row in some {
                if model.insert([
                    row.labels.description, "\(row.timestamp)", String(decoding: row.line, as: UTF8.self),
                    row.metadata.description,
                ]).inserted {
                    fresh += 1
                }
            }
            let receipt = try await store.append(pushed(some))
            #expect(receipt == AppendReceipt(stored: fresh, duplicates: some.count - fresh, kept: receipt.kept))
            if random.chance(0.2) { try await store.flush() }
            if random.chance(0.1) { try await store.compact() }
        }
        #expect(try rows(store).count == model.count)
        await store.close()
    }

    @Test func aTableOfHashesFindsAllOfAHash() {
        var table = HashTable()
        for i in 0..<1000 as Range<UInt64> { table.insert(i % 10 + 1, i) }
        for i in 0..<1000 as Range<UInt64> { #expect(table.contains(i % 10 + 1) { $0 == i }) }
        #expect(!table.contains(11) { _ in true })
    }
}
