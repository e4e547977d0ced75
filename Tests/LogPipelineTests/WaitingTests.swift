import Bytes
import LogModel
import Metrics
import Synchronization
import Testing

@testable import LogPipeline

@Suite("Lines that wait: multiline and cri")
struct WaitingTests {
    private static let multiline = StageKind.multiline(MultilineStageOptions(firstline: "^START", maxLines: 4))

    @Test("multiline: lines before the first start pass, blocks end at the next start or when full")
    func blocks() throws {
        let bench = try Bench([Self.multiline])
        #expect(bench.run(["before", "START 1", "a", "b"]).map(\.line) == ["before"])
        #expect(bench.run(["START 2", "c"]).map(\.line) == ["START 1\na\nb"])
        #expect(bench.runner.isWaiting)
        bench.runner.flush(into: bench.output)
        #expect(bench.take().isEmpty)
        bench.runner.flush(into: bench.output, all: true)
        #expect(bench.take().map(\.line) == ["START 2\nc"])
        #expect(bench.run(["START 3", "1", "2", "3", "4"]).map(\.line) == ["START 3\n1\n2\n3", "4"])
    }

    @Test("multiline: time, labels and extracted values are those of the first line")
    func firstLineRules() throws {
        let bench = try Bench([
            .regex(RegexStageOptions(expression: #"(?P<n>\d+)"#)), Self.multiline, .labels([StageMapping("n")]),
        ])
        _ = bench.run(["START 1", "x 2"], timestamp: 100)
        bench.runner.flush(into: bench.output, all: true)
        #expect(bench.take() == [Emitted(line: "START 1\nx 2", labels: #"{job="j", n="1"}"#, metadata: "{}", timestamp: 100)])
    }

    @Test("multiline: a block goes after its time")
    func timeout() throws {
        let clock = Mutex(Bench.now)
        let bench = try Bench([Self.multiline], now: { clock.withLock { $0 } })
        _ = bench.run(["START"])
        clock.withLock { $0 += 2_999_999_999 }
        bench.runner.flush(into: bench.output)
        #expect(bench.take().isEmpty)
        clock.withLock { $0 += 1 }
        bench.runner.flush(into: bench.output)
        #expect(bench.take().map(\.line) == ["START"])
    }

    @Test("multiline: sources and label sets do not mix")
    func interleaved() throws {
        let bench = try Bench([Self.multiline])
        for source in ["s1", "s2"] { _ = bench.run(Bench.batch(["START \(source)"], source: source)) }
        for source in ["s1", "s2"] { _ = bench.run(Bench.batch(["more \(source)"], from: 9, source: source)) }
        bench.runner.flush(into: bench.output, all: true)
        #expect(Set(bench.take().map(\.line)) == ["START s1\nmore s1", "START s2\nmore s2"])
    }

    @Test("What waits is not committed: the advance ends before it, the next one begins there (I3)")
    func positions() throws {
        let bench = try Bench([Self.multiline])
        func advances() -> [SourceAdvance] { bench.output.take().shipped?.advances ?? [] }
        bench.runner.process(Bench.batch(["one", "START", "a"], from: 100), into: bench.output)
        #expect(advances() == [SourceAdvance(source: "s", from: 100, to: SourcePosition(offset: 104))])
        // "one\n" is 4 bytes; the block starts at 104 and the batch ended at 112.
        bench.runner.process(Bench.batch(["b"], from: 112), into: bench.output)
        #expect(advances() == [SourceAdvance(source: "s", from: 104, to: SourcePosition(offset: 104))])
        bench.runner.process(Bench.batch(["START 2"], from: 114), into: bench.output)
        #expect(advances() == [SourceAdvance(source: "s", from: 104, to: SourcePosition(offset: 114))])
        bench.runner.flush(into: bench.output, all: true)
        #expect(advances() == [SourceAdvance(source: "s", from: 114, to: SourcePosition(offset: 122))])
        bench.runner.process(Bench.batch(["x"], from: 122), into: bench.output)
        #expect(advances() == [SourceAdvance(source: "s", from: 122, to: SourcePosition(offset: 124))])
    }

    @Test("Advances of one source in one output become one")
    func mergedAdvances() throws {
        let bench = try Bench([])
        bench.runner.process(Bench.batch(["a"], from: 0), into: bench.output)
        bench.runner.process(Bench.batch(["b"], from: 2), into: bench.output)
        bench.runner.process(Bench.batch(["c"], from: 0, source: "t"), into: bench.output)
        #expect(bench.output.take().shipped?.advances == [
            SourceAdvance(source: "s", from: 0, to: SourcePosition(offset: 4)), SourceAdvance(source: "t", from: 0, to: SourcePosition(offset: 2)),
        ])
    }

    @Test("The journal cannot be read again from the middle of a batch: nothing of it waits")
    func journal() throws {
        let bench = try Bench([Self.multiline])
        var batch = Bench.batch(["START", "a"])
        batch.path = "journal:j"
        #expect(bench.run(batch).map(\.line) == ["START\na"])
        #expect(!bench.runner.isWaiting)
    }

    // MARK: cri

    @Test("cri: parts are joined, streams kept apart, time and label set")
    func cri() throws {
        let bench = try Bench([.cri(CRIStageOptions())])
        let out = bench.run([
            "2026-11-21T07:00:00.000000001Z stdout P one ", "2026-11-21T07:00:00.000000002Z stderr F other",
            "2026-11-21T07:00:00.000000003Z stdout P two ", "2026-11-21T10:00:00.000000004+03:00 stdout F three", "no cri line",
            "2026-11-21T07:00:00.000000005Z stdout P:x tagged",
        ])
        #expect(out.map(\.line) == ["other", "one two three", "no cri line", "tagged"])
        #expect(out.map(\.labels) == [#"{job="j", stream="stderr"}"#, #"{job="j", stream="stdout"}"#, #"{job="j"}"#, #"{job="j", stream="stdout"}"#])
        #expect(out[1].timestamp == 1_795_244_400_000_000_004)
    }

    @Test("cri: a limit of pending streams lets all go; truncation; a part without end goes after a while")
    func criLimits() throws {
        let clock = Mutex(Bench.now)
        let bench = try Bench([.cri(CRIStageOptions(maxPartialLines: 2, maxPartialLineSize: 3, maxPartialLineSizeTruncate: true))], now: { clock.withLock { $0 } })
        func part(_ source: String, _ text: String) -> [Emitted] {
            bench.run(Bench.batch(["2026-11-21T07:00:00Z stdout P \(text)"], source: source))
        }
        #expect(part("a", "12345").isEmpty)
        #expect(part("b", "67").isEmpty)
        #expect(Set(part("c", "8").map(\.line)) == ["123", "67"])
        clock.withLock { $0 += 6_000_000_000 }
        bench.runner.flush(into: bench.output)
        #expect(bench.take().map(\.line) == ["8"])
    }

    /// The limit of `cri` looked at all waiting lines: a `multiline` stage behind it with many sources made every part
    /// go alone.
    @Test("cri: lines that wait in other stages do not count")
    func limitsAreOfOneStage() throws {
        let bench = try Bench([.cri(CRIStageOptions(maxPartialLines: 2)), .multiline(MultilineStageOptions(firstline: "^START"))])
        func line(_ source: String, _ flag: String, _ text: String) -> [Emitted] {
            bench.run(Bench.batch(["2026-11-21T07:00:00Z stdout \(flag) \(text)"], source: source))
        }
        for source in ["a", "b", "c"] { #expect(line(source, "F", "START \(source)").isEmpty) }
        #expect(line("d", "P", "one ").isEmpty)
        #expect(line("e", "P", "two ").isEmpty)
        #expect(line("d", "F", "more").map(\.line) == ["one more"])
        bench.runner.flush(into: bench.output, all: true)
        #expect(Set(bench.take().map(\.line)) == ["START a", "START b", "START c", "two "])
    }

    /// A limit of parts that was reached once must not stay reached.
    @Test("cri: what has gone no longer counts")
    func whatHasGoneDoesNotCount() throws {
        let bench = try Bench([.cri(CRIStageOptions(maxPartialLines: 2))])
        func line(_ source: String, _ flag: String, _ text: String) -> [Emitted] {
            bench.run(Bench.batch(["2026-11-21T07:00:00Z stdout \(flag) \(text)"], source: source))
        }
        for round in 0..<5 {
            #expect(line("a\(round)", "P", "one ").isEmpty)
            #expect(line("a\(round)", "F", "end").map(\.line) == ["one end"])
        }
    }
}
