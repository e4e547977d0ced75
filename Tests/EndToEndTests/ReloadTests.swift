import Glibc
import Testing

/// SIGHUP and `POST /reload`: a new configuration while the process goes on.
@Suite struct ReloadTests {
    private static func text(_ folder: Scratch, url: String, port: Int, label: String, paths: String = "{a,b}.log") -> String {
        """
        server: {http_listen_address: 127.0.0.1, http_listen_port: \(port), enable_runtime_reload: true}
        positions: {filename: \(folder.path("positions.yaml"))}
        clients: [{url: '\(url)', batchwait: 20ms}]
        scrape_configs:
        - job_name: \(label)
          static_configs: [{targets: [localhost], labels: {job: \(label), __path__: '\(folder.path(paths))'}}]
        """
    }

    @Test func aReloadGoesOnWhereTheOldSourcesStopped() throws {
        let folder = try Scratch()
        let server = try TailraceServer(folder)
        let push = "\(server.url)/loki/api/v1/push"
        let port = try FreePort.find()
        let file = folder.path("collect.yaml")
        Files.write(file, Self.text(folder, url: push, port: port, label: "one"))
        Files.write(folder.path("a.log"), (0..<1000).map { "line \($0)\n" }.joined())
        let collector = try TailraceProcess(["collect", "--config", file], log: folder.path("collect.out"))
        func count(_ job: String) throws -> Int {
            try HTTP.count(server.port, #"sum(count_over_time({job="\#(job)"}[1h]))"#)
        }
        try waitUntil("the first job's lines are there") { try count("one") == 1000 }

        Files.write(file, Self.text(folder, url: push, port: port, label: "two"))
        collector.signal(SIGHUP)
        try waitUntil("the reload is done") { collector.output.contains("the configuration is reloaded") }
        Files.write(folder.path("a.log"), (1000..<1500).map { "line \($0)\n" }.joined(), append: true)
        try waitUntil("the second job's lines are there") { try count("two") == 500 }
        #expect(try count("one") == 1000, "nothing is read again")

        // A bad file keeps what is there, and says why.
        Files.write(file, "scrape_configs: [{job_name: x, static_config: []}]\n")
        let bad = try HTTP.post(port, "/reload")
        #expect(bad.status == 500 && bad.text.contains("static_configs"), "\(bad.text)")
        Files.write(folder.path("a.log"), "line 1500\n", append: true)
        try waitUntil("the old configuration goes on") { try count("two") == 501 }

        Files.write(file, Self.text(folder, url: push, port: port, label: "three"))
        let good = try HTTP.post(port, "/reload")
        #expect(good.status == 200, "\(good.text)")
        let targets = try HTTP.get(port, "/api/v1/targets").text
        #expect(targets.contains(#""scrapePool":"three""#), "\(targets)")
        try waitUntil("the file is shown where it is") { try HTTP.get(port, "/api/v1/targets").text.contains(#"a.log","offset":13900,"size":13900"#) }
        let page = try HTTP.get(port, "/targets").text
        #expect(page.contains("<h2>three (1 of 1 ready)</h2>"), "\(page)")
        let metrics = try HTTP.get(port, "/metrics").text
        #expect(metrics.contains(#"tailrace_config_reloads_total{result="success"} 2"#))
        #expect(metrics.contains(#"tailrace_config_reloads_total{result="failure"} 1"#))
        collector.signal(SIGTERM)
        #expect(collector.wait() == 0, "\(collector.output)")
        #expect(try count("one") + count("two") + count("three") == 1501)
    }

    /// The reason for most reloads: the address was wrong. What could not be sent there is sent to the new one.
    @Test func aNewDestinationGetsWhatTheOldOneDidNot() throws {
        let folder = try Scratch()
        let away = try FreePort.find()
        let loki = try FakeLoki()
        let file = folder.path("collect.yaml")
        let port = try FreePort.find()
        Files.write(file, Self.text(folder, url: "http://127.0.0.1:\(away)/loki/api/v1/push", port: port, label: "one"))
        Files.write(folder.path("a.log"), "one\ntwo\n")
        let collector = try TailraceProcess(["collect", "--config", file], log: folder.path("collect.out"))
        try waitUntil("it has tried") { collector.output.contains("refused") || collector.output.contains("\(away)") }
        Files.write(file, Self.text(folder, url: loki.url, port: port, label: "one"))
        collector.signal(SIGHUP)
        try waitUntil("the new destination has it") { !loki.accepted.isEmpty }
        collector.signal(SIGTERM)
        #expect(collector.wait() == 0, "\(collector.output)")
        #expect(Files.read(folder.path("positions.yaml")).contains("a.log: \"8\""))
    }

    /// The new sources could not start, and the old configuration could not have its queue back.
    @Test func aReloadThatFailsGivesTheQueueBack() throws {
        let folder = try Scratch()
        let loki = try FakeLoki()
        let file = folder.path("collect.yaml")
        let port = try FreePort.find()
        func text(_ parallel: Int, _ job: String) -> String {
            """
            server: {http_listen_address: 127.0.0.1, http_listen_port: \(port)}
            positions: {filename: \(folder.path("positions.yaml"))}
            clients: [{url: '\(loki.url)', batchwait: 20ms, parallel: \(parallel), queue: {dir: \(folder.path("queue"))}}]
            scrape_configs:
            - job_name: a
              static_configs: [{targets: [localhost], labels: {job: a, __path__: '\(folder.path("a.log"))'}}]
            \(job)

            """
        }
        Files.write(file, text(1, ""))
        Files.write(folder.path("a.log"), "one\n")
        let collector = try TailraceProcess(["collect", "--config", file], log: folder.path("collect.out"))
        try waitUntil("the first line is there") { loki.accepted.count == 1 }
        // The port is the collector's own.
        Files.write(file, text(2, "- {job_name: s, syslog: {listen_address: '127.0.0.1:\(port)'}}"))
        collector.signal(SIGHUP)
        try waitUntil("it is refused") { collector.output.contains("the configuration is not reloaded") }
        #expect(collector.output.contains("the old configuration goes on"), "\(collector.output)")
        Files.write(folder.path("a.log"), "two\n", append: true)
        try waitUntil("the next line is there") { loki.accepted.count == 2 }
        Files.write(file, text(2, ""))
        collector.signal(SIGHUP)
        try waitUntil("another queue of the same place is taken") { collector.output.contains("the configuration is reloaded") }
        Files.write(folder.path("a.log"), "three\n", append: true)
        try waitUntil("the last line is there") { loki.accepted.count == 3 }
        collector.signal(SIGTERM)
        #expect(collector.wait() == 0, "\(collector.output)")
    }

    /// A store that goes on with old rules must not look as if it had the new ones.
    @Test func redactionOfARunningStoreIsNotReloaded() throws {
        let folder = try Scratch()
        let file = folder.path("up.yaml")
        let scrape = """
            scrape_configs:
            - job_name: a
              static_configs: [{targets: [localhost], labels: {job: a, __path__: '\(folder.path("*.log"))'}}]

            """
        Files.write(file, scrape)
        let server = try TailraceServer(folder, command: "up", config: file)
        Files.write(file, scrape + "redaction: {}\n")
        server.process.signal(SIGHUP)
        try waitUntil("it is refused") { server.process.output.contains("`redaction:` differs") }
        #expect(try HTTP.get(server.port, "/targets").status == 200)
        #expect(try HTTP.post(server.port, "/reload").status == 404, "off unless it is asked for")
        Files.write(file, scrape + "limits_config: {readline_rate_enabled: false}\n")
        server.process.signal(SIGHUP)
        try waitUntil("a good one is taken") { server.process.output.contains("the configuration is reloaded") }
        server.stop()
    }
}

/// `tailrace top` and `tailrace tap`, beside a running collector.
@Suite struct LiveViewTests {
    @Test func topShowsRatesAndTapShowsLinesRedacted() throws {
        let folder = try Scratch()
        let loki = try FakeLoki()
        let port = try FreePort.find()
        let file = folder.write(
            "collect.yaml",
            """
            server: {http_listen_address: 127.0.0.1, http_listen_port: \(port)}
            positions: {filename: \(folder.path("positions.yaml"))}
            clients: [{url: '\(loki.url)', batchwait: 20ms}]
            redaction: {}
            scrape_configs:
            - job_name: app
              static_configs: [{targets: [localhost], labels: {job: app, __path__: '\(folder.path("a.log"))'}}]
              pipeline_stages: [{drop: {expression: noise}}]
            - job_name: other
              static_configs: [{targets: [localhost], labels: {job: other, __path__: '\(folder.path("b.log"))'}}]
            """)
        let collector = try TailraceProcess(["collect", "--config", file], log: folder.path("collect.out"))
        try waitUntil("it listens") { (try? HTTP.get(port, "/ready"))?.status == 200 }
        let tap = try TailraceProcess(
            ["tap", "--addr", "127.0.0.1:\(port)", "--job", "app", "--limit", "2", "-o", "raw"], log: folder.path("tap.out"))
        let top = try TailraceProcess(
            ["top", "--addr", "http://127.0.0.1:\(port)", "--interval", "1", "--count", "2"], log: folder.path("top.out"))
        var n = 0
        try waitUntil("the tap has its lines") {
            n += 1
            Files.write(folder.path("b.log"), "elsewhere \(n)\n", append: true)
            Files.write(folder.path("a.log"), "noise\nmail to ann@example.com \(n)\n", append: true)
            return tap.hasEnded
        }
        #expect(tap.wait() == 0, "\(tap.output)")
        let lines = tap.output.split(separator: "\n")
        #expect(lines.count == 2 && lines.allSatisfy { $0.hasPrefix("mail to [REDACTED:email] ") }, "\(tap.output)")
        #expect(top.wait() == 0, "\(top.output)")
        #expect(top.output.contains("app {job=\"app\"}") && top.output.contains("app 1 drop") && top.output.contains("127.0.0.1:\(loki.port)"), "\(top.output)")
        collector.signal(SIGTERM)
        #expect(collector.wait() == 0, "\(collector.output)")
        let away = try TailraceProcess.run(["top", "--addr", "127.0.0.1:\(port)", "--count", "1"], in: folder)
        #expect(away.status == 2 && away.output.contains("--addr"), "\(away.output)")
    }
}
