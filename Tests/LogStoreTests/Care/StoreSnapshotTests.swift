import Bytes
import Disk
import Glibc
import LogModel
import LogTestKit
import Testing

@testable import LogStore

@Suite struct StoreSnapshotTests {
    @Test func aSnapshotBesideTheOwnerIsAStoreOfItsOwn() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        let all = sampleRows(900)
        var positions = batch(Array(all[..<600]))
        positions.advances = [SourceAdvance(source: "s", from: 0, to: SourcePosition(offset: 600))]
        _ = try await store.append(positions)
        try await store.flush()
        var more = batch(Array(all[600...]))
        more.advances = [SourceAdvance(source: "s", from: 600, to: SourcePosition(offset: 900))]
        _ = try await store.append(more)
        try store.deletions.add(DeletionTests.request("1"))
        let made = try StoreSnapshot.make(of: "data", at: "copy", disk: disk)
        #expect(made.segments == 1)
        #expect(made.copiedBytes > 0, "the log")
        // What comes later is not in it, and the snapshot lives on when the original has merged its segments away.
        _ = try await store.append(batch(sampleRows(100, from: 900)))
        try await store.compact()
        await store.close()
        // It is durable as soon as the call has returned.
        let crashed = disk.crashed(.nothing)
        let restored = try open(crashed, settings { $0.directory = "copy" })
        #expect(try rows(restored) == all.sorted())
        #expect(restored.position(of: "s")?.offset == 900)
        #expect(restored.deletions.all == [DeletionTests.request("1")])
        #expect(try restored.catalogue(tenant: .fake, range: .all).damaged.isEmpty)
        _ = try await restored.append(batch(sampleRows(10, from: 2000)))
        await restored.close()
        #expect(StoreVerification.run(try StoreView.open("copy", disk: crashed)).isClean)
    }

    /// The owner seals and merges while its directory is copied.
    @Test func snapshotsUnderLoadHoldEveryRowOnce() async throws {
        let disk = SimDisk()
        let store = try open(disk, settings { $0.mergeFan = 2; $0.headSize = 4 << 10 })
        let writer = Task {
            for i in 0..<150 {
                _ = try await store.append(batch(sampleRows(20, from: i * 20)))
                if i % 3 == 2 { try await store.flush() }
                if i % 10 == 9 { try await store.compact() }
            }
        }
        var seen = 0
        var number = 0
        while seen < 3000 {
            number += 1
            _ = try? StoreSnapshot.make(of: "data", at: "copy\(number)", disk: disk)
            guard let view = try? StoreView.open("copy\(number)", disk: disk) else { continue }
            #expect(view.damaged.isEmpty, "\(view.damaged)")
            let found = try rows(view)
            #expect(found == sampleRows(found.count).sorted())
            #expect(found.count >= seen && found.count % 20 == 0)
            seen = found.count
            await Task.yield()
        }
        try await writer.value
        await store.close()
    }

    @Test func withoutLinksSegmentsAreCopied() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        _ = try await store.append(batch(sampleRows(300)))
        await store.close()
        let image = disk.copy()
        image.onOperation { _, operation, path throws(DiskError) in
            // As another file system answers; the copy that follows creates the same name.
            if operation == .create, path.hasPrefix("copy/segment"), !Refused.first(path) { throw DiskError(.link, path, EXDEV) }
        }
        let made = try StoreSnapshot.make(of: "data", at: "copy", disk: image)
        #expect(made.copiedBytes >= made.segmentBytes && made.segmentBytes > 0)
        #expect(try rows(try StoreView.open("copy", disk: image)) == sampleRows(300).sorted())
    }

    private enum Refused {
        private static let seen = Names()
        /// Whether a name was asked for before.
        static func first(_ path: String) -> Bool { !seen.insert(path) }
    }

    @Test func whatIsThereIsNotTouchedAndFailuresLeaveNothing() async throws {
        let disk = SimDisk()
        let store = try open(disk)
        _ = try await store.append(batch(sampleRows(300)))
        await store.close()
        try disk.makeDirectory("copy")
        disk.setBytes([1], of: "copy/mine")
        #expect(throws: StoreError.self) { try StoreSnapshot.make(of: "data", at: "copy", disk: disk) }
        #expect(disk.bytes(of: "copy/mine") == [1])
        // The power fails at each step: what is left is a whole snapshot or says that it is none.
        let total = { () -> Int in
            let image = disk.copy()
            _ = try? StoreSnapshot.make(of: "data", at: "other", disk: image)
            return image.operations
        }()
        for step in 1...total {
            let image = disk.copy()
            image.onOperation { number, operation, path throws(DiskError) in
                if number == step { throw DiskError(.write, path, EIO) }
            }
            let made = try? StoreSnapshot.make(of: "data", at: "other", disk: image)
            image.onOperation(nil)
            if made == nil {
                #expect(image.paths.filter { $0.hasPrefix("other/") }.isEmpty, "step \(step): \(image.paths)")
            } else {
                #expect(try rows(try StoreView.open("other", disk: image)) == sampleRows(300).sorted())
            }
            #expect(try rows(try StoreView.open("data", disk: image)) == sampleRows(300).sorted())
        }
    }
}
