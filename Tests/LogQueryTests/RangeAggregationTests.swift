import Bytes
import LogModel
import Testing

@testable import LogQuery

/// The numeric traps of Loki's own tests (reference §15, numbers in front), on data as those tests have it.
@Suite struct RangeAggregationTests {
    /// A line every 10 s from 0 s to 300 s.
    static func steady() -> Bench {
        let store = MemoryStore(blockSize: 7)
        for i in 0...30 { store.add(["app": "foo"], Double(i) * 10, "line \(i) foo=2") }
        return Bench(store)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var query: String
        var at: Double
        var expected: [String]
        init(_ query: String, _ at: Double, _ expected: [String]) {
            self.query = query
            self.at = at
            self.expected = expected
        }
        var testDescription: String { "\(query) @\(at)" }
    }

    @Test(arguments: [
        Case(#"rate({app="foo"}[30s])"#, 60, [#"{app="foo"} 0.1"#]),  // 1: 30 s itself is outside
        Case(#"count_over_time({app="foo"}[1m])"#, 60, [#"{app="foo"} 6"#]),  // 2
        Case(#"count_over_time({app="foo"}[5s])"#, 66, []),  // 3
        Case(#"count_over_time({app="foo"}[1ms])"#, 60, [#"{app="foo"} 1"#]),
        Case(#"rate({app="foo"} | logfmt | unwrap foo [30s])"#, 60, [#"{app="foo", line="", 6="x"} 0.2"#]),  // 4
        Case(#"sum(rate({app="foo"} | logfmt | unwrap foo [30s]))"#, 60, ["{} 0.2"]),
        Case(#"bytes_over_time({app="foo"}[30s])"#, 30, [#"{app="foo"} 36"#]),
        Case(#"bytes_rate({app="foo"}[30s])"#, 30, [#"{app="foo"} 1.2"#]),
        Case(#"count_over_time({app="foo"}[1m] offset 1m)"#, 120, [#"{app="foo"} 6"#]),
        Case(#"count_over_time({app="foo"}[1m] offset -1m)"#, 0, [#"{app="foo"} 6"#]),
        Case(#"1 < bytes_over_time({app="foo"}[10s])"#, 10, [#"{app="foo"} 12"#]),  // 16: the vector's value
        Case(#"1 < bool bytes_over_time({app="foo"}[10s])"#, 10, [#"{app="foo"} 1"#]),
        Case(#"rate({app="foo"}[30s]) % 0"#, 60, [#"{app="foo"} NaN"#]),  // 17
        Case(#"sum(count_over_time({app="nosuch"}[5m]))"#, 60, []),
        Case(#"absent_over_time({app="nosuch"}[5m])"#, 60, [#"{app="nosuch"} 1"#]),
        Case(#"absent_over_time({app="foo"}[5m])"#, 60, []),
        Case(#"absent_over_time({job="x",env=~".+"}[1m])"#, 60, [#"{job="x"} 1"#]),  // 13
        Case(#"absent_over_time({job="x",job=~".+"}[1m])"#, 60, ["{} 1"]),
        Case(#"absent_over_time({app="foo"} |= "nothing like it" [5m])"#, 60, [#"{app="foo"} 1"#]),
    ])
    func instants(_ test: Case) throws {
        // What logfmt makes of the other words of the line is not what these are about.
        let query = test.query.replacing("| logfmt |", with: "| logfmt | keep app, foo |")
        let expected = test.expected.map { $0.replacing(#", line="", 6="x""#, with: "") }
        #expect(try Self.steady().instant(query, at: test.at) == expected)
        // From columns or line by line, in one block or many: the same.
        let other = Self.steady()
        other.store.pushdown = .lines
        other.store.blockSize = 1000
        #expect(try other.instant(query, at: test.at) == expected)
        var quirky = Self.steady()
        quirky.settings.lokiQuirks = true
        #expect(try quirky.instant(query, at: test.at) == expected)
    }

    /// From the store's counts or line by line (with quirks): the same.
    @Test(arguments: [
        "sum(count_over_time(X[35s]))", "sum by (app) (rate(X[10s]))",
        "sum by (app, host) (bytes_over_time(X[1m] offset 7s))",
        "sum by (host) (bytes_rate(X[25s]))", "absent_over_time(X[4s])", "sum by (level) (count_over_time(X[1m]))",
        "sum without (app) (count_over_time(X[1m]))",
    ])
    func countsOfTheStoreAreThoseOfItsLines(_ query: String) throws {
        var random = SplitMix(seed: 21)
        let store = MemoryStore(blockSize: 20)
        for i in 0..<150 {
            let app = ["a", "b"][random.next(below: 2)]
            store.add(
                Labels(["app": app, "host": "h\(random.next(below: 2))"]),
                Int64(random.next(below: 300)) * 1_000_000_000,
                ByteString("line \(i)"),
                Labels(["level": random.next(below: 2) == 0 ? "info" : "error"])
            )
        }
        let query = query.replacing("X", with: #"{app=~".+"}"#)
        let counted = try Bench(store).range(query, 0, 300, step: 5)
        #expect(!counted.isEmpty)
        #expect(try Bench(store, lokiQuirks: true).range(query, 0, 300, step: 5) == counted)
    }

    @Test func gapsAreNoPoints() throws {
        let store = MemoryStore()
        for t in [0.0, 10, 20, 120] { store.add(["app": "foo"], t, "x") }
        let bench = Bench(store)
        #expect(try bench.range(#"count_over_time({app="foo"}[1m])"#, 0, 240, step: 60) == [#"{app="foo"} 1 2 1 _ _"#])
        #expect(
            try bench.range(#"absent_over_time({app="foo"}[1m])"#, 0, 300, step: 60) == [#"{app="foo"} _ _ _ 1 1 1"#]
        )
        // 14: a labelled series beside the zeros, both.
        #expect(
            try bench.range(#"rate({app="foo"}[1m]) or vector(0)"#, 0, 240, step: 120)
                == ["{} 0 0 0", #"{app="foo"} 0.016666666666666666 0.016666666666666666 _"#]
        )
        // 15
        #expect(
            try bench.range(#"sum(count_over_time({app="foo"}[1m])) or vector(0)"#, 0, 240, step: 60) == [
                "{} 1 2 1 0 0"
            ]
        )
    }

    /// 12
    @Test func absenceInTheMiddleOfARange() throws {
        let store = MemoryStore()
        for t in stride(from: 130.0, through: 250, by: 10) { store.add(["app": "foo"], t, "foo bar") }
        for t in stride(from: 0.0, through: 400, by: 10) { store.add(["app": "foo"], t, "other") }
        #expect(
            try Bench(store).range(#"absent_over_time({app="foo"} |~ ".+bar" [1m])"#, 0, 480, step: 60)
                == [#"{app="foo"} 1 1 1 _ _ _ 1 1 1"#]
        )
    }

    /// 5, 6, 7
    @Test func countersExtrapolateAndReset() throws {
        func counter(_ samples: [(Double, Int)]) -> Bench {
            let store = MemoryStore(blockSize: 2)
            for (t, v) in samples { store.add(["app": "c"], t, "v=\(v)") }
            return Bench(store)
        }
        let query = #"sum(rate_counter({app="c"} | logfmt | unwrap v [1m]))"#
        #expect(try counter([(10, 5)]).instant(query, at: 30) == ["{} 0"])
        #expect(try counter([(90, 100), (120, 130)]).instant(query, at: 120) == ["{} 1"])
        #expect(
            try counter([(60, 60), (90, 90), (120, 30), (150, 60)])
                .instant(query.replacing("1m", with: "2m"), at: 150) == ["{} 1"]
        )
        // Out of order, the same.
        #expect(
            try counter([(150, 60), (60, 60), (120, 30), (90, 90)])
                .instant(query.replacing("1m", with: "2m"), at: 150) == ["{} 1"]
        )
    }

    static func numbers(_ values: [String]) -> Bench {
        let store = MemoryStore(blockSize: 3)
        for (i, value) in values.enumerated() { store.add(["app": "n"], Double(i + 1), "v=\(value)") }
        return Bench(store)
    }

    /// 8, 9, and what NaN and infinities do to each function.
    @Test(arguments: [
        ("quantile_over_time(0.4, X)", ["1", "2", "3", "4", "5"], "2.6"),
        ("quantile_over_time(1.5, X)", ["1", "2"], "+Inf"),
        ("quantile_over_time(0, X)", ["3", "NaN", "1"], "NaN"),
        ("quantile_over_time(1, X)", ["3", "NaN", "1"], "3"),
        ("last_over_time(X)", ["1", "NaN"], "NaN"),
        ("first_over_time(X)", ["NaN", "1"], "NaN"),
        ("max_over_time(X)", ["1", "NaN"], "1"),
        ("max_over_time(X)", ["NaN", "1"], "1"),
        ("min_over_time(X)", ["NaN", "NaN"], "NaN"),
        ("min_over_time(X)", ["-Inf", "1"], "-Inf"),
        ("sum_over_time(X)", ["1", "NaN", "2"], "NaN"),
        ("sum_over_time(X)", ["+Inf", "1"], "+Inf"),
        ("sum_over_time(X)", ["+Inf", "-Inf"], "NaN"),
        ("avg_over_time(X)", ["+Inf", "1", "2"], "+Inf"),
        ("avg_over_time(X)", ["+Inf", "+Inf"], "+Inf"),
        ("avg_over_time(X)", ["+Inf", "-Inf"], "NaN"),
        ("avg_over_time(X)", ["1", "2", "6"], "3"),
        ("avg_over_time(X)", ["1.5e308", "1.5e308"], "15" + String(repeating: "0", count: 307)),
        ("stdvar_over_time(X)", ["2", "4", "4", "4", "5", "5", "7", "9"], "4"),
        ("stddev_over_time(X)", ["2", "4", "4", "4", "5", "5", "7", "9"], "2"),
        ("stdvar_over_time(X)", ["+Inf"], "NaN"),
        ("stdvar_over_time(X)", ["1"], "0"),
        ("sum_over_time(X)", ["1_000", "0x1p-2", "1e3"], "2000.25"),
    ])
    func unwrappedValues(_ test: (function: String, values: [String], expected: String)) throws {
        let query = test.function.replacing("X", with: #"{app="n"} | logfmt | unwrap v [1m]"#)
        #expect(try Self.numbers(test.values).instant(query, at: 30) == [#"{app="n"} \#(test.expected)"#])
    }

    @Test func identityOfSeries() throws {
        let store = MemoryStore()
        store.add(["app": "p"], 1, "a=1", ["trace": "x"])
        store.add(["app": "p"], 2, "a=", ["trace": "x"])
        store.add(["app": "p"], 3, "b=2", ["trace": "y"])
        store.add(["app": "q"], 3, "a=1")
        let bench = Bench(store)
        #expect(
            try bench.instant(#"count_over_time({app=~".+"}[1m])"#, at: 10)
                == [#"{app="p", trace="x"} 2"#, #"{app="p", trace="y"} 1"#, #"{app="q"} 1"#]
        )
        // 25: an empty value that is kept is a label.
        #expect(
            try bench.instant(#"count_over_time({app="p"} | logfmt --keep-empty | keep app, a [1m])"#, at: 10)
                == [#"{a="", app="p"} 1"#, #"{a="1", app="p"} 1"#, #"{app="p"} 1"#]
        )
        #expect(
            try bench.instant(#"sum by (a) (count_over_time({app=~".+"} | logfmt [1m]))"#, at: 10)
                == ["{} 2", #"{a="1"} 2"#]
        )
        #expect(
            try bench.instant(#"sum by (trace) (count_over_time({app=~".+"}[1m]))"#, at: 10)
                == ["{} 1", #"{trace="x"} 2"#, #"{trace="y"} 1"#]
        )
        #expect(try bench.instant(#"sum(count_over_time({app=~".+"}[1m]))"#, at: 10) == ["{} 4"])
        #expect(
            try bench.instant(#"sum by (app) (count_over_time({app=~".+"}[1m]))"#, at: 10)
                == [#"{app="p"} 3"#, #"{app="q"} 1"#]
        )
        #expect(try bench.instant(#"sum without () (count_over_time({app="p"}[1m]))"#, at: 10).count == 2)
        #expect(
            try bench.instant(#"max_over_time({app=~".+"} | logfmt | unwrap a [1m]) by (a)"#, at: 10) == [#"{a="1"} 1"#]
        )
        #expect(
            try bench.instant(#"max_over_time({app=~".+"} | logfmt | unwrap a [1m]) without (trace)"#, at: 10)
                == [#"{app="p"} 1"#, #"{app="q"} 1"#]
        )
    }

    @Test func errorsFailMetricQueriesUnlessNothingNeedsThem() throws {
        let store = MemoryStore()
        store.add(["app": "j"], 1, #"{"a":"1"}"#)
        store.add(["app": "j"], 2, #"{"a":"2","#)
        let bench = Bench(store)
        // 40
        #expect(try bench.instant(#"sum(count_over_time({app="j"} | json [1m]))"#, at: 10) == ["{} 2"])
        let failure = try #require(bench.failure(#"count_over_time({app="j"} | json [1m])"#, at: 10))
        #expect(failure.kind == .invalid)
        #expect(
            failure.message.hasPrefix("pipeline error: 'JSONParserErr' for series: '{__error__=\"JSONParserErr\", ")
        )
        #expect(failure.message.contains("a=\"2\", app=\"j\"}'.\nUse a label filter to intentionally skip this error."))
        #expect(
            try bench.instant(#"count_over_time({app="j"} | json | __error__="" [1m])"#, at: 10)
                == [#"{a="1", app="j"} 1"#]
        )
        #expect(
            try bench.instant(#"sum by (__error__) (count_over_time({app="j"} | json [1m]))"#, at: 10)
                == ["{} 1", #"{__error__="JSONParserErr"} 1"#]
        )
        // Outside of every window nothing is looked at.
        #expect(try bench.instant(#"count_over_time({app="j"} | json [500ms])"#, at: 1) == [#"{a="1", app="j"} 1"#])
    }

    /// Random lines, random windows: the engine against the definition of each function.
    @Test(arguments: 1...12) func randomQueriesAgreeWithTheirDefinition(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let store = MemoryStore(blockSize: 1 + random.next(below: 60), pushdown: seed % 2 == 0 ? .lines : .none)
        var samples: [(group: String, sample: Sample, bytes: Int, hit: Bool)] = []
        for i in 0..<200 {
            let group = ["a", "b", "c"][random.next(below: 3)]
            let time = Int64(random.next(below: 600)) * 1_000_000_000 / 2
            let value = Double(random.next(below: 4000)) / 16
            let word = random.next(below: 3) == 0 ? "error" : "fine"
            let line = "g=\(group) v=\(value) w=\(word)"
            store.add(Labels(["app": "r", "host": "h\(random.next(below: 2))"]), time, .init(line))
            samples.append(
                (group, Sample(time: time, value: value, arrival: UInt64(i)), line.utf8.count, word == "error")
            )
        }
        let bench = Bench(store)
        let step = Double(1 + random.next(below: 40))
        let range = Int64(1 + random.next(below: 120))
        let steps = stride(from: 20.0, through: 280, by: step).map { Int64($0 * 1e9) }
        func expect(_ query: String, _ op: RangeOperator, _ value: @escaping (Int) -> Double?) throws {
            let got = try bench.range(query, 20, 280, step: step)
            var expected: [String: [Double?]] = [:]
            for group in ["a", "b", "c"] {
                let row = steps.map { end -> Double? in
                    let window = samples.indices.filter { i in
                        samples[i].group == group && samples[i].sample.time > end - range * 1_000_000_000
                            && samples[i].sample.time <= end
                    }
                    let mapped = window.compactMap { i -> Sample? in
                        guard let v = value(i) else { return nil }
                        return Sample(time: samples[i].sample.time, value: v, arrival: samples[i].sample.arrival)
                    }
                    return Naive.value(
                        op,
                        mapped.sorted { $0.isBefore($1) },
                        start: end - range * 1_000_000_000,
                        end: end
                    )
                }
                if row.contains(where: { $0 != nil }) { expected[#"{g="\#(group)"}"#] = row }
            }
            #expect(got.count == expected.count, "\(query)")
            for line in got {
                let words = line.split(separator: " ").map(String.init)
                let row = try #require(expected[words[0]])
                try #require(words.count == row.count + 1)
                for (word, wanted) in zip(words.dropFirst(), row) {
                    if let wanted {
                        #expect(Naive.areClose(Double(word) ?? .infinity, wanted), "\(query): \(word), not \(wanted)")
                    } else {
                        #expect(word == "_", "\(query)")
                    }
                }
            }
        }
        let lines = #"{app="r"} | logfmt"#
        let unwrapped = #"{app="r"} | logfmt | unwrap v [\#(range)s]"#
        try expect("sum by (g) (count_over_time(\(lines) [\(range)s]))", .sum) { _ in 1 }
        try expect(#"sum by (g) (rate({app="r"} |= "error" | logfmt [\#(range)s]))"#, .rate) {
            samples[$0].hit ? 1 : nil
        }
        try expect("sum by (g) (bytes_over_time(\(lines) [\(range)s]))", .sum) { Double(samples[$0].bytes) }
        try expect("sum by (g) (sum_over_time(\(unwrapped)))", .sum) { samples[$0].sample.value }
        try expect("quantile_over_time(0.9, \(unwrapped)) by (g)", .quantile(0.9)) { samples[$0].sample.value }
        try expect("avg_over_time(\(unwrapped)) by (g)", .average) { samples[$0].sample.value }
        try expect("max_over_time(\(unwrapped)) by (g)", .max) { samples[$0].sample.value }
    }
}
