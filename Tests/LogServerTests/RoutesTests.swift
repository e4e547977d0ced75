import Bytes
import LogModel
import Metrics
import Testing

@testable import LogServer

@Suite struct RoutesTests {
    static let t0: Int64 = 1_794_304_800_000_000_000
    static let range = "start=1794304800&end=1794315600"

    static func body(_ entries: [(app: String, lines: [(Int64, String, String?)])]) -> String {
        let streams = entries.map { entry in
            let values = entry.lines.map { time, line, trace in
                let metadata = trace.map { ",{\"trace_id\":\"\($0)\"}" } ?? ""
                return "[\"\(t0 + time)\",\"\(line)\"\(metadata)]"
            }
            return "{\"stream\":{\"app\":\"\(entry.app)\"},\"values\":[\(values.joined(separator: ","))]}"
        }
        return "{\"streams\":[\(streams.joined(separator: ","))]}"
    }

    static func fill(_ server: TestServer) async throws {
        let reply = try await server.push(
            body([
                ("one", [(1, "level=info msg=<a&b>", nil), (2, "level=error boom", "7f")]),
                ("two", [(3, "hello", nil), (3_600_000_000_000, "later", nil)]),
            ]))
        #expect(reply.status == 204)
        #expect(reply.body.isEmpty)
    }

    @Test func pushedLinesComeBack() async throws {
        try await withServer { server async throws in
            try await Self.fill(server)
            var reply = try await server.get("/loki/api/v1/query_range?query=%7Bapp%3D%22one%22%7D&\(Self.range)")
            #expect(reply.status == 200)
            #expect(reply["content-type"] == "application/json; charset=UTF-8")
            #expect(
                reply.text.hasPrefix(
                    #"{"status":"success","data":{"resultType":"streams","result":[{"stream":{"app":"one","detected_level":"error","service_name":"one","trace_id":"7f"},"values":[["1794304800000000002","level=error boom"]]},{"stream":{"app":"one","detected_level":"info","service_name":"one"},"values":[["1794304800000000001","level=info msg=\u003ca\u0026b\u003e"]]}],"stats":{"#))
            reply = try await server.get(
                "/loki/api/v1/query_range?query=%7Bapp%3D%22one%22%7D&\(Self.range)&direction=forward",
                headers: [("X-Loki-Response-Encoding-Flags", "categorize-labels,other")])
            #expect(
                reply.text.hasPrefix(
                    #"{"status":"success","data":{"resultType":"streams","encodingFlags":["categorize-labels","other"],"result":[{"stream":{"app":"one","service_name":"one"},"values":[["1794304800000000001","level=info msg=\u003ca\u0026b\u003e",{"structuredMetadata":{"detected_level":"info"}}],["1794304800000000002","level=error boom",{"structuredMetadata":{"detected_level":"error","trace_id":"7f"}}]]}]"#))
        }
    }

    @Test func metricQueries() async throws {
        try await withServer { server async throws in
            try await Self.fill(server)
            var reply = try await server.get("/loki/api/v1/query?query=vector(1)%2Bvector(1)&time=4000000000")
            #expect(
                reply.text.hasPrefix(
                    #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[4000000000,"2"]}],"stats""#))
            reply = try await server.ask(
                "POST", "/loki/api/v1/query_range?step=7200",
                headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: Array("query=sum(count_over_time(%7Bapp%3D~%22.%2B%22%7D%5B2h%5D))&start=1794312000&end=1794312000&step=60".utf8))
            #expect(
                reply.text.hasPrefix(
                    #"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1794312000,"4"]]}]"#))
        }
    }

    @Test(arguments: [
        ("labels?\(range)", #"{"status":"success","data":["app","service_name"]}"#),
        ("label?\(range)", #"{"status":"success","data":["app","service_name"]}"#),
        ("labels?start=1000&end=2000", #"{"status":"success"}"#),
        ("labels?\(range)&query=%7Bapp%3D%22nosuch%22%7D", #"{"status":"success"}"#),
        ("label/app/values?\(range)", #"{"status":"success","data":["one","two"]}"#),
        ("label/app/values?\(range)&query=%7Bapp%3D%22two%22%7D", #"{"status":"success","data":["two"]}"#),
        ("label/nosuch/values?\(range)", #"{"status":"success"}"#),
        ("series?\(range)&match%5B%5D=%7Bapp%3D%22one%22%7D", #"{"status":"success","data":[{"app":"one","service_name":"one"}]}"#),
        ("series?\(range)&match=%7Bapp%3D%22one%22%7D&match%5B%5D=%7Bapp%3D%22two%22%7D", #"{"status":"success","data":[{"app":"one","service_name":"one"},{"app":"two","service_name":"two"}]}"#),
        ("series?\(range)", #"{"status":"success","data":[{"app":"one","service_name":"one"},{"app":"two","service_name":"two"}]}"#),
        ("series?\(range)&match=%7B%7D", #"{"status":"success","data":[{"app":"one","service_name":"one"},{"app":"two","service_name":"two"}]}"#),
        ("series?\(range)&match=%7Bapp%3D%22x%22%7D", #"{"status":"success","data":[]}"#),
        ("index/stats?\(range)&query=%7Bapp%3D%22two%22%7D", #"{"streams":1,"chunks":1,"bytes":10,"entries":2}"#),
        ("index/stats?\(range)&query=%7Bapp%3D%22x%22%7D", #"{"streams":0,"chunks":0,"bytes":0,"entries":0}"#),
        ("detected_labels?\(range)&query=", #"{"detectedLabels":[{"label":"app","cardinality":2},{"label":"service_name","cardinality":2}]}"#),
        ("detected_labels?\(range)&query=%7Bapp%3D%22x%22%7D", "{}"),
        ("format_query?query=%7Bapp%3D%22one%22%7D%7Cjson", #"{"status":"success","data":"{app=\"one\"} | json"}"#),
    ])
    func catalogue(target: String, expected: String) async throws {
        try await withServer { server async throws in
            try await Self.fill(server)
            let reply = try await server.get("/loki/api/v1/" + target)
            #expect(reply.status == 200)
            #expect(reply.text == expected + "\n")
        }
    }

    @Test(arguments: [
        (
            "index/volume?\(range)&query=%7Bapp%3D~%22.%2B%22%7D",
            #""vector","result":[{"metric":{"app":"one"},"value":[1794315600,"36"]},{"metric":{"app":"two"},"value":[1794315600,"10"]}]"#
        ),
        (
            "index/volume?\(range)&query=%7Bapp%3D~%22.%2B%22%7D&limit=1",
            #""vector","result":[{"metric":{"app":"one"},"value":[1794315600,"36"]}]"#
        ),
        (
            "index/volume?\(range)&query=%7B%7D&limit=0",
            #""vector","result":[{"metric":{"app":"one","service_name":"one"},"value":[1794315600,"36"]},{"metric":{"app":"two","service_name":"two"},"value":[1794315600,"10"]}]"#
        ),
        (
            "index/volume?\(range)&query=%7Bapp%3D~%22.%2B%22%7D&targetLabels=service_name,none",
            #""vector","result":[]"#
        ),
        (
            "index/volume?\(range)&query=%7Bapp%3D~%22.%2B%22%7D&aggregateBy=labels",
            #""vector","result":[{"metric":{"app":""},"value":[1794315600,"46"]},{"metric":{"service_name":""},"value":[1794315600,"46"]}]"#
        ),
        (
            "index/volume_range?\(range)&query=%7Bapp%3D%22two%22%7D&step=3600",
            #""matrix","result":[{"metric":{"app":"two"},"values":[[1794308399.999,"5"],[1794311999.999,"5"]]}]"#
        ),
        (
            // Buckets end at multiples of the step, the last one at the end of the range.
            "index/volume_range?\(range)&query=%7Bapp%3D%22two%22%7D&step=10800",
            #""vector","result":[{"metric":{"app":"two"},"value":[1794311999.999,"10"]}]"#
        ),
        ("index/volume_range?\(range)&query=%7Bapp%3D%22x%22%7D&step=3600", #""vector","result":[]"#),
    ])
    func volumes(target: String, expected: String) async throws {
        try await withServer { server async throws in
            try await Self.fill(server)
            let reply = try await server.get("/loki/api/v1/" + target)
            #expect(reply.status == 200)
            #expect(reply.text.hasPrefix(#"{"status":"success","data":{"resultType":"# + expected), "\(reply.text.prefix(300))")
        }
    }

    static let emptyCompatible =
        #"parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~".*" does not meet this requirement, but app=~".+" will"#

    /// Recorded answers of Loki.
    @Test(arguments: [
        ("query_range?query=%7Bapp%3D%22one%22%7D&\(range)&limit=-1", 400, "limit must be a positive value"),
        ("query_range?query=%7Bapp%3D%22one%22%7D&\(range)&limit=5001", 400, "max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)"),
        ("query_range?query=%7Bapp%3D%22one%22%7D&start=2&end=1", 400, "end timestamp must not be before or equal to start time"),
        ("query_range?query=%7Bapp%3D%22one%22%7D&\(range)&step=0.5", 400, "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter"),
        ("query_range?query=&\(range)", 400, "parse error : syntax error: unexpected $end"),
        ("query?query=%7Bapp%3D%22one%22%7D", 400, "log queries are not supported as an instant query type, please change your query to a range query type"),
        ("query?query=vector(1)&direction=up", 400, "invalid direction 'up'"),
        ("labels?query=%7B%7D", 400, emptyCompatible),
        ("labels?start=2&end=1", 500, "merging responses requires at least one response"),
        ("label/app/values?query=%7B", 400, "parse error at line 1, col 2: syntax error: unexpected $end, expecting IDENTIFIER or }"),
        ("series?match=%7B%7D&match=%7Bapp%3D%22one%22%7D", 400, "0 matchers in group: {}"),
        ("series?match=%7Bapp%3D%22%22%7D", 400, emptyCompatible),
        ("index/stats?query=%7Bapp%3D%22one%22%7D%7Cjson", 400, "only label matchers are supported"),
        ("index/volume?query=%7Bapp%21%3D%22one%22%7D", 400, emptyCompatible),
        ("index/volume?query=%7Bapp%3D%22one%22%7D&aggregateBy=nope", 400, "invalid aggregation option"),
        ("index/volume?query=%7Bapp%3D%22one%22%7D&limit=-1", 400, "limit must be a positive value"),
        ("index/volume_range?query=%7Bapp%3D%22one%22%7D&step=0", 400, "zero or negative query resolution step widths are not accepted. Try a positive integer"),
        ("nosuch", 404, "404 page not found"), ("labels?a=%zz", 400, #"invalid URL escape "%zz""#),
    ])
    func refusals(target: String, status: Int, message: String) async throws {
        try await withServer { server async throws in
            let reply = try await server.get("/loki/api/v1/" + target)
            #expect(reply.status == status)
            #expect(reply.text == message + "\n")
            #expect(reply["content-type"] == "text/plain; charset=utf-8")
            #expect(reply["x-content-type-options"] == "nosniff")
        }
    }

    @Test func formatQueryHasAnErrorOfItsOwn() async throws {
        try await withServer { server async throws in
            let reply = try await server.get("/loki/api/v1/format_query?query=")
            #expect(reply.status == 400)
            #expect(reply.text == #"{"status":"invalid-query","error":"parse error : syntax error: unexpected $end"}"# + "\n")
        }
    }

    @Test func legacyEndpoints() async throws {
        try await withServer { server async throws in
            let push = try await server.ask(
                "POST", "/api/prom/push", headers: [("Content-Type", "application/json")],
                body: Array(#"{"streams":[{"labels":"{app=\"old\"}","entries":[{"ts":"2026-11-10T10:00:00.000000001Z","line":"x"}]}]}"#.utf8))
            #expect(push.status == 204)
            var reply = try await server.get("/api/prom/query?query=%7Bapp%3D%22old%22%7D&\(Self.range)")
            #expect(
                reply.text.hasPrefix(
                    #"{"streams":[{"labels":"{app=\"old\", detected_level=\"unknown\", service_name=\"old\"}","entries":[{"ts":"2026-11-10T10:00:00.000000001Z","line":"x","structuredMetadata":{"detected_level":"unknown"}}]}],"stats""#))
            reply = try await server.get("/api/prom/query?query=count_over_time(%7Bapp%3D%22old%22%7D%5B1m%5D)&\(Self.range)")
            #expect(reply.status == 400)
            #expect(reply.text == "rpc error: code = Code(400) desc = legacy endpoints only support streams result type\n")
            reply = try await server.get("/api/prom/label/app/values?\(Self.range)")
            #expect(reply.text == #"{"status":"success","data":["old"]}"# + "\n")
        }
    }

    @Test func houseKeeping() async throws {
        var hooks = ServerHooks()
        hooks.readyNotes = { ["redaction is off"] }
        hooks.config = { "store: {}\n" }
        hooks.compact = {}
        hooks.extra = { _, path in path == "/" ? .text("page") : nil }
        try await withServer(hooks: hooks) { server async throws in
            #expect(try await server.get("/ready").text == "ready\nredaction is off\n")
            #expect(try await server.get("/config").text == "store: {}\n")
            #expect(try await server.get("/").text == "page")
            #expect(try await server.get("/favicon.ico").status == 404)
            #expect(try await server.ask("POST", "/flush").status == 204)
            #expect(server.store.flushes == 1)
            #expect(try await server.get("/flush").status == 405)
            #expect(try await server.get("/loki/api/v1/push").status == 405)
            #expect(try await server.ask("DELETE", "/loki/api/v1/labels").status == 405)
            #expect(try await server.ask("POST", "/tailrace/api/v1/compact").status == 204)
            #expect(try await server.get("/loki/api/v1/status/buildinfo").text.hasPrefix(#"{"version":"3.8.0","#))
            let limits = try await server.get("/loki/api/v1/drilldown-limits")
            #expect(limits["content-type"] == "application/json")
            #expect(limits.text.contains(#""max_query_length":"30d1h""#))
            #expect(limits.text.contains(#""query_timeout":"1m""#))
            #expect(try await server.get("/prometheus/api/v1/rules").text == #"{"status":"success","data":{"groups":[]}}"# + "\n")
            let metrics = try await server.get("/metrics")
            #expect(metrics.text.contains(#"tailrace_http_requests_total{route="flush",status="204"} 1"#))
            #expect(metrics.text.contains(#"tailrace_http_requests_total{route="other",status="404"} 1"#))
            #expect(metrics.text.contains(#"tailrace_http_request_duration_seconds_count{route="push"} 1"#))
        }
    }

    @Test func notReadySaysWhy() async throws {
        var hooks = ServerHooks()
        hooks.notReady = { "replaying the log" }
        try await withServer(hooks: hooks) { server async throws in
            let reply = try await server.get("/ready")
            #expect(reply.status == 503)
            #expect(reply.text == "replaying the log\n")
        }
    }

    @Test func tenantsAreApart() async throws {
        var settings = ServerSettings()
        settings.multiTenant = true
        try await withServer(settings: settings) { server async throws in
            #expect(try await server.push(Self.body([("a", [(1, "x", nil)])])).text == "no org id\n")
            #expect(try await server.push(Self.body([("a", [(1, "x", nil)])]), headers: [("X-Scope-OrgID", "t1")]).status == 204)
            let target = "/loki/api/v1/label/app/values?\(Self.range)"
            #expect(try await server.get(target, headers: [("X-Scope-OrgID", "t1")]).text.contains(#"["a"]"#))
            #expect(try await server.get(target, headers: [("X-Scope-OrgID", "t2")]).text == #"{"status":"success"}"# + "\n")
            #expect(try await server.get(target).status == 401)
            #expect(try await server.get(target, headers: [("X-Scope-OrgID", "t1"), ("X-Scope-OrgID", "t2")]).status == 400)
            #expect(try await server.get("/ready").status == 200)
        }
    }

    @Test func longAnswersAreCompressedForWhoAsks() async throws {
        try await withServer { server async throws in
            let lines = (0..<200).map { (Int64($0), String(repeating: "abc ", count: 50), String?.none) }
            #expect(try await server.push(Self.body([("big", lines)])).status == 204)
            let target = "/loki/api/v1/query_range?query=%7Bapp%3D%22big%22%7D&\(Self.range)&limit=200"
            let plain = try await server.get(target)
            #expect(plain["content-encoding"] == nil)
            let packed = try await server.get(target, headers: [("Accept-Encoding", "gzip")])
            #expect(packed["content-encoding"] == "gzip")
            #expect(packed.body.count < plain.body.count / 10)
            let out = ByteArena()
            try packed.body.withView { try CappedReader.inflate($0, .gzip, limit: 1 << 20, into: out) }
            #expect(out.view.string.hasPrefix(#"{"status":"success""#))
        }
    }

    /// The bucket's last millisecond lay before the first time there is, and the process ended.
    @Test func volumesAtTheBeginningOfTime() async throws {
        try await withServer { server async throws in
            let reply = try await server.get(
                "/loki/api/v1/index/volume_range?query=%7Bapp%3D%22one%22%7D&start=-9223372036854775808&end=-9223372036851775808&step=0.001")
            #expect(reply.status == 200)
        }
    }
}
