import ArgumentParser
import LogService

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Service level, cost, latency, capacity and drift, from logs.",
        discussion: """
            Asks a server, a data directory or log files, in LogQL only; --explain shows which queries.
            Exit status: 0 a report, 1 nothing to report on (or too little to tell), 2 error.
            """,
        subcommands: [ReportSLO.self, ReportCost.self, ReportLatency.self, ReportCapacity.self, ReportDrift.self])
}

/// Where to ask, about when, and how to print it.
struct ReportTarget: ParsableArguments {
    @Argument(help: "Log files, or - for standard input, in place of a server.") var files: [String] = []
    @Option(name: .long, help: "Server. Default: LOKI_ADDR, or http://127.0.0.1:3100.") var addr: String?
    @Option(name: [.long, .customLong("data")], help: "Read this data directory instead of asking a server.") var store: String?
    @Option(name: .customLong("org-id"), help: "Tenant (X-Scope-OrgID). Default: LOKI_ORG_ID.") var tenant: String?
    @Option(name: .long, help: "How far back, for instance 6h or 7d. Default: 7d or 1d from a server, everything elsewhere.")
    var since: String?
    @Option(name: .long, help: "Begin of the range, included.") var from: String?
    @Option(name: .long, help: "End of the range, not included. Default: now.") var to: String?
    @Option(name: .long, help: "Which lines. Default: '{job=\"llm-api\"}', and all lines of files.") var selector: String?
    @Option(name: .long, help: "NAME=LABEL: look for it elsewhere, for instance user=client_id (repeatable).") var field: [String] = []
    @Option(name: [.short, .customLong("output")], help: "text, json, csv or html.") var output = "text"
    @Option(name: .long, help: "With -o csv: which table. Default: the first.") var table: String?
    @Flag(name: .long, help: "Also show what was asked, in LogQL.") var explain = false

    func words(_ kind: ReportWords.Kind) -> ReportWords {
        var words = ReportWords(kind: kind)
        words.files = files
        words.address = addr
        words.store = store
        words.tenant = tenant
        words.since = since
        words.from = from
        words.to = to
        words.selector = selector
        words.fields = field
        words.output = output
        words.table = table
        words.explains = explain
        return words
    }

    static func run(_ words: ReportWords) async throws {
        let outcome = await ReportRunner.run(words)
        if let message = outcome.message { StandardError.write("tailrace: \(message)") }
        throw ExitStatus(outcome.status)
    }
}

struct ReportSLO: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "slo", abstract: "Availability, latency in time, error budget, burn rates, throughput.")

    @OptionGroup var target: ReportTarget
    @Option(name: .long, help: "Objectives (YAML).") var objectives: String?
    @Option(name: .long, help: "Percent of requests that must succeed. Default: 99.9.") var availability: Double?
    @Option(name: .long, help: "Percent of successes that must be in time. Default: 95.") var latencyShare: Double?
    @Option(name: .long, help: "What in time means. Default: 2s.") var latencyUnder: String?
    @Option(name: .long, help: "For how long the error budget is. Default: 30d.") var window: String?
    @Option(name: .long, help: "Statuses that count neither way, or none. Default: 400,429,499.") var excludeStatus: [String] = []

    func run() async throws {
        var words = target.words(.slo)
        words.objectives = objectives
        words.availability = availability
        words.latencyShare = latencyShare
        words.latencyUnder = latencyUnder
        words.window = window
        words.excludedStatuses = excludeStatus
        try await ReportTarget.run(words)
    }
}

struct ReportCost: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cost", abstract: "Tokens and what they cost by day, model and user, and what hosts cost.")

    @OptionGroup var target: ReportTarget
    @Option(name: .long, help: "Prices (YAML), see samples/prices.yaml.") var prices: String?
    @Option(name: .long, help: "Whose days, for instance Europe/Berlin. Default: UTC.") var zone: String?
    @Option(name: .long, help: "Users at most.") var top = 20
    @Option(name: .long, help: "Lines of engines that log only their throughput, or none. Default: '{job=\"vllm\"}'.")
    var engineSelector: String?
    @Option(name: .long, help: "How often such an engine logs it.") var statsInterval = "10s"

    func run() async throws {
        var words = target.words(.cost)
        words.prices = prices
        words.zone = zone
        words.top = top
        words.engineSelector = engineSelector
        words.statsInterval = statsInterval
        try await ReportTarget.run(words)
    }
}

struct ReportLatency: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "latency", abstract: "How long requests take, where the time goes, and what share of users waits.")

    @OptionGroup var target: ReportTarget
    @Option(name: .long, help: "What is fast enough.") var under = "5s"

    func run() async throws {
        var words = target.words(.latency)
        words.under = under
        try await ReportTarget.run(words)
    }
}

struct ReportCapacity: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capacity", abstract: "From which load on requests get slow, or that it does not show.")

    @OptionGroup var target: ReportTarget
    @Option(name: .long, help: "What load is: requests (a second) or running (at once).") var load = "requests"

    func run() async throws {
        var words = target.words(.capacity)
        words.load = load
        try await ReportTarget.run(words)
    }
}

struct ReportDrift: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drift", abstract: "Whether prompts and completions are as long as they were.")

    @OptionGroup var target: ReportTarget
    @Option(name: .long, help: "Begin of the baseline. Default: 7d before the report.") var baselineFrom: String?
    @Option(name: .long, help: "End of the baseline. Default: the begin of the report.") var baselineTo: String?
    @Option(name: .long, help: "A stored baseline.") var baseline: String?
    @Option(name: .long, help: "Store the histograms of the report as a baseline.") var saveBaseline: String?
    @Option(name: .long, help: "Upper borders of buckets, in tokens. Default: 16,32,…,32768.") var edges: String?

    func run() async throws {
        var words = target.words(.drift)
        words.baselineFrom = baselineFrom
        words.baselineTo = baselineTo
        words.baseline = baseline
        words.savesBaseline = saveBaseline
        words.edges = edges
        try await ReportTarget.run(words)
    }
}
