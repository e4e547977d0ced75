import Glibc
import Testing

/// `tailrace promtail`: the command line of a unit file that was written for Promtail.
@Suite struct PromtailCommandTests {
    private static func configuration(_ folder: Scratch, url: String = "http://127.0.0.1:1/loki/api/v1/push", extra: String = "") -> String {
        folder.write(
            "promtail.yaml",
            """
            server: {http_listen_port: 9080, grpc_listen_port: 0}
            positions: {filename: \(folder.path("positions.yaml"))}
            clients: [{url: '\(url)'}]
            \(extra)
            scrape_configs:
            - job_name: app
              static_configs: [{targets: [localhost], labels: {job: app, __path__: '\(folder.path("*.log"))'}}]
              pipeline_stages:
              - json: {expressions: {level: level, user: user}}
              - labels: {level: }
              - drop: {expression: noise}
            """)
    }

    @Test func aDryRunPrintsWhatWouldBeSentAndMovesNothing() throws {
        let folder = try Scratch()
        let file = Self.configuration(folder)
        let input = folder.write("input", #"{"level":"info","msg":"one"}"# + "\n\n" + #"{"level":"error","msg":"noise"}"# + "\nno newline")
        let run = try TailraceProcess.run(["promtail", "-config.file=\(file)", "-dry-run", "--stdin"], in: folder, input: input)
        #expect(run.status == 0, "\(run.output)")
        let lines = run.output.split(separator: "\n").map { $0.split(separator: "\t", omittingEmptySubsequences: false) }.filter { $0.count == 3 }
        #expect(lines.count == 2)
        #expect(lines.first?[1] == #"{job="app", level="info"}"# || lines.first?[1].contains(#"level="info""#) == true, "\(run.output)")
        #expect(lines.first?[2] == #"{"level":"info","msg":"one"}"#)
        #expect(lines.last?[2] == "no newline")
        #expect(access(folder.path("positions.yaml"), F_OK) != 0, "a dry run leaves no positions")
    }

    /// A terminal is a place where secrets must not be.
    @Test func inspectShowsEachStageAndNothingUnredacted() throws {
        let folder = try Scratch()
        let file = Self.configuration(folder, extra: "redaction: {}")
        let input = folder.write("input", #"{"level":"warn","user":"ann@example.com"}"# + "\n" + #"{"level":"x","m":"noise"}"# + "\n")
        let run = try TailraceProcess.run(
            ["promtail", "-config.file", file, "-dry-run=true", "-stdin", "-inspect"], in: folder, input: input)
        #expect(run.status == 0, "\(run.output)")
        #expect(run.output.contains("[inspect: json stage]\n  extracted[\"level\"]:\n    + \"warn\"\n"), "\(run.output)")
        #expect(run.output.contains("[inspect: labels stage]\n  labels:\n    - {"), "\(run.output)")
        #expect(run.output.contains("[inspect: drop stage]\n  the line ends here"), "\(run.output)")
        #expect(run.output.contains("[REDACTED:email]") && !run.output.contains("ann@"), "\(run.output)")
    }

    @Test func syntaxVersionAndUsage() throws {
        let folder = try Scratch()
        let good = Self.configuration(folder)
        let bad = folder.write("bad.yaml", "clients: [{url: 'http://x/', batchwat: 1s}]\n")
        let checked = try TailraceProcess.run(["promtail", "--config.file=\(good)", "-check-syntax"], in: folder)
        #expect(checked.status == 0 && checked.output.contains("Valid config file"), "\(checked.output)")
        let wrong = try TailraceProcess.run(["promtail", "-config.file=\(bad)", "-check-syntax"], in: folder)
        #expect(wrong.status == 1 && wrong.output.contains("bad.yaml:1:") && wrong.output.contains("batchwait"), "\(wrong.output)")
        // The first file that is there.
        let second = try TailraceProcess.run(["promtail", "-config.file=\(folder.path("none.yaml")),\(good)", "-check-syntax"], in: folder)
        #expect(second.status == 0, "\(second.output)")
        let typo = try TailraceProcess.run(["promtail", "-config.fle=\(good)"], in: folder)
        #expect(typo.status == 2 && typo.output.contains("did you mean -config.file?"), "\(typo.output)")
        #expect(try TailraceProcess.run(["promtail", "-version"], in: folder).status == 0)
        let help = try TailraceProcess.run(["promtail", "-help"], in: folder)
        #expect(help.status == 0 && help.output.contains("-config.file"), "\(help.output)")
        let nowhere = try TailraceProcess.run(["promtail", "-stdin"], in: folder)
        #expect(nowhere.status == 2 && nowhere.output.contains("clients"), "\(nowhere.output)")
    }

    /// The command line of old unit files: no client in the file, its settings as flags.
    @Test func flagsCountOverTheFile() throws {
        let folder = try Scratch()
        let loki = try FakeLoki()
        let file = folder.write(
            "flags.yaml",
            """
            scrape_configs:
            - job_name: app
              static_configs: [{targets: [localhost], labels: {job: app, __path__: '\(folder.path("*.log"))'}}]
            """)
        _ = folder.write("a.log", "one\n")
        let collector = try TailraceProcess(
            [
                "promtail", "-config.file", file, "-client.url=\(loki.url)", "-client.batch-wait=20ms", "-client.tenant-id", "team-a",
                "-positions.file", folder.path("own.yaml"), "-server.disable", "-log.level=debug",
            ], log: folder.path("promtail.out"))
        try waitUntil("the batch is taken") { loki.accepted.count == 1 }
        collector.signal(SIGTERM)
        #expect(collector.wait() == 0, "\(collector.output)")
        #expect(loki.accepted.first?.tenant == "team-a")
        #expect(collector.output.contains("-log.level"), "what means nothing here is said")
        #expect(Files.read(folder.path("own.yaml")).contains("a.log: \"4\""))
    }

    @Test func migrationSaysWhatIsUsedAndWhatToDo() throws {
        let folder = try Scratch()
        Files.write(folder.path("positions.yaml"), "positions:\n  /var/log/a.log: \"120\"\n  cursor-journal: \"s=1\"\n")
        let good = Self.configuration(folder, url: "https://user:hush@logs.example/loki/api/v1/push")
        let report = try TailraceProcess.run(["migrate", "promtail", good], in: folder)
        #expect(report.status == 0, "\(report.output)")
        #expect(report.output.contains("1 file and 1 journal go on where Promtail stopped"), "\(report.output)")
        #expect(report.output.contains("job app: \(folder.path("*.log")); stages json, labels, drop"), "\(report.output)")
        #expect(report.output.contains("collect --config \(good)") && !report.output.contains("hush"), "\(report.output)")
        let other = folder.write(
            "kafka.yaml", "clients: [{url: 'http://x/'}]\nscrape_configs: [{job_name: k, kafka: {brokers: [b]}}]\n")
        let partly = try TailraceProcess.run(["migrate", "promtail", other], in: folder)
        #expect(partly.status == 1 && partly.output.contains("## Not available") && partly.output.contains("kafka"), "\(partly.output)")
        #expect(partly.output.contains("--ignore-unsupported"))
        let bad = try TailraceProcess.run(["migrate", "promtail", folder.write("bad.yaml", "clients: ]\n")], in: folder)
        #expect(bad.status == 2 && bad.output.contains("bad.yaml:1:"), "\(bad.output)")
    }
}
