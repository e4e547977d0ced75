import ArgumentParser
import LogService

/// Looking after a data directory.
struct Store: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store",
        abstract: "Looks into a data directory and after it.",
        discussion: """
            info, verify, snapshot and export only read, also beside a running server.
            Exit status: 0 as asked, 1 something is damaged or was refused, 2 error.
            """,
        subcommands: [
            StoreInfoCommand.self, StoreVerifyCommand.self, StoreCompactCommand.self, StoreSnapshotCommand.self,
            StoreExportCommand.self, StoreImportCommand.self, StoreForgetCommand.self,
        ])
}

/// The data directory: as an argument or as everywhere else.
struct DataDirectory: ParsableArguments {
    @Argument(help: "Data directory.") var directory: String?
    @Option(name: .long, help: "The same, as an option.") var data: String?

    func validate() throws {
        if directory != nil, data != nil { throw ValidationError("The data directory is given twice.") }
        if path.isEmpty { throw ValidationError("Which data directory? Give it as DIR or with --data.") }
    }

    var path: String { directory ?? data ?? "" }
}

func end(_ outcome: CommandOutcome) -> ExitStatus {
    if let message = outcome.message { StandardError.write("tailrace: \(message)") }
    return ExitStatus(outcome.status)
}

struct StoreInfoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "Says what is stored and what each part of it costs.")

    @OptionGroup var target: DataDirectory
    @Flag(name: .long, help: "One JSON object.") var json = false
    @Flag(name: .long, help: "All columns and templates, not the largest alone.") var all = false
    @Flag(name: .long, help: "Count the different values of every column: reads all of them.") var distinct = false

    func run() throws { throw end(StoreCare.info(directory: target.path, json: json, all: all, distinct: distinct)) }
}

struct StoreVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Reads everything stored and compares it with its checksums.",
        discussion: "Exit status: 0 all is as it was written, 1 something is damaged, 2 error.")

    @OptionGroup var target: DataDirectory
    @Flag(name: .long, help: "One JSON object.") var json = false

    func run() throws { throw end(StoreCare.verify(directory: target.path, json: json)) }
}

struct StoreCompactCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact", abstract: "Merges segments until nothing is left to merge.",
        discussion: "Without --addr the directory must not be in use; give the configuration that it is served with.")

    @Argument(help: "Data directory.") var directory: String?
    @Option(name: .long, help: "The same, as an option.") var data: String?
    @Option(name: .long, help: "Ask this running server.") var addr: String?
    @Option(name: .long, help: "Configuration file (YAML).") var config: String?
    @Flag(name: .customLong("config-expand-env"), help: "Replace ${VAR} in the configuration.") var expandEnvironment = false

    func validate() throws {
        let given = [directory, data, addr].compactMap { $0 }.count
        if given > 1 { throw ValidationError("Give one of DIR, --data and --addr.") }
        if given == 0, config == nil { throw ValidationError("Which store? Give DIR, --data, --addr or --config.") }
    }

    func run() async throws {
        throw end(
            await StoreCare.compact(
                StoreCare.Target(
                    directory: directory ?? data, address: addr, configuration: config, expandsEnvironment: expandEnvironment)))
    }
}

struct StoreSnapshotCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snapshot", abstract: "Copies the store as it is at one moment; segments as hard links.",
        discussion: """
            The snapshot is a data directory: `tailrace serve --data TARGET` serves it. With --addr the server makes it in
            its own data directory and says where.
            """)

    @Argument(help: "Directory to make. Must be missing or empty.") var target: String?
    @Option(name: .long, help: "Data directory.") var data: String?
    @Option(name: .long, help: "Ask this running server.") var addr: String?

    func validate() throws {
        if (data == nil) == (addr == nil) { throw ValidationError("Give either --data DIR and TARGET, or --addr.") }
        if data != nil, target == nil { throw ValidationError("Where to? Give the directory to make.") }
    }

    func run() async throws {
        throw end(await StoreCare.snapshot(directory: data, address: addr, target: target))
    }
}

struct StoreExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes what is stored as lines of JSON.",
        discussion: """
            One object a line: stream, ts (nanoseconds), line, metadata; bytes that are no UTF-8 in Base64 (line_base64).
            What delete requests hide is left out. Exit status 1: something is damaged, the rest was written.
            """)

    @OptionGroup var source: DataDirectory
    @Option(name: [.short, .long], help: "File to write. Default: standard output.") var output: String?
    @Option(name: .long, help: "LogQL selector, with filters if wanted. Default: everything.") var selector: String?
    @Option(name: .customLong("org-id"), help: "Tenant. Default: all.") var tenant: String?
    @Option(name: .long, help: "Begin of the range, included.") var from: String?
    @Option(name: .long, help: "End of the range, not included.") var to: String?

    func run() throws {
        throw end(
            StoreCare.export(
                ExportWords(
                    directory: source.path, output: output, selector: selector, tenant: tenant, from: from, to: to)))
    }
}

struct StoreImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Stores what `store export` wrote.",
        discussion: """
            What is stored already is not stored again, so an import that was cut off is repeated. Redaction and limits of
            --config (or of the server) apply. Exit status 1: lines were refused, the rest is stored.
            """)

    @Argument(help: "File, or - for standard input.") var input: String = "-"
    @Option(name: .long, help: "Data directory; must not be in use.") var data: String?
    @Option(name: .long, help: "Push to this server instead.") var addr: String?
    @Option(name: .customLong("org-id"), help: "Tenant, in place of those of the export.") var tenant: String?
    @Option(name: .long, help: "Configuration file (YAML).") var config: String?
    @Flag(name: .customLong("config-expand-env"), help: "Replace ${VAR} in the configuration.") var expandEnvironment = false

    func validate() throws {
        if (data == nil) == (addr == nil) { throw ValidationError("Give either --data DIR or --addr URL.") }
    }

    func run() async throws {
        throw end(
            await StoreCare.importRows(
                ImportWords(
                    input: input, data: data, address: addr, configuration: config,
                    expandsEnvironment: expandEnvironment, tenant: tenant)))
    }
}

struct StoreForgetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget", abstract: "Deletes lines: hidden at once, taken off the disk in time.",
        discussion: """
            The same as Loki's delete API. Into a data directory that is not in use, --now takes the lines off the disk
            before it ends; copies (snapshots, exports) are not reached.
            """)

    @Argument(help: "LogQL: a selector, and filters behind it if not all of its lines are meant.") var query: String
    @Option(name: .long, help: "Data directory; must not be in use.") var data: String?
    @Option(name: .long, help: "Ask this running server.") var addr: String?
    @Option(name: .customLong("org-id"), help: "Tenant.") var tenant: String?
    @Option(name: .long, help: "Begin of the range, included. Default: 1970.") var from: String?
    @Option(name: .long, help: "End of the range, not included. Default: now.") var to: String?
    @Flag(name: .long, help: "Do not wait for the end of the cancel period.") var now = false
    @Option(name: .long, help: "Configuration file (YAML).") var config: String?
    @Flag(name: .customLong("config-expand-env"), help: "Replace ${VAR} in the configuration.") var expandEnvironment = false

    func validate() throws {
        if (data == nil) == (addr == nil) { throw ValidationError("Give either --data DIR or --addr URL.") }
    }

    func run() async throws {
        throw end(
            await StoreCare.forget(
                ForgetWords(
                    query: query,
                    target: StoreCare.Target(
                        directory: data, address: addr, configuration: config, expandsEnvironment: expandEnvironment),
                    tenant: tenant, from: from, to: to, now: now)))
    }
}
