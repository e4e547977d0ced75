import Bytes
import LogModel

@testable import LogQuery

/// Queries in tests are written with seconds and read with short texts.
struct Bench {
    var store: MemoryStore
    var settings = QuerySettings()
    var limits = Limits()

    init(_ store: MemoryStore, lokiQuirks: Bool = false) {
        self.store = store
        settings.lokiQuirks = lokiQuirks
    }

    private func nanoseconds(_ seconds: Double) -> Timestamp {
        Timestamp(nanoseconds: Int64((seconds * 1e9).rounded()))
    }

    func run(_ request: QueryRequest) throws -> QueryResult {
        try QueryEngine(store: store, settings: settings).run(request).0
    }

    /// Samples of an instant query: `{app="a"} 1`.
    func instant(_ query: String, at seconds: Double) throws -> [String] {
        var request = QueryRequest(text: query, kind: .instant(time: nanoseconds(seconds)))
        request.limits = limits
        switch try run(request) {
        case .vector(let samples): return samples.map { "\($0.labels) \(GoFloat.text($0.point.value, .fixed))" }
        case .scalar(_, let value): return ["scalar \(GoFloat.text(value, .fixed))"]
        default: return ["wrong kind of result"]
        }
    }

    /// Series of a range query: `{app="a"} 1 _ 2`, with a gap where there is no value.
    func range(_ query: String, _ start: Double, _ end: Double, step: Double) throws -> [String] {
        var request = QueryRequest(
            text: query,
            kind: .range(
                start: nanoseconds(start),
                end: nanoseconds(end),
                step: nanoseconds(step).nanoseconds,
                interval: 0
            )
        )
        request.limits = limits
        guard case .matrix(let series) = try run(request) else { return ["wrong kind of result"] }
        return series.map { one in
            var words: [String] = []
            var next = one.points.startIndex
            var time = nanoseconds(start).nanoseconds
            while time <= nanoseconds(end).nanoseconds {
                if next < one.points.endIndex, one.points[next].timestamp == time {
                    words.append(GoFloat.text(one.points[next].value, .fixed))
                    next += 1
                } else {
                    words.append("_")
                }
                time += nanoseconds(step).nanoseconds
            }
            if next < one.points.endIndex { words.append("(points between steps)") }
            return "\(one.labels) \(words.joined(separator: " "))"
        }
    }

    /// Streams of a log query: labels, then lines with their seconds.
    func logs(
        _ query: String,
        _ start: Double = 0,
        _ end: Double = 1e6,
        limit: Int = 100,
        direction: Direction = .forward,
        interval: Double = 0,
        categorized: Bool = false
    ) throws -> [ResultStream] {
        let request = QueryRequest(
            text: query,
            kind: .range(
                start: nanoseconds(start),
                end: nanoseconds(end),
                step: 1_000_000_000,
                interval: nanoseconds(interval).nanoseconds
            ),
            limit: limit,
            direction: direction,
            categorized: categorized,
            limits: limits
        )
        guard case .streams(let streams) = try run(request) else { return [] }
        return streams
    }

    /// All lines of a log query in the order of the answer, stream by stream.
    func lines(
        _ query: String,
        _ start: Double = 0,
        _ end: Double = 1e6,
        limit: Int = 100,
        direction: Direction = .forward,
        interval: Double = 0
    ) throws -> [String] {
        try logs(query, start, end, limit: limit, direction: direction, interval: interval).flatMap(\.entries)
            .map(\.line.string)
    }

    /// The error of a query.
    func failure(_ query: String, at seconds: Double = 0) -> QueryError? {
        do {
            _ = try instant(query, at: seconds)
            return nil
        } catch {
            return error as? QueryError
        }
    }
}
