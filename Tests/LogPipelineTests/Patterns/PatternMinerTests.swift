import Bytes
import LogModel
import LogStages
import Metrics
import Testing

@testable import LogPipeline

@Suite("Patterns")
struct PatternMinerTests {
    /// On a multiple of an hour.
    static let now: Int64 = 1_795_248_000_000_000_000
    static let second: Int64 = 1_000_000_000

    private func miner(linesPerSecond: Double = 1e9) -> PatternMiner {
        PatternMiner(linesPerSecond: linesPerSecond, clock: { Timestamp(nanoseconds: Self.now) })
    }

    private func batch(
        _ lines: [String], labels: Labels = Labels(["app": "a"]), level: ByteString = "info", tenant: Tenant = .fake,
        at time: Int64 = now
    ) -> WriteBatch {
        var batch = WriteBatch(tenant: tenant)
        let stream = batch.stream(labels)
        let set = batch.metadataSet(Labels([Label("detected_level", level)]))
        for line in lines { line.withView { batch.add(timestamp: time, stream: stream, metadata: set, line: $0) } }
        return batch
    }

    private func patterns(
        _ miner: PatternMiner, _ matchers: [LabelMatcher] = [], tenant: Tenant = .fake, from: Int64 = now - 3_600 * second,
        through: Int64 = now, step: Int64 = 60 * second
    ) -> [MinedPattern] {
        miner.patterns(tenant: tenant, matchers: matchers, from: from, through: through, step: step)
    }

    private func texts(_ lines: [String]) -> [String] {
        let miner = miner()
        miner.observe(batch(lines))
        return patterns(miner).map(\.pattern.string)
    }

    @Test(
        "What becomes of lines",
        arguments: [
            (["user 17 logged in", "user 18 logged in"], ["user <_> logged in"]),
            (["2026-11-21T08:00:00Z level=info msg=ok", "2026-11-21T08:00:01Z level=info msg=ok"], ["<_> level=info msg=ok"]),
            (["request from alice took long", "request from bob took long", "request from eve took long"], ["request from <_> took long"]),
            (["one thing happened here", "another event came later"], ["another event came later", "one thing happened here"]),
            ([#"{"ts":1,"level":"info","message":"job 5 done"}"#, #"{"ts":2,"level":"info","message":"job 6 done"}"#], ["<_>job <_> done<_>"]),
            ([#"{"id":"a7","ok":true}"#, #"{"id":"b8","ok":true}"#], [#"{"id":"<_>","ok":true}"#]),
            (["a <b> c"], ["a <_> c"]), (["12"], ["<_>"]), (["two\nlines"], ["two<_>"]), ([""], []),
            (["[worker 3] GET /api/v1/x: done"], ["[worker <_>] GET <_>: done"]),
        ])
    func shapes(lines: [String], expected: [String]) { #expect(texts(lines) == expected) }

    @Test("Every pattern is one that |> takes, and finds the lines it was made of", arguments: 0..<40)
    func valid(seed: Int) throws {
        var random = SplitMix(seed: UInt64(seed))
        func next(_ count: Int) -> Int { Int(random.unit() * Double(count)) }
        let words = ["GET", "é", "a=b", "<x>", "\"q\"", "12", "{\"message\":\"", "x:", "[", "]", "\\n", "\t", "|", "  ", "msg=\"a b\"", "}", "=", ",", "日本"]
        var lines: [String] = []
        for _ in 0..<30 {
            var line = (0..<1 + next(12)).map { _ in words[next(words.count)] }.joined(separator: next(2) == 0 ? " " : "")
            if next(4) == 0 { line = #"{"a":1,"message":"\#(line.filter { $0 != "\"" && $0 != "\\" })","z":{}}"# }
            if next(8) == 0 { line += String(repeating: " word", count: 200) }
            lines.append(line)
        }
        let miner = miner()
        miner.observe(batch(lines))
        let found = try patterns(miner).map { try GapPattern($0.pattern) }
        for line in lines where !line.isEmpty {
            #expect(line.withView { view in found.contains { $0.matches(view) } }, "\(line)")
        }
    }

    @Test("Counts by step, level, stream and tenant")
    func counts() throws {
        let miner = miner()
        let other = try #require(Tenant("other"))
        miner.observe(batch(["tick 1", "tick 2"], at: Self.now - 120 * Self.second))
        miner.observe(batch(["tick 3"], at: Self.now - 50 * Self.second))
        miner.observe(batch(["tick 4"], at: Self.now - 45 * Self.second))
        miner.observe(batch(["tick 5"], level: "error", at: Self.now))
        miner.observe(batch(["tock 1"], labels: Labels(["app": "b"])))
        miner.observe(batch(["tack 1"], tenant: other))
        let start = Self.now / Self.second
        let a = [try LabelMatcher("app", .equal, "a")]
        #expect(
            patterns(miner, a) == [
                MinedPattern(pattern: "tick <_>", level: "info", samples: [(start - 120, 2), (start - 60, 2)]),
                MinedPattern(pattern: "tick <_>", level: "error", samples: [(start, 1)]),
            ])
        // Ten seconds are the finest there is.
        #expect(
            patterns(miner, a, step: 1).first?.samples.map(\.time) == [start - 120, start - 50])
        #expect(patterns(miner, a, from: Self.now - 60 * Self.second).first?.samples.map(\.count) == [2])
        #expect(patterns(miner).count == 3)
        #expect(patterns(miner, tenant: other).map(\.pattern) == ["tack <_>"])
    }

    @Test("Lines of the same pattern in several streams are added up")
    func merged() {
        let miner = miner()
        for app in ["a", "b"] { miner.observe(batch(["tick 1"], labels: Labels(["app": app]))) }
        #expect(patterns(miner).map(\.samples.first?.count) == [2])
    }

    @Test("Old lines, and lines of the future, are not mined")
    func window() {
        let miner = miner()
        miner.observe(batch(["tick 1"], at: Self.now - PatternMiner.retention - Self.second))
        miner.observe(batch(["tick 2"], at: Self.now + 3_600 * Self.second))
        #expect(miner.count == 0)
        #expect(patterns(miner, from: 0, through: .max).isEmpty)
    }

    @Test("In a busy second a choice of lines stands for all")
    func sampling() {
        let miner = miner(linesPerSecond: 100)
        let lines = (0..<10_000).map { $0 % 2 == 0 ? "even \($0) number" : "odd one \($0)" }
        for _ in 0..<4 { miner.observe(batch(lines)) }
        let found = patterns(miner)
        let total = found.flatMap(\.samples).reduce(0) { $0 + $1.count }
        #expect(total == 40_000)
        // Half of them each, give or take: lines that come in turns must not be looked at in turns.
        for pattern in found { #expect((4_000...36_000).contains(pattern.samples[0].count)) }
    }

    @Test("Memory is bounded: by clusters of a stream, and of all")
    func bounded() {
        let miner = miner()
        func noise(_ stream: Int) -> [String] {
            (0..<400).map { i in
                (0..<(1 + i % 30)).map { "w\(String(UnicodeScalar(UInt8(97 + (i + $0 * 7 + stream) % 26))))" }.joined(separator: i % 2 == 0 ? " " : ",")
                    .filter { !$0.isNumber } + String(repeating: "x ", count: i % 5) + ["alpha", "beta", "gamma", "delta"][i % 4]
            }
        }
        for stream in 0..<120 {
            miner.observe(batch(noise(stream), labels: Labels([Label("s", ByteString("\(stream)"))])))
            #expect(miner.count <= 4_096 + 100)
        }
        #expect(miner.count > 100)
        #expect(patterns(miner).count <= PatternMiner.answerMax)
    }

    @Test("Samples stay few, and none of the last hour is lost")
    func samples() {
        var samples = PatternSamples()
        for i in 0..<2_000 { samples.add(1, at: Int64(i) * PatternSamples.slotSpan) }
        var count = 0
        var fine = 0
        samples.forEach { time, lines in
            count += 1
            if time >= 1_640 * PatternSamples.slotSpan {
                fine += 1
                #expect(lines == 1)
            }
        }
        #expect(count <= 481)
        #expect(fine == 360)
        // Out of order.
        var late = PatternSamples()
        for slot in [5, 1, 3, 1, 5] { late.add(1, at: Int64(slot) * PatternSamples.slotSpan) }
        var seen: [Int64] = []
        late.forEach { time, lines in seen += [time / PatternSamples.slotSpan, Int64(lines)] }
        #expect(seen == [1, 2, 3, 1, 5, 2])
    }
}
