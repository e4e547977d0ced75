import Bytes
import LogModel
import LogQL
import LokiWire

/// Bytes by label: what Drilldown draws first.
extension LogServer {
    private struct Question {
        var matchers: [LabelMatcher]
        /// Labels that make up a series; nil: all of the stream.
        var targets: [ByteString]?
        var byLabels: Bool
        var limit: Int
        var bounds: Parameters.Bounds
    }

    private func question(_ request: LokiRequest) throws -> Question {
        guard request.limits.volumeEnabled else { throw Refusal.notFound }
        let form = request.form
        let bounds = try request.orderedBounds
        let limit = form["limit"] == "0" ? 100 : try Parameters.limit(form)
        let byLabels: Bool
        switch form["aggregateBy"] {
        case "", "series": byLabels = false
        case "labels": byLabels = true
        default: throw Refusal(400, "invalid aggregation option")
        }
        // Exactly this text means everything; an empty one is the parser's to refuse.
        let everything = form["query"] == "{}"
        var matchers = everything ? [] : try selector(form["query"])
        let named = form["targetLabels"].split(separator: ",").map { ByteString(String($0)) }
        for name in named where !matchers.contains(where: { $0.name == name }) {
            if let matcher = try? LabelMatcher(name, .matches, ".+") { matchers.append(matcher) }
        }
        var targets: [ByteString]? = named
        if named.isEmpty {
            // By labels every label of a stream counts, by series those that the selector names.
            targets = byLabels || everything ? nil : matchers.map(\.name)
        }
        return Question(matchers: matchers, targets: targets, byLabels: byLabels, limit: limit, bounds: bounds)
    }

    /// Bytes of each series between two moments, both included.
    private func volumes(
        _ question: Question, _ request: LokiRequest, from start: Int64, through end: Int64
    ) throws -> [Labels: Int] {
        var sums: [Labels: Int] = [:]
        for stream in try count(request, question.matchers, from: start, through: end) where stream.rows > 0 {
            if question.byLabels {
                for pair in stream.labels.pairs where question.targets?.contains(pair.name) ?? true {
                    sums[Labels([Label(pair.name, "")]), default: 0] += stream.bytes
                }
            } else {
                var labels = stream.labels
                if let targets = question.targets {
                    labels = Labels(labels.pairs.filter { targets.contains($0.name) })
                }
                sums[labels, default: 0] += stream.bytes
            }
            guard sums.count <= request.limits.volumeMaxSeries else { throw tooManySeries(request) }
        }
        return sums
    }

    /// `index/volume`: a vector at the end of the range, the largest first.
    func volume(_ request: LokiRequest) throws -> Reply {
        let question = try question(request)
        let sums = try volumes(question, request, from: question.bounds.start, through: question.bounds.end)
        let samples = sums.sorted { a, b in a.value == b.value ? a.key < b.key : a.value > b.value }
            .prefix(question.limit)
            .map { ResultSample(labels: $0.key, point: point(question.bounds.end, $0.value)) }
        return respond(.vector(Array(samples)), request)
    }

    private func tooManySeries(_ request: LokiRequest) -> Refusal {
        Refusal(400, "the query hit the max number of series limit (limit: \(request.limits.volumeMaxSeries) series)")
    }

    private func point(_ time: Int64, _ bytes: Int) -> ResultPoint {
        ResultPoint(timestamp: time, value: Double(bytes))
    }

    /// `index/volume_range`: buckets end at multiples of the step; a bucket's time is its last millisecond, the last
    /// one's the end of the range.
    func volumeRange(_ request: LokiRequest) throws -> Reply {
        let question = try question(request)
        let bounds = question.bounds
        let step = try Parameters.step(request.form, bounds)
        try Parameters.checkResolution(bounds, step: step)
        var points: [Labels: [ResultPoint]] = [:]
        var totals: [Labels: Int] = [:]
        var start = bounds.start
        while start <= bounds.end {
            if request.cancel.isCancelled { throw Refusal.cancelled }
            let next = nextMultiple(of: step, after: start)
            // The bucket that reaches the end takes the end in.
            let isLast = next.map { $0 >= bounds.end } ?? true
            let end = isLast ? bounds.end : (next ?? bounds.end) &- 1
            let time = isLast ? bounds.end : max(end, .min + 999_999) - 999_999
            for (labels, bytes) in try volumes(question, request, from: start, through: end) {
                points[labels, default: []].append(point(time, bytes))
                totals[labels, default: 0] += bytes
            }
            guard points.count <= request.limits.volumeMaxSeries else { throw tooManySeries(request) }
            guard !isLast, let next else { break }
            start = next
        }
        let largest = totals.sorted { a, b in a.value == b.value ? a.key < b.key : a.value > b.value }
            .prefix(question.limit).map(\.key).sorted()
        let series = largest.map { ResultSeries(labels: $0, points: points[$0] ?? []) }
        // Loki's merge gives a matrix only where some series has a second point.
        if series.contains(where: { $0.points.count > 1 }) { return respond(.matrix(series), request) }
        return respond(
            .vector(series.compactMap { one in one.points.first.map { ResultSample(labels: one.labels, point: $0) } }),
            request)
    }

    private func nextMultiple(of step: Int64, after time: Int64) -> Int64? {
        let rest = time % step
        let (next, overflow) = time.addingReportingOverflow(rest < 0 ? -rest : step - rest)
        return overflow ? nil : next
    }

    private func respond(_ result: QueryResult, _ request: LokiRequest) -> Reply {
        let response = QueryResponse(result)
        return .json(gzipFrom: request.gzipFrom) { response.write(into: $0) }
    }
}
