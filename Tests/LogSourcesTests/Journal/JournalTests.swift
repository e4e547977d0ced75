import Bytes
import Disk
import Glibc
import LogModel
import Testing

@testable import LogSources

/// Journals are made of text by `systemd-journal-remote`.
enum JournalMaker {
    static let tool = "/lib/systemd/systemd-journal-remote"

    static var isThere: Bool {
        if access(tool, X_OK) == 0 { return true }
        print("SKIPPED: \(tool) is missing (Debian: systemd-journal-remote); the journal is not tested")
        return false
    }

    static func make(_ journal: String, from export: String) -> Bool {
        guard let child = try? ChildProcess("/bin/sh", ["-c", "\(tool) -o '\(journal)' '\(export)' >/dev/null 2>&1"]) else { return false }
        return child.wait() == "exit status 0"
    }

    static let machine = "0123456789abcdef0123456789abcdef"

    /// Entries numbered from `first`, a second apart, in the export format.
    static func entries(_ range: Range<Int>, sequence: String = "00112233445566778899aabbccddeeff") -> String {
        range.map { i in
            """
            __CURSOR=s=\(sequence);i=\(String(i + 1, radix: 16));b=\(machine);m=\(String(i * 1000, radix: 16));t=\(String(time(i), radix: 16));x=1
            __REALTIME_TIMESTAMP=\(time(i))
            __MONOTONIC_TIMESTAMP=\(i * 1000)
            _BOOT_ID=\(machine)
            _MACHINE_ID=\(machine)
            PRIORITY=\(i % 8)
            _SYSTEMD_UNIT=unit\(i % 3).service
            SYSLOG_IDENTIFIER=id\(i % 2)
            MESSAGE=message \(i)


            """
        }.joined()
    }

    static func time(_ i: Int) -> UInt64 { 1_700_000_000_000_000 + UInt64(i) * 1_000_000 }
}

@Suite(.serialized, .enabled(if: JournalMaker.isThere)) struct JournalTests {
    private func reader(_ journal: String, _ change: (inout JournalReader.Options) -> Void = { _ in }) throws -> JournalReader {
        var options = JournalReader.Options()
        options.place = .files([journal])
        change(&options)
        return try JournalReader(options)
    }

    private func drain(_ reader: JournalReader) throws -> [JournalEntry] {
        var entries: [JournalEntry] = []
        while let entry = try reader.next() { entries.append(entry) }
        return entries
    }

    private func journal(_ directory: TemporaryDirectory, _ range: Range<Int>, name: String = "a.journal") throws -> String {
        directory.write("in.export", JournalMaker.entries(range))
        try #require(JournalMaker.make(directory(name), from: directory("in.export")))
        return directory(name)
    }

    @Test func entriesInOrderWithAllFields() throws {
        let directory = TemporaryDirectory()
        let path = try journal(directory, 0..<10)
        let entries = try drain(try reader(path))
        #expect(entries.map { $0["MESSAGE"]?.string } == (0..<10).map { "message \($0)" })
        #expect(entries.map(\.realtime) == (0..<10).map(JournalMaker.time))
        #expect(entries[4]["_SYSTEMD_UNIT"] == "unit1.service")
    }

    @Test func binaryAndMultilineMessages() throws {
        let directory = TemporaryDirectory()
        var export = Array(JournalMaker.entries(0..<1).dropLast(2).utf8)
        export += Array("\nBLOB\n".utf8)
        let blob: [UInt8] = [0, 1, 2, 10, 61, 255]
        export += (0..<8).map { UInt8(truncatingIfNeeded: blob.count >> (8 * $0)) } + blob + [10, 10]
        directory.append("in.export", bytes: export)
        try #require(JournalMaker.make(directory("b.journal"), from: directory("in.export")))
        let entries = try drain(try reader(directory("b.journal")))
        #expect(entries.first?["BLOB"]?.bytes == blob)
    }

    @Test func seeking() throws {
        let directory = TemporaryDirectory()
        let path = try journal(directory, 0..<10)
        let cursors = try drain(try reader(path)).map(\.cursor.string)
        let behind = try reader(path) { $0.cursor = cursors[3] }
        #expect(try drain(behind).first?["MESSAGE"] == "message 4")
        #expect(!behind.lostCursor)
        let since = try reader(path) { $0.since = JournalMaker.time(7) }
        #expect(try drain(since).count == 3)
        let last = try reader(path) { $0.cursor = cursors[9] }
        #expect(try drain(last).isEmpty)
        let matched = try reader(path) { $0.matches = ["_SYSTEMD_UNIT=unit0.service", "_SYSTEMD_UNIT=unit1.service"] }
        #expect(try drain(matched).count == 7)
        #expect(throws: JournalError.self) { try reader(path) { $0.matches = ["nonsense"] } }
    }

    @Test func aCursorThatIsGone() throws {
        let directory = TemporaryDirectory()
        let path = try journal(directory, 5..<15)
        let cursors = try drain(try reader(path)).map(\.cursor.string)
        let cursor = try #require(JournalCursor(cursors[0]))
        // An entry before the journal's first, of the same sequence: vacuumed. Everything that is there is new.
        let vacuumed = "s=\(cursor.sequence);i=0;b=\(JournalMaker.machine);m=1;t=\(String(JournalMaker.time(2), radix: 16));x=0"
        let first = try reader(path) { $0.cursor = vacuumed }
        #expect(first.lostCursor)
        #expect(try drain(first).count == 10)
        // Of another sequence: behind its time.
        let other = "s=ffffffffffffffffffffffffffffffff;i=5;b=\(JournalMaker.machine);m=1;t=\(String(JournalMaker.time(9), radix: 16));x=0"
        let second = try reader(path) { $0.cursor = other }
        #expect(second.lostCursor)
        #expect(try drain(second).first?["MESSAGE"] == "message 10")
        // Nonsense: from the beginning that was asked for.
        let third = try reader(path) { options in
            options.cursor = "nonsense"
            options.since = JournalMaker.time(12)
        }
        #expect(try drain(third).count == 3)
    }

    // MARK: Frames and arguments

    @Test func framesComeBackWhereverTheyAreCut() throws {
        let entry = JournalEntry(
            cursor: "s=1", realtime: 5, fields: [.init(name: "A", value: ByteString([0, 255, 10])), .init(name: "B", value: "")])
        let out = ByteArena()
        let frames: [JournalFrame] = [.entry(entry), .end, .lost, .failure("words")]
        for frame in frames { frame.encode(into: out) }
        for cut in 0...out.count {
            var found: [JournalFrame] = []
            var at = 0
            while let (frame, length) = try JournalFrame.decode(out.view[at..<cut]) {
                found.append(frame)
                at += length
            }
            #expect(found.elementsEqual(frames.prefix(found.count)))
            if cut == out.count { #expect(found.count == frames.count) }
        }
        for damaged: [UInt8] in [[0, 0, 0, 0], [1, 0, 0, 0, 9], [255, 255, 255, 255], [2, 0, 0, 0, 2, 0], [3, 0, 0, 0, 1, 5, 1]] {
            #expect(throws: DecodeError.self) { try damaged.withView { view throws in try JournalFrame.decode(view) } }
        }
    }

    @Test func argumentsComeBack() {
        var arguments = JournalHelper.Arguments()
        arguments.options.place = .files(["/a b", "/c"])
        arguments.options.matches = ["A=b", "--once=x"]
        arguments.options.cursor = "s=1;i=2"
        arguments.options.since = 5
        arguments.once = true
        #expect(JournalHelper.Arguments.parse(arguments.words).arguments == arguments)
        #expect(JournalHelper.Arguments.parse(["--since", "x"]).arguments == nil)
        #expect(JournalHelper.Arguments.parse(["--what", "x"]).arguments == nil)
        #expect(JournalHelper.Arguments.parse(["--cursor"]).arguments == nil)
    }

    // MARK: Source

    /// A stand-in for the helper: a shell script. The frames are those of the real reader, taken down in a file.
    private func record(_ directory: TemporaryDirectory, _ name: String, _ arguments: JournalHelper.Arguments) throws {
        let path = directory(name)
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        defer { close(file) }
        try JournalHelper.follow(arguments, ByteArena(), to: file)
    }

    private func run(_ settings: JournalSettings, _ sink: RecordingSink, script: String, once: Bool = true) throws -> String? {
        let source = try JournalSource(
            settings: settings, sink: sink, once: once, events: sink.events,
            helper: HelperCommand(path: "/bin/sh", arguments: ["-c", script, "helper"]))
        do { try source.run() } catch { return "\(error)" }
        return nil
    }

    @Test func labelsLinesAndPositions() throws {
        let directory = TemporaryDirectory()
        var arguments = JournalHelper.Arguments()
        arguments.options.place = .files([try journal(directory, 0..<10)])
        arguments.once = true
        try record(directory, "frames", arguments)
        var settings = JournalSettings(job: 4, jobName: "j")
        settings.labels = Labels(["job": "journal"])
        settings.addsUnitAndLevel = true
        settings.relabel = [try RelabelRule(sourceLabels: ["__journal_syslog_identifier"], regex: "id(.*)", targetLabel: "n")]
        let sink = RecordingSink()
        #expect(try run(settings, sink, script: "cat '\(directory("frames"))'") == nil)
        #expect(sink.lines == (0..<10).map { "message \($0)" })
        #expect(sink.all[3].labels == Labels(["job": "journal", "level": "error", "n": "1", "unit": "unit0.service"]))
        #expect(sink.all[3].timestamp == Int64(JournalMaker.time(3)) * 1000)
        let position = try #require(sink.positions(withPrefix: "journal:j").first)
        #expect(position.position.offset == 10)
        #expect(JournalCursor(position.position.detail.string) != nil)
        #expect(sink.problems.isEmpty)

        settings.json = true
        let json = RecordingSink()
        #expect(try run(settings, json, script: "cat '\(directory("frames"))'") == nil)
        #expect(json.lines[0].hasPrefix(#"{"MESSAGE":"message 0","PRIORITY":"0","SYSLOG_IDENTIFIER":"id0","#))

        settings.relabel = [try RelabelRule(sourceLabels: ["__journal_priority_keyword"], regex: "err.*|crit", action: "keep")]
        settings.json = false
        let kept = RecordingSink()
        #expect(try run(settings, kept, script: "cat '\(directory("frames"))'") == nil)
        #expect(kept.lines == ["message 2", "message 3"])
        #expect(kept.counter(.journalDropped) == 8)
        #expect(kept.positions(withPrefix: "journal:j").first?.position.offset == 10)
    }

    @Test func aHelperThatDiesIsStartedBehindTheLastEntry() throws {
        let directory = TemporaryDirectory()
        let path = try journal(directory, 0..<100)
        let all = try drain(try reader(path))
        // One file of frames for each cursor: the script sends what is behind the one it is given, and breaks off in the
        // middle of an entry, three times, by the signal that a vacuumed mapping sends.
        for entry in [nil] + all.map(Optional.some) {
            var arguments = JournalHelper.Arguments()
            arguments.options.place = .files([path])
            arguments.options.cursor = entry?.cursor.string
            arguments.once = true
            try record(directory, "f-\(entry?.cursor.string ?? "")", arguments)
        }
        let sizes = ByteArena()
        for entry in all.prefix(10) { JournalFrame.entry(entry).encode(into: sizes) }
        let script = """
            cursor=; while [ $# -gt 0 ]; do [ "$1" = --cursor ] && cursor=$2; shift; done
            n=$(cat '\(directory("count"))' 2>/dev/null || echo 0); echo $((n+1)) > '\(directory("count"))'
            if [ $n -lt 3 ]; then head -c \(sizes.count + 20) "\(directory("f-"))$cursor"; kill -BUS $$; fi
            cat "\(directory("f-"))$cursor"
            """
        let sink = RecordingSink()
        var settings = JournalSettings(job: 0, jobName: "j")
        settings.labels = Labels(["job": "journal"])
        #expect(try run(settings, sink, script: script) == nil)
        #expect(sink.lines == (0..<100).map { "message \($0)" })
        #expect(sink.counter(.journalRestarts) == 3)
        #expect(sink.problems.isEmpty)
        #expect(sink.state.withLock { $0.reports }.contains { $0.message.contains("signal 7") })
    }

    @Test func aSourceThatIsStoppedEnds() throws {
        let sink = RecordingSink()
        let source = try JournalSource(
            settings: JournalSettings(job: 0, jobName: "j"), sink: sink, events: sink.events,
            helper: HelperCommand(path: "/bin/sh", arguments: ["-c", "exec sleep 1000"]))
        let ended = Monitor(false)
        let worker = Worker("test") {
            try? source.run()
            ended.change { $0 = true }
        }
        source.stop()
        #expect(ended.wait(timeout: RecordingSink.patience) { $0 ? true : nil } == true)
        worker?.join()
    }

    /// The sample of 2,000 entries, in `TAILRACE_SHARED` or beside the repository.
    @Test func theSampleJournal() throws {
        let root = getenv("TAILRACE_SHARED").map { String(cString: $0) } ?? "../shared"
        let export = root + "/corpora/samples/gpu-hosts-2k.export"
        guard access(export, R_OK) == 0 else {
            print("SKIPPED: \(export) is missing")
            return
        }
        let directory = TemporaryDirectory()
        try #require(JournalMaker.make(directory("s.journal"), from: export))
        let entries = try drain(try reader(directory("s.journal")))
        #expect(entries.count >= 2_000)
        #expect(zip(entries, entries.dropFirst()).allSatisfy { $0.realtime <= $1.realtime })
        // From each of a hundred places: what follows, neither more nor less.
        for i in stride(from: 0, to: entries.count, by: 20) {
            let rest = try reader(directory("s.journal")) { $0.cursor = entries[i].cursor.string }
            #expect(try rest.next()?.cursor == (i + 1 < entries.count ? entries[i + 1].cursor : nil))
            #expect(!rest.lostCursor)
        }
    }
}
