import Bytes
import LogModel
import LogQuery
import LokiWire

extension LogServer {
    /// `detected_fields`: what a sample of the newest lines holds.
    func detectedFields(_ request: LokiRequest) throws -> Reply {
        let limit = try fieldLimit(request)
        // Loki has no answer for several tenants at once, and an empty one keeps its clients quiet.
        if request.tenant.isFederated {
            return .json { $0.append("{\"fields\":[],\"limit\":\(limit)}\n") }
        }
        let sample = try sample(request, fieldLimit: limit)
        return .json(gzipFrom: request.gzipFrom) { CatalogueAnswer.detectedFields(sample.answer, limit: limit, into: $0) }
    }

    /// `detected_field/{name}/values`
    func detectedFieldValues(_ request: LokiRequest) throws -> Reply {
        let limit = try fieldLimit(request)
        let sample = try sample(request, fieldLimit: .max)
        let values = sample.fields[request.argument]?.values.sorted().prefix(limit) ?? []
        return .json(gzipFrom: request.gzipFrom) { CatalogueAnswer.detectedValues(Array(values), limit: limit, into: $0) }
    }

    private func fieldLimit(_ request: LokiRequest) throws(Refusal) -> Int {
        let name = request.form["limit"].isEmpty ? "field_limit" : "limit"
        return try Parameters.limit(request.form, name: name, default: 1_000)
    }

    private func sample(_ request: LokiRequest, fieldLimit: Int) throws -> FieldSample {
        let bounds = try request.orderedBounds
        let step = try Parameters.step(request.form, bounds)
        try Parameters.checkResolution(bounds, step: step)
        let lines = try Parameters.limit(request.form, name: "line_limit")
        var asked = engineRequest(
            request,
            .range(
                start: Timestamp(nanoseconds: bounds.start), end: Timestamp(nanoseconds: bounds.end), step: step, interval: 0),
            limit: lines, direction: .backward)
        asked.categorized = true
        guard case .streams(let streams) = try parts.engine.answer(asked).result else {
            throw Refusal(400, "only log selector is supported")
        }
        var sample = FieldSample(limit: fieldLimit)
        for stream in streams {
            for entry in stream.entries { sample.add(entry, stream: stream.labels) }
            if request.cancel.isCancelled { throw Refusal.cancelled }
        }
        return sample
    }
}
