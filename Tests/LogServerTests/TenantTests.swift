import LogModel
import Testing

@testable import LogServer

@Suite struct TenantTests {
    static let range = RoutesTests.range

    static func settings(federates: Bool = false) -> ServerSettings {
        var settings = ServerSettings()
        settings.multiTenant = true
        settings.multiTenantQueries = federates
        return settings
    }

    static func fill(_ server: TestServer) async throws {
        for (tenant, lines) in [("one", [(Int64(1), "a1"), (4, "a4")]), ("two", [(2, "b2"), (3, "b3")])] {
            let entries = lines.map { ($0.0, $0.1, String?.none) }
            let reply = try await server.push(RoutesTests.body([("x", entries)]), headers: [("X-Scope-OrgID", tenant)])
            #expect(reply.status == 204)
        }
    }

    @Test(arguments: [
        ("", 401, "no org id"), ("a/b", 400, "tenant ID 'a/b' contains unsupported character '/'"),
        ("..", 400, "tenant ID is '.' or '..'"), (String(repeating: "x", count: 151), 400, "tenant ID is too long: max 150 characters"),
        ("a|b", 400, "multiple org IDs present"), ("a|", 401, "no org id"),
    ])
    func namesThatAreNone(name: String, status: Int, message: String) async throws {
        try await withServer(settings: Self.settings()) { server async throws in
            for target in ["/loki/api/v1/labels", "/loki/api/v1/query?query=vector(1)", "/loki/api/v1/delete", TailRouteTests.tail] {
                let reply = try await server.get(target, headers: [("X-Scope-OrgID", name)])
                #expect(reply.status == status)
                #expect(reply.text == message + "\n")
            }
            #expect(try await server.get("/loki/api/v1/labels").text == "no org id\n")
        }
    }

    @Test func severalAreReadAsOne() async throws {
        try await withServer(settings: Self.settings(federates: true)) { server async throws in
            try await Self.fill(server)
            let both = [("X-Scope-OrgID", "two|one|two")]
            func get(_ target: String) async throws -> String {
                try await server.get("/loki/api/v1/" + target, headers: both).text
            }
            var text = try await get("query_range?query=%7Bapp%3D%22x%22%7D&\(Self.range)&direction=forward")
            #expect(
                text.hasPrefix(
                    #"{"status":"success","data":{"resultType":"streams","result":[{"stream":{"__tenant_id__":"one","app":"x","detected_level":"unknown","service_name":"x"},"values":[["1794304800000000001","a1"],["1794304800000000004","a4"]]},{"stream":{"__tenant_id__":"two","app":"x","detected_level":"unknown","service_name":"x"},"values":[["1794304800000000002","b2"],["1794304800000000003","b3"]]}]"#))
            // A limit counts over all of them; a matcher chooses among them.
            text = try await get("query_range?query=%7Bapp%3D%22x%22%7D&\(Self.range)&direction=forward&limit=2")
            #expect(text.contains("a1") && text.contains("b2") && !text.contains("b3") && !text.contains("a4"))
            text = try await get("query_range?query=%7Bapp%3D%22x%22%2C__tenant_id__%3D%22two%22%7D&\(Self.range)")
            #expect(text.contains("b2") && !text.contains("a1"))
            text = try await get("query?query=\(Encoded.percent("sum by (__tenant_id__) (count_over_time({app=\"x\"}[1h]))"))&time=1794304900")
            #expect(text.contains(#"[{"metric":{"__tenant_id__":"one"},"value":[1794304900,"2"]},{"metric":{"__tenant_id__":"two"},"value":[1794304900,"2"]}]"#))
            #expect(try await get("labels?\(Self.range)") == #"{"status":"success","data":["__tenant_id__","app","service_name"]}"# + "\n")
            #expect(try await get("label/__tenant_id__/values?\(Self.range)") == #"{"status":"success","data":["one","two"]}"# + "\n")
            #expect(try await get("series?\(Self.range)&match=%7B__tenant_id__%3D%22one%22%7D").contains(#"[{"__tenant_id__":"one","app":"x","service_name":"x"}]"#))
            #expect(try await get("index/stats?\(Self.range)&query=%7Bapp%3D%22x%22%7D") == #"{"streams":2,"chunks":2,"bytes":8,"entries":4}"# + "\n")
            #expect(try await get("detected_fields?\(Self.range)&query=%7Bapp%3D%22x%22%7D") == "{\"fields\":[],\"limit\":1000}\n")
            #expect(try await get("tail?query=%7Bapp%3D%22x%22%7D") == "multiple org IDs present\n")
            // Nothing is written for two at once.
            #expect(try await server.push(RoutesTests.body([("x", [(1, "x", nil)])]), headers: both).text == "multiple org IDs present\n")
            // Alone each still sees only its own, without the label.
            let alone = try await server.get("/loki/api/v1/series?\(Self.range)", headers: [("X-Scope-OrgID", "one")])
            #expect(alone.text == #"{"status":"success","data":[{"app":"x","service_name":"x"}]}"# + "\n")
        }
    }

    /// Of each limit that of the strictest tenant counts; 0 is none.
    @Test func severalHaveTheSmallestOfTheirLimits() async throws {
        var one = openLimits()
        one.maxEntriesLimitPerQuery = 10
        one.maxQueryLength = 0
        var two = openLimits()
        two.maxEntriesLimitPerQuery = 0
        two.maxQueryLength = 3_600_000_000_000
        two.maxQueryRange = 60_000_000_000
        two.volumeEnabled = false
        let (first, second) = (one, two)
        try await withServer(
            settings: Self.settings(federates: true), parts: { $0.limits = { $0.name == "two" ? second : first } }
        ) { server async throws in
            func get(_ target: String, _ tenants: String) async throws -> String {
                try await server.get("/loki/api/v1/" + target, headers: [("X-Scope-OrgID", tenants)]).text
            }
            let many = "query_range?query=%7Bapp%3D%22x%22%7D&limit=11&start=1&end=2"
            let refused = "max entries limit per query exceeded, limit > max_entries_limit_per_query (11 > 10)\n"
            #expect(try await get(many, "one|two") == refused)
            #expect(try await get(many, "two|one") == refused)
            #expect(try await get(many, "two").hasPrefix(#"{"status":"success""#))
            let long = "query_range?query=%7Bapp%3D%22x%22%7D&start=1&end=3602&limit=5"
            #expect(try await get(long, "one").hasPrefix(#"{"status":"success""#))
            #expect(try await get(long, "one|two") == "the query time range exceeds the limit (query length: 1h0m1s, limit: 1h)\n")
            let wide = "query?query=" + Encoded.percent(#"rate({app="x"}[5m])"#)
            #expect(try await get(wide, "one|two") == "[interval] value exceeds limit: [5m] > [1m]\n")
            #expect(try await server.get("/loki/api/v1/index/volume?query=%7B%7D", headers: [("X-Scope-OrgID", "one|two")]).status == 404)
        }
        #expect(Limits.smallest([]) == Limits())
        #expect(Limits.smallest([first]) == first)
    }

    @Test(.timeLimit(.minutes(1))) func tailsAndDeletionsAreApart() async throws {
        try await withServer(settings: Self.settings()) { server async throws in
            try await Self.fill(server)
            let one = [("X-Scope-OrgID", "one")]
            let socket = try await Blocking.run { try WebSocketClient(try server.client(), "/loki/api/v1/tail?query=%7Bapp%3D%22x%22%7D", headers: one) }
            #expect(socket.answer.status == 101)
            for tenant in ["two", "one"] {
                let body = RoutesTests.body([("x", [(9, "of \(tenant)", nil)])])
                #expect(try await server.push(body, headers: [("X-Scope-OrgID", tenant)]).status == 204)
            }
            #expect(try await Blocking.run { try socket.lines(1).map(\.line).last } != "of two")
            let target = "/loki/api/v1/delete?query=%7Bapp%3D%22x%22%7D&start=1500000000"
            #expect(try await server.ask("POST", target, headers: one).status == 204)
            #expect(try await server.get("/loki/api/v1/delete", headers: [("X-Scope-OrgID", "two")]).text == "[]\n")
        }
    }
}
