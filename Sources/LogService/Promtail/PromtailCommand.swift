import Glibc
import LogConfig

/// `tailrace promtail …`: Promtail's command line and its exit statuses, so that the unit file of a host changes one word.
///
/// What differs from Promtail: `-dry-run` needs no client; `-inspect` shows every stage, redacted; `-ignore-unsupported` skips ways in
/// that this version cannot read.
package enum PromtailCommand {
    /// 0: ended as asked; 1: the file has mistakes (`-check-syntax`); 2: usage, configuration or start.
    package static func run(_ arguments: [String]) async -> Int32 {
        if arguments.contains(where: { ["-h", "--h", "-help", "--help"].contains($0) }) {
            say(usage, to: 1)
            return 0
        }
        let flags: PromtailFlags
        do throws(GoFlags.UsageError) { flags = try PromtailFlags(arguments) } catch {
            say("tailrace promtail: \(error)\n\n\(usage)", to: 2)
            return 2
        }
        if flags.showsVersion {
            say("tailrace, version \(ServiceVersion.text), runs promtail.yaml", to: 1)
            return 0
        }
        if flags.checksSyntax { return check(flags) }
        var options = ServiceOptions(
            roles: [.collector], expandsEnvironment: flags.expandsEnvironment, stdin: flags.readsStdin,
            ignoresUnsupported: flags.ignoresUnsupported)
        options.promtail = flags
        options.isDryRun = flags.isDryRun
        options.inspects = flags.inspects
        return await Service.run(options)
    }

    private static func check(_ flags: PromtailFlags) -> Int32 {
        guard let path = flags.file else {
            say("tailrace promtail: -check-syntax needs -config.file", to: 2)
            return 2
        }
        let report = ConfigurationCheck.run(
            path: path, expandsEnvironment: flags.expandsEnvironment, ignoresUnsupported: flags.ignoresUnsupported)
        say(report.good ? report.text + "\nValid config file! No syntax issues found" : report.text, to: report.good ? 1 : 2)
        return report.good ? 0 : 1
    }

    private static func say(_ text: String, to file: Int32) {
        let line = text.hasSuffix("\n") ? text : text + "\n"
        line.withCString { _ = write(file, $0, strlen($0)) }
    }

    static let usage = """
        Usage: tailrace promtail -config.file=FILE [flags]

        Runs a promtail.yaml. Flags are Promtail's, with one dash or two:
          -config.file FILE[,FILE …]   the first of them that exists
          -config.expand-env           replace ${VAR} in it
          -check-syntax                say what is wrong with it, and end
          -print-config-stderr         print what is in effect, without secrets
          -dry-run                     print lines instead of sending them; positions stay
          -inspect                     show what each stage does to each line (with -dry-run)
          -stdin                       read standard input through the first scrape config
          -client.url URL, -client.*   a further client
          -positions.file FILE, -server.http-listen-port PORT, -limit.*, -max-streams, -max-line-size …
          -ignore-unsupported          skip sources that this version cannot read, instead of refusing to start
          -version
        `tailrace migrate promtail FILE` says what of a file is used and what differs.
        """
}
