import Bytes
import Disk
import Glibc
import LogTestKit
import Testing

@Suite struct SimDiskTests {
    private func made(_ text: String, on disk: SimDisk, sync: Bool, syncName: Bool) throws -> any DiskFile {
        try disk.makeDirectory("d")
        let file = try disk.open("d/f", .create)
        try append(text, to: file)
        if sync { try file.sync() }
        if syncName { try disk.syncDirectory("d") }
        return file
    }

    private func append(_ text: String, to file: any DiskFile) throws {
        let bytes = ByteArena()
        bytes.append(text)
        try withExtendedLifetime(bytes) { try file.write([bytes.view], at: try file.size()) }
    }

    @Test func aFileWhoseNameWasNotSyncedIsGone() throws {
        let disk = SimDisk()
        _ = try made("x", on: disk, sync: true, syncName: false)
        #expect(try disk.crashed(.nothing).list("d") == [])
        #expect(try disk.crashed(.everything).list("d") == ["f"])
    }

    @Test func unsyncedBytesAreGone() throws {
        let disk = SimDisk()
        let file = try made("kept", on: disk, sync: true, syncName: true)
        try append(" lost", to: file)
        #expect(disk.crashed(.nothing).bytes(of: "d/f") == Array("kept".utf8))
        #expect(disk.crashed(.everything).bytes(of: "d/f") == Array("kept lost".utf8))
        #expect(disk.bytes(of: "d/f") == Array("kept lost".utf8))
    }

    @Test func aRemovedNameComesBackUntilTheDirectoryIsSynced() throws {
        let disk = SimDisk()
        _ = try made("x", on: disk, sync: true, syncName: true)
        try disk.unlink("d/f")
        #expect(try disk.crashed(.nothing).list("d") == ["f"])
        try disk.syncDirectory("d")
        #expect(try disk.crashed(.nothing).list("d") == [])
    }

    @Test func aRenameIsOldOrNewAndNeverNeither() throws {
        let disk = SimDisk()
        _ = try made("x", on: disk, sync: true, syncName: true)
        try disk.rename("d/f", to: "d/g")
        for seed in 0..<50 as Range<UInt64> {
            #expect(try disk.crashed(.random(seed)).list("d").count == 1)
        }
    }

    @Test func tornWritesAreSubsetsOfWhatWasWritten() throws {
        let disk = SimDisk()
        let file = try made("start", on: disk, sync: true, syncName: true)
        let text = String(repeating: "abcdefgh", count: 400)
        try append(text, to: file)
        let whole = Array(("start" + text).utf8)
        var sizes: Set<Int> = []
        for seed in 0..<100 as Range<UInt64> {
            for image in [disk.crashed(.random(seed)), disk.crashed(.prefix(seed))] {
                let bytes = try #require(image.bytes(of: "d/f"))
                sizes.insert(bytes.count)
                #expect(bytes.count >= 5 && bytes.count <= whole.count)
                for (i, byte) in bytes.enumerated() where byte != whole[i] { #expect(byte == 0) }
            }
        }
        #expect(sizes.count > 20)
    }

    @Test func aFullDiskTakesWhatFits() throws {
        let disk = SimDisk()
        let file = try made("1234", on: disk, sync: true, syncName: true)
        disk.setCapacity(6)
        #expect(throws: DiskError(.write, "d/f", ENOSPC)) { try append("5678", to: file) }
        #expect(disk.bytes(of: "d/f") == Array("123456".utf8))
        #expect(try disk.space(at: "d").free == 0)
        disk.setCapacity(100)
        try append("78", to: file)
    }

    @Test func theNthOperationFailsOnceOrForGood() throws {
        let disk = SimDisk()
        let file = try made("x", on: disk, sync: true, syncName: true)
        disk.fail([.sync], after: 2, code: EIO)
        try file.sync()
        #expect(throws: DiskError(.sync, "d/f", EIO)) { try file.sync() }
        try file.sync()
        disk.fail([.write], after: 1, code: EIO, forGood: true)
        for _ in 0..<3 { #expect(throws: DiskError.self) { try append("y", to: file) } }
    }
}
