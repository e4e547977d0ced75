import Bytes
import Glibc
import LogModel
import Testing

/// Metrics from logs as others see them: Prometheus, its checker, and whoever looks after a restart.
@Suite struct MetricsTests {
    static func tool(_ name: String) -> String? {
        for folder in (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":") where access("\(folder)/\(name)", X_OK) == 0 {
            return "\(folder)/\(name)"
        }
        print("SKIPPED: \(name) is not installed (Debian package prometheus)")
        return nil
    }

    /// The shipped pipeline over its sample, at work.
    private static func server(_ folder: Scratch) throws -> TailraceServer {
        let text = Files.read("\(Checkout.root)/pipelines/llm-api.yaml")
        let config = folder.write(
            "up.yaml", text.split(separator: "samples/live/*.log", maxSplits: 1).joined(separator: folder.path("*.jsonl")))
        _ = folder.write("llm-api.jsonl", Files.read("\(Checkout.root)/samples/llm-api.log"))
        let server = try TailraceServer(folder, command: "up", config: config)
        try waitUntil("the sample is counted") {
            try HTTP.get(server.port, "/metrics").text.split(separator: "\n").contains { $0.hasPrefix("llm_requests_total{") && !$0.hasSuffix(" 0") }
        }
        return server
    }

    @Test func promtoolIsContent() throws {
        guard let tool = Self.tool("promtool") else { return }
        let folder = try Scratch()
        let server = try Self.server(folder)
        let input = folder.write("metrics.txt", try HTTP.get(server.port, "/metrics").text)
        let check = try TailraceProcess(["check", "metrics"], log: folder.path("promtool.log"), input: input, program: tool)
        #expect(check.wait() == 0, "\(check.output)")
        #expect(check.output == "")
    }

    @Test(.timeLimit(.minutes(2))) func prometheusScrapes() throws {
        guard let tool = Self.tool("prometheus") else { return }
        let folder = try Scratch()
        let server = try Self.server(folder)
        let config = folder.write(
            "prometheus.yml",
            """
            global: {scrape_interval: 1s, scrape_timeout: 1s}
            scrape_configs:
            - job_name: tailrace
              static_configs: [{targets: ["127.0.0.1:\(server.port)"]}]
            """)
        let port = try FreePort.find()
        let prometheus = try TailraceProcess(
            [
                "--config.file=\(config)", "--storage.tsdb.path=\(folder.path("tsdb"))", "--web.listen-address=127.0.0.1:\(port)",
                "--enable-feature=exemplar-storage",
            ], log: folder.path("prometheus.log"), program: tool)
        defer {
            prometheus.signal(SIGTERM)
            prometheus.wait()
        }
        func ask(_ path: String) throws -> String { try HTTP.get(port, path).text }
        try waitUntil("Prometheus has scraped") {
            if prometheus.hasEnded { throw HarnessError("it ended:\n\(prometheus.output)") }
            return (try? ask("/api/v1/query?query=sum(llm_requests_total)"))?.contains("\"300\"") ?? false
        }
        #expect(try ask("/api/v1/query?query=sum(llama_requests_total)").contains("\"300\""))
        #expect(try ask("/api/v1/query?query=sum(llm_requests_total%7Bstatus%3D%22error%22%7D)").contains("\"16\""))
        #expect(try ask("/api/v1/query?query=up").contains("\"1\""))
        // Traces of requests, by the bucket in which they fell. Their time is that of the lines.
        let exemplars = try ask("/api/v1/query_exemplars?query=llm_request_duration_seconds_bucket&start=0&end=4000000000")
        #expect(exemplars.contains("\"trace_id\""), "\(exemplars.prefix(600))")
    }

    @Test func countersGoOnAfterARestart() throws {
        let folder = try Scratch()
        let loki = try FakeLoki()
        let log = folder.path("a.txt")
        let config = folder.write(
            "collect.yaml",
            """
            positions: {filename: \(folder.path("positions.yaml"))}
            clients: [{url: \(loki.url)/loki/api/v1/push, batchwait: 100ms}]
            server: {http_listen_address: 127.0.0.1, http_listen_port: PORT}
            scrape_configs:
            - job_name: app
              static_configs: [{targets: [x], labels: {job: app, __path__: \(folder.path("*.txt"))}}]
              pipeline_stages: [metrics: {seen_total: {type: Counter, prefix: '', labels: [], config: {match_all: true, action: inc}}}]
            """)
        func run(_ total: Int, _ signal: Int32) throws {
            let port = try FreePort.find()
            let own = folder.write("own.yaml", Files.read(config).split(separator: "PORT", maxSplits: 1).joined(separator: "\(port)"))
            let collector = try TailraceProcess(["collect", "--config", own, "--data", folder.path("data")], log: folder.path("c-\(port).log"))
            try waitUntil("\(total) lines are counted") {
                if collector.hasEnded { throw HarnessError("it ended:\n\(collector.output)") }
                return (try? HTTP.get(port, "/metrics"))?.text.split(separator: "\n").contains("seen_total \(total)") ?? false
            }
            collector.signal(signal)
            collector.wait()
        }
        Files.write(log, "1\n2\n3\n")
        try run(3, SIGTERM)
        Files.write(log, "4\n5\n", append: true)
        try run(5, SIGTERM)
        try run(5, SIGTERM)
    }
}
