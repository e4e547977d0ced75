import Bytes
import LogModel
import Testing

@testable import LogQuery

@Suite struct LogQueryTests {
    /// Two streams with ties, out of order, in small blocks.
    static func ties(blockSize: Int = 3) -> Bench {
        let store = MemoryStore(blockSize: blockSize)
        for t in [2.0, 1, 3] {
            for i in 0..<3 {
                store.add(["app": "t", "part": "a"], t, "a\(Int(t)).\(i)")
                store.add(["app": "t", "part": "b"], t, "b\(Int(t)).\(i)")
            }
        }
        return Bench(store)
    }

    @Test(arguments: [1, 2, 3, 5, 100]) func tiesKeepArrivalForwardAndReverseItBackward(_ blockSize: Int) throws {
        let bench = Self.ties(blockSize: blockSize)
        let forward = ["a1.0", "a1.1", "a1.2", "a2.0", "a2.1", "a2.2", "a3.0", "a3.1", "a3.2"]
        #expect(try bench.lines(#"{part="a"}"#) == forward)
        #expect(try bench.lines(#"{part="a"}"#, direction: .backward) == forward.reversed())
        for limit in 1...9 {
            #expect(try bench.lines(#"{part="a"}"#, limit: limit) == Array(forward.prefix(limit)))
            #expect(
                try bench.lines(#"{part="a"}"#, limit: limit, direction: .backward)
                    == Array(forward.reversed().prefix(limit))
            )
        }
    }

    /// The limit cuts the same entries whatever the blocks, and with it or without, one order.
    @Test func limitsCutOneOrderWhateverTheBlocks() throws {
        for direction in [Direction.forward, .backward] {
            var answers: Set<[String]> = []
            for blockSize in [1, 2, 4, 7, 100] {
                let bench = Self.ties(blockSize: blockSize)
                let all = try bench.lines(#"{app="t"}"#, limit: 0, direction: direction)
                answers.insert(all)
                #expect(all.count == 18)
                let some = try bench.lines(#"{app="t"}"#, limit: 7, direction: direction)
                #expect(some.count == 7 && Set(some).isSubset(of: all))
                answers.insert(try bench.lines(#"{app="t"}"#, limit: 18, direction: direction))
            }
            #expect(answers.count == 1)
        }
    }

    @Test func theStartIsInsideAndTheEndIsNot() throws {
        let bench = Self.ties()
        #expect(try bench.lines(#"{part="a"}"#, 1, 2) == ["a1.0", "a1.1", "a1.2"])
        #expect(try bench.lines(#"{part="a"}"#, 1.000000001, 2) == [])
        #expect(try bench.lines(#"{part="a"}"#, 2, 2) == [])
    }

    @Test func aLimitReachedStopsTheScan() throws {
        let store = MemoryStore(blockSize: 10)
        for i in 0..<1000 { store.add(["app": "s"], Double(i), "line \(i)") }
        #expect(
            try Bench(store).lines(#"{app="s"}"#, limit: 3, direction: .backward) == [
                "line 999", "line 998", "line 997",
            ]
        )
        #expect(store.linesLoaded <= 20)
        #expect(try Bench(store).lines(#"{app="s"} |= "7""#, limit: 2) == ["line 7", "line 17"])
        #expect(store.linesLoaded <= 50)
    }

    /// One cursor for all streams, before the limit.
    @Test(arguments: [1, 4, 50]) func intervalThinsOverAllStreams(_ blockSize: Int) throws {
        let store = MemoryStore(blockSize: blockSize)
        for i in 0..<10 { store.add(["app": i % 2 == 0 ? "a" : "b"], Double(i), "\(i)") }
        let bench = Bench(store)
        func entries(_ direction: Direction, limit: Int) throws -> [String] {
            try bench.logs(#"{app=~".+"} | keep none"#, limit: limit, direction: direction, interval: 3)
                .flatMap(\.entries).map(\.line.string)
        }
        #expect(try entries(.forward, limit: 100) == ["0", "3", "6", "9"])
        #expect(try entries(.forward, limit: 2) == ["0", "3"])
        #expect(try entries(.backward, limit: 3) == ["9", "6", "3"])
    }

    @Test func entriesAreGroupedByTheirLabels() throws {
        let store = MemoryStore()
        store.add(["app": "g"], 1, #"{"level":"info","n":1}"#, ["trace": "x"])
        store.add(["app": "g"], 2, #"{"level":"error","app":"inner"}"#, ["trace": "y", "app": "meta"])
        store.add(["app": "g"], 3, #"{"level":"info"}"#)
        let bench = Bench(store)
        let merged = try bench.logs(#"{app="g"} | json"#)
        #expect(
            merged.map(\.labels.description) == [
                #"{app="g", app_extracted="inner", level="error", trace="y"}"#,
                #"{app="g", level="info", n="1", trace="x"}"#,
                #"{app="g", level="info"}"#,
            ]
        )
        #expect(merged.flatMap(\.entries).allSatisfy { $0.metadata.isEmpty && $0.parsed.isEmpty })
        let kept = try bench.logs(#"{app="g"} | json | keep level"#, direction: .backward)
        #expect(kept.map(\.labels.description) == [#"{level="error"}"#, #"{level="info"}"#])
        #expect(kept[1].entries.map(\.timestamp) == [3_000_000_000, 1_000_000_000])

        let categories = try bench.logs(#"{app="g"} | json"#, categorized: true)
        #expect(categories.map(\.labels.description) == [#"{app="g"}"#])
        #expect(categories[0].entries.map(\.metadata.description) == [#"{trace="x"}"#, #"{trace="y"}"#, "{}"])
        #expect(
            categories[0].entries.map(\.parsed.description) == [
                #"{level="info", n="1"}"#, #"{app_extracted="inner", level="error"}"#, #"{level="info"}"#,
            ]
        )
    }

    @Test func errorsDoNotFailLogQueries() throws {
        let store = MemoryStore().add(["app": "e"], 1, "no json").add(["app": "e"], 2, #"{"a":1}"#)
        let streams = try Bench(store).logs(#"{app="e"} | json"#)
        #expect(streams.count == 2)
        #expect(streams[0].labels["__error__"] == "JSONParserErr")
    }

    @Test func equalEntriesAreDroppedOnRequestOnly() throws {
        let store = MemoryStore(blockSize: 2)
        for _ in 0..<3 { store.add(["app": "d"], 1, "same", ["m": "1"]) }
        store.add(["app": "d"], 1, "same", ["m": "2"])
        store.add(["app": "d"], 2, "same", ["m": "1"])
        var bench = Bench(store)
        #expect(try bench.lines(#"{app="d"}"#).count == 5)
        bench.settings.dropsEqualEntries = true
        #expect(try bench.lines(#"{app="d"}"#).count == 3)
    }

    /// I4: what a store decides by itself changes no answer.
    @Test(arguments: [
        #"{app="p"} |= "a""#, #"{app="p"} != "a""#, #"{app="p"} |= "a" or "b""#, #"{app="p"} != "a" or "b""#,
        #"{app="p"} |~ "^[ab]+$""#, #"{app="p"} !~ "c""#, #"{app="p"} |= """#, #"{app="p"} != """#,
        #"{app="p"} |> "<_>b""#,
        #"{app="p"} |= "a" | line_format "b{{__line__}}" |= "ba""#, #"{app="p"} | decolorize |= "b""#,
        #"{app="p"} |= "a" or """#, #"{app="p"} | logfmt | a="1" != "b""#, #"{app="p"} |~ ".*""#,
        #"{app="p"} !~ "a|.*""#,
        #"{app="p"} != ip("10.0.0.1")"#,
    ])
    func pushingPredicatesDownChangesNothing(_ query: String) throws {
        var random = SplitMix(seed: 3)
        let plain = MemoryStore(blockSize: 10)
        let pushing = MemoryStore(blockSize: 10, pushdown: .lines)
        for i in 0..<200 {
            let line = (0..<random.next(below: 5)).map { _ in
                ["a", "b", "c", "a=1 ", "10.0.0.1", "\u{1B}[1m"][random.next(below: 6)]
            }
            .joined()
            for store in [plain, pushing] { store.add(["app": "p"], Double(i), line) }
        }
        for quirks in [false, true] {
            let one = Bench(plain, lokiQuirks: quirks)
            let other = Bench(pushing, lokiQuirks: quirks)
            #expect(try one.lines(query, limit: 0) == other.lines(query, limit: 0))
            #expect(
                try one.lines(query, limit: 7, direction: .backward)
                    == other.lines(query, limit: 7, direction: .backward)
            )
            let count = "sum(count_over_time(\(query) [20s]))"
            #expect(try one.range(count, 0, 200, step: 7) == other.range(count, 0, 200, step: 7))
            let bytes = "bytes_over_time(\(query) [20s])"
            // Only the labels of logfmt lines make series of their own; all the same on both sides.
            #expect(try one.range(bytes, 0, 200, step: 20) == other.range(bytes, 0, 200, step: 20))
        }
    }

    @Test func logQueriesAreNotInstant() {
        #expect(
            Bench(MemoryStore()).failure(#"{app="a"}"#)
                == QueryError(
                    .invalid,
                    "log queries are not supported as an instant query type, please change your query to a range query type"
                )
        )
    }

    @Test func entriesAreHandedOnAsTheyCome() throws {
        let store = MemoryStore(blockSize: 10)
        for i in 0..<100 { store.add(["app": "s"], Double(i), "\(i)") }
        let request = QueryRequest(
            text: #"{app="s"}"#,
            kind: .range(start: .min, end: .max, step: 1, interval: 0),
            limit: 0,
            direction: .forward,
            limits: Limits.unlimited
        )
        var seen: [String] = []
        try QueryEngine(store: store).forEachEntry(request) { _, entry in
            seen.append(entry.line.string)
            return seen.count < 5
        }
        #expect(seen == ["0", "1", "2", "3", "4"])
        #expect(store.linesLoaded <= 20)
    }
}

extension Limits {
    /// Nothing is refused for its length.
    static var unlimited: Limits {
        var limits = Limits()
        limits.maxQueryLength = 0
        limits.maxEntriesLimitPerQuery = 0
        return limits
    }
}
