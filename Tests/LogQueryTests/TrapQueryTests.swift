import Bytes
import LogModel
import Testing

@testable import LogQuery

/// The trap queries of the reference (§15) that concern stages and errors; the number in front is theirs. Those about
/// numbers stand in `RangeAggregationTests` and `VectorTests`.
@Suite struct TrapQueryTests {
    /// Lines one second apart from 1 s on, of one stream `{app="p"}`.
    struct Trap: Sendable, CustomTestStringConvertible {
        var number: Int
        var lines: [String]
        var query: String
        /// Of a log query: the labels of each stream but `app`, and its lines. Of a metric query: the series at 60 s. Of
        /// one that fails: what the message contains, behind `!`.
        var expected: [String]
        init(_ number: Int, _ lines: [String], _ query: String, _ expected: [String]) {
            self.number = number
            self.lines = lines
            self.query = query
            self.expected = expected
        }
        var testDescription: String { "\(number): \(query)" }
    }

    @Test(arguments: [
        Trap(24, ["name=alpha", "name=", "other=1"], #"{app="p"} | logfmt | name="""#, [#"{other="1"} other=1"#, "{} name="]),
        Trap(
            25, ["name=alpha", "name=", "other=1"], #"{app="p"} | logfmt --keep-empty | name="""#,
            [#"{name=""} name="#, #"{other="1"} other=1"#]),
        Trap(28, ["code=200", "code=200.0"], #"{app="p"} | logfmt | code = 200 | keep x"#, ["{} code=200 / code=200.0"]),
        Trap(28, ["code=200", "code=200.0"], #"{app="p"} | logfmt | code = "200" | keep x"#, ["{} code=200"]),
        Trap(28, [], #"{app="p"} | logfmt | code == "200""#, ["!syntax error: unexpected STRING"]),
        Trap(29, [], #"{app="p"} | logfmt | code > 0x10"#, ["!unable to parse literal as a float"]),
        Trap(30, ["took=24h", "took=1d"], #"sum(count_over_time({app="p"} | logfmt | took == 1d [1m]))"#, ["!LabelFilterErr"]),
        Trap(
            30, ["took=24h", "took=1d"],
            #"sum(count_over_time({app="p"} | logfmt | took == 1d | __error__="" [1m]))"#, ["{} 1"]),
        Trap(
            31, ["took=90"], #"{app="p"} | logfmt | took > 1s"#,
            [#"{__error__="LabelFilterErr", __error_details__="time: missing unit in duration \"90\"", took="90"} took=90"#]),
        Trap(32, [], #"{app="p"} | logfmt | size > 1mb"#, ["!syntax error"]),
        Trap(32, ["size=3mb", "size=3kb"], #"{app="p"} | logfmt | size > 1MB | keep x"#, ["{} size=3mb"]),
        Trap(
            33, ["lvl=error took=oops"], #"sum(count_over_time({app="p"} | logfmt | lvl="error" or took > 1s [1m]))"#, ["{} 1"]),
        Trap(
            33, ["lvl=error took=oops"], #"sum(count_over_time({app="p"} | logfmt | took > 1s or lvl="error" [1m]))"#,
            ["!LabelFilterErr"]),
        Trap(
            33, ["lvl=error took=oops"], #"sum(count_over_time({app="p"} | logfmt | lvl="error" and took > 1s [1m]))"#,
            ["!LabelFilterErr"]),
        Trap(
            34, ["took=bad size=2MB"], #"sum(count_over_time({app="p"} | logfmt | took > 1s and size < 1MB [1m]))"#, []),
        Trap(
            35, [#"{"took":"2s"}"#, "no json"], #"sum(count_over_time({app="p"} | json | took > 1s [1m]))"#, ["{} 1"]),
        Trap(
            35, [#"{"addr":"y"}"#, "no json"], #"sum(count_over_time({app="p"} | json | addr!="x" [1m]))"#,
            ["!JSONParserErr"]),
        Trap(
            35, [#"{"addr":"10.0.0.1"}"#, "no json"],
            #"sum(count_over_time({app="p"} | json | addr=ip("10.0.0.0/8") [1m]))"#, ["!JSONParserErr"]),
        Trap(
            36, ["took=bad"], #"sum(count_over_time({app="p"} | __error__="" | logfmt | took > 1s [1m]))"#,
            ["!LabelFilterErr"]),
        Trap(
            37, ["took=bad"], #"sum(count_over_time({app="p"} | logfmt | took > 1s | __error_details__="" [1m]))"#,
            ["!LabelFilterErr"]),
        Trap(
            38, ["x=1", "y=1", "y=1 z=1", "x=1 z=1", "z=1"], #"{app="p"} | logfmt | x="1" or y="1", z="1" | keep none"#,
            ["{} x=1 / y=1 z=1 / x=1 z=1"]),
        Trap(
            38, ["x=1", "y=1", "y=1 z=1", "x=1 z=1", "z=1"], #"{app="p"} | logfmt | x="1" or y="1" | z="1" | keep none"#,
            ["{} y=1 z=1 / x=1 z=1"]),
        Trap(
            39, ["addr=notanip", "other=1", "addr=192.168.4.5", "addr=10.0.0.1"],
            #"{app="p"} | logfmt | addr != ip("192.168.0.0/16") | keep none"#, ["{} addr=notanip / addr=10.0.0.1"]),
        Trap(40, ["{broken", #"{"a":1}"#], #"sum(count_over_time({app="p"} | json [1m]))"#, ["{} 2"]),
        Trap(40, ["{broken", #"{"a":1}"#], #"count_over_time({app="p"} | json [1m])"#, ["!JSONParserErr"]),
        Trap(
            40, [#"{"a":"1","b":"#], #"sum by (a) (count_over_time({app="p"} | json [1m]))"#, [#"{a="1"} 1"#]),
        Trap(
            40, [#"{"b":,"a":"1"}"#], #"sum by (a) (count_over_time({app="p"} | json [1m]))"#, ["!JSONParserErr"]),
        Trap(41, [#"{"a":{"b":[1,{"c":2}],"d":null,"e":true}}"#], #"{app="p"} | json | line_format "x""#, [#"{a_e="true"} x"#]),
        Trap(42, [#"{"user":{}}"#], #"{app="p"} | json age="user.age" | line_format "x""#, [#"{age=""} x"#]),
        Trap(
            43, ["a-b=1 9x=2 dup=first dup=second empty="], #"{app="p"} | logfmt | line_format "x""#,
            [#"{_9x="2", a_b="1", dup="first"} x"#]),
        Trap(
            43, ["a-b=1 9x=2 dup=first dup=second empty="], #"{app="p"} | logfmt --keep-empty | line_format "x""#,
            [#"{_9x="2", a_b="1", dup="first", empty=""} x"#]),
        Trap(46, ["POST"], #"{app="p"} | pattern "<app> <path>""#, [#"{app_extracted="POST"} POST"#]),
        Trap(47, ["GET /api 200", "GET /api"], #"{app="p"} |> "GET /api""#, ["{} GET /api"]),
        Trap(48, ["an error", "a warn", "fine"], #"{app="p"} != "error" or "warn""#, ["{} fine"]),
        Trap(49, [], #"{app="p"} |~ ip("1.2.3.4")"#, ["!ip: invalid operation"]),
        Trap(50, ["1", "2", "3"], #"bytes_over_time({app="p"} | line_format "V={{.missing}}" [1m])"#, [#"{app="p"} 6"#]),
        Trap(51, ["1"], #"count_over_time({app="p"} | line_format "{{ nosuchfunc }}" [1m])"#, [#"{app="p"} 1"#]),
        Trap(51, ["1"], #"bytes_over_time({app="p"} | line_format "{{ nosuchfunc }}" [1m])"#, ["!invalid line template"]),
        Trap(52, ["method=GET"], #"{app="p"} | logfmt | label_format verb=method"#, [#"{verb="GET"} method=GET"#]),
        Trap(
            52, ["method=GET"], #"{app="p"} | logfmt | label_format route="{{.method}}-ok""#,
            [#"{method="GET", route="GET-ok"} method=GET"#]),
        Trap(
            53, ["code=500", "code=500", "code=200", "code=200", "code=500"],
            #"count_over_time({app="p"} | logfmt | keep code="500" [1m])"#, ["{} 2", #"{code="500"} 3"#]),
        Trap(
            54, ["code=500", "code=500", "code=200"], #"count_over_time({app="p"} | logfmt | drop code="500" [1m])"#,
            [#"{app="p"} 2"#, #"{app="p", code="200"} 1"#]),
        Trap(55, ["b=1.5B"], #"sum(sum_over_time({app="p"} | logfmt | unwrap bytes(b) [1m]))"#, ["{} 1"]),
        Trap(55, ["b=2,048"], #"sum(sum_over_time({app="p"} | logfmt | unwrap bytes(b) [1m]))"#, ["{} 2048"]),
        Trap(55, ["b=2Kb"], #"sum(sum_over_time({app="p"} | logfmt | unwrap bytes(b) [1m]))"#, ["{} 2000"]),
        Trap(56, ["d=1d"], #"sum(sum_over_time({app="p"} | logfmt | unwrap duration(d) [1m]))"#, ["!SampleExtractionErr"]),
        Trap(
            56, ["d=1d"], #"sum(sum_over_time({app="p"} | logfmt | unwrap duration(d) | __error__="" [1m]))"#, []),
        Trap(60, [], #"vector(count_over_time({app="p"}[1m]))"#, ["!expecting NUMBER"]),
        Trap(60, [], "vector(-1)", ["!expecting NUMBER"]),
        Trap(
            62, ["v=foobar", "v=foo"], #"{app="p"} | logfmt | v=~"foo" | keep none"#, ["{} v=foo"]),
        Trap(62, [], #"{app=~"foo"}"#, []),
        Trap(63, [], #"{app=~".*"}"#, ["!queries require at least one regexp or equality matcher"]),
        Trap(63, [], #"{app!="x"}"#, ["!queries require at least one regexp or equality matcher"]),
        Trap(63, ["x"], #"{app!=""}"#, ["{} x"]),
        Trap(
            70, [#"{"a":"1","msg":"x k=v y"}"#], #"{app="p"} | json | logfmt | line_format "x""#,
            [#"{a="1", k="v", msg="x k=v y"} x"#]),
        Trap(
            70, ["a=1"], #"{app="p"} | json | logfmt | drop __error_details__"#,
            [#"{__error__="JSONParserErr", a="1"} a=1"#]),
    ])
    func traps(_ trap: Trap) throws {
        let store = MemoryStore(blockSize: 2)
        for (i, line) in trap.lines.enumerated() { store.add(["app": "p"], Double(i + 1), line) }
        let bench = Bench(store)
        do {
            let answer: [String]
            if trap.query.hasPrefix("{") {
                answer = try bench.logs(trap.query).map { stream in
                    let labels = Labels(stream.labels.pairs.filter { $0.name != "app" })
                    return "\(labels) \(stream.entries.map(\.line.string).joined(separator: " / "))"
                }
            } else {
                answer = try bench.instant(trap.query, at: 60)
            }
            #expect(answer == trap.expected)
        } catch let error as QueryError {
            let text = trap.expected.first.map { $0.dropFirst() } ?? ""
            #expect(trap.expected.first?.hasPrefix("!") == true && error.message.contains(text), "\(error.message)")
            #expect(error.kind == .invalid)
        }
    }

    /// 44, 45: the stream's label stays, the parsed one takes the suffix, the metadata's is lost; without a parser it has
    /// the suffix.
    @Test func threeOfOneName() throws {
        let store = MemoryStore().add(["tri": "s"], 1, "tri=p", ["tri": "m"])
        #expect(
            try Bench(store).logs(#"{tri="s"} | logfmt"#).map(\.labels.description) == [#"{tri="s", tri_extracted="p"}"#])
        #expect(try Bench(store).logs(#"{tri="s"}"#).map(\.labels.description) == [#"{tri="s", tri_extracted="m"}"#])
    }

    /// The details of a numeric conversion are Go's words.
    @Test(arguments: [
        ("code > 1", "code=abc", #"strconv.ParseFloat: parsing "abc": invalid syntax"#),
        ("code > 1s", "code=1d", #"time: unknown unit "d" in duration "1d""#),
        ("code > 1s", "code=x", #"time: invalid duration "x""#),
    ])
    func conversionErrors(_ test: (filter: String, line: String, details: String)) throws {
        let bench = Bench(MemoryStore().add(["app": "p"], 1, test.line))
        let labels = try bench.logs(#"{app="p"} | logfmt | \#(test.filter)"#)[0].labels
        #expect(labels["__error__"] == "LabelFilterErr")
        #expect(labels["__error_details__"]?.string == test.details)
    }

    /// `.*` and `.+` mean any value and any but the empty one, newlines or not; otherwise `.` is no newline, and the whole
    /// value is meant.
    @Test func dotsAndNewlinesInLabelFilters() throws {
        let store = MemoryStore()
        for (i, line) in [#"{"v":"a\nb"}"#, #"{"v":""}"#, #"{"w":1}"#, #"{"v":"foo"}"#, #"{"v":"xfoo"}"#].enumerated() {
            store.add(["app": "p"], Double(i), line)
        }
        func times(_ filter: String) throws -> [Int64] {
            try Bench(store).logs(#"{app="p"} | json | v\#(filter) | keep none"#).flatMap(\.entries)
                .map { $0.timestamp / 1_000_000_000 }
        }
        #expect(try times(#"=~".*""#) == [0, 1, 2, 3, 4])
        #expect(try times(#"!~".*""#) == [])
        #expect(try times(#"=~".+""#) == [0, 3, 4])
        #expect(try times(#"!~".+""#) == [1, 2])
        #expect(try times(#"=~"a.b""#) == [])
        #expect(try times(#"=~"(?s)a.b""#) == [0])
        #expect(try times(#"=~"[fF].*""#) == [3])
        #expect(try times(#"=~"foo.*""#) == [3])
    }

    /// Loki sorts the entries of a stream twice with an unstable sort; what comes out for 16 entries, four for each time,
    /// was recorded.
    @Test func equalTimesAsLokiShufflesThem() throws {
        let store = MemoryStore()
        for time in 0..<4 { for i in 0..<4 { store.add(["app": "p"], Double(time), "\(time).\(i)") } }
        let plain = (0..<16).map { "\($0 / 4).\($0 % 4)" }
        #expect(try Bench(store).lines(#"{app="p"}"#) == plain)
        #expect(try Bench(store).lines(#"{app="p"}"#, direction: .backward) == plain.reversed())
        let quirky = Bench(store, lokiQuirks: true)
        var shuffled = plain
        shuffled.replaceSubrange(8..<12, with: ["2.3", "2.1", "2.0", "2.2"])
        #expect(try quirky.lines(#"{app="p"}"#) == shuffled)
        shuffled = plain.reversed()
        shuffled.replaceSubrange(8..<12, with: ["1.0", "1.2", "1.3", "1.1"])
        #expect(try quirky.lines(#"{app="p"}"#, direction: .backward) == shuffled)
        #expect(try quirky.lines(#"{app="p"}"#, limit: 12) == Array(plain.prefix(12)))
    }

    /// Story: counts came from the store's tables, which know nothing of metadata, and a line whose metadata says
    /// `__error__` did not fail the query as it does everywhere else.
    @Test func errorsInMetadataFailCountsToo() throws {
        let store = MemoryStore().add(["app": "p"], 1, "x", ["__error__": "MyErr"])
        let bench = Bench(store)
        #expect(bench.failure(#"sum(count_over_time({app="p"}[1m]))"#, at: 10)?.message.hasPrefix("pipeline error: 'MyErr'") == true)
        #expect(try bench.instant(#"sum(count_over_time({app="p"} | __error__="" [1m]))"#, at: 10) == [])
    }

    /// A `limit` means nothing to a metric query, however large.
    @Test func theEntryLimitIsForEntries() throws {
        let store = MemoryStore().add(["app": "p"], 1, "x")
        let request = QueryRequest(
            text: #"count_over_time({app="p"}[1m])"#,
            kind: .range(start: .init(nanoseconds: 0), end: .init(nanoseconds: 60_000_000_000), step: 60_000_000_000, interval: 0),
            limit: 9_999
        )
        #expect(try Bench(store).run(request).entryCount == 1)
    }
}
