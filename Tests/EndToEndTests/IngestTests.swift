import Glibc
import Testing

/// Ways in, through the real binary.
@Suite struct IngestTests {
    @Test("OTLP, limits of one tenant, and patterns of what was stored")
    func waysIn() throws {
        let folder = try Scratch()
        let config = folder.write(
            "c.yaml",
            """
            auth: {multi_tenant: true}
            redaction: {}
            limits: {max_line_size: 1kb}
            tenants: {small: {limits: {max_line_size: 10}}}
            """)
        let server = try TailraceServer(folder, config: config)
        let now = Int64(time(nil))
        func otlp(_ line: String, tenant: String) throws -> Int {
            let body = #"""
                {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"api"}}]},
                  "scopeLogs":[{"logRecords":[{"timeUnixNano":"\#(now)000000000","severityText":"WARN","body":{"stringValue":"\#(line)"}}]}]}]}
                """#
            return try HTTP.post(
                server.port, "/otlp/v1/logs", body: Array(body.utf8), type: "application/json", headers: [("X-Scope-OrgID", tenant)]
            ).status
        }
        #expect(try otlp("user 17 mailed jane@example.com", tenant: "large") == 204)
        #expect(try otlp("user 18 mailed john@example.com", tenant: "large") == 204)
        #expect(try otlp("user 17 mailed nobody", tenant: "small") == 400)
        let limits = try HTTP.get(server.port, "/config/tenant/v1/limits", headers: [("X-Scope-OrgID", "small")])
        #expect(limits.text.contains("max_line_size: 10B\n"), "\(limits.text)")
        // The miner has a thread of its own: what is stored shows a moment later.
        try waitUntil("patterns") {
            let answer = try HTTP.get(
                server.port, "/loki/api/v1/patterns",
                [("query", #"{service_name="api"}"#), ("start", "\(now - 600)"), ("end", "\(now + 60)")],
                headers: [("X-Scope-OrgID", "large")])
            #expect(!answer.text.contains("example.com"), "I6: patterns are mined behind redaction")
            return answer.text.contains(#""level":"warn""#) && answer.text.contains("user \\u003c_\\u003e mailed")
        }
    }

    @Test("Standard input, through the first pipeline, into a store")
    func standardInput() throws {
        let folder = try Scratch()
        let config = folder.write(
            "c.yaml",
            """
            redaction: {}
            store: {dir: \(folder.path("data"))}
            scrape_configs:
            - job_name: a
              static_configs: [{labels: {__path__: /nowhere/*.log, env: test}}]
              pipeline_stages: [{replace: {expression: "(apples)", replace: pears}}]
            """)
        let input = folder.write("input.txt", "two apples\n\nthree apples")
        let run = try TailraceProcess.run(["collect", "--stdin", "--config", config], in: folder, input: input)
        #expect(run.status == 0, "\(run.output)")
        let server = try TailraceServer(folder, data: folder.path("data"))
        let found = try HTTP.get(server.port, "/loki/api/v1/query_range", [("query", #"{job="stdin", env="test"}"#), ("direction", "forward")])
        #expect(found.text.contains("two pears") && found.text.contains("three pears"), "\(found.text)")
    }
}
