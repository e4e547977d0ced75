import Bytes
import LogModel
import LogPipeline
import Testing

@testable import LogServer

@Suite struct PatternRouteTests {
    @Test("404 and nothing more where nobody mines")
    func disabled() async throws {
        try await withServer { server async throws in
            let reply = try await server.get("/loki/api/v1/patterns?query=%7Bapp%3D%22a%22%7D")
            #expect(reply.status == 404)
            #expect(reply.body.isEmpty)
            #expect(try await server.get("/loki/api/v1/drilldown-limits").text.contains(#""pattern_ingester_enabled":false"#))
        }
    }

    @Test("Patterns by selector, level and step")
    func answered() async throws {
        let now: Int64 = 1_795_248_000_000_000_000
        let miner = PatternMiner(clock: { Timestamp(nanoseconds: now) })
        var batch = WriteBatch(tenant: .fake)
        let stream = batch.stream(Labels(["app": "a"]))
        let set = batch.metadataSet(Labels(["detected_level": "info"]))
        for line in ["user 1 <in>", "user 2 <in>"] {
            line.withView { batch.add(timestamp: now, stream: stream, metadata: set, line: $0) }
        }
        miner.observe(batch)
        try await withServer(patterns: miner) { server async throws in
            let range = "start=\(now / 1_000_000_000 - 600)&end=\(now / 1_000_000_000)&step=60"
            let reply = try await server.get("/loki/api/v1/patterns?query=%7Bapp%3D%22a%22%7D&\(range)")
            #expect(reply.status == 200)
            #expect(
                reply.text
                    == #"{"status":"success","data":[{"pattern":"user \u003c_\u003e \u003c_\u003e","level":"info","samples":[[1795248000,2]]}]}"#
                    + "\n")
            let other = try await server.get("/loki/api/v1/patterns?query=%7Bapp%3D%22b%22%7D&\(range)")
            #expect(other.text == #"{"status":"success","data":[]}"# + "\n")
            #expect(try await server.get("/loki/api/v1/patterns?query=%7Bapp%3D%22b%22%7D%7C%3D%22x%22").status == 400)
            #expect(try await server.get("/loki/api/v1/drilldown-limits").text.contains(#""pattern_ingester_enabled":true"#))
        }
    }
}

@Suite struct LimitsRouteTests {
    @Test("The same limits for people and for Drilldown, in Loki's words")
    func limits() async throws {
        var limits = openLimits()
        limits.maxLineSize = 256 << 10
        limits.ingestionRateMB = 4
        limits.perStreamRateLimit = 3 << 20
        limits.maxQueryLookback = 7 * 86_400_000_000_000
        limits.otlp.record = [OTLPRules.Rule(.drop, regex: "x.*")]
        try await withServer(limits: limits) { server async throws in
            let yaml = try await server.get("/config/tenant/v1/limits").text
            for line in [
                "max_line_size: 256KB", "ingestion_rate_mb: 4", "ingestion_burst_size_mb: 6", "per_stream_rate_limit: 3MB",
                "max_query_lookback: 1w", "max_query_length: 30d1h", "query_timeout: 1m", "reject_old_samples: false",
                "reject_old_samples_max_age: 1w", "max_query_bytes_read: 0B", "max_structured_metadata_size: 64KB",
                "discover_service_name:\n- service\n- app", "log_level_fields:\n- level",
                "  log_attributes:\n  - action: drop\n    regex: \"x.*\"",
            ] {
                #expect(yaml.contains("\n" + line + "\n") || yaml.hasPrefix(line + "\n") || yaml.contains("\n" + line), "\(line)")
            }
            let json = try await server.get("/loki/api/v1/drilldown-limits").text
            for part in [
                #""max_line_size_truncate":false"#, #""max_query_lookback":"1w""#, #""volume_enabled":true"#, #""volume_max_series":1000"#,
                #""otlp_config":{"resource_attributes":{"attributes_config":[{"action":"index_label","attributes":["service.name","#,
                #""log_attributes":[{"action":"drop","regex":"x.*"}]"#, #""retention_period":"0s""#,
            ] {
                #expect(json.contains(part), "\(part)")
            }
        }
    }

    @Test("Ranges in brackets end at their limit, which a request may lower; retention is told")
    func ranges() async throws {
        var limits = openLimits()
        limits.maxQueryRange = 600_000_000_000
        let query = "/loki/api/v1/query?query=" + Encoded.percent(#"sum(rate({app="a"}[5m])) + sum(rate({app="a"}[15m]))"#)
        let short = "/loki/api/v1/query_range?query=" + Encoded.percent(#"sum(rate({app="a"}[10m]))"#)
        try await withServer(limits: limits, parts: { $0.retention = 2_678_400_000_000_000 }) { server async throws in
            let reply = try await server.get(query)
            #expect(reply.status == 400)
            #expect(reply.text == "[interval] value exceeds limit: [15m] > [10m]\n")
            #expect(try await server.get(short).status == 200)
            let lower = try await server.get(short, headers: [("X-Loki-Query-Limits", #"{"maxQueryInterval":"5m"}"#)])
            #expect(lower.text == "[interval] value exceeds limit: [10m] > [5m]\n")
            let back = try await server.get(
                short + "&start=1000&end=2000", headers: [("X-Loki-Query-Limits", #"{"maxQueryLookback":"1h"}"#)])
            #expect(back.text == "this data is no longer available, it is past now - max_query_lookback (1h)\n")
            let json = try await server.get("/loki/api/v1/drilldown-limits").text
            #expect(json.contains(#""max_query_range":"10m""#))
            #expect(json.contains(#""retention_period":"31d""#) || json.contains(#""retention_period":"4w3d""#))
        }
        // Without a limit any will do.
        try await withServer { server async throws in #expect(try await server.get(query).status == 200) }
    }

    @Test("Volumes can be switched off, and end at their own limit of series")
    func volumes() async throws {
        var limits = openLimits()
        limits.volumeEnabled = false
        try await withServer(limits: limits) { server async throws in
            #expect(try await server.get("/loki/api/v1/index/volume?query=%7B%7D").status == 404)
        }
        limits.volumeEnabled = true
        limits.volumeMaxSeries = 1
        try await withServer(limits: limits) { server async throws in
            for app in ["a", "b"] {
                #expect(try await server.push(#"{"streams":[{"stream":{"app":"\#(app)"},"values":[["1794304800000000000","x"]]}]}"#).status == 204)
            }
            let reply = try await server.get("/loki/api/v1/index/volume?query=%7B%7D&start=1794304000&end=1794305000")
            #expect(reply.status == 400)
            #expect(reply.text == "the query hit the max number of series limit (limit: 1 series)\n")
        }
    }

    @Test("A query sees no further back than its tenant may")
    func lookback() async throws {
        var limits = openLimits()
        limits.maxQueryLookback = 3_600_000_000_000
        try await withServer(limits: limits) { server async throws in
            let reply = try await server.get("/loki/api/v1/query_range?query=%7Bapp%3D%22a%22%7D&start=1000&end=2000")
            #expect(reply.status == 400)
            #expect(reply.text == "this data is no longer available, it is past now - max_query_lookback (1h)\n")
        }
    }

    @Test("A label with too many values is metadata from then on, and found as such")
    func wideLabels() async throws {
        var limits = openLimits()
        limits.maxValuesPerLabel = 2
        try await withServer(limits: limits) { server async throws in
            for id in ["r1", "r2", "r3"] {
                let reply = try await server.push(
                    #"{"streams":[{"stream":{"app":"a","id":"\#(id)"},"values":[["1794304800000000000","line of \#(id)"]]}]}"#)
                #expect(reply.status == 204)
            }
            #expect(server.store.rows.map { $0.labels["id"] } == ["r1", "r2", nil])
            #expect(server.store.rows.last?.metadata["id"] == "r3")
            let range = "start=1794304000&end=1794305000"
            let found = try await server.get("/loki/api/v1/query_range?query=%7Bapp%3D%22a%22%7D%7Cid%3D%22r3%22&\(range)")
            #expect(found.text.contains("line of r3") && !found.text.contains("line of r1"))
            #expect(try await server.get("/metrics").text.contains("\ntailrace_demoted_labels_total 1\n"))
        }
    }

    @Test("More streams than the tenant may have: 429, the others are stored; long lines are cut")
    func streamsAndLines() async throws {
        var limits = openLimits()
        limits.maxGlobalStreamsPerUser = 1
        limits.maxLineSize = 4
        limits.maxLineSizeTruncate = true
        try await withServer(limits: limits) { server async throws in
            let reply = try await server.push(
                #"{"streams":[{"stream":{"app":"a"},"values":[["1","123456"]]},{"stream":{"app":"b"},"values":[["1","x"]]}]}"#)
            #expect(reply.status == 429)
            #expect(reply.text.hasPrefix("maximum active stream limit exceeded when trying to create stream {app=\"b\", service_name=\"b\"}"))
            #expect(server.store.rows.map(\.line) == ["1234"])
        }
    }
}
