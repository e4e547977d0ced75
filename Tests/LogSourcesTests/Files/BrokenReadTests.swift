import Bytes
import Disk
import Glibc
import LogModel
import Testing

@testable import LogSources

/// Disks and file servers fail for a while. What could not be read then is read later.
@Suite(.serialized) struct BrokenReadTests {
    /// A read of the file's beginning, to know it again, failed after the block was read: the block was never delivered, and
    /// the offsets of what followed were too small.
    @Test func aBlockIsNotLostWhenTheMarkCannotBeTaken() throws {
        let directory = TemporaryDirectory()
        let path = ByteString(directory("a.log"))
        directory.write("a.log", "one\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("a.log"))], sink) { $0.resyncInterval = .milliseconds(50) }
        #expect(sink.wait(lines: 1))
        // The next block does not begin at 0, so that the beginning is read again for a longer fingerprint.
        SystemFaults.arm("read", path, code: EIO, times: 2)
        directory.append("a.log", "two\nthree\nfo")
        #expect(sink.wait { $0.counters[.readErrors] ?? 0 > 0 })
        #expect(sink.wait(lines: 3))
        directory.append("a.log", "ur\n")
        #expect(sink.wait(lines: 4))
        run.stop()
        #expect(SystemFaults.left(path) == 0)
        #expect(sink.lines == ["one", "two", "three", "four"])
        #expect(sink.all.map(\.end) == [4, 8, 14, 19])
        #expect(sink.counter(.bytes) == 19)
        #expect(sink.problems.isEmpty)
    }

    @Test func anOverlongLineAndWhatFollowsItSurvive() throws {
        let directory = TemporaryDirectory()
        let path = ByteString(directory("a.log"))
        directory.write("a.log", "one\n" + String(repeating: "x", count: 2_000))
        let sink = RecordingSink()
        let run = try Running([target(directory("a.log"))], sink) {
            $0.resyncInterval = .milliseconds(50)
            $0.maxLineBytes = 500
            $0.blockSize = 700
        }
        #expect(sink.wait { $0.counters[.bytes] ?? 0 == 2_004 })
        SystemFaults.arm("read", path, code: EIO, times: 2)
        directory.append("a.log", "x\nthree\n")
        #expect(sink.wait(lines: 3))
        run.stop()
        #expect(SystemFaults.left(path) == 0)
        #expect(sink.lines == ["one", String(repeating: "x", count: 500), "three"])
        #expect(sink.counter(.linesCut) == 1)
        #expect(sink.problems.isEmpty)
    }

    @Test func aHoleThatCannotBeSkippedIsRead() throws {
        let directory = TemporaryDirectory()
        let path = ByteString(directory("a.log"))
        directory.write("a.log", "one\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("a.log"))], sink) {
            $0.blockSize = 4096
            $0.resyncInterval = .milliseconds(50)
        }
        #expect(sink.wait(lines: 1))
        SystemFaults.arm("read", path, code: EIO, times: 2)
        directory.write("a.log", at: 100_000, "far\n")
        #expect(sink.wait(lines: 2))
        run.stop()
        #expect(SystemFaults.left(path) == 0)
        #expect(sink.lines == ["one", "far"])
        #expect(sink.all.last?.end == 100_004)
        #expect(sink.counter(.truncations) == 0)
        #expect(sink.problems.isEmpty)
    }

    /// A rotated file whose last look failed was let go of at once, with what was in it, and nobody was told.
    @Test func aRotatedFileIsKeptWhileItCannotBeRead() throws {
        let directory = TemporaryDirectory()
        let paths = ["a.log", "a.log.1"].map { ByteString(directory($0)) }
        directory.write("a.log", "one\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("a.log"))], sink) {
            $0.resyncInterval = .milliseconds(100)
            $0.rotateWait = .milliseconds(50)
            $0.renamedWait = .seconds(60)
        }
        #expect(sink.wait(lines: 1))
        for path in paths { SystemFaults.arm("read block", path, code: EIO, times: .max) }
        directory.append("a.log", "two\n")
        directory.rename("a.log", "a.log.1")
        #expect(sink.wait { $0.counters[.rotations] ?? 0 > 0 && $0.counters[.readErrors] ?? 0 > 5 })
        // It has no name any more: whoever closed it could not open it again.
        directory.remove("a.log.1")
        let seen = sink.counter(.readErrors)
        #expect(sink.wait { $0.counters[.readErrors] ?? 0 > seen + 3 })
        #expect(sink.counter(.filesFinished) == 0)
        for path in paths { SystemFaults.disarm(path) }
        #expect(sink.wait(lines: 2))
        #expect(sink.wait { $0.counters[.filesFinished] ?? 0 == 1 })
        run.stop()
        #expect(sink.lines == ["one", "two"])
        #expect(sink.counter(.bytesLost) == 0)
        #expect(sink.problems.isEmpty)
    }

    @Test func whatCannotBeReadInTimeIsCounted() throws {
        let directory = TemporaryDirectory()
        let paths = ["a.log", "a.log.1"].map { ByteString(directory($0)) }
        directory.write("a.log", "one\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("a.log"))], sink) {
            $0.resyncInterval = .milliseconds(100)
            $0.rotateWait = .milliseconds(50)
            $0.renamedWait = .milliseconds(600)
        }
        #expect(sink.wait(lines: 1))
        for path in paths { SystemFaults.arm("read block", path, code: EIO, times: .max) }
        directory.append("a.log", "two\n")
        directory.rename("a.log", "a.log.1")
        #expect(sink.wait { $0.counters[.filesFinished] ?? 0 == 1 })
        run.stop()
        for path in paths { SystemFaults.disarm(path) }
        #expect(sink.lines == ["one"])
        #expect(sink.counter(.bytesLost) == 4)
    }
}
