import Bytes
import Disk
import Glibc
import LogTestKit
import Testing

/// A directory that goes away with the test.
private func withDirectory(_ body: (String) throws -> Void) throws {
    var template = Array("/tmp/tailrace-disk-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw DiskError(.makeDirectory, "/tmp", errno) }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer {
        let disk = PosixDisk()
        for name in (try? disk.list(path)) ?? [] { try? disk.unlink(DiskPath.join(path, name)) }
        rmdir(path)
    }
    try body(path)
}

private func view<R>(_ text: String, _ body: (ByteView) throws -> R) rethrows -> R {
    let bytes = ByteArena()
    bytes.append(text)
    return try withExtendedLifetime(bytes) { try body(bytes.view) }
}

@Suite struct PosixDiskTests {
    let disk = PosixDisk()

    @Test func writesInPartsAreReadBackAtAnyOffset() throws {
        try withDirectory { directory in
            let file = try disk.open(directory + "/a", .create)
            // More parts than one system call takes.
            let parts = (0..<2500).map { number in
                let part = ByteArena()
                part.append("part \(number);")
                return part
            }
            try withExtendedLifetime(parts) { try file.write(parts.map(\.view), at: 3) }
            try file.sync()
            let expected = (0..<2500).map { "part \($0);" }.joined()
            #expect(try file.size() == 3 + expected.utf8.count)
            let out = ByteArena()
            try file.read(expected.utf8.count, at: 3, into: out)
            #expect(out.view.string == expected)
            #expect(throws: DiskError(.read, directory + "/a", DiskError.endOfFile)) {
                try file.read(10, at: expected.utf8.count, into: out)
            }
            #expect(out.count == expected.utf8.count)
            try file.truncate(to: 5)
            #expect(try disk.size(of: directory + "/a") == 5)
            try file.preallocate(4096)
            #expect(try disk.size(of: directory + "/a") == 4096)
        }
    }

    @Test func namesAreListedRenamedAndRemoved() throws {
        try withDirectory { directory in
            for name in ["b", "a", "c"] { _ = try disk.open(directory + "/" + name, .create) }
            #expect(try disk.list(directory) == ["a", "b", "c"])
            try disk.rename(directory + "/a", to: directory + "/c")
            try disk.unlink(directory + "/b")
            try disk.syncDirectory(directory)
            #expect(try disk.list(directory) == ["c"])
            #expect(try disk.size(of: directory + "/b") == nil)
        }
    }

    @Test func errorsTellWhatWhereAndWhy() throws {
        try withDirectory { directory in
            let path = directory + "/missing"
            #expect(throws: DiskError(.open, path, ENOENT)) { try disk.open(path, .read) }
            #expect(DiskError(.open, path, ENOENT).description == "cannot open \(path): No such file or directory")
            _ = try disk.open(path, .create)
            #expect(throws: DiskError(.open, path, EEXIST)) { try disk.open(path, .create) }
            #expect(throws: DiskError.self) { try disk.makeDirectory(path + "/below") }
            #expect(DiskError(.write, path, ENOSPC).isFull && DiskError(.write, path, EDQUOT).isFull)
        }
    }

    /// Where making a directory says that there is none although the parent exists, as in /proc, it was tried for ever.
    @Test func aDirectoryThatCannotBeMadeIsAnError() throws {
        #expect(throws: DiskError(.makeDirectory, "/proc/x", ENOENT)) { try disk.makeDirectory("/proc/x") }
    }

    @Test func directoriesAreMadeWithTheirParents() throws {
        try withDirectory { directory in
            let deep = directory + "/x/y/z"
            try disk.makeDirectory(deep)
            try disk.makeDirectory(deep)
            #expect(try disk.list(directory + "/x") == ["y"])
            for path in ["/x/y/z", "/x/y", "/x"] { rmdir(directory + path) }
        }
    }

    @Test func replacingIsWholeAndLeavesNothingBehind() throws {
        try withDirectory { directory in
            let path = directory + "/current"
            _ = try disk.open(path + ".tmp", .create)  // what an earlier crash left
            for text in ["first", "second, longer", "3"] {
                try view(text) { try disk.atomicReplace(path, with: $0) }
                let contents = try disk.contents(of: path)
                #expect(withExtendedLifetime(contents) { contents.view.string } == text)
                #expect(try disk.list(directory) == ["current"])
            }
            #expect(throws: DiskError(.read, path, DiskError.tooLarge)) { try disk.contents(of: path, limit: 0) }
        }
    }

    @Test func aSecondLockIsRefusedWithTheHoldersProcess() throws {
        try withDirectory { directory in
            let lock = try disk.lock(directory + "/LOCK")
            let refusal = #expect(throws: DiskError.self) { try disk.lock(directory + "/LOCK") }
            #expect(refusal?.isLocked == true)
            #expect(refusal?.holder == getpid())
            lock.release()
            _ = try disk.lock(directory + "/LOCK")
        }
    }

    @Test func spaceIsKnown() throws {
        let space = try disk.space(at: "/tmp")
        #expect(space.total > 0 && space.free <= space.total)
    }

    @Test(arguments: [("a", "."), ("/a", "/"), ("/a/b", "/a"), ("a/b/", "a"), ("/", "/")])
    func parents(path: String, parent: String) { #expect(DiskPath.parent(of: path) == parent) }
}

@Suite struct MonitorTests {
    @Test func aWaiterSeesTheChange() {
        let monitor = Monitor(0)
        let worker = Worker("test") { for _ in 0..<100 { monitor.change { $0 += 1 } } }
        #expect(monitor.wait { $0 == 100 ? "all" : nil } == "all")
        worker?.join()
    }

    @Test func aWaitEndsAtItsTimeout() {
        #expect(Monitor(0).wait(timeout: 1_000_000) { (_: inout Int) -> Int? in nil } == nil)
    }
}
