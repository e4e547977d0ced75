import Bytes
import Glibc
import Testing

/// `tailrace collect` in front of servers that are slow, away, or full.
@Suite struct ShippingTests {
    static func config(
        _ folder: Scratch, url: String, client: String = "", stages: String = "[]", server: String = "{disable: true}"
    ) -> String {
        folder.write(
            "collect-\(Scratch.number()).yaml",
            """
            server: \(server)
            positions: {filename: \(folder.path("positions.yaml"))}
            clients:
            - url: \(url)
              batchwait: 50ms
              \(client)
            scrape_configs:
            - job_name: files
              static_configs: [{targets: [localhost], labels: {job: files, __path__: '\(folder.path("{a,loop}.log"))'}}]
              pipeline_stages: \(stages)
            """)
    }

    static func start(_ folder: Scratch, _ config: String, _ arguments: [String] = []) throws -> TailraceProcess {
        try TailraceProcess(
            ["collect", "--config", config, "--data", folder.path("data")] + arguments,
            log: folder.path("collect-\(Scratch.number()).out"))
    }

    /// Ten attempts, the old default, and the collector was stuck for the rest of its life: the line was lost, and the
    /// positions file was never written again.
    @Test func anOutageLosesNothing() throws {
        let folder = try Scratch()
        let loki = try FakeLoki { $0 < 15 ? 503 : 204 }
        let file = folder.write("a.log", "one\n")
        let collector = try Self.start(
            folder, Self.config(folder, url: loki.url, client: "backoff_config: {min_period: 1ms, max_period: 5ms}"))
        try waitUntil("the first batch is taken") { loki.accepted.count == 1 }
        Files.write(file, "two\n", append: true)
        try waitUntil("the second batch is taken") { loki.accepted.count == 2 }
        collector.signal(SIGTERM)
        #expect(collector.wait() == 0, "\(collector.output)")
        #expect(Files.read(folder.path("positions.yaml")).contains("a.log: \"8\""), "\(Files.read(folder.path("positions.yaml")))")
    }

    @Test func aLimitOfAttemptsDropsTheBatchAndGoesOn() throws {
        let folder = try Scratch()
        let loki = try FakeLoki { $0 < 3 ? 503 : 204 }
        let file = folder.write("a.log", "lost\n")
        let collector = try Self.start(
            folder,
            Self.config(
                folder, url: loki.url, client: "backoff_config: {min_period: 1ms, max_period: 5ms, max_retries: 3}"))
        try waitUntil("the batch is dropped") { collector.output.contains("a batch is dropped") }
        #expect(collector.output.contains("503") && collector.output.contains("after 3 attempts"))
        Files.write(file, "kept\n", append: true)
        try waitUntil("the next batch is taken") { loki.accepted.count == 1 }
        collector.signal(SIGTERM)
        #expect(collector.wait() == 0)
        #expect(Files.read(folder.path("positions.yaml")).contains("a.log: \"10\""), "\(Files.read(folder.path("positions.yaml")))")
    }

    /// SIGTERM did not end a collector whose destination was away: its reader stood in the queue, behind a batch that was
    /// tried again for ever.
    @Test func aCollectorEndsWhileItsDestinationIsAway() throws {
        let folder = try Scratch()
        _ = folder.write("a.log", (0..<5_000).map { "line \($0)\n" }.joined())
        let config = Self.config(
            folder, url: "http://127.0.0.1:\(try FreePort.find())/loki/api/v1/push", client: "batchsize: 1000")
        let collector = try Self.start(folder, config)
        try waitUntil("it has knocked") { collector.output.contains("connection refused by http://127.0.0.1") }
        collector.signal(SIGTERM)
        try waitUntil("it has ended") { collector.hasEnded }
        #expect(collector.wait() == 0)
        // What was not delivered is read again: by a run that finds the destination.
        let loki = try FakeLoki()
        let second = try TailraceProcess.run(
            ["collect", "--config", Self.config(folder, url: loki.url), "--data", folder.path("data"), "--once"], in: folder)
        #expect(second.status == 0, "\(second.output)")
        #expect(second.output.contains("5000 lines read"), "\(second.output)")
    }

    @Test func onceEndsWithThreeWhileTheDestinationIsAway() throws {
        let folder = try Scratch()
        _ = folder.write("a.log", (0..<5_000).map { "line \($0)\n" }.joined())
        let config = Self.config(
            folder, url: "http://127.0.0.1:\(try FreePort.find())/loki/api/v1/push", client: "batchsize: 1000")
        let run = try Self.start(folder, config, ["--once", "--timeout", "1"])
        try waitUntil("it has ended") { run.hasEnded }
        #expect(run.wait() == 3, "\(run.output)")
    }

    /// The `tenant` stage did nothing: all lines left in one push under the client's tenant.
    /// A run a minute that can never save its positions delivered everything each time, and ended well.
    @Test func onceSaysThatPositionsCannotBeKept() throws {
        let folder = try Scratch()
        let loki = try FakeLoki()
        _ = folder.write("a.log", "one\n")
        let config = folder.write(
            "nowhere.yaml",
            Files.read(Self.config(folder, url: loki.url)).replacing(folder.path("positions.yaml"), with: folder.path("missing/positions.yaml")))
        let run = try TailraceProcess.run(["collect", "--config", config, "--once"], in: folder)
        #expect(run.status == 2 && loki.accepted.count == 1, "\(run.output)")
        #expect(run.output.contains("positions cannot be kept") && run.output.contains("positions.filename"), "\(run.output)")
    }

    @Test func linesOfEachTenantArePushedUnderIt() throws {
        let folder = try Scratch()
        let loki = try FakeLoki()
        _ = folder.write("a.log", ["a", "b", "a", ""].map { #"{"t":"\#($0)"}"# + "\n" }.joined() + #"{"t":"no/tenant"}"# + "\n")
        let config = Self.config(
            folder, url: loki.url, client: "tenant_id: own", stages: "[json: {expressions: {t: }}, tenant: {source: t}]")
        let run = try TailraceProcess.run(["collect", "--config", config, "--data", folder.path("data"), "--once"], in: folder)
        #expect(Set(loki.accepted.map { $0.tenant ?? "" }) == ["a", "b", "own"])
        #expect(loki.accepted.count == 3)
        #expect(Set(loki.accepted.map { $0.batch ?? "" }).count == 3, "each push has a number of its own")
        #expect(run.status == 1 && run.output.contains("is no tenant"), "\(run.output)")
        let again = try TailraceProcess.run(["collect", "--config", config, "--data", folder.path("data"), "--once"], in: folder)
        #expect(again.status == 0 && loki.accepted.count == 3, "\(again.output)")
    }

    @Test func anEmbeddedStoreSaysThatItKeepsOneTenant() throws {
        let folder = try Scratch()
        let config = folder.write(
            "store.yaml",
            """
            store: {}
            scrape_configs:
            - job_name: files
              static_configs: [{targets: [localhost], labels: {job: files, __path__: '\(folder.path("{a,loop}.log"))'}}]
              pipeline_stages: [tenant: {value: a}]
            """)
        let check = try TailraceProcess.run(["check", config], in: folder)
        #expect(check.status == 0 && check.output.contains("`tenant` stage of job files has no effect"), "\(check.output)")
        let run = try TailraceProcess.run(["collect", "--config", config, "--data", folder.path("data"), "--once"], in: folder)
        #expect(run.status == 0 && run.output.contains("`tenant` stage of job files has no effect"), "\(run.output)")
    }

    /// A file that could not be read was passed over, and the exit status said that all was well.
    @Test func onceSaysWhatItCouldNotRead() throws {
        let folder = try Scratch()
        let loki = try FakeLoki()
        _ = folder.write("a.log", "one\n")
        // A link to itself can be opened by nobody, root included.
        try #require(symlink("loop.log", folder.path("loop.log")) == 0)
        let run = try TailraceProcess.run(
            ["collect", "--config", Self.config(folder, url: loki.url), "--data", folder.path("data"), "--once"], in: folder)
        #expect(run.status == 2, "\(run.output)")
        #expect(run.output.contains("loop.log") && run.output.contains("not everything could be read"), "\(run.output)")
        #expect(loki.accepted.count == 1, "the others are delivered all the same")
    }

    /// 21 warnings for 21 lines, and no count.
    @Test func refusedLinesAreOneReportWithTheirNumber() throws {
        let folder = try Scratch()
        let config = folder.write(
            "store.yaml",
            """
            store: {}
            scrape_configs:
            - job_name: files
              static_configs: [{targets: [localhost], labels: {job: files, __path__: '\(folder.path("{a,loop}.log"))'}}]
              pipeline_stages: [json: {expressions: {t: }}, timestamp: {source: t, format: Unix}]
            """)
        let soon = time(nil) + 7_200
        _ = folder.write("a.log", (0..<21).map { #"{"t":\#(soon + $0)}"# + "\n" }.joined())
        let run = try TailraceProcess.run(["collect", "--config", config, "--data", folder.path("data"), "--once"], in: folder)
        let reports = run.output.split(separator: "\n").filter { $0.contains("timestamp too new") }
        #expect(reports.count == 1 && reports.allSatisfy { $0.contains("21 lines refused") }, "\(run.output)")
        #expect(run.output.contains("time zone") && run.output.contains("21 lines refused here"), "\(run.output)")
        #expect(run.status == 1)
    }

    /// `server:` was read and never opened, so `metrics` stages of a collector could not be scraped.
    @Test func aCollectorWithAServerBlockShowsItsMetrics() throws {
        let folder = try Scratch()
        let loki = try FakeLoki()
        _ = folder.write("a.log", "one\n")
        let port = try FreePort.find()
        let server = "{http_listen_address: 127.0.0.1, http_listen_port: \(port)}"
        let config = Self.config(
            folder, url: loki.url, stages: "[metrics: {seen: {type: Counter, config: {match_all: true, action: inc}}}]",
            server: server)
        let collector = try Self.start(folder, config)
        try waitUntil("it is ready") {
            if collector.hasEnded { throw HarnessError("it ended:\n\(collector.output)") }
            return (try? HTTP.get(port, "/ready"))?.status == 200
        }
        try waitUntil("the line is counted") {
            try HTTP.get(port, "/metrics").text.contains("tailrace_shipped_entries_total{host=\"127.0.0.1:\(loki.port)\"} 1")
        }
        #expect(try HTTP.get(port, "/metrics").text.contains("promtail_custom_seen"))
        #expect(try HTTP.get(port, "/ready").text.contains("redaction is off"))
        #expect(try HTTP.get(port, "/loki/api/v1/labels").status == 404)
        #expect(try HTTP.post(port, "/ready", body: [], type: "text/plain").status == 405)

        let second = try TailraceProcess.run(["collect", "--config", config, "--data", folder.path("data")], in: folder)
        #expect(second.status == 2, "\(second.output)")
        #expect(
            second.output.contains("\(collector.pid)") && second.output.contains("http_listen_port"), "\(second.output)")
        // A single run opens no port unless it is told to.
        let once = try TailraceProcess.run(["collect", "--config", config, "--data", folder.path("data"), "--once"], in: folder)
        #expect(once.status == 0, "\(once.output)")
        let seen = try TailraceProcess.run(
            ["collect", "--config", config, "--data", folder.path("data"), "--once", "--serve-metrics"], in: folder)
        #expect(seen.status == 2 && seen.output.contains("cannot listen"), "\(seen.output)")
        collector.signal(SIGTERM)
        #expect(collector.wait() == 0, "\(collector.output)")
    }
}
