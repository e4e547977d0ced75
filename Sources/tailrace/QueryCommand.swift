import ArgumentParser
import LogService

struct Query: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs a LogQL query against a server.",
        discussion: """
            Times are now, now-1h, 2026-11-21T10:15:00Z, or seconds since 1970.
            Exit status: 0 lines found, 1 none, 2 error.
            """)

    @Argument(help: "LogQL, for instance '{job=\"llm-api\"} |= \"ERROR\"'.") var query: String
    @Option(name: .long, help: "Server. Default: LOKI_ADDR, or http://127.0.0.1:3100.") var addr: String?
    @Option(name: .customLong("org-id"), help: "Tenant (X-Scope-OrgID). Default: LOKI_ORG_ID.") var tenant: String?
    @Option(name: .long, help: "How far back, for instance 15m or 7d. Default: 1h.") var since: String?
    @Option(name: .long, help: "Begin of the range, included.") var from: String?
    @Option(name: .long, help: "End of the range, not included. Default: now.") var to: String?
    @Option(name: .long, help: "Lines at most; 0 means all.") var limit: Int = 30
    @Flag(name: .long, help: "Oldest first.") var forward = false
    @Flag(name: .long, help: "Evaluate a metric query once, at the end of the range.") var instant = false
    @Option(name: .long, help: "Distance of points of a metric query, for instance 1m.") var step: String?
    @Option(name: [.short, .customLong("output")], help: "pretty, raw or jsonl.") var output: String = "pretty"

    func run() async throws {
        let words = QueryWords(
            query: query, address: addr, tenant: tenant, since: since, from: from, to: to, limit: limit,
            forward: forward, instant: instant, step: step, output: output)
        let outcome = await QueryRunner.run(words)
        if let message = outcome.message { StandardError.write("tailrace: \(message)") }
        throw ExitStatus(outcome.status)
    }
}

struct Samples: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Writes sample logs of an LLM API, with made-up personal data in them, to try the rest with.")

    @Option(name: .long, help: "Where to.") var directory: String = "samples/live"
    @Option(name: .long, help: "Number of lines.") var lines: Int = 3_000
    @Option(name: .long, help: "Seed: the same seed makes the same lines but for their times.") var seed: UInt64 = 7
    @Option(name: .long, help: "Time of the first line. Default: one hour ago.") var start: String?
    @Flag(name: .long, help: "Do nothing when there are samples of the last hour already.") var ifMissing = false
    @Flag(name: .long, help: "Append lines of now, two a second, until whoever started this ends.") var follow = false
    @Flag(name: .long, help: "Also write llm-api.truth.json: what the lines hold.") var truth = false

    func run() throws {
        let outcome =
            follow
            ? SampleFiles.follow(directory: directory)
            : SampleFiles.write(
                directory: directory, lines: lines, seed: seed, start: start, onlyIfMissing: ifMissing, truth: truth)
        if let message = outcome.message { StandardError.write(outcome.status == 0 ? message : "tailrace: \(message)") }
        throw ExitStatus(outcome.status)
    }
}
