import Bytes
import Glibc
import LogModel
import Testing

@testable import LogQuery

/// Queries that want too much are refused, or ended by their deadline or budget; and none takes long to find that out.
@Suite(.serialized) struct EvilQueryTests {
    static func bench(lines: Int = 2_000) -> Bench {
        let store = MemoryStore(blockSize: 500)
        for i in 0..<lines { store.add(["app": "e"], Double(i) / 10, "level=info n=\(i) msg=\"\(String(repeating: "a", count: 100))!\"") }
        return Bench(store)
    }

    static func repeated(_ text: String, _ count: Int, by joint: String) -> String {
        [String](repeating: text, count: count).joined(separator: joint)
    }

    /// Processor time of this thread, seconds: what a busy machine adds does not count.
    static func cost(_ body: () throws -> Void) rethrows -> Double {
        func now() -> Double {
            var clock = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &clock)
            return Double(clock.tv_sec) + Double(clock.tv_nsec) * 1e-9
        }
        let start = now()
        try body()
        return now() - start
    }

    struct Evil: Sendable, CustomTestStringConvertible {
        var name: String
        var query: String
        init(_ name: String, _ query: String) {
            self.name = name
            self.query = query
        }
        var testDescription: String { name }
    }

    static func many(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    static let evil: [Evil] = [
        Evil("nested parentheses", many("(", 60_000) + "1" + many(")", 60_000)),
        Evil("nested sums", many("sum(", 30_000)),
        Evil("nested filters", #"{app="e"} | "# + many("(", 100_000)),
        Evil("long", #"{app="e"} |= ""# + many("x", 140_000) + "\""),
        Evil("thousands of expressions", repeated("vector(1)", 12_000, by: " or ")),
        Evil("powers", repeated("2", 40_000, by: "^") + "^vector(1)"),
        Evil("many large regexes", #"{app="e"} "# + repeated(#"|~ "\\pL{100}x?y""#, 1_001, by: " ")),
        Evil("a regex of repetitions", #"{app="e"} |~ "((a{1,100}){1,100}){1,100}""#),
        Evil("a template that does not end", #"{app="e"} | line_format "{{range .}}""#),
        Evil("templates within templates", "{app=\"e\"} | line_format `" + many("{{if .a}}", 12_000) + "`"),
        Evil("parentheses in a template", "{app=\"e\"} | line_format `{{" + many("(", 100_000) + "`"),
    ]

    /// Refused while they are read, in a moment, whatever they would have cost.
    @Test(arguments: evil) func refusedAtOnce(_ test: Evil) {
        let bench = Self.bench(lines: 1)
        let cost = Self.cost {
            #expect(throws: QueryError.self) { try bench.logs(test.query) }
        }
        #expect(cost < 3, "\(test.name)")
    }

    /// Odd, but within every limit: answered.
    static let odd: [(name: String, query: String, count: Int)] = [
        ("filters joined by or", #"{app="e"} | logfmt | "# + repeated("n=5", 10_000, by: " or "), 1),
        ("a line filter of 6,000 texts", #"{app="e"} |= "# + repeated(#""nothing like it""#, 6_000, by: " or "), 0),
        // Linear in RE2, exponential in an engine that goes back.
        ("nested repetitions", #"{app="e"} |~ "(a+)+$""#, 0),
        ("alternatives that overlap", #"{app="e"} |~ "(a|a|aa)*b""#, 0),
        ("a repeated class", #"{app="e"} |~ "(.*a){12}""#, 100),
    ]

    @Test(arguments: odd.indices) func answeredInTime(_ index: Int) throws {
        let test = Self.odd[index]
        let bench = Self.bench(lines: 200)
        var lines: [String] = []
        let cost = try Self.cost { lines = try bench.lines(test.query) }
        #expect(lines.count == test.count, "\(test.name)")
        #expect(cost < 5, "\(test.name)")
    }

    /// A template may loop over what it likes, but not for ever, nor print without end.
    @Test(arguments: [
        #"{{range .}}{{range $}}{{range $}}{{range $}}{{range $}}{{range $}}{{range $}}{{range $}}x{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}{{end}}"#,
        #"{{repeat 1000000000 "x"}}"#,
        #"{{range (repeat 1000000 "x")}}{{repeat 1000000 "y"}}{{end}}"#,
        #"{{printf "%2000000000d" 1}}"#,
        #"{{indent 2000000000 "x"}}"#,
        #"{{alignLeft 2000000000 "x"}}"#,
        #"{{range $i, $x := fromJson "[1,2,3,4,5,6,7,8,9,10]"}}{{repeat 100000000 "x"}}{{end}}"#,
    ])
    func templatesHaveAnEnd(_ template: String) throws {
        let bench = Self.bench(lines: 3)
        let quoted = "`\(template)`"
        let cost = Self.cost {
            // An error of the line, of the query, or an answer: all are fine, memory and time are what matters.
            _ = try? bench.logs(#"{app="e"} | logfmt | label_format a="1",b="2",c="3",d="4",f="5",g="6" | line_format \#(quoted)"#)
        }
        #expect(cost < 10)
    }

    @Test(arguments: [
        #"count_over_time({app="e"}[1s])"#, #"quantile_over_time(0.9, {app="e"} | logfmt | unwrap n [1h]) by (app)"#,
        #"sum by (n) (rate({app="e"} | logfmt [1h]))"#, #"{app="e"} | logfmt | line_format "{{range .}}{{.}}{{end}}""#,
        #"{app="e"} | logfmt | distinct n"#, #"count_distinct_over_time(n, {app="e"} | logfmt [1h])"#,
    ])
    func aDeadlineEndsIt(_ query: String) throws {
        let bench = Self.bench(lines: 20_000)
        var request = QueryRequest(
            text: query,
            kind: .range(start: .init(nanoseconds: 0), end: .init(nanoseconds: 10_000 * 1_000_000_000), step: 1_000_000_000, interval: 0)
        )
        request.deadline = .now
        #expect {
            try bench.run(request)
        } throws: { ($0 as? QueryError)?.kind == .timeout }
        request.deadline = nil
        request.cancel.cancel()
        #expect {
            try bench.run(request)
        } throws: { ($0 as? QueryError)?.kind == .cancelled }
    }

    /// Memory is counted for everything that grows with the data or with the number of instants.
    @Test(arguments: [
        #"sum by (n) (count_over_time({app="e"} | logfmt [1h]))"#,
        #"count_over_time({app="e"} | logfmt [1m])"#,
        #"quantile_over_time(0.9, {app="e"} | logfmt | unwrap n [1h]) by (app)"#,
        #"rate_counter({app="e"} | logfmt | unwrap n [1h])"#,
        #"count_distinct_over_time(n, {app="e"} | logfmt [1h]) by (app)"#,
        #"{app="e"} | logfmt"#,
        #"{app="e"} | logfmt | distinct n"#,
        (0..<40).map { "vector(\($0))" }.joined(separator: " + "),
    ])
    func memoryHasAnEnd(_ query: String) throws {
        var bench = Self.bench(lines: 10_000)
        bench.limits.maxQueryMemory = 256 << 10
        bench.limits.maxQuerySeries = 0
        let kind = QueryRequest.Kind.range(
            start: .init(nanoseconds: 0),
            end: .init(nanoseconds: 10_000 * 1_000_000_000),
            step: 1_000_000_000,
            interval: 0
        )
        let request = QueryRequest(text: query, kind: kind, limit: 5_000, limits: bench.limits)
        #expect {
            try bench.run(request)
        } throws: { ($0 as? QueryError)?.message.contains("memory") == true }
    }

    /// Ranges and offsets at the ends of what fits into 64 bits.
    @Test(arguments: ["[292y]", "[290y] offset 290y", "[1ms] offset -2500000h", "[290y] offset -2500000h"])
    func hugeRanges(_ range: String) throws {
        let bench = Self.bench(lines: 10)
        for time in [0.0, 4e9, -4e9] {
            for filter in ["", #" |= "level""#] {
                let query = #"sum(count_over_time({app="e"}\#(filter)\#(range)))"#
                _ = try bench.instant(query, at: time)
                _ = try bench.range(query, time, time + 100, step: 50)
            }
        }
    }
}
