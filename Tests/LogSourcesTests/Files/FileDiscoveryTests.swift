import Bytes
import Disk
import Glibc
import LogModel
import Testing

@testable import LogSources

@Suite(.serialized) struct FileDiscoveryTests {
    /// A target file of the tests: one `path [label=value]` a line, and `broken` for one that cannot be read.
    private static func parse(_ bytes: [UInt8], _ path: String) throws -> [TargetGroup] {
        try String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
            if line == "broken" { throw StoreError(.system, "line 1 is broken") }
            let words = line.split(separator: " ")
            var labels = Labels(["__path__": String(words[0])])
            for word in words.dropFirst() {
                let pair = word.split(separator: "=")
                labels[ByteString(String(pair[0]))] = ByteString(String(pair[1]))
            }
            return TargetGroup(targets: ["localhost"], labels: labels)
        }
    }

    private func makeDiscovery(
        _ directory: TemporaryDirectory, _ files: FileSource, _ sink: RecordingSink, once: Bool = false, refreshInterval: Duration = .seconds(300)
    ) throws -> FileDiscovery {
        var settings = FileDiscoverySettings(
            job: 0, jobName: "d", files: [directory("sd/*.yml")],
            target: FileTargetSettings(job: 0, jobName: "d", labels: Labels()))
        settings.refreshInterval = refreshInterval
        return try FileDiscovery(
            [settings], files: files, hostname: "host", once: once, events: sink.events, parse: Self.parse)
    }

    /// A source and its discovery, each on a thread of its own.
    private struct Both {
        let running: Running
        let discovery: FileDiscovery
        let worker: Worker?

        func stop() {
            discovery.stop()
            worker?.join()
            running.stop()
        }
    }

    private func start(_ directory: TemporaryDirectory, _ sink: RecordingSink, refreshInterval: Duration = .seconds(300)) throws -> Both {
        var made: FileDiscovery?
        let running = try Running([], sink, { $0.leaveWait = .milliseconds(500) }, before: { files in
            made = try makeDiscovery(directory, files, sink, refreshInterval: refreshInterval)
        })
        let discovery = try #require(made)
        let worker = Worker("test-discovery") { try? discovery.run() }
        #expect(running.ready())
        return Both(running: running, discovery: discovery, worker: worker)
    }

    @Test func onceReadsWhatTargetFilesName() throws {
        let directory = TemporaryDirectory()
        directory.make("sd")
        directory.write("a.log", "a1\na2\n")
        directory.write("sd/one.yml", "\(directory("a.log")) env=prod\n")
        let sink = RecordingSink()
        let running = try Running([], sink, once: true, { _ in }, before: { files in
            _ = try makeDiscovery(directory, files, sink, once: true)
        })
        #expect(running.finish() == nil)
        #expect(sink.lines == ["a1", "a2"])
        #expect(sink.all.first?.labels == Labels(["env": "prod", "filename": directory("a.log")]))
    }

    /// A target file that could not be read for a moment had no targets until somebody changed it.
    @Test func aFileThatCouldNotBeReadIsReadLater() throws {
        let directory = TemporaryDirectory()
        directory.make("sd")
        directory.write("a.log", "a1\n")
        directory.write("sd/one.yml", directory("a.log"))
        let path = ByteString(directory("sd/one.yml"))
        SystemFaults.arm("open", path, code: EMFILE, times: 2)
        let sink = RecordingSink()
        let both = try start(directory, sink, refreshInterval: .milliseconds(50))
        #expect(sink.wait(lines: 1))
        both.stop()
        #expect(SystemFaults.left(path) == 0)
        #expect(sink.counter(.targetFilesFailed) == 2)
    }

    @Test func targetsComeAndGoWhileRunning() throws {
        let directory = TemporaryDirectory()
        directory.make("sd")
        directory.write("a.log", "a1\n")
        directory.write("b.log", "b1\n")
        directory.write("sd/one.yml", "\(directory("a.log"))\n")
        let sink = RecordingSink()
        let both = try start(directory, sink)
        defer { both.stop() }
        #expect(sink.wait(lines: 1))
        // A second file: from its beginning.
        directory.write("sd/two.yml", "\(directory("b.log")) env=b\n")
        #expect(sink.wait { $0.lines.contains { $0.text == "b1" && $0.labels["env"] == "b" } })
        directory.append("b.log", "b2\n")
        #expect(sink.wait { $0.lines.contains { $0.text == "b2" } })
        // Gone: the file is let go of, and the other is read on.
        directory.remove("sd/two.yml")
        #expect(sink.wait { ($0.counters[.filesFinished] ?? 0) >= 1 })
        directory.append("b.log", "b3\n")
        directory.append("a.log", "a2\n")
        #expect(sink.wait { $0.lines.contains { $0.text == "a2" } })
        #expect(!sink.lines.contains("b3"))
        // Back again: it goes on where it was.
        directory.write("sd/two.yml", "\(directory("b.log")) env=b\n")
        #expect(sink.wait { $0.lines.contains { $0.text == "b3" } })
        #expect(sink.lines.filter { $0.hasPrefix("b") } == ["b1", "b2", "b3"])
        #expect(sink.problems.isEmpty)
    }

    /// Promtail keys positions by path; here a target with other labels must not begin the file again.
    @Test func otherLabelsGoOnInTheSameFile() throws {
        let directory = TemporaryDirectory()
        directory.make("sd")
        directory.write("a.log", "one\n")
        directory.write("sd/one.yml", "\(directory("a.log")) env=old\n")
        let sink = RecordingSink()
        let both = try start(directory, sink)
        defer { both.stop() }
        #expect(sink.wait(lines: 1))
        directory.write("sd/one.yml", "\(directory("a.log")) env=new\n")
        #expect(sink.wait { $0.reports.contains { $0.message.contains("1 targets added, 1 removed") } })
        // The reader hears of it a moment later than the log.
        #expect(both.running.comesTrue { both.running.source.targetStatus().contains { $0.labels["env"] == "new" && !$0.files.isEmpty } })
        directory.append("a.log", "two\n")
        #expect(sink.wait(lines: 2))
        #expect(sink.lines == ["one", "two"])
        #expect(sink.all.map { $0.labels["env"] } == ["old", "new"])
        #expect(sink.problems.isEmpty)
    }

    @Test func brokenFileKeepsItsTargetsAndSaysSoOnce() throws {
        let directory = TemporaryDirectory()
        directory.make("sd")
        directory.write("a.log", "one\n")
        directory.write("sd/one.yml", "\(directory("a.log"))\n")
        let sink = RecordingSink()
        let both = try start(directory, sink)
        defer { both.stop() }
        #expect(sink.wait(lines: 1))
        directory.write("sd/one.yml", "broken\n")
        #expect(sink.wait { $0.reports.contains { $0.message.contains("stay as they were") } })
        directory.append("a.log", "two\n")
        #expect(sink.wait(lines: 2))
        #expect(sink.state.withLock { $0.reports.filter { $0.message.contains("stay as they were") }.count } == 1)
    }
}
