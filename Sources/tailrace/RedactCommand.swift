import ArgumentParser
import LogService

struct Redact: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Masks personal data and secrets in lines: a filter.",
        discussion: """
            Reads files or standard input and writes the lines as `redaction:` would store them; everything else stays byte for
            byte. Exit status: 0; with --check 1 when anything was found; 2 when something cannot be read.
            """)

    @Argument(help: "Files, or - for standard input.") var files: [String] = []
    @Option(name: .long, help: "Configuration file (YAML) whose `redaction:` block holds. Default: all default detectors, masked.") var config: String?
    @Flag(name: .customLong("config-expand-env"), help: "Replace ${VAR} in the configuration.") var expandEnvironment = false
    @Flag(name: .long, help: "Write no lines; end with 1 when anything was found.") var check = false
    @Flag(name: .long, help: "Say on standard error how many lines there were, and what each rule has found.") var stats = false

    func run() throws {
        throw end(
            RedactFilter.run(
                RedactWords(files: files, configuration: config, expandsEnvironment: expandEnvironment, checks: check, stats: stats)))
    }
}
