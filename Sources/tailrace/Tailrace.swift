import ArgumentParser
import Glibc
import LogService

/// The command line: arguments and exit statuses, nothing else. 0 is success (lines found), 1 is no line found or
/// something refused for good, 2 is an error of usage or configuration, as grep has it.
@main
struct Tailrace: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tailrace",
        abstract: "Tails, redacts, stores and queries logs. Speaks Promtail's YAML, LogQL and Loki's HTTP API.",
        version: ServiceVersion.text,
        subcommands: [
            Up.self, Serve.self, Collect.self, Promtail.self, Top.self, Tap.self, Query.self, Diff.self, ReportCommand.self, Check.self, Test.self, Inspect.self,
            Redact.self, Migrate.self, Store.self, Audit.self, Samples.self, JournalChild.self,
        ]
    )

    static func main() async {
        // A reader that closes our pipe (`tailrace query | head`) is no reason to die of a signal.
        signal(SIGPIPE, SIG_IGN)
        ServiceProcess.prepare()
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let status as ExitStatus {
            Glibc.exit(status.code)
        } catch {
            let code = exitCode(for: error)
            if code == .success {
                print(fullMessage(for: error))
                Glibc.exit(0)
            }
            StandardError.write(fullMessage(for: error))
            // ArgumentParser's own status for usage errors is 64; ours is grep's.
            Glibc.exit(code == .validationFailure ? 2 : code.rawValue)
        }
    }
}

/// Ends the process with a status once everything has been said.
struct ExitStatus: Error {
    let code: Int32
    init(_ code: Int32) { self.code = code }
}

enum StandardError {
    static func write(_ text: String) {
        let line = text.hasSuffix("\n") ? text : text + "\n"
        line.withCString { start in _ = Glibc.write(2, start, strlen(start)) }
    }
}
