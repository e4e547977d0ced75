import Bytes
import LogModel
import LogService
import Testing

/// Every query of the LLM API's dashboard, run against a server with sample data, as Grafana would send it.
@Suite struct DashboardTests {
    static let queries: [String] = Files.list("\(Checkout.root)/grafana/dashboards").filter { $0 == "llm-api.json" }.flatMap { name in
        var found: [String] = []
        var cursor = JSONCursor(capacity: 4096)
        Files.bytes("\(Checkout.root)/grafana/dashboards/\(name)").withView { view in
            guard (try? cursor.scan(view)) != nil else { return }
            let document = JSONDocument(cursor: cursor, text: view)
            for token in cursor.indices where cursor[token].isKey && document.text(token) == "expr" {
                found.append(document.text(token + 1).string)
            }
        }
        return found
    }

    @Test func thereAreQueries() { #expect(Self.queries.count >= 10) }

    @Test func everyQueryReturnsData() throws {
        let folder = try Scratch()
        let (path, truth) = SamplesToQueryTests.samples(folder, lines: 3_000)
        let server = try TailraceServer(folder)
        let config = SamplesToQueryTests.promtail(folder, path: path, url: server.url)
        #expect(try TailraceProcess.run(["collect", "--config", config, "--once"], in: folder).status == 0)
        for template in Self.queries {
            // What Grafana puts in place of its variables.
            let query = [("$__auto", "1m"), ("$model", ".*"), ("$search", "")].reduce(template) { text, variable in
                text.split(separator: variable.0, omittingEmptySubsequences: false).joined(separator: variable.1)
            }
            let answer = try HTTP.get(
                server.port, "/loki/api/v1/query_range",
                [
                    ("query", query), ("start", "1793491200000000000"), ("end", "\(truth.last.nanoseconds)"),
                    ("step", "15000ms"), ("direction", "backward"),
                ], headers: [("X-Loki-Response-Encoding-Flags", "categorize-labels")])
            #expect(answer.status == 200, "\(query): \(answer.text)")
            #expect(!answer.text.contains(#""result":[]"#), "no data for \(query)")
        }
    }
}
