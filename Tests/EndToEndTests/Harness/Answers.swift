import Bytes
import LogModel
import LogService

/// Queries of a server, as values.
extension TailraceServer {
    /// Labels and value of an instant metric query.
    func vector(_ query: String, at time: Int64? = nil) throws -> [Labels: Double] {
        var parameters = [("query", query)]
        if let time { parameters.append(("time", "\(time)")) }
        let answer = try HTTP.get(port, "/loki/api/v1/query", parameters)
        guard answer.status == 200 else { throw HarnessError("\(answer.status) to \(query): \(answer.text)") }
        guard case .series(let series) = try answer.body.withView({ view throws(DecodeError) in
            try LokiAnswer.parse(view, direction: .forward)
        }).result else { throw HarnessError("not a vector: \(answer.text.prefix(200))") }
        return Dictionary(uniqueKeysWithValues: series.map { ($0.labels, Double($0.points.first?.value ?? "") ?? .nan) })
    }

    /// All lines of a log query in the 29 days from `start` (2026-10-31, shortly before the samples), oldest first, page by
    /// page. More than 30 days at once is more than a server answers.
    func lines(_ query: String, start: Int64 = 1_793_404_800_000_000_000) throws -> [LokiAnswer.Line] {
        let end = start + 29 * 86_400_000_000_000
        var all: [LokiAnswer.Line] = []
        var from = start
        while true {
            let answer = try HTTP.get(
                port, "/loki/api/v1/query_range",
                [("query", query), ("start", "\(from)"), ("end", "\(end)"), ("limit", "5000"), ("direction", "forward")])
            guard answer.status == 200 else { throw HarnessError("\(answer.status) to \(query): \(answer.text)") }
            guard case .lines(let page) = try answer.body.withView({ view throws(DecodeError) in
                try LokiAnswer.parse(view, direction: .forward)
            }).result else { throw HarnessError("not lines: \(answer.text.prefix(200))") }
            let border = all.reversed().prefix { $0.timestamp == from }.count
            all += page.dropFirst(border)
            guard page.count == 5000, let last = page.last, last.timestamp > from else { return all }
            from = last.timestamp
        }
    }

    func flush() throws {
        let answer = try HTTP.post(port, "/flush", body: [], type: "text/plain")
        guard (200..<300).contains(answer.status) else { throw HarnessError("flush: \(answer.status) \(answer.text)") }
    }
}
