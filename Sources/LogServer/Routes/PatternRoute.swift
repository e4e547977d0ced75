import LogModel
import LogPipeline
import LokiWire

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
        let rows = found.map { (pattern: $0.pattern, level: $0.level, samples: $0.samples) }
        return .json(gzipFrom: request.gzipFrom) { CatalogueAnswer.patterns(rows, into: $0) }
    }
}
