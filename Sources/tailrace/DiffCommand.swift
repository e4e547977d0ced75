import ArgumentParser
import LogService

struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What changed between two windows of time, the most certain change first.",
        discussion: """
            Finds new, vanished and rate-shifted texts, values, fields, shapes of objects and labels. A window is FROM..TO,
            where a time is 2h (so long ago), now, 2026-11-21T10:15:00Z, or seconds since 1970; TO left out is now.
            Exit status, as diff has it: 0 no change, 1 changes, 2 trouble.
            """)

    @Argument(help: "Selector of streams, for instance '{job=\"llm-api\"}'. Default: all.") var selector: String = "{}"
    @Option(name: .long, help: "The window before, FROM..TO, for instance 2h..1h.") var before: String?
    @Option(name: .long, help: "The window after, FROM..TO, for instance 1h..now.") var after: String?
    @Option(name: .long, help: "Compare the windows before and behind this time.") var deploy: String?
    @Option(name: .long, help: "With --deploy: their length. Default: 1h.") var window: String?
    @Option(name: .long, help: "A label: also find what changed in single values of it, for instance host.") var by: String?
    @Option(name: .long, help: "Changes at most; 0 means all.") var limit: Int = 20
    @Flag(name: .long, help: "Print JSON.") var json = false
    @Option(name: .long, help: "Server. Default: LOKI_ADDR, or http://127.0.0.1:3100.") var addr: String?
    @Option(name: .long, help: "Read this data directory instead of asking a server.") var data: String?
    @Option(name: .customLong("org-id"), help: "Tenant (X-Scope-OrgID). Default: LOKI_ORG_ID.") var tenant: String?

    func run() async throws {
        let words = DiffWords(
            selector: selector, before: before, after: after, deploy: deploy, window: window, by: by, limit: limit,
            json: json, address: addr, data: data, tenant: tenant)
        let outcome = await DiffRunner.run(words)
        if let message = outcome.message { StandardError.write("tailrace: \(message)") }
        throw ExitStatus(outcome.status)
    }
}
