import Bytes
import LogModel
import Metrics
import Testing

@testable import LogQuery

@Suite struct QueryLimitsTests {
    static func many(_ count: Int) -> MemoryStore {
        let store = MemoryStore(blockSize: 500)
        for i in 0..<count { store.add(["app": "s", "i": "\(i)"], Double(i) / 1000, "x") }
        return store
    }

    @Test func tooManySeriesFailTheQuery() throws {
        var bench = Bench(Self.many(20))
        bench.limits.maxQuerySeries = 10
        #expect(
            bench.failure(#"count_over_time({app="s"}[1m])"#, at: 10)?.message
                == "maximum number of series (10) reached for a single query; consider reducing query cardinality by adding more "
                + "specific stream selectors, reducing the time range, or aggregating results with functions like sum(), "
                + "count() or topk()"
        )
        // What is aggregated away does not count.
        #expect(try bench.instant(#"max(count_over_time({app="s"}[1m]))"#, at: 10) == ["{} 1"])
        var request = QueryRequest(
            text: #"count_over_time({app="s"}[1m])"#,
            kind: .instant(time: Timestamp(nanoseconds: 10_000_000_000)),
            limits: bench.limits,
            allowsPartialSeries: true
        )
        let answer = try QueryEngine(store: bench.store).answer(request)
        #expect(answer.result.entryCount == 10)
        #expect(
            answer.warnings == ["maximum number of series (10) reached for a single query; returning partial results"]
        )
        request.limits.maxQuerySeries = 0
        #expect(try QueryEngine(store: bench.store).answer(request).result.entryCount == 20)
    }

    @Test func memoryIsBounded() throws {
        let store = MemoryStore(blockSize: 100)
        let line = String(repeating: "x", count: 10_000)
        for i in 0..<1000 { store.add(["app": "s"], Double(i), "\(i) \(line)") }
        var bench = Bench(store)
        bench.limits.maxQueryMemory = 1 << 20
        #expect {
            try bench.lines(#"{app="s"}"#, limit: 1000)
        } throws: {
            ($0 as? QueryError)?.message.hasPrefix("the query needs more memory than it may have (1 MiB)") == true
        }
        // Entries that drop out behind the limit give their memory back.
        #expect(try bench.lines(#"{app="s"}"#, limit: 10).count == 10)
        #expect(try bench.lines(#"{app="s"}"#, limit: 10, direction: .backward).count == 10)
        #expect {
            try bench.lines(#"{app="s"}"#, limit: 0)
        } throws: { ($0 as? QueryError)?.kind == .invalid }
        bench.limits.maxQueryMemory = 64 << 10
        #expect(
            bench.failure(
                #"quantile_over_time(0.5, {app="s"} | logfmt | label_format v="1" | unwrap v [1h]) by (v)"#,
                at: 900
            ) == nil
        )
        #expect(bench.failure(#"count_over_time({app="s"} | regexp "^(?P<n>[0-9]+)" [1h])"#, at: 900)?.kind == .invalid)
    }

    @Test func cancellationAndDeadlineEndAQuery() throws {
        let store = Self.many(100)
        var request = QueryRequest(
            text: #"sum(count_over_time({app="s"} |= "x" [1m]))"#,
            kind: .instant(time: Timestamp(nanoseconds: 10_000_000_000))
        )
        request.cancel.cancel()
        #expect(throws: QueryError(.cancelled, "the request was cancelled by the client")) {
            try QueryEngine(store: store).run(request)
        }
        request.cancel = CancelFlag()
        request.deadline = .now
        do {
            _ = try QueryEngine(store: store).run(request)
            Issue.record("a query past its deadline was answered")
        } catch {
            #expect(error.kind == .timeout)
        }
    }

    @Test(arguments: [
        ("max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)", 0, 60, 5001),
        ("the query time range exceeds the limit (query length: 744h0m0s, limit: 30d1h)", 0, 31 * 86_400, 10),
        ("end timestamp must not be before or equal to start time", 10, 5, 10),
    ])
    func requestsBeyondALimitAreRefused(_ test: (message: String, start: Double, end: Double, limit: Int)) {
        let bench = Bench(MemoryStore())
        #expect(throws: QueryError(.invalid, test.message)) {
            try bench.logs(#"{app="s"}"#, test.start, test.end, limit: test.limit)
        }
    }

    @Test func stepsAreBounded() {
        let bench = Bench(MemoryStore())
        #expect(
            throws: QueryError(
                .invalid,
                "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter"
            )
        ) { try bench.range("vector(1)", 0, 11_001, step: 1) }
        #expect(
            throws: QueryError(
                .invalid,
                "zero or negative query resolution step widths are not accepted. Try a positive integer"
            )
        ) { try bench.range("vector(1)", 0, 10, step: 0) }
    }

    @Test func parseErrorsAreInvalid() {
        #expect(Bench(MemoryStore()).failure("{")?.kind == .invalid)
        #expect(
            Bench(MemoryStore()).failure(#"count_over_time({a="b"} | json x="[" [1m])"#)?.message
                .hasPrefix(#"parse error : stage '| json x="["' : "#) == true
        )
    }

    @Test func failuresOfTheStoreAreOurs() {
        struct Broken: StoreReader {
            func streams(tenant: Tenant, matchers: [LabelMatcher], range: TimeRange) throws -> [StreamSummary] { [] }
            func scan(_ request: ScanRequest, sink: (ColumnBlock) throws -> ScanFlow) throws {
                throw StoreError(.damaged, "segment 3: checksum")
            }
            func counts(
                tenant: Tenant,
                matchers: [LabelMatcher],
                grid: TimeGrid,
                budget: QueryBudget,
                cancel: CancelFlag
            ) throws -> [StreamCounts] { [] }
            func catalogue(tenant: Tenant, range: TimeRange) throws -> Catalogue { Catalogue() }
        }
        let registry = Registry()
        let engine = QueryEngine(store: Broken(), registry: registry)
        #expect(throws: QueryError(.failed, "segment 3: checksum")) {
            try engine.run(
                QueryRequest(text: #"rate({a="b"} |= "x" [1m])"#, kind: .instant(time: Timestamp(nanoseconds: 0)))
            )
        }
        #expect(registry.value("tailrace_queries_total", ["kind": "metric", "outcome": "failed"]) == 1)
    }
}
