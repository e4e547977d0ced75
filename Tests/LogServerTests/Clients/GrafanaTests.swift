import LogModel
import Testing

@testable import LogServer

/// What Grafana's data source sends, and what its reader of streamed JSON needs back.
@Suite struct GrafanaTests {
    static let range = RoutesTests.range
    /// Of every query of its backend.
    static let headers = [
        ("X-Loki-Response-Encoding-Flags", "categorize-labels"), ("X-Query-Tags", "Source=logvolhist,user=\u{e9}\"x"),
        ("Accept-Encoding", "identity"), ("User-Agent", "Grafana/13.1.0"), ("X-Scope-OrgID", "ignored"),
    ]

    /// Save & test: one series, one sample, value 2, at a time that lies in 1970 or in 2096.
    @Test func healthCheck() async throws {
        try await withServer { server async throws in
            let reply = try await server.get(
                "/loki/api/v1/query?direction=backward&query=vector%281%29%2Bvector%281%29&time=4000000000", headers: Self.headers)
            #expect(reply.status == 200)
            let data = JSONValue.parse(reply.text)?["data"]
            #expect(data?["resultType"] == .string("vector"))
            #expect(data?["result"]?.items.count == 1)
            #expect(data?["result"]?.items.first?["value"]?.items.last == .string("2"))
        }
    }

    /// The order of keys is part of the contract: the reader does not go back.
    @Test func logsComeInTheOrderThatItsReaderKnows() async throws {
        try await withServer { server async throws in
            try await RoutesTests.fill(server)
            let reply = try await server.get(
                "/loki/api/v1/query_range?direction=backward&end=1794315600000000000&limit=1000&query=%7Bapp%3D%22one%22%7D%20%7C%20logfmt&start=1794304800000000000&step=15000ms",
                headers: Self.headers + [("X-Loki-Query-Limits-Context", #"{"expr":"{app=\"one\"}","from":1,"to":2}"#)])
            #expect(reply.status == 200)
            #expect(reply["content-type"] == "application/json; charset=UTF-8")
            let document = try #require(JSONValue.parse(reply.text))
            #expect(document.keys == ["status", "data"])
            #expect(document["data"]?.keys == ["resultType", "encodingFlags", "result", "stats"])
            #expect(document["data"]?["encodingFlags"] == .array([.string("categorize-labels")]))
            let streams = document["data"]?["result"]?.items ?? []
            #expect(!streams.isEmpty)
            for stream in streams {
                #expect(stream.keys == ["stream", "values"])
                for value in stream["values"]?.items ?? [] {
                    #expect(value.items.count == 3)
                    #expect((value.items[0].text?.utf8.count ?? 0) == 19)
                    #expect(Set(value.items[2].keys).isSubset(of: ["structuredMetadata", "parsed"]))
                }
            }
            let summary = document["data"]?["stats"]?["summary"]
            for key in ["bytesProcessedPerSecond", "linesProcessedPerSecond", "totalBytesProcessed", "totalLinesProcessed", "execTime"] {
                #expect(summary?[key]?.number != nil, "\(key)")
            }
        }
    }

    /// Nothing found is `[]` everywhere, for alert rules fail on `null`.
    @Test(arguments: ["%7Bapp%3D%22none%22%7D", "sum(rate(%7Bapp%3D%22none%22%7D%5B1m%5D))"])
    func emptyIsAnEmptyArray(query: String) async throws {
        try await withServer { server async throws in
            let reply = try await server.get("/loki/api/v1/query_range?query=\(query)&\(Self.range)&step=60000ms", headers: Self.headers)
            #expect(JSONValue.parse(reply.text)?["data"]?["result"] == .array([]))
        }
    }

    /// The bars over a log panel.
    @Test func logVolume() async throws {
        try await withServer { server async throws in
            try await RoutesTests.fill(server)
            let query = Encoded.percent(#"sum by (level, detected_level) (count_over_time({app="one"} | drop __error__[1m]))"#)
            let reply = try await server.get(
                "/loki/api/v1/query_range?query=\(query)&start=1794304800000000000&end=1794304860000000000&step=60000ms&direction=forward",
                headers: Self.headers)
            let series = JSONValue.parse(reply.text)?["data"]?["result"]?.items ?? []
            #expect(series.map { $0["metric"]?.strings ?? [:] } == [["detected_level": "error"], ["detected_level": "info"]])
            for one in series {
                #expect(one.keys == ["metric", "values"])
                for point in one["values"]?.items ?? [] {
                    #expect(point.items.first?.number != nil)
                    #expect(point.items.last?.text == "1")
                }
            }
        }
    }

    /// Variables, the label browser and the builder; times as the front end has them, and forms by POST.
    @Test func resources() async throws {
        try await withServer { server async throws in
            try await RoutesTests.fill(server)
            let ns = "start=1794304800000000000&end=1794315600000000000"
            for (target, key) in [
                ("labels?\(ns)", "data"), ("labels?\(ns)&query=%7Bapp%3D%22one%22%7D", "data"), ("label/app/values?\(ns)", "data"),
                ("series?match%5B%5D=%7Bapp%3D%22one%22%7D&\(ns)", "data"), ("detected_labels?\(ns)", "detectedLabels"),
                ("detected_fields?query=%7Bapp%3D%22one%22%7D&\(ns)&limit=1000", "fields"),
                ("detected_field/level/values?query=%7Bapp%3D%22one%22%7D&\(ns)", "values"), ("drilldown-limits", "limits"),
            ] {
                let reply = try await server.get("/loki/api/v1/" + target)
                #expect(reply.status == 200)
                #expect(JSONValue.parse(reply.text)?[key] != nil, "\(target): \(reply.text)")
                let twice = try await server.get("/loki/api/v1/loki/api/v1/" + target)
                #expect(twice.text == reply.text)
            }
            let stats = try await server.get("/loki/api/v1/index/stats?query=%7Bapp%3D%22one%22%7D&\(ns)")
            #expect(JSONValue.parse(stats.text)?.keys == ["streams", "chunks", "bytes", "entries"])
            // There are no values, and this is not an error.
            #expect(try await server.get("/loki/api/v1/label/__stream_shard__/values?\(ns)").status == 200)
            for path in ["query_range", "query", "labels", "series", "index/stats", "index/volume", "index/volume_range", "detected_fields", "format_query"] {
                let query = path == "query" ? "vector(1)" : "%7Bapp%3D%22one%22%7D"
                let form = try await server.ask(
                    "POST", "/loki/api/v1/\(path)", headers: [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
                    body: Array("query=\(query)&\(ns)".utf8))
                #expect(form.status == 200, "\(path): \(form.text)")
            }
        }
    }

    /// Alerting asks for rules, then whether there is a ruler; "page not found" is how it knows that there is none.
    @Test func rules() async throws {
        try await withServer { server async throws in
            #expect(try await server.get("/prometheus/api/v1/rules").text == #"{"status":"success","data":{"groups":[]}}"# + "\n")
            #expect(try await server.get("/prometheus/api/v1/alerts").text == #"{"status":"success","data":{"alerts":[]}}"# + "\n")
            for path in ["/loki/api/v1/rules", "/loki/api/v1/rules/test/test", "/api/prom/rules", "/api/prom/rules/test"] {
                for method in ["GET", "POST", "DELETE"] {
                    let reply = try await server.ask(method, path)
                    #expect(reply.status == 404)
                    #expect(reply.text.contains("page not found"))
                }
            }
            #expect(try await server.get("/loki/api/v2alpha/tail?query=%7Bapp%3D%22one%22%7D").status == 404)
            let build = JSONValue.parse(try await server.get("/loki/api/v1/status/buildinfo").text)
            #expect(build?.keys == ["version", "revision", "branch", "buildUser", "buildDate", "goVersion"])
        }
    }

    /// Live: the browser's socket through the data proxy, which reads stream, time and line and wants at least 7 digits.
    @Test(.timeLimit(.minutes(1))) func live() async throws {
        let now = Timestamp.now().nanoseconds
        try await withServer { server async throws in
            let socket = try await Blocking.run {
                try WebSocketClient(try server.client(), TailRouteTests.tail, headers: [("User-Agent", "Grafana/13.1.0")])
            }
            #expect(socket.answer.status == 101)
            #expect(try await server.push(TailRouteTests.body([(now, "x")])).status == 204)
            let text = try await Blocking.run { try socket.text() } ?? ""
            #expect(JSONValue.parse(text)?.keys == ["streams"])
            #expect(TailLine.parse(text).lines == [TailLine(labels: ["app": "a", "detected_level": "unknown", "service_name": "a"], timestamp: now, line: "x")])
        }
    }

    /// Limits that a client lowers for one request.
    @Test(arguments: [
        (#"{"maxQueryLength":"1m"}"#, "the query time range exceeds the limit (query length: 3h0m0s, limit: 1m)"),
        (#"{"maxEntriesLimitPerQuery":10}"#, "max entries limit per query exceeded, limit > max_entries_limit_per_query (100 > 10)"),
        (#"{"requiredLabels":["cluster","app"]}"#, "stream selector is missing required matchers [cluster], labels present in the query were [app]"),
        (#"{"minimumLabelsNumber":2}"#, "stream selector has less label matchers than required: (present: [app], number_present: 1, required_number_label_matchers: 2)"),
        (#"{"maxQueryLength":"2y","maxEntriesLimitPerQuery":100000,"maxQueryInterval":"1s"}"#, nil), ("nonsense", nil), ("[1]", nil),
    ])
    func queryLimits(header: String, message: String?) async throws {
        try await withServer { server async throws in
            let reply = try await server.get(
                "/loki/api/v1/query_range?query=%7Bapp%3D%22one%22%7D&\(Self.range)", headers: [("X-Loki-Query-Limits", header)])
            #expect(reply.status == (message == nil ? 200 : 400))
            if let message { #expect(reply.text == message + "\n") }
        }
    }
}
