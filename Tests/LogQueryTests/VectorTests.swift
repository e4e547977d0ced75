import LogModel
import Testing

@testable import LogQuery

/// Aggregations and operations on vectors, with the traps of reference §15.
@Suite struct VectorTests {
    /// Machines a…d of pools p1, p2 and none: 10, 6, 4 and 3 lines within the last minute at 60 s.
    static func machines() -> Bench {
        let store = MemoryStore(blockSize: 5)
        for (machine, pool, count) in [("a", "p1", 10), ("b", "p1", 6), ("c", "p2", 4)] {
            for i in 0..<count { store.add(["app": "m", "machine": machine, "pool": pool], 30 + Double(i), "x") }
        }
        for i in 0..<3 { store.add(["app": "m", "machine": "d"], 30 + Double(i), "x") }
        return Bench(store)
    }

    static let all = #"count_over_time({app="m"}[1m])"#
    static let byMachine = #"sum by (machine) (count_over_time({app="m"}[1m]))"#
    static let byPool = #"sum by (pool) (count_over_time({app="m"}[1m]))"#

    @Test(arguments: [
        ("sum(ALL)", ["{} 23"]),
        ("sum by () (ALL)", ["{} 23"]),
        ("avg(MACHINE)", ["{} 5.75"]),
        ("min(MACHINE)", ["{} 3"]),
        ("max by (pool) (ALL)", ["{} 3", #"{pool="p1"} 10"#, #"{pool="p2"} 4"#]),
        ("count by (missing) (ALL)", ["{} 4"]),
        ("count without (machine) (ALL)", [#"{app="m"} 1"#, #"{app="m", pool="p1"} 2"#, #"{app="m", pool="p2"} 1"#]),
        (
            "sum without () (MACHINE)",
            [#"{machine="a"} 10"#, #"{machine="b"} 6"#, #"{machine="c"} 4"#, #"{machine="d"} 3"#]
        ),
        ("stdvar(MACHINE)", ["{} 7.1875"]),
        ("topk(2, MACHINE)", [#"{machine="a"} 10"#, #"{machine="b"} 6"#]),
        ("bottomk(1, MACHINE)", [#"{machine="d"} 3"#]),
        (
            "topk by (pool) (1, ALL)",
            [
                #"{app="m", machine="a", pool="p1"} 10"#, #"{app="m", machine="c", pool="p2"} 4"#,
                #"{app="m", machine="d"} 3"#,
            ]
        ),
        ("sort(MACHINE)", [#"{machine="d"} 3"#, #"{machine="c"} 4"#, #"{machine="b"} 6"#, #"{machine="a"} 10"#]),
        ("sort_desc(MACHINE)", [#"{machine="a"} 10"#, #"{machine="b"} 6"#, #"{machine="c"} 4"#, #"{machine="d"} 3"#]),
        ("MACHINE > 4", [#"{machine="a"} 10"#, #"{machine="b"} 6"#]),
        ("4 < MACHINE", [#"{machine="a"} 10"#, #"{machine="b"} 6"#]),
        ("MACHINE == bool 4", [#"{machine="a"} 0"#, #"{machine="b"} 0"#, #"{machine="c"} 1"#, #"{machine="d"} 0"#]),
        ("100 / MACHINE > 20", [#"{machine="c"} 25"#, #"{machine="d"} 33.333333333333336"#]),
        ("MACHINE / 0 > 0", []),
        ("sum(MACHINE / 0 != 1)", ["{} NaN"]),
        ("2 ^ MACHINE % 7 == 1", [#"{machine="b"} 1"#, #"{machine="d"} 1"#]),
        ("-2^2", ["scalar 4"]),
        ("2^3^2", ["scalar 512"]),
        ("1+1--1", ["scalar 3"]),
        ("10 / 0", ["scalar NaN"]),
        ("vector(1) + vector(1)", ["{} 2"]),
        ("vector(1) or vector(2)", ["{} 1"]),
        ("vector(1) unless vector(2)", []),
        ("MACHINE unless on() vector(1)", []),
        ("MACHINE and on() (vector(1) > 5)", []),
        (
            "POOL or MACHINE",
            [
                "{} 3", #"{machine="a"} 10"#, #"{machine="b"} 6"#, #"{machine="c"} 4"#, #"{machine="d"} 3"#,
                #"{pool="p1"} 16"#,
                #"{pool="p2"} 4"#,
            ]
        ),
        // 20: the value of the one side, the labels of the many.
        (
            "POOL > on(pool) group_right sum by (pool, machine) (ALL)",
            [
                #"{machine="a", pool="p1"} 16"#, #"{machine="b", pool="p1"} 16"#,
            ]
        ),
        (
            "sum by (pool, machine) (ALL) / on(pool) group_left POOL == 1",
            [#"{machine="c", pool="p2"} 1"#, #"{machine="d"} 1"#]
        ),
        // 21: an included label that the one side lacks is removed.
        (
            "sum by (pool, machine) (ALL) > bool on(machine) group_left(pool) MACHINE",
            [
                #"{machine="a"} 0"#, #"{machine="b"} 0"#, #"{machine="c"} 0"#, #"{machine="d"} 0"#,
            ]
        ),
        (
            "sum by (pool, machine) (ALL) * on(machine) MACHINE",
            [
                #"{machine="a"} 100"#, #"{machine="b"} 36"#, #"{machine="c"} 16"#, #"{machine="d"} 9"#,
            ]
        ),
        (
            "sum by (pool, machine) (ALL) - ignoring(pool) MACHINE",
            [
                #"{machine="a"} 0"#, #"{machine="b"} 0"#, #"{machine="c"} 0"#, #"{machine="d"} 0"#,
            ]
        ),
        ("ALL + MACHINE", []),
        (
            #"label_replace(MACHINE, "m", "x-$1", "machine", "([ab])") > 5"#,
            [
                #"{m="x-a", machine="a"} 10"#, #"{m="x-b", machine="b"} 6"#,
            ]
        ),
        // 57, 58
        (#"label_replace(POOL, "pool", "", "pool", "p")"#, ["{} 3", #"{pool="p1"} 16"#, #"{pool="p2"} 4"#]),
        (#"label_replace(POOL, "pool", "", "pool", "p1")"#, ["{} 3", "{} 16", #"{pool="p2"} 4"#]),
        (#"label_replace(vector(1), "r", "eu$$", "missing", ".*")"#, [#"{r="eu$"} 1"#]),
        (#"label_replace(vector(1), "r", "${n}!$9$", "missing", "(?P<n>)")"#, [#"{r="!$"} 1"#]),
    ])
    func instants(_ test: (query: String, expected: [String])) throws {
        let query = test.query.replacing("ALL", with: Self.all).replacing("MACHINE", with: Self.byMachine)
            .replacing("POOL", with: Self.byPool)
        let got = try Self.machines().instant(query, at: 60)
        #expect(got.sorted() == test.expected.sorted(), "\(query)")
        if query.hasPrefix("sort") { #expect(got == test.expected) }
    }

    @Test(arguments: [
        (
            "POOL / on(pool) sum by (pool, machine) (ALL)",
            "found duplicate series on the right hand-side;many-to-many matching not allowed: matching labels must be unique on one side"
        ),
        (
            "sum by (pool, machine) (ALL) / on(pool) group_right POOL",
            "found duplicate series on the left hand-side;many-to-many matching not allowed: matching labels must be unique on one side"
        ),
        (
            "sum by (pool, machine) (ALL) + on() vector(1)",
            "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
        ),
        // 22
        (
            "sum by (pool, machine) (ALL) / on(pool) group_left(machine) POOL",
            "multiple matches for labels: grouping labels must ensure unique matches"
        ),
    ])
    func ambiguousMatchesFail(_ test: (query: String, message: String)) {
        let query = test.query.replacing("ALL", with: Self.all).replacing("POOL", with: Self.byPool)
        #expect(Self.machines().failure(query, at: 60) == QueryError(.invalid, test.message))
    }

    /// 61
    @Test func approximateTopkIsForInstants() throws {
        let bench = Self.machines()
        #expect(try bench.instant("approx_topk(1, \(Self.byMachine))", at: 60) == [#"{machine="a"} 10"#])
        #expect(throws: QueryError(.invalid, "approx_topk is only supported on instant queries")) {
            try bench.range("approx_topk(1, \(Self.byMachine))", 0, 60, step: 30)
        }
    }

    @Test func topkIsEvaluatedAtEachStep() throws {
        let store = MemoryStore()
        for (t, app) in [(10.0, "a"), (11, "a"), (12, "b"), (70, "b"), (71, "b"), (72, "a")] {
            store.add(["app": app], t, "x")
        }
        #expect(
            try Bench(store).range(#"topk(1, count_over_time({app=~".+"}[1m]))"#, 60, 120, step: 60)
                == [#"{app="a"} 2 _"#, #"{app="b"} _ 2"#]
        )
    }

    @Test func scalarsAreSeriesWithoutLabelsInRanges() throws {
        #expect(try Bench(MemoryStore()).range("5", 0, 120, step: 60) == ["{} 5 5 5"])
        #expect(try Bench(MemoryStore()).range("vector(2)", 0, 60, step: 60) == ["{} 2 2"])
    }

    /// The height of a tree is the user's choice; the stack of a worker thread is not.
    @Test func highTreesAreEvaluatedWithoutRecursion() throws {
        let bench = Bench(MemoryStore())
        #expect(
            try bench.instant([String](repeating: "vector(1)", count: 1000).joined(separator: "+"), at: 1) == [
                "{} 1000"
            ]
        )
        #expect(
            try bench.instant([String](repeating: "vector(1)", count: 120).joined(separator: "^"), at: 1) == ["{} 1"]
        )
        let nested = String(repeating: "sum(", count: 120) + "vector(1)" + String(repeating: ")", count: 120)
        #expect(try bench.instant(nested, at: 1) == ["{} 1"])
    }

    /// Grafana's health check: 4 billion is seconds, the year 2096.
    @Test func theFarFutureIsAnInstantLikeAnother() throws {
        #expect(try Bench(MemoryStore()).instant("vector(1)+vector(1)", at: 4_000_000_000) == ["{} 2"])
    }

    /// 69
    @Test func quirksAlignRangesToTheirStep() throws {
        let store = MemoryStore()
        store.add(["app": "a"], 5, "x")
        var bench = Bench(store, lokiQuirks: true)
        bench.settings.lokiQuirks = true
        let request = QueryRequest(
            text: "vector(1)",
            kind: .range(
                start: Timestamp(nanoseconds: 67_000_000_000),
                end: Timestamp(nanoseconds: 110_000_000_000),
                step: 30_000_000_000,
                interval: 0
            )
        )
        func times() throws -> [Int64] {
            guard case .matrix(let series) = try bench.run(request) else { return [] }
            return series[0].points.map { $0.timestamp / 1_000_000_000 }
        }
        #expect(try times() == [60, 90, 120])
        bench.settings.lokiQuirks = false
        #expect(try times() == [67, 97])
    }
}
