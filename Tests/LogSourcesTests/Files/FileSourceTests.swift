import Bytes
import Disk
import Glibc
import LogModel
import Testing

@testable import LogSources

@Suite(.serialized) struct FileSourceTests {
    // MARK: Once

    @Test func onceDeliversWhatIsThereAndEnds() throws {
        let directory = TemporaryDirectory()
        directory.write("a.log", "one\r\ntwo\n\nfour\nlast without newline")
        directory.write("b.log", "b\n")
        directory.write("empty.log", "")
        directory.write("c.txt", "not matched\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("*.log"))], sink, once: true)
        #expect(run.finish() == nil)
        #expect(sink.lines.sorted() == ["", "b", "four", "last without newline", "one", "two"])
        #expect(sink.problems.isEmpty)
        let one = try #require(sink.all.first { $0.text == "one" })
        #expect(one.labels == Labels(["filename": directory("a.log"), "job": "test"]))
        #expect(one.path == directory("a.log"))
        #expect(one.end == 5)
        // Again: nothing is new.
        let again = try Running([target(directory("*.log"))], sink, once: true)
        #expect(again.finish() == nil)
        #expect(sink.lines.count == 6)
        // What is added is.
        directory.append("b.log", "b2\n")
        let third = try Running([target(directory("*.log"))], sink, once: true)
        #expect(third.finish() == nil)
        #expect(sink.lines.last == "b2")
        #expect(sink.problems.isEmpty)
    }

    @Test func timesOfReadingIncrease() throws {
        let directory = TemporaryDirectory()
        directory.write("a.log", String(repeating: "x\n", count: 50_000))
        directory.write("b.log", String(repeating: "y\n", count: 50_000))
        let sink = RecordingSink()
        #expect(try Running([target(directory("*.log"))], sink, once: true).finish() == nil)
        let times = sink.all.map(\.timestamp)
        #expect(times.count == 100_000)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test(arguments: [64, 65, 100, 257, 4096])
    func linesAreTheSameWhateverTheBlockSize(_ blockSize: Int) throws {
        let directory = TemporaryDirectory()
        var text = ""
        var expected: [String] = []
        var random = SystemRandomNumberGenerator()
        for i in 0..<2_000 {
            let line = "\(i) " + String(repeating: "z", count: Int.random(in: 0..<150, using: &random))
            expected.append(line)
            text += line + (i % 3 == 0 ? "\r\n" : "\n")
        }
        directory.write("a.log", text)
        let sink = RecordingSink()
        let run = try Running([target(directory("*.log"))], sink, once: true) { $0.blockSize = blockSize }
        #expect(run.finish() == nil)
        #expect(sink.lines == expected)
        #expect(sink.problems.isEmpty)
    }

    @Test func bytesThatAreNotTextStayAsTheyAre() throws {
        let directory = TemporaryDirectory()
        directory.append("a.log", bytes: [0xFF, 0xFE, 0x41, 0x0A, 0x42, 0x00, 0x43, 0x0A])
        let sink = RecordingSink()
        #expect(try Running([target(directory("*.log"))], sink, once: true).finish() == nil)
        #expect(sink.lines == ["\u{FFFD}\u{FFFD}A", "B\0C"])
    }

    @Test func holesOfNULAreLeftOut() throws {
        let directory = TemporaryDirectory()
        directory.append("a.log", bytes: [UInt8](repeating: 0, count: 184_975) + Array("good\n".utf8))
        directory.append("a.log", bytes: [0, 0, 0] + Array("next\n".utf8))
        // A sparse file of 100 GiB with a line at its end.
        directory.write("sparse.log", at: 100 << 30, "far\n")
        let sink = RecordingSink()
        #expect(try Running([target(directory("*.log"))], sink, once: true).finish() == nil)
        #expect(sink.lines.sorted() == ["far", "good", "next"])
        #expect(sink.counter(.nulBytesSkipped) == 184_978 + 100 << 30)
        #expect(sink.problems.isEmpty)
    }

    @Test func reservedRoomIsReadOnceItIsWrittenTo() throws {
        let directory = TemporaryDirectory()
        directory.append("a.log", bytes: Array("first\n".utf8) + [UInt8](repeating: 0, count: 10_000))
        let sink = RecordingSink()
        let run = try Running([target(directory("*.log"))], sink)
        #expect(sink.wait(lines: 1))
        directory.write("a.log", at: 6, "second\nthird\n")
        #expect(sink.wait(lines: 3))
        run.stop()
        #expect(sink.lines == ["first", "second", "third"])
        #expect(sink.counter(.truncations) == 0)
        #expect(sink.problems.isEmpty)
    }

    // MARK: Long lines

    @Test func overlongLinesAreCutAndMemoryIsBounded() throws {
        let directory = TemporaryDirectory()
        let big = String(repeating: "x", count: 1_000_000)
        directory.write("a.log", "short\n\(big)\nafter\n\(String(repeating: "y", count: 1000))\nend\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("*.log"))], sink, once: true) {
            $0.maxLineBytes = 1000
            $0.blockSize = 4096
        }
        #expect(run.finish() == nil)
        #expect(sink.lines == ["short", String(big.prefix(1000)), "after", String(repeating: "y", count: 1000), "end"])
        #expect(sink.counter(.linesCut) == 1)
        #expect(sink.counter(.bytesCut) == 999_000)
        #expect(sink.problems.isEmpty)
    }

    @Test func aLineOf16MiBArrivesWhole() throws {
        let directory = TemporaryDirectory()
        let big = String(repeating: "a", count: 16 << 20)
        directory.write("a.log", big + "\nnext\n")
        let sink = RecordingSink()
        #expect(try Running([target(directory("*.log"))], sink, once: true).finish() == nil)
        #expect(sink.lines.map(\.utf8.count) == [16 << 20, 4])
        #expect(sink.counter(.linesCut) == 0)
    }

    // MARK: Following

    @Test func partialLinesWaitForTheirNewline() throws {
        let directory = TemporaryDirectory()
        directory.write("a.log", "one\ntw")
        let sink = RecordingSink()
        let run = try Running([target(directory("*.log"))], sink)
        #expect(sink.wait(lines: 1))
        for piece in ["o", " and ", "more\r", "\nthree\nfo"] { directory.append("a.log", piece) }
        #expect(sink.wait(lines: 3))
        directory.append("a.log", "ur\n")
        #expect(sink.wait(lines: 4))
        run.stop()
        #expect(sink.lines == ["one", "two and more", "three", "four"])
        #expect(sink.problems.isEmpty)
    }

    @Test func newFilesAndNewDirectoriesAreFoundByEvents() throws {
        let directory = TemporaryDirectory()
        let sink = RecordingSink()
        let run = try Running([target(directory("**/*.log"))], sink) {
            $0.resyncInterval = .seconds(3600)
            $0.pollInterval = .seconds(3600)
        }
        #expect(run.ready())
        directory.write("a.log", "a\n")
        #expect(sink.wait(lines: 1))
        directory.make("x")
        directory.make("x/y")
        directory.write("x/y/b.log", "b\n")
        #expect(sink.wait(lines: 2))
        directory.append("x/y/b.log", "b2\n")
        #expect(sink.wait(lines: 3))
        run.stop()
        #expect(sink.lines == ["a", "b", "b2"])
    }

    @Test func withoutInotifyEverythingIsPolled() throws {
        let directory = TemporaryDirectory()
        directory.write("a.log", "a\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("*.log"))], sink) { $0.watches = false }
        #expect(sink.wait(lines: 1))
        directory.append("a.log", "a2\n")
        #expect(sink.wait(lines: 2))
        directory.write("b.log", "b\n")
        #expect(sink.wait(lines: 3))
        directory.rename("a.log", "a.old")
        directory.write("a.log", "new\n")
        #expect(sink.wait(lines: 4))
        run.stop()
        #expect(sink.lines == ["a", "a2", "b", "new"])
        #expect(sink.problems.isEmpty)
    }

    @Test func aMissingDirectoryIsWaitedFor() throws {
        let directory = TemporaryDirectory()
        let sink = RecordingSink()
        let run = try Running([target(directory("late/x/app.log"))], sink) { $0.resyncInterval = .seconds(3600) }
        #expect(run.ready())
        directory.make("late")
        directory.make("late/x")
        directory.write("late/x/app.log", "hello\n")
        #expect(sink.wait(lines: 1))
        run.stop()
    }

    // MARK: Rotation

    @Test func renameAndCreate() throws {
        let directory = TemporaryDirectory()
        directory.write("app.log", "1\n2\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("app.log"))], sink)
        #expect(sink.wait(lines: 2))
        directory.rename("app.log", "app.log.1")
        // The writer has not been told yet: it goes on in the renamed file.
        directory.append("app.log.1", "3\n")
        directory.write("app.log", "4\n")
        directory.append("app.log.1", "late")
        #expect(sink.wait { $0.lines.contains { $0.text == "late" } })
        run.stop()
        #expect(sink.lines.sorted() == ["1", "2", "3", "4", "late"])
        #expect(Set(sink.all.map(\.labels)).count == 1)
        #expect(Set(sink.all.map(\.source)).count == 2)
        #expect(sink.problems.isEmpty)
        #expect(sink.counter(.filesFinished) == 1)
    }

    @Test func aRenamedFileThatStillMatchesGoesOn() throws {
        let directory = TemporaryDirectory()
        directory.write("app.log", "1\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("app.log*"))], sink)
        #expect(sink.wait(lines: 1))
        directory.rename("app.log", "app.log.1")
        directory.write("app.log", "2\n")
        #expect(sink.wait(lines: 2))
        directory.append("app.log.1", "1b\n")
        #expect(sink.wait(lines: 3))
        run.stop()
        // After a restart neither is read again.
        let again = try Running([target(directory("app.log*"))], sink, once: true)
        #expect(again.finish() == nil)
        #expect(sink.lines == ["1", "2", "1b"])
        #expect(sink.problems.isEmpty)
    }

    @Test func aGapBetweenRenameAndCreate() throws {
        let directory = TemporaryDirectory()
        directory.write("app.log", "1\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("app.log"))], sink)
        #expect(sink.wait(lines: 1))
        directory.rename("app.log", "app.log.1")
        #expect(sink.wait { $0.counters[.rotations] == 1 })
        // As long as there is no new file the old one is kept, longer than `rotateWait`.
        #expect(!(sink.state.wait(timeout: 600_000_000) { $0.counters[.filesFinished] == nil ? nil : true } ?? false))
        directory.append("app.log.1", "2\n")
        #expect(sink.wait(lines: 2))
        directory.write("app.log", "3\n")
        #expect(sink.wait(lines: 3))
        #expect(sink.wait { $0.counters[.filesFinished] == 1 })
        run.stop()
        #expect(sink.lines == ["1", "2", "3"])
        #expect(sink.problems.isEmpty)
    }

    @Test func twoRotationsDuringAStall() throws {
        let directory = TemporaryDirectory()
        directory.write("app.log", "1\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("app.log"))], sink)
        #expect(sink.wait(lines: 1))
        sink.stall(true)
        directory.append("app.log", "2\n")
        for i in 0..<4 {
            directory.rename("app.log", "app.log.\(i)")
            directory.write("app.log", "r\(i)\n")
        }
        // The middle ones are even deleted; the watcher had them open.
        #expect(run.comesTrue { directory.openFiles.isSuperset(of: ["app.log", "app.log.0", "app.log.1", "app.log.2", "app.log.3"]) })
        for i in 0..<3 { directory.remove("app.log.\(i)") }
        sink.stall(false)
        #expect(sink.wait(lines: 6))
        run.stop()
        #expect(sink.lines.sorted() == ["1", "2", "r0", "r1", "r2", "r3"])
        #expect(sink.problems.isEmpty)
    }

    @Test func aFileCreatedAndRenamedBetweenTwoLooks() throws {
        let directory = TemporaryDirectory()
        directory.write("app.log", "1\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("app.log"))], sink)
        #expect(sink.wait(lines: 1))
        for i in 0..<50 {
            directory.rename("app.log", "app.log.\(i)")
            directory.write("app.log", "r\(i)\n")
        }
        #expect(sink.wait(lines: 51))
        run.stop()
        #expect(Set(sink.lines).count == 51)
        #expect(sink.lines.count == 51)
    }

    @Test func deleteAndRecreate() throws {
        let directory = TemporaryDirectory()
        let sink = RecordingSink()
        directory.write("app.log", "0\n")
        let run = try Running([target(directory("app.log"))], sink)
        #expect(sink.wait(lines: 1))
        for i in 1...20 {
            directory.remove("app.log")
            directory.write("app.log", "\(i)\n")
            #expect(sink.wait(lines: i + 1))
        }
        #expect(sink.wait { $0.counters[.filesFinished] ?? 0 >= 20 })
        run.stop()
        #expect(sink.lines == (0...20).map(String.init))
        #expect(sink.problems.isEmpty)
    }

    // MARK: Truncation

    @Test func copytruncate() throws {
        let directory = TemporaryDirectory()
        directory.write("app.log", "1\n2\n3\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("app.log"))], sink)
        #expect(sink.wait(lines: 3))
        directory.truncate("app.log")
        directory.append("app.log", "4\n")
        #expect(sink.wait(lines: 4))
        directory.truncate("app.log")
        #expect(sink.wait { $0.counters[.truncations] == 2 })
        directory.append("app.log", "5\n")
        #expect(sink.wait(lines: 5))
        run.stop()
        #expect(sink.lines == ["1", "2", "3", "4", "5"])
        #expect(Set(sink.all.map(\.source)).count == 3)
        #expect(sink.problems.isEmpty)
    }

    /// Lines that were written and not read when a file was cut were lost, and not even counted: nobody had seen them. They stand in the copy.
    @Test(arguments: [true, false]) func theRestOfACutFileIsReadFromItsCopy(whileRunning: Bool) throws {
        let directory = TemporaryDirectory()
        directory.write("app.log", "1\n2\n")
        directory.write("app.log.old", "1\nother\nlines\n")
        directory.age("app.log.old", seconds: 3_600)
        let sink = RecordingSink()
        var run = try Running([target(directory("app.log"))], sink)
        #expect(sink.wait(lines: 2))
        if whileRunning { sink.stall(true) } else { run.stop() }
        directory.append("app.log", "3\n")
        // The reader stands in the sink with line 3, if it runs at all.
        if whileRunning { #expect(run.comesTrue { run.source.targetStatus().first?.files.first?.size == 6 }) }
        directory.append("app.log", "4\n5\nunfinished")
        directory.write("app.log.1", "1\n2\n3\n4\n5\nunfinished")
        directory.truncate("app.log")
        directory.append("app.log", "6\n")
        if whileRunning { sink.stall(false) } else { run = try Running([target(directory("app.log"))], sink) }
        #expect(sink.wait(lines: 7))
        run.stop()
        #expect(sink.lines == ["1", "2", "3", "4", "5", "unfinished", "6"])
        // The copy is none of the files that came and went while nobody looked.
        let again = try Running([target(directory("app.log"))], sink)
        directory.append("app.log", "7\n")
        #expect(sink.wait(lines: 8))
        again.stop()
        #expect(sink.lines.last == "7")
        #expect(sink.state.withLock { $0.counters[.copiesRead] } == 1 && sink.state.withLock { $0.counters[.bytesLost] } == nil)
        #expect(sink.problems.isEmpty)
    }

    @Test(arguments: [0, 1, 700, 100_000])
    func truncatedAndGrownBeyondTheOldSizeBeforeTheNextLook(_ extra: Int) throws {
        let directory = TemporaryDirectory()
        let old = (0..<100).map { "old line \($0)\n" }.joined()
        directory.write("app.log", old)
        let sink = RecordingSink()
        #expect(try Running([target(directory("app.log"))], sink, once: true).finish() == nil)
        #expect(sink.lines.count == 100)
        // Same size and more, other contents, while nobody looks.
        var new = (0..<100).map { "new line \($0)\n" }.joined()
        if extra > 0 { new += String(repeating: "x", count: extra) + "\n" }
        directory.write("app.log", new)
        #expect(try Running([target(directory("app.log"))], sink, once: true).finish() == nil)
        #expect(sink.lines.count == 200 + (extra > 0 ? 1 : 0))
        #expect(sink.lines[100] == "new line 0")
        #expect(sink.problems.isEmpty)
    }

    @Test func overwrittenWithTheSameSizeWhileFollowed() throws {
        let directory = TemporaryDirectory()
        directory.write("app.log", "old 1\nold 2\n")
        let sink = RecordingSink()
        let run = try Running([target(directory("app.log"))], sink)
        #expect(sink.wait(lines: 2))
        directory.write("app.log", "new 1\nnew 2\n")
        #expect(sink.wait(lines: 4))
        run.stop()
        #expect(sink.lines == ["old 1", "old 2", "new 1", "new 2"])
    }

    @Test func cutUnderAWriterThatDoesNotAppend() throws {
        let directory = TemporaryDirectory()
        let first = String(repeating: "line before\n", count: 1000)
        directory.write("app.log", first)
        let sink = RecordingSink()
        let run = try Running([target(directory("app.log"))], sink)
        #expect(sink.wait(lines: 1000))
        directory.truncate("app.log")
        directory.write("app.log", at: first.utf8.count, "after the hole\n")
        #expect(sink.wait(lines: 1001))
        run.stop()
        #expect(sink.lines.last == "after the hole")
        #expect(sink.lines.count == 1001)
        #expect(sink.problems.isEmpty)
    }

    // MARK: Restarts

    @Test func aFileRotatedWhileNobodyLookedIsReadToItsEnd() throws {
        let directory = TemporaryDirectory()
        directory.write("app.log", "1\n")
        let sink = RecordingSink()
        let first = try Running([target(directory("app.log"))], sink)
        #expect(sink.wait(lines: 1))
        first.stop()
        directory.append("app.log", "2\n3 without end")
        directory.rename("app.log", "app.log.1")
        directory.write("app.log", "4\n5\n6\n7\n")
        let second = try Running([target(directory("app.log"))], sink)
        #expect(sink.wait(lines: 7))
        second.stop()
        #expect(sink.lines.sorted() == ["1", "2", "3 without end", "4", "5", "6", "7"])
        #expect(Set(sink.all.map(\.labels)).count == 1)
        #expect(sink.problems.isEmpty)
    }

    @Test func anotherDeviceNumberAfterAReboot() throws {
        let directory = TemporaryDirectory()
        let text = (0..<100).map { "line \($0)\n" }.joined()
        directory.write("app.log", text)
        let sink = RecordingSink()
        #expect(try Running([target(directory("app.log"))], sink, once: true).finish() == nil)
        let (source, position) = try #require(sink.positions(withPrefix: "file:").first)
        var key = try #require(FileSourceKey(source))
        key.id.device += 7
        directory.append("app.log", "more\n")
        let other = RecordingSink(positions: [key.text: position])
        #expect(try Running([target(directory("app.log"))], other, once: true).finish() == nil)
        #expect(other.lines == ["more"])
        #expect(other.problems.isEmpty)
    }

    @Test func positionsOfPromtailAreTakenOver() throws {
        let directory = TemporaryDirectory()
        directory.write("a.log", "1\n2\n3\n")
        directory.write("b.log", "1\n2\n3\n")
        directory.write("c.log", "1\n")
        let sink = RecordingSink()
        // b: within a line, which is delivered whole; c: beyond the end, so it is another file.
        sink.state.change { $0.imported = [directory("a.log"): 4, directory("b.log"): 3, directory("c.log"): 50] }
        #expect(try Running([target(directory("*.log"))], sink, once: true).finish() == nil)
        #expect(sink.all.map { "\($0.path.suffix(5)) \($0.text)" } == ["a.log 3", "b.log 2", "b.log 3", "c.log 1"])
        #expect(sink.problems.isEmpty)
    }

    @Test func beginningAtTheEnd() throws {
        let directory = TemporaryDirectory()
        directory.write("a.log", "old\nhal")
        let sink = RecordingSink()
        let run = try Running([target(directory("*.log"))], sink) { $0.startAt = .end }
        #expect(sink.wait { !$0.positions.isEmpty })
        directory.append("a.log", "f\n")
        directory.write("b.log", "new file\n")
        #expect(sink.wait(lines: 2))
        run.stop()
        #expect(sink.lines.sorted() == ["half", "new file"])
        #expect(sink.problems.isEmpty)
    }

    // MARK: Links, targets, odd files

    @Test func aFarmOfLinks() throws {
        let directory = TemporaryDirectory()
        directory.make("pods")
        directory.make("containers")
        for i in 0..<20 {
            directory.write("pods/\(i).log", "\(i)\n")
            directory.link(directory("pods/\(i).log"), "containers/c\(i).log")
        }
        let sink = RecordingSink()
        let run = try Running([target(directory("containers/*.log"))], sink) {
            $0.resyncInterval = .seconds(3600)
            $0.pollInterval = .seconds(3600)
        }
        #expect(sink.wait(lines: 20))
        for i in 0..<20 { directory.append("pods/\(i).log", "\(i) more\n") }
        #expect(sink.wait(lines: 40))
        // A new pod that lives only shortly.
        directory.write("pods/x.log", "short-lived\n")
        directory.link(directory("pods/x.log"), "containers/x.log")
        #expect(sink.wait(lines: 41))
        directory.remove("containers/x.log")
        directory.remove("pods/x.log")
        // A link that is led elsewhere.
        directory.write("pods/0b.log", "elsewhere\n")
        directory.remove("containers/c0.log")
        directory.link(directory("pods/0b.log"), "containers/c0.log")
        #expect(sink.wait(lines: 42))
        run.stop()
        #expect(sink.all.allSatisfy { $0.path.hasPrefix(directory("containers/")) })
        #expect(sink.problems.isEmpty)
    }

    @Test func twoNamesOfOneFileAreReadOnce() throws {
        let directory = TemporaryDirectory()
        directory.write("a.log", "1\n")
        directory.hardLink("a.log", "b.log")
        directory.link(directory("a.log"), "c.log")
        let sink = RecordingSink()
        #expect(try Running([target(directory("*.log"))], sink, once: true).finish() == nil)
        #expect(sink.lines == ["1"])
    }

    @Test func twoTargetsOfOneFileEachGetIt() throws {
        let directory = TemporaryDirectory()
        directory.write("a.log", "1\n")
        let sink = RecordingSink()
        let targets = [
            try target(directory("*.log"), job: 0, labels: ["job": "x"]), try target(directory("a.*"), job: 1, labels: ["job": "y"]),
        ]
        #expect(try Running(targets, sink, once: true).finish() == nil)
        #expect(try Running(targets, sink, once: true).finish() == nil)
        #expect(sink.all.compactMap { $0.labels["job"]?.string }.sorted() == ["x", "y"])
        #expect(sink.problems.isEmpty)
    }

    @Test func excludedFilesAndThingsThatAreNoFiles() throws {
        let directory = TemporaryDirectory()
        directory.write("a.log", "1\n")
        directory.write("skip.log", "2\n")
        directory.make("dir.log")
        mkfifo(directory("fifo.log"), 0o644)
        directory.link("/dev/zero", "zero.log")
        let sink = RecordingSink()
        #expect(try Running([target(directory("*.log"), exclude: directory("sk*"))], sink, once: true).finish() == nil)
        #expect(sink.lines == ["1"])
    }

    @Test func aThousandFilesWithFewDescriptors() throws {
        let directory = TemporaryDirectory()
        for i in 0..<1000 { directory.write("\(i).log", "a\(i)\n") }
        let sink = RecordingSink()
        let run = try Running([target(directory("*.log"))], sink) { $0.maxOpenFiles = 32 }
        #expect(sink.wait(lines: 1000))
        for i in 0..<1000 { directory.append("\(i).log", "b\(i)\n") }
        #expect(sink.wait(lines: 2000))
        #expect(run.source.targetStatus().flatMap(\.files).count == 1000)
        run.stop()
        #expect(Set(sink.lines).count == 2000)
        #expect(sink.lines.count == 2000)
        #expect(sink.problems.isEmpty)
    }
}
