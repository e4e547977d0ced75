import Bytes
import LogModel
import LokiWire
import Metrics
import NIOCore

extension LogServer {
    /// The answer of every route but the pushes, each on the lane that suits it.
    func answer(_ request: LokiRequest, loop: any EventLoop, metricsFormat: ExpositionFormat) async throws -> Reply {
        let timeout = request.limits.queryTimeout > 0 ? request.limits.queryTimeout : nil
        switch request.route {
        case .query, .queryRange, .legacyQuery, .detectedFields, .detectedFieldValues, .volume, .volumeRange, .diff:
            return try await queries.run(timeout: timeout, cancel: request.cancel, loop: loop) {
                switch request.route {
                case .queryRange: try rangeQuery(request)
                case .query: try instantQuery(request)
                case .legacyQuery: try legacyQuery(request)
                case .volume: try volume(request)
                case .volumeRange: try volumeRange(request)
                case .detectedFields: try detectedFields(request)
                case .diff: try diff(request)
                default: try detectedFieldValues(request)
                }
            }
        case .labels, .labelValues, .series, .indexStats, .detectedLabels, .metrics, .formatQuery, .patterns,
            .indexShards, .delete:
            return try await catalogue.run(timeout: timeout, cancel: request.cancel, loop: loop) {
                switch request.route {
                case .labels: try labels(request)
                case .labelValues: try labelValues(request)
                case .series: try series(request)
                case .indexStats: try indexStatistics(request)
                case .detectedLabels: try detectedLabels(request)
                case .formatQuery: formatQuery(request)
                case .patterns: try patterns(request)
                case .indexShards: try indexShards(request)
                case .delete: try deletes(request)
                default: exposition(metricsFormat)
                }
            }
        case .drilldownLimits: return drilldownLimits(request)
        case .buildInfo: return buildInfo()
        case .rules: return .json { $0.append("{\"status\":\"success\",\"data\":{\"groups\":[]}}\n") }
        case .alerts: return .json { $0.append("{\"status\":\"success\",\"data\":{\"alerts\":[]}}\n") }
        case .ready: return ready()
        case .config: return Reply(yaml: parts.hooks.config())
        case .limits: return Reply(yaml: LimitsAnswer(request.limits, retention: request.limits.retentionPeriod ?? parts.retention).yaml)
        case .flush:
            try await parts.writer.flush()
            return .noContent
        case .compact:
            guard let compact = parts.hooks.compact else { throw Refusal(501, "this server has nothing to compact") }
            try await compact()
            return .noContent
        case .snapshot:
            guard let snapshot = parts.hooks.snapshot else { throw Refusal(501, "this server has nothing to take a snapshot of") }
            let made = try await snapshot()
            return .json { out in
                var json = JSONWriter(out)
                json.beginObject()
                json.key("path")
                json.string(made.path)
                json.key("segments")
                json.integer(made.segments)
                json.key("segment_bytes")
                json.integer(made.segmentBytes)
                json.endObject()
                out.append("\n")
            }
        case .services: return services()
        case .push, .otlpLogs, .legacyPush, .ruler, .tail, .legacyTail, .other: throw Refusal.notFound
        }
    }
}
