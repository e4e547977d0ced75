import AsyncHTTPClient
import Glibc
import LogModel
import LogShipping

/// The arguments of `tailrace query` as typed.
package struct QueryWords: Sendable {
    package var query: String
    package var address: String?
    package var tenant: String?
    package var since: String?
    package var from: String?
    package var to: String?
    package var limit: Int
    package var forward: Bool
    package var instant: Bool
    package var step: String?
    package var output: String

    package init(
        query: String, address: String? = nil, tenant: String? = nil, since: String? = nil, from: String? = nil,
        to: String? = nil, limit: Int = 30, forward: Bool = false, instant: Bool = false, step: String? = nil,
        output: String = "pretty"
    ) {
        self.query = query
        self.address = address
        self.tenant = tenant
        self.since = since
        self.from = from
        self.to = to
        self.limit = limit
        self.forward = forward
        self.instant = instant
        self.step = step
        self.output = output
    }
}

/// How a command ended: its exit status, and what to say on standard error.
package struct CommandOutcome: Sendable, Equatable {
    package var status: Int32
    package var message: String?

    package init(_ status: Int32, _ message: String? = nil) {
        self.status = status
        self.message = message
    }
}

package enum QueryRunner {
    package static func run(_ words: QueryWords) async -> CommandOutcome {
        guard let format = OutputFormat(rawValue: words.output) else {
            return CommandOutcome(2, "--output is one of pretty, raw and jsonl, not \(words.output)")
        }
        guard words.limit >= 0 else { return CommandOutcome(2, "--limit is a number of lines, or 0 for all") }
        let now = Timestamp.now()
        var end = now
        if let text = words.to {
            guard let moment = HumanTime.moment(text, now: now) else { return badTime("--to", text) }
            end = moment
        }
        var start = end.advanced(by: -3_600_000_000_000)
        if let text = words.since {
            guard let span = HumanTime.duration(text) else {
                return CommandOutcome(2, "--since is a span such as 15m, 6h or 7d, not \(text)")
            }
            start = end.advanced(by: -span)
        }
        if let text = words.from {
            guard let moment = HumanTime.moment(text, now: now) else { return badTime("--from", text) }
            start = moment
        }
        guard start <= end else { return CommandOutcome(2, "the range ends before it begins") }
        var step: Int64 = 0
        if let text = words.step {
            guard let span = HumanTime.duration(text), span > 0 else {
                return CommandOutcome(2, "--step is a span such as 15s or 1m, not \(text)")
            }
            step = span
        }
        let http = HTTPConnector.make()
        let outcome = await run(words, start: start, end: end, step: step, format: format, http: http)
        try? await http.shutdown()
        return outcome
    }

    private static func run(
        _ words: QueryWords, start: Timestamp, end: Timestamp, step: Int64, format: OutputFormat, http: HTTPClient
    ) async -> CommandOutcome {
        let client = QueryClient(
            address: words.address ?? environment("LOKI_ADDR") ?? "http://127.0.0.1:3100",
            tenant: words.tenant ?? environment("LOKI_ORG_ID") ?? "", http: http)
        var printer = LinePrinter(format: format)
        do {
            let printed = try await client.run(
                QueryClient.Request(
                    query: words.query, start: start, end: end, limit: words.limit,
                    direction: words.forward ? .forward : .backward, step: step, instant: words.instant),
                printer: &printer)
            printer.flush()
            if let failure = printer.failure { return CommandOutcome(2, failure) }
            return CommandOutcome(printed > 0 ? 0 : 1)
        } catch {
            printer.flush()
            return CommandOutcome(2, error.description)
        }
    }

    private static func badTime(_ flag: String, _ text: String) -> CommandOutcome {
        CommandOutcome(2, "\(flag) is a time such as now-1h or 2026-11-21T10:15:00Z, not \(text)")
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }
}
