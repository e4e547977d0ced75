import Bytes
import LogModel
import LogQL
import LogQuery
import LogStore

/// Whom a report asks: a server over HTTP, or the engine behind one over a data directory. Only numbers come back, never
/// lines. For one task.
final class ReportSource {
    enum Place {
        case server(QueryClient)
        case engine(QueryEngine, any StoreReader, Tenant)
    }

    let selector: String
    private let place: Place
    /// Lines that do not parse have failed a query: from now on they are left out.
    private var skipsErrors = false
    /// What was asked, each once, with when.
    private(set) var asked: [String] = []
    /// What the answers came with: damage, for instance.
    private(set) var warnings: [String] = []

    /// A server refuses more points of a series in one answer (11,000), and longer ranges (721 h).
    private static let pointsMax = 10_000
    private static let lengthMax = 30 * ReportWindows.day
    /// Memory of one query over a directory, bytes: a quantile holds its samples.
    private static let memoryMax = 512 << 20

    init(_ place: Place, selector: String) {
        self.place = place
        self.selector = selector
    }

    /// The times of everything there is; nil where nobody knows without looking, or there is nothing.
    func extent() throws(ReportFailure) -> TimeRange? {
        guard case .engine(_, let reader, let tenant) = place else { return nil }
        do {
            let catalogue = try reader.catalogue(tenant: tenant, range: .all)
            guard let first = catalogue.first, let last = catalogue.last else { return nil }
            return TimeRange(first, last.advanced(by: 1))
        } catch {
            throw ReportFailure("\(error)")
        }
    }

    /// The answer for the whole of a range, by series.
    func ask(_ query: MetricQuery, over range: TimeRange, selector: String? = nil) async throws(ReportFailure) -> [WindowedSeries] {
        try await ask(query, over: [range], selector: selector)
    }

    /// The answer for each of some windows. Neighbours of equal length are asked for at once.
    ///
    /// A quantile that needs more memory than a query may have is no answer, and a warning: the rest of a report is worth
    /// having without it.
    func ask(
        _ query: MetricQuery, over windows: [TimeRange], selector: String? = nil
    ) async throws(ReportFailure) -> [WindowedSeries] {
        do throws(ReportFailure) { return try await askAll(query, windows, selector) } catch {
            guard query.function.hasPrefix("quantile"), error.description.contains("more memory") else { throw error }
            let words = "quantiles are missing that need more memory than a query may have: take a shorter time"
            if !warnings.contains(words) { warnings.append(words) }
            return []
        }
    }

    private func askAll(
        _ query: MetricQuery, _ windows: [TimeRange], _ selector: String?
    ) async throws(ReportFailure) -> [WindowedSeries] {
        var found: [[String: String]: [Double?]] = [:]
        for run in Self.runs(windows) {
            let answer = try await ask(query, selector ?? self.selector, windows, run)
            for (labels, points) in answer {
                var values = found[labels] ?? [Double?](repeating: nil, count: windows.count)
                for (window, value) in points where values.indices.contains(window) { values[window] = value }
                found[labels] = values
            }
        }
        return found.map { WindowedSeries(labels: $0.key, values: $0.value) }
            .sorted { Self.key($0.labels).lexicographicallyPrecedes(Self.key($1.labels)) }
    }

    private static func key(_ labels: [String: String]) -> [String] {
        labels.sorted { $0.key < $1.key }.flatMap { [$0.key, $0.value] }
    }

    /// Windows that one range query can answer: neighbours of equal length.
    static func runs(_ windows: [TimeRange]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        var first = 0
        for i in windows.indices {
            let length = Self.length(windows[first])
            let fits =
                i == first
                || (Self.length(windows[i]) == length && windows[i].start == windows[i - 1].end && i - first < pointsMax
                    && Self.length(windows[first]) * Int64(i - first) < lengthMax)
            if !fits {
                runs.append(first..<i)
                first = i
            }
        }
        if !windows.isEmpty { runs.append(first..<windows.count) }
        return runs
    }

    private static func length(_ window: TimeRange) -> Int64 { window.end.nanoseconds - window.start.nanoseconds }

    private typealias Answer = [(labels: [String: String], points: [(window: Int, value: Double)])]

    private func ask(
        _ query: MetricQuery, _ selector: String, _ windows: [TimeRange], _ run: Range<Int>
    ) async throws(ReportFailure) -> Answer {
        let length = Self.length(windows[run.lowerBound])
        let range = MetricQuery.range(length)
        // (t − range, t] with t one nanosecond before the end of a window is that window, its start included.
        let first = windows[run.lowerBound].end.advanced(by: -1)
        let last = windows[run.upperBound - 1].end.advanced(by: -1)
        while true {
            let text = query.text(selector, range: range, skipsErrors: skipsErrors)
            do throws(ReportFailure) {
                let answer = try await run.count == 1 ? instant(text, at: first, run) : series(text, first, last, length, run)
                explain(query, selector, range, windows, run)
                return answer
            } catch {
                guard !skipsErrors, error.description.contains("pipeline error") else { throw error }
                skipsErrors = true
            }
        }
    }

    /// Whether lines that do not parse were met and left out.
    var metErrors: Bool { skipsErrors }

    private func explain(_ query: MetricQuery, _ selector: String, _ range: String, _ windows: [TimeRange], _ run: Range<Int>) {
        var shown = query
        // Users are asked for by name, and a name may be an address.
        shown.filters = query.filters.map { SafeText.holdsMail($0) ? "…" : $0 }
        let text = shown.text(selector, range: range, skipsErrors: skipsErrors)
        let start = ReportText.moment(windows[run.lowerBound].start)
        let end = ReportText.moment(windows[run.upperBound - 1].end)
        let when = run.count == 1 ? "at \(end)" : "every \(range) from \(start) to \(end)"
        let line = "\(text)  \(when)"
        if !asked.contains(line) { asked.append(line) }
    }

    // MARK: Instants

    private func instant(_ text: String, at time: Timestamp, _ run: Range<Int>) async throws(ReportFailure) -> Answer {
        switch place {
        case .server(let client):
            let answer = try await Self.get(client, "query", [("query", text), ("time", "\(time.nanoseconds)")])
            return answer.map { series in
                (series.labels, series.points.compactMap { Double($0.value).map { (run.lowerBound, $0) } })
            }
        case .engine(let engine, _, let tenant):
            guard case .vector(let samples) = try evaluate(engine, tenant, text, .instant(time: time)) else {
                throw ReportFailure("\(text) answers no vector")
            }
            return samples.map { (Self.names($0.labels), [(run.lowerBound, $0.point.value)]) }
        }
    }

    // MARK: Ranges

    private func series(
        _ text: String, _ first: Timestamp, _ last: Timestamp, _ step: Int64, _ run: Range<Int>
    ) async throws(ReportFailure) -> Answer {
        // Answers show milliseconds, and some servers move instants to multiples of the step: the nearest one is meant.
        func window(_ nanoseconds: Int64) -> Int {
            let distance = Double(nanoseconds - first.nanoseconds) / Double(step)
            return run.lowerBound + Int(distance.rounded())
        }
        switch place {
        case .server(let client):
            let answer = try await Self.get(
                client, "query_range",
                [
                    ("query", text), ("start", "\(first.nanoseconds)"), ("end", "\(last.nanoseconds)"),
                    ("step", "\(Double(step) / 1e9)"),
                ])
            return answer.map { series in
                (
                    series.labels,
                    series.points.compactMap { point in
                        guard let seconds = Double(point.seconds), let value = Double(point.value) else { return nil }
                        let at = window(Int64(seconds) * 1_000_000_000 + Int64((seconds - seconds.rounded(.down)) * 1e9))
                        return run.contains(at) ? (at, value) : nil
                    }
                )
            }
        case .engine(let engine, _, let tenant):
            guard
                case .matrix(let all) = try evaluate(
                    engine, tenant, text, .range(start: first, end: last, step: step, interval: 0))
            else { throw ReportFailure("\(text) answers no matrix") }
            return all.map { series in (Self.names(series.labels), series.points.map { (window($0.timestamp), $0.value) }) }
        }
    }

    // MARK: Asking

    private static func get(
        _ client: QueryClient, _ path: String, _ parameters: [(String, String)]
    ) async throws(ReportFailure) -> [(labels: [String: String], points: [LokiAnswer.Point])] {
        let body: OwnedBytes
        do throws(QueryClient.Failure) { body = try await client.get("/loki/api/v1/\(path)", parameters) } catch {
            throw ReportFailure(error.description)
        }
        do throws(DecodeError) {
            guard case .series(let series) = try LokiAnswer.parse(body.view, direction: .forward).result else { return [] }
            return series.map { (names($0.labels), $0.points) }
        } catch {
            throw ReportFailure("\(error)")
        }
    }

    private func evaluate(
        _ engine: QueryEngine, _ tenant: Tenant, _ text: String, _ kind: QueryRequest.Kind
    ) throws(ReportFailure) -> QueryResult {
        // Whoever reads a directory of his own is not to be limited, but by memory.
        var limits = Limits()
        limits.maxQueryLength = 0
        limits.maxQuerySeries = 0
        limits.queryTimeout = 0
        limits.maxQueryMemory = Self.memoryMax
        do throws(QueryError) {
            let answer = try engine.answer(QueryRequest(text: text, tenant: tenant, kind: kind, limits: limits))
            for warning in answer.warnings where !warnings.contains(warning) { warnings.append(warning) }
            return answer.result
        } catch {
            throw ReportFailure(error.message)
        }
    }

    private static func names(_ labels: Labels) -> [String: String] {
        Dictionary(labels.pairs.map { ($0.name.string, $0.value.string) }, uniquingKeysWith: { first, _ in first })
    }
}
