import Bytes
import LogModel
import Testing

@testable import LogQuery

/// What goes beyond Loki: see docs/query.md.
@Suite struct ExtensionTests {
    static func bench() -> Bench {
        let store = MemoryStore(blockSize: 3)
        let lines: [(Double, String)] = [
            (1, #"{"user":"ann","tags":["slow","db"],"items":[{"id":1},{"id":2}]}"#),
            (2, #"{"user":"bob","tags":["db"],"items":[]}"#),
            (3, #"{"user":"ann","tags":[],"items":[{"id":3}]}"#),
            (4, #"{"user":"cid","tags":"db"}"#),
            (5, #"{"tags":["a\"b",7,null,true,["x"]]}"#),
        ]
        for (time, line) in lines { store.add(["app": time < 3 ? "one" : "two"], time, line) }
        return Bench(store)
    }

    static func times(_ query: String, direction: Direction = .forward, limit: Int = 100) throws -> [Int] {
        try bench().logs(query, limit: limit, direction: direction).flatMap(\.entries)
            .map { Int($0.timestamp / 1_000_000_000) }.sorted()
    }

    // MARK: Arrays

    @Test(arguments: [
        (#"tags = any("db")"#, [1, 2, 4]),
        (#"tags != any("db")"#, [3, 5]),
        (#"tags =~ any("s.*")"#, [1]),
        // Each element as a whole.
        (#"tags =~ any("s")"#, []),
        (#"tags !~ any("s.*|d.*")"#, [3, 5]),
        (#"tags = any("a\"b")"#, [5]),
        (#"tags = any("7")"#, [5]),
        (#"tags = any("true")"#, [5]),
        (#"tags = any("null")"#, []),
        (#"tags = any("[\"x\"]")"#, [5]),
        (#"tags = any("")"#, []),
        (#"nosuch = any("x")"#, []),
        (#"nosuch != any("x")"#, [1, 2, 3, 4, 5]),
        (#"tags = any("slow") or user = "cid""#, [1, 4]),
    ])
    func anElementOfAnArray(_ test: (condition: String, expected: [Int])) throws {
        #expect(try Self.times(#"{app=~".+"} | json tags, user | \#(test.condition)"#) == test.expected)
    }

    @Test(arguments: [
        ("tags[#]", ["2", "1", "0", "", "5"]),
        ("tags[*]", [#"["slow","db"]"#, #"["db"]"#, "[]", "", #"["a\"b",7,null,true,["x"]]"#]),
        ("items[*].id", ["[1,2]", "[]", "[3]", "", ""]),
        ("items[*]", [#"[{"id":1},{"id":2}]"#, "[]", #"[{"id":3}]"#, "", ""]),
        ("tags[*][#]", ["[]", "[]", "[]", "", "[1]"]),
        ("tags[*][*]", ["[]", "[]", "[]", "", #"["x"]"#]),
        ("items[#]", ["2", "0", "1", "", ""]),
    ])
    func pathsOverArrays(_ test: (path: String, expected: [String])) throws {
        let streams = try Self.bench().logs(#"{app=~".+"} | json x="\#(test.path)" | keep x"#)
        let values = streams.flatMap { stream in stream.entries.map { ($0.timestamp, stream.labels["x"]?.string) } }
            .sorted { $0.0 < $1.0 }.map { $0.1 ?? "absent" }
        #expect(values == test.expected)
    }

    @Test func lengthsAreNumbers() throws {
        #expect(try Self.times(#"{app=~".+"} | json n="tags[#]" | n >= 2 | __error__="""#) == [1, 5])
        #expect(
            try Self.bench().instant(#"sum(sum_over_time({app=~".+"} | json n="tags[#]" | unwrap n [1m]))"#, at: 10)
                == ["{} 8"]
        )
    }

    @Test(arguments: [
        #"{app="x"} | json x="tags[#].y""#, #"{app="x"} | json x="tags[#][0]""#, #"{app="x"} | json x="*""#,
        ##"{app="x"} | json x="#""##, #"{app="x"} | json x="tags[*""#, #"{app="x"} | a = any(1)"#,
        #"{app="x"} | a > any("x")"#, #"{app="x"} | a =~ any("(")"#,
    ])
    func nonsenseIsRefused(_ query: String) {
        #expect(throws: QueryError.self) { try Self.bench().logs(query) }
    }

    // MARK: distinct

    @Test func distinctKeepsTheFirstOfEach() throws {
        #expect(try Self.times(#"{app=~".+"} | json | distinct user"#) == [1, 2, 4, 5])
        #expect(try Self.times(#"{app=~".+"} | json | distinct user"#, direction: .backward) == [2, 3, 4, 5])
        #expect(try Self.times(#"{app=~".+"} | json | distinct user, app"#) == [1, 2, 3, 4, 5])
        #expect(try Self.times(#"{app=~".+"} | json | distinct app"#) == [1, 3])
        #expect(try Self.times(#"{app=~".+"} | json | distinct user"#, limit: 2) == [1, 2])
        #expect(try Self.times(#"{app=~".+"} | json | distinct nosuch"#) == [1])
        // Of categories kept apart as well.
        let kept = try Self.bench().logs(#"{app=~".+"} | json | distinct user"#, categorized: true)
        #expect(kept.flatMap(\.entries).count == 4)
    }

    /// A label of that name is still a label.
    @Test func distinctIsNoKeyword() throws {
        let store = MemoryStore().add(["app": "d"], 1, "distinct=1").add(["app": "d"], 2, "distinct=2")
        #expect(try Bench(store).lines(#"{app="d"} | logfmt | distinct = 1"#) == ["distinct=1"])
        #expect(try Bench(store).lines(#"{app="d"} | logfmt | distinct = "2" | distinct app"#) == ["distinct=2"])
        for query in [
            #"{app="d"} distinct app"#, #"{app="d"} | distinct app | json"#, #"count_over_time({app="d"} | distinct app [1m])"#,
            #"{app="d"} | distinct"#, #"{app="d"} | distinct app,"#,
        ] {
            #expect(throws: QueryError.self) { try Bench(store).lines(query) }
        }
    }

    @Test func distinctCombinationsAreMemory() throws {
        let store = MemoryStore(blockSize: 500)
        for i in 0..<5_000 { store.add(["app": "d"], Double(i), "n=\(i)") }
        var bench = Bench(store)
        bench.limits.maxQueryMemory = 256 << 10
        #expect(throws: QueryError.self) { try bench.lines(#"{app="d"} | logfmt | distinct n"#, limit: 5_000) }
        #expect(try bench.lines(#"{app="d"} | logfmt | distinct n"#, limit: 3).count == 3)
    }

    // MARK: count_distinct_over_time

    @Test(arguments: [
        (#"count_distinct_over_time(user, {app=~".+"} | json [10s]) by ()"#, ["{} 3"]),
        (#"count_distinct_over_time(user, {app=~".+"} | json [10s]) by (app)"#, [#"{app="one"} 2"#, #"{app="two"} 2"#]),
        (#"count_distinct_over_time(app, {app=~".+"}[10s])"#, ["{} 2"]),
        (#"count_distinct_over_time(user, {app="one"} | json | keep user, app [10s])"#, [#"{app="one"} 2"#]),
        (#"sum(count_distinct_over_time(user, {app=~".+"} | json [10s]) by (app))"#, ["{} 4"]),
        (#"count_distinct_over_time(nosuch, {app=~".+"} | json [10s])"#, []),
    ])
    func distinctValuesAreCounted(_ test: (query: String, expected: [String])) throws {
        #expect(try Self.bench().instant(test.query, at: 10) == test.expected)
    }

    @Test func distinctValuesAreCountedInEachWindow() throws {
        let store = MemoryStore(blockSize: 4)
        for (i, user) in ["a", "b", "a", "a", "c", "b"].enumerated() { store.add(["app": "w"], Double(i), "user=\(user)") }
        #expect(
            try Bench(store).range(#"count_distinct_over_time(user, {app="w"} | logfmt [3s]) by (app)"#, 0, 9, step: 1)
                == [#"{app="w"} 1 2 2 2 2 3 2 1 _ _"#]
        )
    }

    // MARK: {}

    @Test func allStreamsOnlyWhereAllowed() throws {
        var bench = Self.bench()
        let refusal = "parse error : queries require at least one regexp or equality matcher that does not have an "
            + "empty-compatible value. For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will"
        for query in ["{}", #"{app=~".*"}"#, #"{nosuch=""} | json"#] {
            #expect(throws: QueryError(.invalid, refusal)) { try bench.logs(query) }
        }
        #expect(bench.failure("sum(count_over_time({}[1m]))")?.message == refusal)
        bench.settings.allowAllStreams = true
        #expect(try bench.lines("{}").count == 5)
        #expect(try bench.lines(#"{nosuch=""} |= "bob""#).count == 1)
        #expect(try bench.instant("sum(count_over_time({}[1m]))", at: 10) == ["{} 5"])
        #expect(try bench.instant(#"absent_over_time({}[1m])"#, at: 1_000) == ["{} 1"])
    }
}
