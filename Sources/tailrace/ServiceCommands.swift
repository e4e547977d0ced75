import ArgumentParser
import LogService

struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Collector, store and query service in one process.")

    @Option(name: .long, help: "Configuration file (YAML).") var config: String?
    @Option(name: .long, help: "Data directory. Default: ./tailrace-data.") var data: String?
    @Option(name: .long, help: "HOST:PORT to listen on. Default: 127.0.0.1:3100.") var listen: String?
    @Option(name: .long, help: "Also tail the files that match this glob (repeatable).") var watch: [String] = []
    @Flag(name: .customLong("config-expand-env"), help: "Replace ${VAR} in the configuration.") var expandEnvironment = false
    @Flag(name: .long, help: "Skip sources that this version cannot read (kafka, gelf …) instead of refusing to start.") var ignoreUnsupported = false

    func run() async throws {
        throw ExitStatus(
            await Service.run(
                ServiceOptions(
                    roles: [.collector, .server], configuration: config, data: data, listen: listen, watch: watch,
                    expandsEnvironment: expandEnvironment, ignoresUnsupported: ignoreUnsupported)))
    }
}

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Store and query service, without a collector.")

    @Option(name: .long, help: "Configuration file (YAML).") var config: String?
    @Option(name: .long, help: "Data directory. Default: ./tailrace-data.") var data: String?
    @Option(name: .long, help: "HOST:PORT to listen on. Default: 127.0.0.1:3100.") var listen: String?
    @Flag(name: .customLong("config-expand-env"), help: "Replace ${VAR} in the configuration.") var expandEnvironment = false
    @Flag(name: .long, help: "Skip sources that this version cannot read (kafka, gelf …) instead of refusing to start.") var ignoreUnsupported = false

    func run() async throws {
        throw ExitStatus(
            await Service.run(
                ServiceOptions(
                    roles: [.server], configuration: config, data: data, listen: listen, watch: [],
                    expandsEnvironment: expandEnvironment, ignoresUnsupported: ignoreUnsupported)))
    }
}

struct Collect: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The collector alone: ships to `clients:`, or writes into the embedded store where there are none.",
        discussion: "With --once: 0 everything acknowledged, 1 something refused for good, 3 destination unreachable.")

    @Option(name: .long, help: "Configuration file (YAML).") var config: String
    @Option(name: .long, help: "Data directory of the embedded store. Default: ./tailrace-data.") var data: String?
    @Flag(name: .long, help: "Read what is there now, deliver it, and end.") var once = false
    @Flag(name: .long, help: "Read lines from standard input, through the first pipeline of the configuration.") var stdin = false
    @Flag(name: .customLong("dry-run"), help: "Print lines instead of delivering them; positions stay where they are.") var dryRun = false
    @Flag(name: .long, help: "Show on standard error what each stage does to each line.") var inspect = false
    @Flag(name: .customLong("serve-metrics"), help: "With --once: open `server:` for /metrics all the same.") var serveMetrics = false
    @Option(name: .long, help: "With --once: seconds until an unreachable destination is given up.") var timeout = 60
    @Flag(name: .customLong("config-expand-env"), help: "Replace ${VAR} in the configuration.") var expandEnvironment = false
    @Flag(name: .long, help: "Skip sources that this version cannot read (kafka, gelf …) instead of refusing to start.") var ignoreUnsupported = false

    func run() async throws {
        var options = ServiceOptions(
            roles: [.collector], configuration: config, data: data, listen: nil, watch: [],
            expandsEnvironment: expandEnvironment, once: once, stdin: stdin, servesMetrics: serveMetrics,
            timeoutSeconds: timeout, ignoresUnsupported: ignoreUnsupported)
        options.isDryRun = dryRun
        options.inspects = inspect
        throw ExitStatus(await Service.run(options))
    }
}

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Checks a configuration file completely: YAML, keys, stages, patterns, selectors.")

    @Argument(help: "Configuration file (YAML).") var file: String
    @Flag(name: .customLong("config-expand-env"), help: "Replace ${VAR} in the configuration.") var expandEnvironment = false
    @Flag(name: .long, help: "Skip sources that this version cannot read (kafka, gelf …) instead of refusing to start.") var ignoreUnsupported = false

    func run() throws {
        let report = ConfigurationCheck.run(
            path: file, expandsEnvironment: expandEnvironment, ignoresUnsupported: ignoreUnsupported)
        if report.good { print(report.text) } else { StandardError.write(report.text) }
        throw ExitStatus(report.good ? 0 : 2)
    }
}

struct Test: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs the tests of pipelines: lines in, labels, times, lines and metrics out.",
        discussion: """
            Tests stand under `tests:` in a configuration, or in NAME_test.yaml beside NAME.yaml. Exit status: 0 all pass, 1 some do not,
            2 a file has mistakes.
            """)

    @Argument(help: "Configurations with tests, or files of tests (YAML).") var files: [String]
    @Flag(name: .long, help: "Also say which stages, and branches of `match`, no test has touched.") var coverage = false

    func run() throws {
        let report = PipelineTester.run(paths: files, coverage: coverage)
        if report.status == 2 { StandardError.write(report.text) } else { print(report.text, terminator: "") }
        throw ExitStatus(report.status)
    }
}

struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what each stage of a job does to each line, redacted; stores and sends nothing.",
        discussion: "Exit status: 0 shown, 2 the configuration has mistakes or the lines cannot be read.")

    @Option(name: .long, help: "Configuration file (YAML).") var config: String
    @Option(name: .long, help: "The scrape configuration, where there is more than one.") var job: String?
    @Flag(name: .customLong("config-expand-env"), help: "Replace ${VAR} in the configuration.") var expandEnvironment = false
    @Argument(help: "File with lines. Default: standard input.") var file: String?

    func run() throws {
        let outcome = InspectRunner.run(InspectRunner.Words(path: config, job: job, expandsEnvironment: expandEnvironment, file: file))
        if let message = outcome.message { StandardError.write("tailrace: \(message)") }
        throw ExitStatus(outcome.status)
    }
}

struct Promtail: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Promtail's command line: runs a promtail.yaml with Promtail's flags.")

    @Argument(parsing: .captureForPassthrough) var arguments: [String] = []

    func run() async throws { throw ExitStatus(await PromtailCommand.run(arguments)) }
}

struct Migrate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says what of another collector's configuration is used, what differs, and what to do.",
        subcommands: [FromPromtail.self])

    struct FromPromtail: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "promtail", abstract: "From a promtail.yaml.",
            discussion: "Exit status: 0 all of it runs, 1 something of it is not available, 2 the file has mistakes.")

        @Argument(help: "Promtail's configuration file.") var file: String
        @Flag(name: .customLong("config-expand-env"), help: "Replace ${VAR} in it, for units with -config.expand-env.")
        var expandEnvironment = false

        func run() throws {
            let report = MigrationReport.make(
                path: file, expandsEnvironment: expandEnvironment, binary: ServiceProcess.binary)
            if report.status == 2 { StandardError.write(report.text) } else { print(report.text, terminator: "") }
            throw ExitStatus(report.status)
        }
    }
}

/// The child process that reads the journal: a vacuumed mapping kills it, not the collector.
struct JournalChild: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "journal-helper", shouldDisplay: false)

    @Argument(parsing: .captureForPassthrough) var arguments: [String] = []

    func run() throws { throw ExitStatus(JournalChildProcess.run(arguments)) }
}
