import Bytes
import LogModel
import LogQuery
import LokiWire

extension LogServer {
    /// `query_range`
    func rangeQuery(_ request: LokiRequest) throws -> Reply {
        let asked = try rangeRequest(request)
        let answer = try parts.engine.answer(asked)
        return respond(answer, request)
    }

    /// `query`
    func instantQuery(_ request: LokiRequest) throws -> Reply {
        let time = try Parameters.timestamp(request.form["time"], default: request.now)
        let limit = try Parameters.limit(request.form)
        let direction = try Parameters.direction(request.form)
        let answer = try parts.engine.answer(
            engineRequest(request, .instant(time: Timestamp(nanoseconds: time)), limit: limit, direction: direction))
        return respond(answer, request)
    }

    /// `/api/prom/query`: log queries only, labels as text.
    func legacyQuery(_ request: LokiRequest) throws -> Reply {
        var asked = try rangeRequest(request)
        asked.categorized = true
        let answer = try parts.engine.answer(asked)
        guard case .streams(let streams) = answer.result else {
            throw Refusal(400, "rpc error: code = Code(400) desc = legacy endpoints only support streams result type")
        }
        return .json(gzipFrom: request.gzipFrom) { LegacyQueryAnswer.write(streams, answer.statistics, into: $0) }
    }

    func rangeRequest(_ request: LokiRequest) throws(Refusal) -> QueryRequest {
        let form = request.form
        let bounds = try request.orderedBounds
        let limit = try Parameters.limit(form)
        let direction = try Parameters.direction(form)
        let step = try Parameters.step(form, bounds)
        try Parameters.checkResolution(bounds, step: step)
        let interval = try Parameters.interval(form)
        let query = try Parameters.logQuery(form, allowEmpty: parts.querySettings.allowAllStreams)
        return engineRequest(
            request,
            .range(
                start: Timestamp(nanoseconds: bounds.start), end: Timestamp(nanoseconds: bounds.end), step: step,
                interval: interval), limit: limit, direction: direction, query: query)
    }

    func engineRequest(
        _ request: LokiRequest, _ kind: QueryRequest.Kind, limit: Int, direction: Direction, query: String? = nil
    ) -> QueryRequest {
        QueryRequest(
            text: query ?? request.form["query"], tenant: request.tenant, kind: kind, limit: limit, direction: direction,
            categorized: request.encodingFlags.contains(QueryResponse.categorizeLabels), limits: request.limits,
            allowsPartialSeries: request.allowsPartialSeries, cancel: request.cancel)
    }

    private func respond(_ answer: QueryAnswer, _ request: LokiRequest) -> Reply {
        var response = QueryResponse(answer.result)
        response.encodingFlags = request.encodingFlags
        response.statistics = answer.statistics
        response.warnings = answer.warnings
        return .json(gzipFrom: request.gzipFrom) { response.write(into: $0) }
    }
}
