import AsyncHTTPClient
import Bytes
import Glibc
import LogModel
import LogQL
import LogQuery
import LogShipping
import LogStore
import LokiWire

/// `tailrace diff`: asks a server, or counts in a data directory, and prints what changed.
package enum DiffRunner {
    /// Exit statuses of diff(1): 0 no change, 1 changes, 2 trouble.
    package static func run(_ words: DiffWords) async -> CommandOutcome {
        guard words.limit >= 0 else { return CommandOutcome(2, "--limit is a number of changes, or 0 for all") }
        guard words.data == nil || words.address == nil else {
            return CommandOutcome(2, "--data and --addr exclude each other: a directory or a server")
        }
        let windows: (before: TimeRange, after: TimeRange)
        do throws(DiffWords.Problem) { windows = try words.windows(now: Timestamp.now()) } catch {
            return CommandOutcome(2, error.description)
        }
        do {
            let answer: OwnedBytes
            if let data = words.data {
                answer = try offline(words, windows, data)
            } else {
                answer = try await ask(words, windows)
            }
            let report: DiffReport
            do throws(DecodeError) { report = try DiffReport.parse(answer.view) } catch {
                return CommandOutcome(2, "\(error)")
            }
            let text =
                words.json
                ? answer.view.string
                : DiffTable(report, width: terminalWidth, colours: isatty(1) == 1 && getenv("NO_COLOR") == nil).text()
            print(text, terminator: "")
            return CommandOutcome(report.changes.isEmpty ? 0 : 1)
        } catch let error as QueryError {
            return CommandOutcome(2, error.message)
        } catch let error as StoreError {
            return CommandOutcome(2, error.message)
        } catch {
            return CommandOutcome(2, "\(error)")
        }
    }

    private static func offline(
        _ words: DiffWords, _ windows: (before: TimeRange, after: TimeRange), _ directory: String
    ) throws -> OwnedBytes {
        let isEverything = words.selector.utf8.filter { !$0.isJSONSpace } == Array("{}".utf8)
        let matchers: [LabelMatcher]
        do { matchers = isEverything ? [] : try LogQL.parseSelector(words.selector) } catch {
            throw QueryError(.invalid, error.message)
        }
        let name = words.tenant ?? environment("LOKI_ORG_ID") ?? ""
        guard let tenant = name.isEmpty || name == Tenant.fake.name ? .fake : Tenant(name) else {
            throw QueryError(.invalid, "\(name) is no tenant")
        }
        let reader = try OfflineStore.open(directory)
        // Whoever reads a directory of his own is not to be limited.
        var limits = Limits()
        limits.maxQueryLength = 0
        let report = try DiffEngine(store: reader).run(
            DiffRequest(
                tenant: tenant, matchers: matchers, before: windows.before, after: windows.after,
                by: words.by.map { ByteString($0) }, limit: words.limit, limits: limits))
        let out = ByteArena(capacity: 16 << 10)
        DiffAnswer.write(report, into: out)
        return out.take()
    }

    private static func ask(
        _ words: DiffWords, _ windows: (before: TimeRange, after: TimeRange)
    ) async throws -> OwnedBytes {
        let http = HTTPConnector.make()
        let client = QueryClient(
            address: words.address ?? environment("LOKI_ADDR") ?? "http://127.0.0.1:3100",
            tenant: words.tenant ?? environment("LOKI_ORG_ID") ?? "", http: http)
        func text(_ range: TimeRange) -> String { "\(range.start.nanoseconds)..\(range.end.nanoseconds)" }
        var parameters = [
            ("query", words.selector), ("before", text(windows.before)), ("after", text(windows.after)),
            ("limit", "\(words.limit)"),
        ]
        if let by = words.by { parameters.append(("by", by)) }
        do throws(QueryClient.Failure) {
            let answer = try await client.get("/tailrace/api/v1/diff", parameters)
            try? await http.shutdown()
            return answer
        } catch {
            try? await http.shutdown()
            throw error
        }
    }

    private static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// nil where standard output is no terminal: lines are then not cut.
    private static var terminalWidth: Int? {
        guard isatty(1) == 1 else { return nil }
        var size = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }
}
