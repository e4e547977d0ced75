import Bytes
import Disk
import LogModel
import Synchronization
import Testing

@testable import LogSources

@Suite struct PositionsFileTests {
    @Test func promtailsFileIsUnderstood() {
        let text = """
            positions:
              /var/log/a.log: "10482"
              /var/log/b c.log: '7'
              "/var/log/\\u00e9\\".log": "1"
              cursor-myjob: "s=abc;i=1;t=5"
              ? /var/log/pods/\(String(repeating: "x", count: 200)).log
              : "99"
              /plain: 12

            """
        let positions = text.withView { PromtailPositions(parsing: $0) }
        #expect(positions.damaged == 0)
        #expect(positions.entries["/var/log/a.log"] == "10482")
        #expect(positions.entries["/var/log/b c.log"] == "7")
        #expect(positions.entries["/var/log/é\".log"] == "1")
        #expect(positions.entries["cursor-myjob"] == "s=abc;i=1;t=5")
        #expect(positions.entries[ByteString("/var/log/pods/" + String(repeating: "x", count: 200) + ".log")] == "99")
        #expect(positions.entries["/plain"] == "12")
        // And it comes back from what is written.
        let out = ByteArena()
        positions.encode(into: out)
        #expect(withExtendedLifetime(out) { PromtailPositions(parsing: out.view) } == positions)
    }

    @Test(arguments: ["", "\0\0\0\0", "positions: {}\n", "positions:\n", "garbage", "positions:\n  /a: \"1\n  /b: \"2\"\n\0\0\0", "- x\n"])
    func damageCostsOnlyWhatItHit(_ text: String) {
        let positions = text.withView { PromtailPositions(parsing: $0) }
        #expect(positions.entries["/b"] == (text.contains("/b") ? "2" : nil))
    }

    @Test func theWrittenFormIsPromtails() {
        var positions = PromtailPositions()
        positions.entries = ["/var/log/a.log": "1", "cursor-j": "s=1;i=2"]
        let out = ByteArena()
        positions.encode(into: out)
        #expect(withExtendedLifetime(out) { out.view.string } == "positions:\n  /var/log/a.log: \"1\"\n  cursor-j: \"s=1;i=2\"\n")
    }

    @Test func positionsSurviveARestartAndDamage() throws {
        let directory = TemporaryDirectory()
        let path = directory("positions.yaml")
        directory.write("positions.yaml", "positions:\n  /var/log/a.log: \"5\"\n  cursor-old: \"s=1;i=1;t=1\"\n")
        let first = PositionsFile(path: path)
        #expect(first.importedOffset(path: "/var/log/a.log") == 5)
        #expect(first.importedCursor(jobName: "old") == "s=1;i=1;t=1")
        let old = FileSourceKey(id: FileID(device: 1, inode: 2), fingerprint: 3, born: 10, slot: 0).text
        let new = FileSourceKey(id: FileID(device: 1, inode: 3), fingerprint: 4, born: 20, slot: 0).text
        first.set(old, path: "/var/log/a.log", SourcePosition(offset: 100, detail: "x"))
        first.set(new, path: "/var/log/a.log", SourcePosition(offset: 7, detail: "y"))
        first.set(old, path: "/var/log/a.log", SourcePosition(offset: 150, detail: "z"))
        first.set("journal:j", path: "journal:j", SourcePosition(offset: 3, detail: "s=9"))
        try first.save()
        // Our own positions have taken the place of Promtail's.
        #expect(first.importedOffset(path: "/var/log/a.log") == nil)
        let second = PositionsFile(path: path)
        #expect(second.position(of: old) == SourcePosition(offset: 150, detail: "z"))
        #expect(second.positions(withPrefix: "file:1:").count == 2)
        let written = try PosixDisk().contents(of: path)
        let yaml = withExtendedLifetime(written) { written.view.string }
        #expect(yaml == "positions:\n  /var/log/a.log: \"7\"\n  cursor-j: \"s=9\"\n  cursor-old: \"s=1;i=1;t=1\"\n")
        second.set(new, path: "/var/log/a.log", SourcePosition(offset: 8, detail: "y"))
        try second.save()
        // The latest generation is lost to NUL bytes: the one before is used, and said so.
        directory.write("positions.yaml.tailrace", String(repeating: "\0", count: 100))
        directory.write("positions.yaml", "\0\0\0")
        let told = Mutex<[String]>([])
        let third = PositionsFile(path: path, events: SourceEvents(report: { report in told.withLock { $0.append(report.subject) } }))
        #expect(third.position(of: new)?.offset == 7)
        #expect(told.withLock { $0 } == [path + ".tailrace"])
        directory.write("positions.yaml.tailrace.previous", "also gone")
        #expect(PositionsFile(path: path).positions(withPrefix: "").isEmpty)
    }

    @Test func rotatedFilesOfOnePathAreForgottenInTime() {
        let file = PositionsFile(path: "/nonexistent/positions.yaml")
        for i in 0..<100 {
            let key = FileSourceKey(id: FileID(device: 1, inode: UInt64(i)), fingerprint: 0, born: UInt64(i), slot: 0).text
            file.set(key, path: "/a", SourcePosition(offset: UInt64(i)))
        }
        #expect(file.positions(withPrefix: "file:").count == 32)
        #expect(throws: DiskError.self) { try file.save() }
    }

    /// Each pod leaves a path behind: the file grew for ever, and was written whole every ten seconds.
    @Test func filesThatAreGoneForAWeekAreForgotten() throws {
        let directory = TemporaryDirectory()
        let week: Int64 = 7 * 86_400_000_000_000
        let (old, young) = (UInt64(Timestamp.now().nanoseconds - week - 1_000_000_000), UInt64(Timestamp.now().nanoseconds - week + 3_600_000_000_000))
        var inode: UInt64 = 1 << 60
        func file(_ path: String, _ born: UInt64, inode known: UInt64? = nil) -> (ByteString, String) {
            inode += 1
            return (FileSourceKey(id: FileID(device: 1, inode: known ?? inode), fingerprint: 0, born: born, slot: 0).text, path)
        }
        directory.make("pods")
        directory.make("pods/b")
        directory.make("empty")
        for name in ["there.log", "renamed.log.1", "pods/b/0.log"] { directory.write(name, "x\n") }
        let renamed = try System.status(of: ByteString(directory("renamed.log.1"))).id.inode
        let gone = [
            file(directory("gone.log"), old), file(directory("pods/a/0.log"), old), file(directory("pods/b/1.log"), old),
            (ArchiveKey(id: FileID(device: 1, inode: 1 << 61), hash: 0, born: old).text, directory("gone.gz")),
        ]
        let kept = [
            file(directory("there.log"), old), file(directory("young.log"), young), file(directory("renamed.log"), old, inode: renamed),
            // Nothing is mounted there, perhaps.
            file(directory("empty/a.log"), old), file(directory("empty/a/b.log"), old), ("journal:j", "journal:j"), ("docker:0/abc", "docker:web"),
        ]
        let now = Monitor<Int64>(0)
        let path = directory("positions.yaml")
        let positions = PositionsFile(path: path, monotonic: { now.withLock { $0 } })
        // A younger file of the same path, as rotation leaves them: its entry stays Promtail's.
        let both = [file(directory("two.log"), old), file(directory("two.log"), young)]
        for (source, path) in gone + kept + both { positions.set(source, path: path, SourcePosition(offset: 7)) }
        try positions.save()
        #expect(positions.positions(withPrefix: "").count == gone.count + kept.count + 2)
        now.change { $0 = 3_600_000_000_000 }
        try positions.save()
        #expect(Set(positions.positions(withPrefix: "").map(\.source)) == Set(kept.map(\.0) + [both[1].0]))
        let written = try PosixDisk().contents(of: path)
        let yaml = withExtendedLifetime(written) { written.view.string }
        for (_, path) in gone { #expect(!yaml.contains(path)) }
        #expect(yaml.contains("two.log: \"7\"") && yaml.contains("there.log: \"7\""))
        let again = PositionsFile(path: path)
        #expect(again.positions(withPrefix: "").count == kept.count + 1)
    }

    /// After a kill the spool told of generations that were long forgotten. Noted last, they pushed out younger ones, and the
    /// collector read those rotated files again.
    @Test func anOldGenerationNotedLateDoesNotPushOutAYoungerOne() throws {
        let directory = TemporaryDirectory()
        let path = directory("positions.yaml")
        func key(_ born: Int) -> ByteString {
            FileSourceKey(id: FileID(device: 1, inode: UInt64(born)), fingerprint: 0, born: UInt64(born), slot: 0).text
        }
        let file = PositionsFile(path: path)
        for born in 100..<140 { file.set(key(born), path: "/a", SourcePosition(offset: UInt64(born))) }
        for born in 90..<108 { file.set(key(born), path: "/a", SourcePosition(offset: UInt64(born))) }
        let expected = Set((108..<140).map(key))
        #expect(Set(file.positions(withPrefix: "file:").map(\.source)) == expected)
        try file.save()
        let yaml = try PosixDisk().contents(of: path)
        #expect(withExtendedLifetime(yaml) { yaml.view.string } == "positions:\n  /a: \"139\"\n")
        let again = PositionsFile(path: path)
        again.set(key(91), path: "/a", SourcePosition(offset: 1))
        #expect(Set(again.positions(withPrefix: "file:").map(\.source)) == expected)
    }

    @Test func whatIsSafeToForget() {
        let directory = TemporaryDirectory()
        let path = directory("a.log")
        directory.write("a.log", "x\n")
        let file = PositionsFile(path: directory("positions.yaml"))
        func key(_ born: Int) -> ByteString {
            FileSourceKey(id: FileID(device: 1, inode: UInt64(born)), fingerprint: 0, born: UInt64(born), slot: 0).text
        }
        #expect(!file.hasReached(key(50), path: path, 1), "not noted yet")
        for born in 50..<100 { file.set(key(born), path: path, SourcePosition(offset: 10)) }
        #expect(file.hasReached(key(99), path: path, 10) && !file.hasReached(key(99), path: path, 11))
        #expect(file.hasReached(key(50), path: path, 99), "too old to be kept")
        #expect(!file.hasReached(key(100), path: path, 1))
        #expect(file.hasReached(key(7), path: directory("gone.log"), 1))
    }
}
