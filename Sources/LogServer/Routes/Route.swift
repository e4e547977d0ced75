import Bytes
import HTTPTypes

/// All that the server answers. The raw value is the label of metrics: a closed set, whatever clients ask for.
enum Route: String, CaseIterable, Sendable {
    case push, query, queryRange = "query_range", labels, labelValues = "label_values", series
    case indexStats = "index_stats", volume = "index_volume", volumeRange = "index_volume_range"
    case formatQuery = "format_query", detectedLabels = "detected_labels", detectedFields = "detected_fields"
    case detectedFieldValues = "detected_field_values", patterns, drilldownLimits = "drilldown_limits", buildInfo = "buildinfo"
    case otlpLogs = "otlp_logs", legacyPush = "legacy_push", legacyQuery = "legacy_query"
    case tail, legacyTail = "legacy_tail"
    case indexShards = "index_shards", delete, ruler, services
    case rules, alerts, ready, metrics, config, limits, flush, compact, snapshot, diff
    case other

    /// The route of a path, and the segment that a `*` stands for.
    static func of(path: ByteView) throws(Refusal) -> (route: Route, argument: ByteString) {
        var segments: [ByteView] = []
        var at = 0
        while at < path.count {
            let end = path.firstIndex(of: 0x2F, from: at) ?? path.count
            if end > at { segments.append(path[at..<end]) }
            at = end + 1
            guard segments.count <= 10 else { return (.other, ByteString()) }
        }
        // Grafana 12.3.1 writes the prefix twice.
        if segments.count > 3, segments[3] == ByteView("loki"), segments[0] == segments[3], segments[1] == ByteView("api") {
            segments.removeFirst(3)
        }
        for entry in table where entry.pattern.count == segments.count {
            var argument = ByteString()
            var good = true
            for (i, part) in entry.pattern.enumerated() where good {
                if part == "*" {
                    argument = try PercentCoding.decode(segments[i], plusIsSpace: false)
                } else {
                    good = part.withView { $0 == segments[i] }
                }
            }
            if good { return (entry.route, argument) }
        }
        return (.other, ByteString())
    }

    private static let table: [(pattern: [String], route: Route)] = {
        let paths: [(String, Route)] = [
            ("loki/api/v1/push", .push), ("loki/api/v1/query", .query), ("loki/api/v1/query_range", .queryRange),
            ("loki/api/v1/labels", .labels), ("loki/api/v1/label", .labels),
            ("loki/api/v1/label/*/values", .labelValues), ("loki/api/v1/series", .series),
            ("loki/api/v1/index/stats", .indexStats), ("loki/api/v1/index/volume", .volume),
            ("loki/api/v1/index/volume_range", .volumeRange), ("loki/api/v1/format_query", .formatQuery),
            ("loki/api/v1/detected_labels", .detectedLabels), ("loki/api/v1/detected_fields", .detectedFields),
            ("loki/api/v1/detected_field/*/values", .detectedFieldValues), ("loki/api/v1/patterns", .patterns),
            ("loki/api/v1/drilldown-limits", .drilldownLimits), ("loki/api/v1/status/buildinfo", .buildInfo),
            ("loki/api/v1/index/shards", .indexShards), ("loki/api/v1/delete", .delete),
            ("loki/api/v1/rules", .ruler), ("loki/api/v1/rules/*", .ruler), ("loki/api/v1/rules/*/*", .ruler),
            ("api/prom/rules", .ruler), ("api/prom/rules/*", .ruler), ("api/prom/rules/*/*", .ruler),
            ("services", .services), ("loki/api/v1/tail", .tail), ("api/prom/tail", .legacyTail),
            ("otlp/v1/logs", .otlpLogs), ("api/prom/push", .legacyPush), ("api/prom/query", .legacyQuery), ("api/prom/label", .labels),
            ("api/prom/label/*/values", .labelValues), ("api/prom/series", .series),
            ("prometheus/api/v1/rules", .rules), ("prometheus/api/v1/alerts", .alerts), ("ready", .ready),
            ("metrics", .metrics), ("config", .config), ("config/tenant/v1/limits", .limits), ("flush", .flush),
            ("tailrace/api/v1/compact", .compact), ("tailrace/api/v1/snapshot", .snapshot),
            ("tailrace/api/v1/diff", .diff),
        ]
        return paths.map { ($0.0.split(separator: "/").map(String.init), $0.1) }
    }()

    func allows(_ method: HTTPRequest.Method) -> Bool {
        switch self {
        case .push, .otlpLogs, .legacyPush, .flush, .compact, .snapshot: method == .post
        // An answer without end has no head alone.
        case .tail, .legacyTail: method == .get
        case .drilldownLimits, .buildInfo, .ready, .metrics, .config, .limits, .rules, .alerts, .services:
            method == .get || method == .head
        case .delete: [.get, .head, .post, .put, .delete].contains(method)
        // The answer is that there is none, whatever is asked of it.
        case .ruler, .other: true
        default: method == .get || method == .head || method == .post
        }
    }

    /// Whether it runs a query over lines, which may have to say more than a selector has to elsewhere.
    var runsQuery: Bool {
        [.query, .queryRange, .legacyQuery, .tail, .legacyTail, .detectedFields, .detectedFieldValues].contains(self)
    }

    /// Whether it changes anything of a tenant's.
    var writes: Bool { [.push, .otlpLogs, .legacyPush, .delete, .tail, .legacyTail].contains(self) }

    /// Whether the answer depends on whose data it is.
    var needsTenant: Bool {
        switch self {
        case .ready, .metrics, .config, .buildInfo, .flush, .compact, .snapshot, .formatQuery, .rules, .alerts, .ruler, .services, .other: false
        default: true
        }
    }
}
