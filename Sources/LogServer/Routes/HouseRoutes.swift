import Bytes
import LogModel
import LogQL
import LokiWire
import Metrics
import NIOCore

/// Answers about the server itself.
extension LogServer {
    /// `/ready`: 200 only when queries see everything stored.
    func ready() -> Reply {
        if let reason = parts.hooks.notReady() { return .text(reason + "\n", status: 503) }
        return .text((["ready"] + parts.hooks.readyNotes()).joined(separator: "\n") + "\n")
    }

    /// `/metrics`
    func exposition(openMetrics: Bool) -> Reply {
        let out = ByteArena(capacity: 1 << 16)
        parts.registry.expose(into: out, openMetrics: openMetrics)
        return Reply(
            status: 200, contentType: openMetrics ? Exposition.openMetricsContentType : Exposition.textContentType,
            body: out.view.withUnsafeBytes { ByteBuffer(bytes: $0) })
    }

    /// `status/buildinfo`: flat, no envelope.
    func buildInfo() -> Reply {
        let version = parts.hooks.version
        return .json(contentType: Reply.bareJSON) { out in
            var json = JSONWriter(out)
            json.beginObject()
            json.key("version")
            json.string(version.version)
            json.key("revision")
            json.string(version.revision)
            json.key("branch")
            json.string(version.branch)
            json.key("buildUser")
            json.string(version.buildUser)
            json.key("buildDate")
            json.string(version.buildDate)
            json.key("goVersion")
            json.string(version.goVersion)
            json.endObject()
            out.append(0x0A)
        }
    }

    /// `format_query`: the canonical text, or the parser's error in an envelope of its own.
    func formatQuery(_ request: LokiRequest) -> Reply {
        do {
            let text = LogQL.pretty(try LogQL.parse(request.form["query"]))
            return .json(contentType: "application/json; charset=utf-8") { CatalogueAnswer.text(text, into: $0) }
        } catch {
            var reply = Reply.json(contentType: "application/json; charset=utf-8") {
                CatalogueAnswer.invalidQuery(error.message, into: $0)
            }
            reply.status = 400
            return reply
        }
    }

    /// `patterns`: there is no miner yet; clients call `slice` on the array.
    func patterns(_ request: LokiRequest) throws -> Reply {
        _ = try selector(request.form["query"])
        return .json { $0.append("{\"status\":\"success\",\"data\":[]}\n") }
    }

    /// `drilldown-limits`: the fields that Drilldown reads.
    func drilldownLimits(_ request: LokiRequest) -> Reply {
        let limits = request.limits
        return .json(contentType: Reply.bareJSON) { out in
            var json = JSONWriter(out)
            json.beginObject()
            json.key("limits")
            json.beginObject()
            json.key("discover_log_levels")
            json.bool(limits.discoverLogLevels)
            json.key("discover_service_name")
            Self.strings(limits.discoverServiceName, &json)
            json.key("log_level_fields")
            Self.strings(Self.levelFields, &json)
            json.key("max_entries_limit_per_query")
            json.integer(limits.maxEntriesLimitPerQuery)
            json.key("max_line_size_truncate")
            json.bool(false)
            json.key("max_query_bytes_read")
            json.string("0B")
            json.key("max_query_length")
            json.string(LogQL.prometheusDuration(limits.maxQueryLength))
            json.key("max_query_lookback")
            json.string("0s")
            json.key("max_query_range")
            json.string("0s")
            json.key("max_query_series")
            json.integer(limits.maxQuerySeries)
            json.key("metric_aggregation_enabled")
            json.bool(false)
            json.key("otlp_config")
            json.beginObject()
            json.key("resource_attributes")
            json.beginObject()
            json.key("attributes_config")
            json.beginArray()
            json.beginObject()
            json.key("action")
            json.string("index_label")
            json.key("attributes")
            Self.strings(Self.indexAttributes, &json)
            json.endObject()
            json.endArray()
            json.endObject()
            json.endObject()
            json.key("pattern_persistence_enabled")
            json.bool(false)
            json.key("query_timeout")
            json.string(LogQL.prometheusDuration(limits.queryTimeout))
            json.key("retention_period")
            json.string("0s")
            json.key("volume_enabled")
            json.bool(true)
            json.key("volume_max_series")
            json.integer(1_000)
            json.endObject()
            json.key("pattern_ingester_enabled")
            json.bool(false)
            json.key("version")
            json.string(parts.hooks.version.version)
            json.endObject()
            out.append(0x0A)
        }
    }

    private static func strings(_ values: [String], _ json: inout JSONWriter) {
        json.beginArray()
        for value in values { json.string(value) }
        json.endArray()
    }

    /// Where Loki looks for a level, in its order.
    private static let levelFields = [
        "level", "LEVEL", "Level", "log.level", "severity", "SEVERITY", "Severity", "SeverityText", "lvl", "LVL", "Lvl",
        "severity_text", "Severity_Text", "SEVERITY_TEXT",
    ]

    /// Resource attributes of OTLP that become stream labels.
    private static let indexAttributes = [
        "service.name", "service.namespace", "service.instance.id", "deployment.environment",
        "deployment.environment.name", "cloud.region", "cloud.availability_zone", "k8s.cluster.name",
        "k8s.namespace.name", "k8s.pod.name", "k8s.container.name", "container.name", "k8s.replicaset.name",
        "k8s.deployment.name", "k8s.statefulset.name", "k8s.daemonset.name", "k8s.cronjob.name", "k8s.job.name",
    ]

    /// `/config/tenant/v1/limits`
    func limitsText(_ limits: Limits) -> String {
        let time = LogQL.prometheusDuration
        return """
            max_line_size: \(limits.maxLineSize)
            max_label_name_length: \(limits.maxLabelNameLength)
            max_label_value_length: \(limits.maxLabelValueLength)
            max_label_names_per_series: \(limits.maxLabelNamesPerSeries)
            max_structured_metadata_size: \(limits.maxStructuredMetadataSize)
            max_structured_metadata_entries_count: \(limits.maxStructuredMetadataEntriesCount)
            creation_grace_period: \(time(limits.creationGracePeriod))
            reject_old_samples: \(limits.rejectOldSamplesMaxAge > 0)
            reject_old_samples_max_age: \(time(limits.rejectOldSamplesMaxAge))
            discover_log_levels: \(limits.discoverLogLevels)
            max_entries_limit_per_query: \(limits.maxEntriesLimitPerQuery)
            max_query_series: \(limits.maxQuerySeries)
            max_query_length: \(time(limits.maxQueryLength))
            query_timeout: \(time(limits.queryTimeout))

            """
    }
}

extension Reply {
    init(yaml text: String) {
        self.init(status: 200, contentType: "text/plain; charset=utf-8", body: ByteBuffer(string: text))
    }
}
