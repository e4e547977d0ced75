import Bytes
import LogModel
import LogPipeline
import LokiWire
import NIOCore

extension LogServer {
    /// `patterns`: what the lines of the streams look like, with counts by step. 404 where nobody mines them.
    func patterns(_ request: LokiRequest) throws -> Reply {
        guard let miner = parts.patterns else { return Reply(status: 404) }
        let bounds = try request.orderedBounds
        let step = try Parameters.step(request.form, bounds)
        try Parameters.checkResolution(bounds, step: step)
        let found = miner.patterns(
            tenant: request.tenant, matchers: try selector(request.form["query"]), from: bounds.start, through: bounds.end,
            step: step)
        return .json(gzipFrom: request.gzipFrom) { out in
            var json = JSONWriter(out)
            json.beginObject()
            json.key("status")
            json.string("success")
            json.key("data")
            json.beginArray()
            for pattern in found {
                json.beginObject()
                json.key("pattern")
                json.string(pattern.pattern)
                json.key("level")
                json.string(pattern.level)
                json.key("samples")
                json.beginArray()
                for sample in pattern.samples {
                    json.beginArray()
                    json.integer(sample.time)
                    json.integer(sample.count)
                    json.endArray()
                }
                json.endArray()
                json.endObject()
            }
            json.endArray()
            json.endObject()
            out.append(0x0A)
        }
    }
}
