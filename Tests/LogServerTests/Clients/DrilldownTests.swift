import LogModel
import Testing

@testable import LogServer

/// What Logs Drilldown sends: times as ISO 8601 with milliseconds, its name in the tags.
@Suite struct DrilldownTests {
    static let range = "start=2026-11-10T10:00:00.000Z&end=2026-11-10T13:00:00.000Z"
    static let headers = [("X-Query-Tags", "Source=grafana-lokiexplore-app"), ("X-Loki-Response-Encoding-Flags", "categorize-labels")]

    /// The start page: services by their bytes, as a vector whatever the range.
    @Test func landing() async throws {
        try await withServer { server async throws in
            try await RoutesTests.fill(server)
            let volume = try await server.get(
                "/loki/api/v1/index/volume?query=%7Bservice_name%3D~%60.%2B%60%7D&\(Self.range)&limit=5000", headers: Self.headers)
            let result = JSONValue.parse(volume.text)?["data"]
            #expect(result?["resultType"] == .string("vector"))
            #expect(result?["result"]?.items.compactMap { $0["metric"]?["service_name"]?.text } == ["one", "two"])
            #expect(result?["result"]?.items.compactMap { $0["value"]?.items.last?.text } == ["36", "10"])
            let labels = try await server.get("/loki/api/v1/detected_labels?query=&\(Self.range)", headers: Self.headers)
            #expect(JSONValue.parse(labels.text)?["detectedLabels"]?.items.first?.keys == ["label", "cardinality"])
            let limits = JSONValue.parse(try await server.get("/loki/api/v1/drilldown-limits", headers: Self.headers).text)
            #expect(limits?.keys.contains("limits") == true)
            #expect(limits?["limits"]?["volume_enabled"] == .bool(true))
            #expect(limits?["limits"]?["discover_service_name"]?.items.isEmpty == false)
        }
    }

    /// Fields: what is no field of a parser has `null` for its parsers, which the page compares with `===`.
    @Test func fields() async throws {
        try await withServer { server async throws in
            try await RoutesTests.fill(server)
            let reply = try await server.get(
                "/loki/api/v1/detected_fields?query=%7Bservice_name%3D%22one%22%7D&\(Self.range)&line_limit=1000&limit=1000",
                headers: Self.headers)
            let fields = JSONValue.parse(reply.text)?["fields"]?.items ?? []
            let parsers = Dictionary(fields.map { ($0["label"]?.text ?? "", $0["parsers"]) }) { first, _ in first }
            #expect(parsers["trace_id"] == .some(.null))
            #expect(parsers["level"] == .some(.array([.string("logfmt")])))
            #expect(JSONValue.parse(reply.text)?["limit"] == .number("1000"))
        }
    }

    /// The queries of its panels, as they are written there.
    @Test(arguments: [
        #"sum(count_over_time({service_name=`one`} | detected_level=~"error|critical" | json | logfmt | drop __error__, __error_details__ [1m])) by (detected_level)"#,
        #"avg_over_time({service_name=`one`} | logfmt | unwrap duration(took) | __error__="" [1m]) by ()"#,
        #"{service_name=`one`} |> "level=<_> boom""#, #"{service_name=`one`} | json a="x.y", b="c" | logfmt | keep level"#,
    ])
    func panels(query: String) async throws {
        try await withServer { server async throws in
            try await RoutesTests.fill(server)
            let reply = try await server.get(
                "/loki/api/v1/query_range?query=\(Encoded.percent(query))&\(Self.range)&step=60000ms", headers: Self.headers)
            #expect(reply.status == 200, "\(reply.text)")
            #expect(JSONValue.parse(reply.text)?["status"] == .string("success"))
        }
    }
}
