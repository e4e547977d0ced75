import Bytes
import LogModel
import LogTestKit
import Testing

@testable import LogStore

@Suite(.eachCodec) struct PositionTests {
    private func step(_ source: ByteString, _ from: UInt64, _ to: UInt64, lines: Int = 1) -> WriteBatch {
        var batch = batch(
            (0..<lines).map {
                StoredRow(
                    labels: label(["s": "x"]),
                    timestamp: noon + Int64(to),
                    line: Array("\(from)-\(to)/\($0)".utf8)
                )
            }
        )
        batch.advances = [
            SourceAdvance(source: source, from: from, to: SourcePosition(offset: to, detail: ByteString("d\(to)")))
        ]
        return batch
    }

    @Test func linesAndPositionMoveTogether() async throws {
        let disk = SimDisk()
        var store = try open(disk)
        #expect(store.position(of: "f") == nil)
        #expect(try await store.append(step("f", 0, 10)) == AppendReceipt(stored: 1, duplicates: 0))
        #expect(try await store.append(step("f", 10, 25)) == AppendReceipt(stored: 1, duplicates: 0))
        // Once more what is committed: acknowledged, not stored.
        #expect(try await store.append(step("f", 10, 25)) == AppendReceipt(stored: 0, duplicates: 1))
        #expect(try await store.append(step("f", 0, 10)) == AppendReceipt(stored: 0, duplicates: 1))
        let gap = await #expect(throws: StoreError.self) { try await store.append(step("f", 30, 40)) }
        #expect(gap?.kind == .positionMismatch(committed: 25))
        let overlap = await #expect(throws: StoreError.self) { try await store.append(step("f", 10, 40)) }
        #expect(overlap?.kind == .positionMismatch(committed: 25))
        let fresh = await #expect(throws: StoreError.self) { try await store.append(step("g", 5, 6)) }
        #expect(fresh?.kind == .positionMismatch(committed: 0))
        for round in 0..<3 {
            #expect(store.position(of: "f") == SourcePosition(offset: 25, detail: "d25"))
            #expect(try rows(store).count == 2)
            if round == 0 { try await store.flush() }
            await store.close()
            store = try open(disk)
        }
        await store.close()
    }

    @Test func aStepWithoutLinesIsKept() async throws {
        let disk = SimDisk()
        var store = try open(disk)
        _ = try await store.append(step("f", 0, 10))
        var rotation = WriteBatch(tenant: .fake)
        rotation.advances = [SourceAdvance(source: "f", from: 10, to: SourcePosition(offset: 10, detail: "rotated"))]
        #expect(try await store.append(rotation) == AppendReceipt(stored: 0, duplicates: 0))
        #expect(store.position(of: "f")?.detail == "rotated")
        try await store.flush()
        var only = WriteBatch(tenant: .fake)
        only.advances = [SourceAdvance(source: "empty", from: 0, to: SourcePosition(offset: 0, detail: "new"))]
        _ = try await store.append(only)
        let image = disk.crashed(.nothing)
        for disk in [image, disk] {
            await store.close()
            store = try open(disk)
            #expect(store.position(of: "f") == SourcePosition(offset: 10, detail: "rotated"))
            #expect(store.position(of: "empty") == SourcePosition(offset: 0, detail: "new"))
        }
        await store.close()
    }

    /// A file whose last line waits for its continuation rode in a batch with lines of another file, and the batch was
    /// refused as half a repetition: nothing of either file was stored any more.
    @Test func aWaitingSourceDoesNotHoldUpOthers() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        _ = try await store.append(step("waits", 0, 10))
        var mixed = step("goes", 0, 5)
        mixed.advances.append(SourceAdvance(source: "waits", from: 10, to: SourcePosition(offset: 10)))
        #expect(try await store.append(mixed) == AppendReceipt(stored: 1, duplicates: 0))
        // Both wait, and what is flushed belongs to neither's step.
        var waiting = step("goes", 5, 5)
        waiting.advances.append(SourceAdvance(source: "new", from: 0, to: SourcePosition(offset: 0)))
        #expect(try await store.append(waiting) == AppendReceipt(stored: 1, duplicates: 0))
        #expect(store.position(of: "goes")?.offset == 5)
        // The first batch again, as after a restart from older positions.
        #expect(try await store.append(mixed) == AppendReceipt(stored: 0, duplicates: 1))
        await store.close()
    }

    @Test func positionsAreFoundByPrefix() async throws {
        let store = try open(SimDisk())
        for source in ["file:b", "file:a", "journal:x"] as [ByteString] {
            _ = try await store.append(step(source, 0, 1))
        }
        #expect(store.positions(withPrefix: "file:").map(\.source) == ["file:a", "file:b"])
        #expect(store.positions(withPrefix: "").count == 3)
        await store.close()
    }

    @Test func concurrentCopiesOfASourceStoreEachLineOnce() async throws {
        let store = try open(SimDisk())
        let stored = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    var stored = 0
                    var offset: UInt64 = 0
                    while offset < 200 {
                        do throws(StoreError) {
                            stored += try await store.append(step("f", offset, offset + 1)).stored
                            offset += 1
                        } catch {
                            guard case .positionMismatch(let committed) = error.kind else { break }
                            offset = committed
                        }
                    }
                    return stored
                }
            }
            return await group.reduce(0, +)
        }
        #expect(stored == 200)
        #expect(try rows(store).count == 200)
        await store.close()
    }

    @Test func numberedBatchesAreStoredOnce() async throws {
        let disk = SimDisk()
        var store = try open(disk)
        func numbered(_ sequence: UInt64, epoch: UInt64 = 1) -> WriteBatch {
            var batch = batch([
                StoredRow(labels: label(["s": "x"]), timestamp: noon, line: Array("\(epoch)/\(sequence)".utf8))
            ])
            batch.key = BatchKey(client: "c", epoch: epoch, sequence: sequence)
            return batch
        }
        // Out of order, as parallel senders do.
        for sequence in [1, 2, 5, 3] as [UInt64] { #expect(try await store.append(numbered(sequence)).stored == 1) }
        for round in 0..<3 {
            for sequence in [1, 2, 3, 5] as [UInt64] {
                #expect(try await store.append(numbered(sequence)) == AppendReceipt(stored: 0, duplicates: 1))
            }
            if round == 1 { try await store.flush() }
            await store.close()
            store = try open(disk)
        }
        #expect(try await store.append(numbered(4)).stored == 1)
        #expect(try await store.append(numbered(4, epoch: 2)).stored == 1)
        #expect(try rows(store).count == 6)
        await store.close()
    }

    @Test func numbersAreForgottenAfterAWhile() async throws {
        let disk = SimDisk()
        let clock = ManualClock()
        let setup = settings { $0.batchKeyAge = 10 * second }
        var store = try open(disk, setup, clock: clock)
        var first = batch([StoredRow(labels: label(["s": "x"]), timestamp: noon, line: [1])])
        first.key = BatchKey(client: "c", epoch: 1, sequence: 1)
        _ = try await store.append(first)
        await store.close()
        clock.advance(by: 20 * second)
        store = try open(disk, setup, clock: clock)
        #expect(try await store.append(first).stored == 1)
        await store.close()
    }

    @Test func windowsOfNumbersAreSets() {
        var random = SeededRandom(11)
        for _ in 0..<200 {
            var keys = BatchKeys()
            var model: Set<UInt64> = []
            for _ in 0..<60 {
                let sequence = UInt64(random.below(40))
                let key = BatchKey(client: "c", epoch: 1, sequence: sequence)
                #expect(keys.contains(key) == model.contains(sequence))
                keys.insert(key, now: 1)
                model.insert(sequence)
                let ranges = keys.windows.values.first?.ranges ?? []
                #expect(Set(ranges.flatMap { Array($0) }) == model)
                #expect(zip(ranges, ranges.dropFirst()).allSatisfy { $0.upperBound + 1 < $1.lowerBound })
            }
        }
    }
}
