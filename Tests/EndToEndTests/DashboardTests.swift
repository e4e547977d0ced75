import Bytes
import LogModel
import LogService
import Testing

/// Every query of every dashboard, run against a server with sample data, as Grafana would send it.
@Suite struct DashboardTests {
    struct Query: Sendable {
        var text: String
        /// Tables and single figures ask for one moment.
        var isInstant: Bool

        /// What Grafana puts in place of its variables.
        var filled: String {
            [("$__auto", "1m"), ("$__range", "3600s"), ("$host", ".*"), ("$model", ".*"), ("$search", "")].reduce(text)
            { text, variable in
                text.split(separator: variable.0, omittingEmptySubsequences: false).joined(separator: variable.1)
            }
        }
    }

    static func queries(_ name: String) -> [Query] {
        var found: [Query] = []
        var cursor = JSONCursor(capacity: 4096)
        Files.bytes("\(Checkout.root)/grafana/dashboards/\(name)").withView { view in
            guard (try? cursor.scan(view)) != nil else { return }
            let document = JSONDocument(cursor: cursor, text: view)
            // In each target the kind of the query stands behind it.
            for token in cursor.indices where cursor[token].isKey {
                if document.text(token) == "expr" {
                    found.append(Query(text: document.text(token + 1).string, isInstant: false))
                }
                if document.text(token) == "queryType", !found.isEmpty {
                    found[found.count - 1].isInstant = document.text(token + 1) == "instant"
                }
            }
        }
        return found
    }

    static let all = Files.list("\(Checkout.root)/grafana/dashboards").filter { $0.hasSuffix(".json") }

    @Test func thereAreQueries() {
        #expect(Self.all == ["inference-host.json", "llm-api.json", "llm-inference-service.json"])
        for name in Self.all { #expect(Self.queries(name).count >= 10, "\(name)") }
    }

    /// What `make run` shows, over what its generator writes.
    @Test func theDashboardOfTheSamplesShowsData() throws {
        let folder = try Scratch()
        let (path, truth) = SamplesToQueryTests.samples(folder, lines: 3_000)
        let server = try TailraceServer(folder)
        let config = SamplesToQueryTests.promtail(folder, path: path, url: server.url)
        #expect(try TailraceProcess.run(["collect", "--config", config, "--once"], in: folder).status == 0)
        for query in Self.queries("llm-api.json") {
            try Self.expectData(server, query, from: 1_793_491_200_000_000_000, to: truth.last.nanoseconds, step: 15)
        }
    }

    @Test(arguments: ["inference-host.json", "llm-inference-service.json"])
    func everyPanelShowsAnIncident(name: String) throws {
        let incident = Incident()
        let folder = try Scratch()
        let server = try TailraceServer(folder, config: folder.write("week.yaml", Incident.configuration))
        for push in incident.pushes { #expect(try HTTP.push(server.port, json: push).status == 204) }
        for query in Self.queries(name) {
            try Self.expectData(server, query, from: incident.end - 60 * Incident.minute, to: incident.end, step: 60)
        }
    }

    private static func expectData(_ server: TailraceServer, _ query: Query, from: Int64, to: Int64, step: Int) throws {
        let times =
            query.isInstant
            ? [("time", "\(to)")]
            : [("start", "\(from)"), ("end", "\(to)"), ("step", "\(step)s"), ("direction", "backward")]
        let answer = try HTTP.get(
            server.port,
            query.isInstant ? "/loki/api/v1/query" : "/loki/api/v1/query_range",
            [("query", query.filled)] + times,
            headers: [("X-Loki-Response-Encoding-Flags", "categorize-labels")]
        )
        #expect(answer.status == 200, "\(query.filled): \(answer.text)")
        #expect(!answer.text.contains(#""result":[]"#), "no data for \(query.filled)")
    }
}
