import ArgumentParser
import LogService

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Looks through a data directory for what today's redaction rules would have caught.",
        discussion: """
            Prints how much of what kind, by rule, day and stream, and never what it is. Reads beside a running server; --fix, which
            puts in its place what the rules make of it, needs the directory for itself, and reaches no copies (snapshots, exports).
            The rules are those of --config; without one, all detectors that are on by default.
            Exit status: 0 nothing found, 1 something found, or parts that cannot be read, 2 error.
            """)

    @Argument(help: "Data directory.") var directory: String?
    @Option(name: .long, help: "The same, as an option.") var data: String?
    @Option(name: .long, help: "Configuration file (YAML), with a `redaction:` block.") var config: String?
    @Flag(name: .customLong("config-expand-env"), help: "Replace ${VAR} in the configuration.") var expandEnvironment = false
    @Option(name: .long, help: "LogQL selector, with filters if wanted. Default: everything.") var selector: String?
    @Option(name: .customLong("org-id"), help: "Tenant. Default: all.") var tenant: String?
    @Option(name: .long, help: "Begin of the range, included.") var from: String?
    @Option(name: .long, help: "End of the range, not included.") var to: String?
    @Flag(name: .long, help: "One JSON object.") var json = false
    @Flag(name: .long, help: "Write anew what holds any of it, as the rules make it.") var fix = false

    func validate() throws {
        if directory != nil, data != nil { throw ValidationError("The data directory is given twice.") }
        if directory == nil, data == nil, config == nil { throw ValidationError("Which store? Give DIR, --data or --config.") }
    }

    func run() async throws {
        throw end(
            await AuditRunner.run(
                AuditWords(
                    directory: directory ?? data, configuration: config, expandsEnvironment: expandEnvironment, selector: selector,
                    tenant: tenant, from: from, to: to, json: json, fixes: fix)))
    }
}
