import Bytes
import Disk
import LogModel
import Testing

@testable import LogSources

/// While a stage holds lines back (`multiline`), the position that is committed lies before them, and its detail is that of the
/// last line read. The mark in it was taken for one of the bytes before the position and never matched: after a kill the
/// file counted as another one, and was read from its beginning, or from its end.
@Suite(.serialized) struct HeldPositionTests {
    /// As a runner that holds everything behind `offset` commits it.
    private func hold(_ sink: RecordingSink, at offset: UInt64) {
        sink.state.change { state in
            for source in state.positions.keys { state.positions[source]?.offset = offset }
            state.lines = []
        }
    }

    @Test(arguments: [FileSourceSettings.Start.beginning, .end], [0, 6, 3_498])
    func heldLinesAreReadAgainAndNoOthers(_ start: FileSourceSettings.Start, _ held: Int) throws {
        let directory = TemporaryDirectory()
        let lines = (0..<1_000).map { "l\(1_000 + $0)" }
        directory.write("a.log", lines.joined(separator: "\n") + "\n")
        let sink = RecordingSink()
        #expect(try Running([target(directory("*.log"))], sink, once: true).finish() == nil)
        #expect(sink.lines == lines)
        hold(sink, at: UInt64(held))
        let again = try Running([target(directory("*.log"))], sink) { $0.startAt = start }
        #expect(sink.wait(lines: 1_000 - held / 6))
        // And what comes then goes on from there.
        directory.append("a.log", "new\n")
        #expect(sink.wait { $0.lines.last?.text == "new" })
        again.stop()
        #expect(sink.lines == lines.dropFirst(held / 6) + ["new"])
        #expect(sink.state.withLock { $0.positions.count } == 1)
        #expect(sink.counter(.truncations) == 0)
        #expect(sink.problems.isEmpty)
    }

    @Test func positionsOfEarlierVersionsAreRead() throws {
        let directory = TemporaryDirectory()
        directory.write("a.log", "one\ntwo\n")
        let sink = RecordingSink()
        #expect(try Running([target(directory("*.log"))], sink, once: true).finish() == nil)
        sink.state.change { state in
            for (source, position) in state.positions {
                let text = position.detail.string
                #expect(text.contains("@8 "))
                state.positions[source]?.detail = ByteString(text.split(separator: "@8").joined())
            }
        }
        directory.append("a.log", "three\n")
        #expect(try Running([target(directory("*.log"))], sink, once: true).finish() == nil)
        #expect(sink.lines == ["one", "two", "three"])
        #expect(sink.problems.isEmpty)
    }

    @Test func aFileThatBecameShorterThanItsMarkIsNew() throws {
        let directory = TemporaryDirectory()
        directory.write("a.log", "one\ntwo\nthree\n")
        let sink = RecordingSink()
        #expect(try Running([target(directory("*.log"))], sink, once: true).finish() == nil)
        hold(sink, at: 4)
        directory.write("a.log", "one\nTWO\n")
        #expect(try Running([target(directory("*.log"))], sink, once: true).finish() == nil)
        #expect(sink.lines == ["one", "TWO"])
    }

    /// Cut by `copytruncate` while the collector was down: what was held stands in the copy.
    @Test(arguments: [0, 4])
    func heldLinesAreReadFromACopy(_ held: UInt64) throws {
        let directory = TemporaryDirectory()
        directory.write("a.log", "one\ntwo\nthree\n")
        let sink = RecordingSink()
        #expect(try Running([target(directory("a.log"))], sink, once: true).finish() == nil)
        hold(sink, at: held)
        directory.write("a.log.1", "one\ntwo\nthree\nfour\n")
        directory.write("a.log", "five\n")
        let again = try Running([target(directory("a.log"))], sink)
        let expected = (held == 0 ? ["one"] : []) + ["two", "three", "four", "five"]
        #expect(sink.wait(lines: expected.count))
        again.stop()
        #expect(sink.lines == expected)
        #expect(sink.counter(.copiesRead) == 1)
    }

    /// `done=1` went with a position before the last lines: the archive was never opened again.
    @Test func heldLinesOfArchivesAreReadAgain() throws {
        let directory = TemporaryDirectory()
        directory.append("a.gz", bytes: ArchiveTests.sample)
        var settings = FileTargetSettings(job: 0, jobName: "a", path: directory("a.gz"))
        settings.decompression = Decompression(initialDelay: .zero, format: nil)
        let target = try FileTarget(settings, hostname: "host")
        let sink = RecordingSink()
        func once() throws { try ArchiveSource(targets: [target], sink: sink, once: true, events: sink.events).run() }
        try once()
        #expect(sink.lines == ["one", "two", "three"])
        for held in 0..<3 {
            hold(sink, at: UInt64(held))
            try once()
            #expect(sink.lines == Array(["one", "two", "three"].dropFirst(held)))
        }
        #expect(sink.state.withLock { $0.positions.count } == 1)
        #expect(sink.counter(.filesOpened) == 4)
        // Committed to its end: not opened again. Nor where an earlier version said so.
        try once()
        sink.state.change { state in
            for (source, position) in state.positions {
                #expect(position.detail.string.contains(" done=3 "))
                state.positions[source]?.detail = ByteString(position.detail.string.split(separator: "done=3").joined(separator: "done=1"))
            }
        }
        try once()
        #expect(sink.counter(.filesOpened) == 4)
        #expect(sink.problems.isEmpty)
    }
}
