import Bytes
import Disk
import LogModel
import Testing

@testable import LogSources

/// Promtail's journal target said that it was ready long after it had stopped reading.
@Suite struct JournalHealthTests {
    private static let second: Int64 = 1_000_000_000

    @Test func failuresCountFromTheFirstOfARow() {
        var health = JournalHealth()
        health.started(now: 0)
        health.failed("no such file", now: Self.second)
        #expect(health.trouble(now: 10 * Self.second) == nil)
        #expect(health.trouble(now: 11 * Self.second) == "the journal cannot be read for 10 s: no such file")
        // One that is alive for a moment and dies again changes nothing; one that stays does.
        health.started(now: 12 * Self.second)
        health.heard()
        health.idle(now: 13 * Self.second)
        health.failed("killed", now: 14 * Self.second)
        #expect(health.trouble(now: 15 * Self.second) == "the journal cannot be read for 14 s: killed")
        health.started(now: 16 * Self.second)
        health.idle(now: 21 * Self.second)
        health.listens(now: 21 * Self.second)
        #expect(health.trouble(now: 22 * Self.second) == nil)
        health.failed("killed", now: 23 * Self.second)
        health.moved()
        #expect(health.trouble(now: 60 * Self.second) == nil)
    }

    @Test func silenceCountsOnlyWhileListening() {
        var health = JournalHealth()
        #expect(health.trouble(now: 100 * Self.second) == nil)
        health.started(now: 0)
        #expect(health.trouble(now: 10 * Self.second) == "the journal's reader has said nothing for 10 s")
        // Waiting for room in the destination is no fault of the journal.
        health.heard()
        #expect(health.trouble(now: 100 * Self.second) == nil)
        health.listens(now: 100 * Self.second)
        #expect(health.trouble(now: 109 * Self.second) == nil)
        #expect(health.trouble(now: 110 * Self.second) != nil)
    }

    /// A helper that hung stayed for ever; another one is started after two minutes of silence.
    @Test func aSilentHelperIsReplaced() throws {
        var health = JournalHealth()
        health.started(now: 0)
        #expect(health.deadSilence(now: 119 * Self.second) == nil)
        #expect(health.deadSilence(now: 120 * Self.second) == 120 * Self.second)
        health.heard()
        #expect(health.deadSilence(now: 1_000 * Self.second) == nil)

        let directory = TemporaryDirectory()
        let sink = RecordingSink()
        let source = try JournalSource(
            settings: JournalSettings(job: 0, jobName: "j"), sink: sink, events: sink.events,
            helper: HelperCommand(path: "/bin/sh", arguments: ["-c", "echo x >> '\(directory("starts"))'; exec sleep 1000"]), staleAfter: 1_000_000)
        let worker = Worker("test") { try? source.run() }
        #expect(sink.wait { $0.counters[.journalRestarts] ?? 0 >= 2 })
        source.stop()
        worker?.join()
        #expect(sink.state.withLock { $0.reports.contains { $0.message.contains("it said nothing for") } })
        #expect(try System.status(of: ByteString(directory("starts"))).size >= 4)
    }

    @Test(arguments: [("exit 3", "the journal cannot be read"), ("exec sleep 1000", "has said nothing")])
    func aSourceSaysSo(_ script: String, _ words: String) throws {
        let sink = RecordingSink()
        let source = try JournalSource(
            settings: JournalSettings(job: 0, jobName: "j"), sink: sink, events: sink.events,
            helper: HelperCommand(path: "/bin/sh", arguments: ["-c", script]), staleAfter: 0)
        let worker = Worker("test") { try? source.run() }
        defer {
            source.stop()
            worker?.join()
        }
        let end = Monotonic.now() + RecordingSink.patience
        while !(source.trouble ?? "").contains(words), Monotonic.now() < end {}
        #expect(source.trouble?.contains(words) == true)
        #expect(!source.isReady)
    }
}
