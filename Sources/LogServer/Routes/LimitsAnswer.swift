import Bytes
import LogModel
import LogQL
import LokiWire

/// A tenant's limits under Loki's names, in the order of Loki's own listing, for people (`config/tenant/v1/limits`, YAML)
/// and for Drilldown (`drilldown-limits`, JSON). One list for both, so that they cannot differ.
struct LimitsAnswer {
    private enum Value {
        case bool(Bool)
        case integer(Int)
        case number(Double)
        case text(String)
        case list([String])
        case otlp(OTLPRules)
    }

    private let values: [(name: String, value: Value)]

    /// `retention`: age at which lines expire, nanoseconds; 0: they do not.
    init(_ limits: Limits, retention: Int64) {
        func time(_ nanoseconds: Int64) -> Value { .text(LogQL.prometheusDuration(nanoseconds)) }
        func size(_ bytes: Int) -> Value { .text(ByteText.exact(bytes)) }
        let week: Int64 = 7 * 86_400_000_000_000
        let oldest = limits.rejectOldSamplesMaxAge
        values = [
            ("ingestion_rate_mb", .number(limits.ingestionRateMB)),
            ("ingestion_burst_size_mb", .number(limits.ingestionBurstSizeMB)),
            ("max_label_name_length", .integer(limits.maxLabelNameLength)),
            ("max_label_value_length", .integer(limits.maxLabelValueLength)),
            ("max_label_names_per_series", .integer(limits.maxLabelNamesPerSeries)),
            ("max_values_per_label", .integer(limits.maxValuesPerLabel)),
            ("reject_old_samples", .bool(oldest > 0)),
            ("reject_old_samples_max_age", time(oldest > 0 ? oldest : week)),
            ("creation_grace_period", time(limits.creationGracePeriod)),
            ("max_line_size", size(limits.maxLineSize)),
            ("max_line_size_truncate", .bool(limits.maxLineSizeTruncate)),
            ("max_line_size_truncate_identifier", .text(limits.maxLineSizeTruncateIdentifier)),
            ("increment_duplicate_timestamp", .bool(false)),
            ("discover_service_name", .list(limits.discoverServiceName)),
            ("discover_log_levels", .bool(limits.discoverLogLevels)),
            ("log_level_fields", .list(Self.levelFields)),
            ("log_level_from_json_max_depth", .integer(2)),
            ("max_global_streams_per_user", .integer(limits.maxGlobalStreamsPerUser)),
            ("per_stream_rate_limit", size(limits.perStreamRateLimit)),
            ("per_stream_rate_limit_burst", size(limits.perStreamRateLimitBurst)),
            ("max_query_bytes_read", size(0)),
            ("max_query_series", .integer(limits.maxQuerySeries)),
            ("max_query_lookback", time(limits.maxQueryLookback)),
            ("max_query_length", time(limits.maxQueryLength)),
            ("max_query_range", time(limits.maxQueryRange)),
            ("max_entries_limit_per_query", .integer(limits.maxEntriesLimitPerQuery)),
            ("query_timeout", time(limits.queryTimeout)),
            ("volume_enabled", .bool(limits.volumeEnabled)),
            ("volume_max_series", .integer(limits.volumeMaxSeries)),
            ("retention_period", time(retention)),
            ("allow_structured_metadata", .bool(limits.allowStructuredMetadata)),
            ("max_structured_metadata_size", size(limits.maxStructuredMetadataSize)),
            ("max_structured_metadata_entries_count", .integer(limits.maxStructuredMetadataEntriesCount)),
            ("otlp_config", .otlp(limits.otlp)),
            ("metric_aggregation_enabled", .bool(false)),
            ("pattern_persistence_enabled", .bool(false)),
        ]
    }

    /// Where Loki looks for a level, in its order.
    private static let levelFields = [
        "level", "LEVEL", "Level", "log.level", "severity", "SEVERITY", "Severity", "SeverityText", "lvl", "LVL", "Lvl",
        "severity_text", "Severity_Text", "SEVERITY_TEXT",
    ]

    /// The rules in effect, the default list of index attributes among them.
    private static func resourceRules(_ rules: OTLPRules) -> [OTLPRules.Rule] {
        rules.ignoresDefaults
            ? rules.resource
            : [OTLPRules.Rule(.indexLabel, attributes: OTLPRules.indexAttributes)] + rules.resource
    }

    // MARK: JSON

    /// One object.
    func write(_ json: inout JSONWriter) {
        json.beginObject()
        for (name, value) in values {
            json.key(bytes: ByteString(name))
            switch value {
            case .bool(let value): json.bool(value)
            case .integer(let value): json.integer(value)
            case .number(let value): json.number(value)
            case .text(let text): json.string(text)
            case .list(let texts): Self.list(texts, &json)
            case .otlp(let rules): Self.otlp(rules, &json)
            }
        }
        json.endObject()
    }

    private static func list(_ texts: [String], _ json: inout JSONWriter) {
        json.beginArray()
        for text in texts { json.string(text) }
        json.endArray()
    }

    private static func otlp(_ rules: OTLPRules, _ json: inout JSONWriter) {
        func list(_ rules: [OTLPRules.Rule], _ json: inout JSONWriter) {
            json.beginArray()
            for rule in rules {
                json.beginObject()
                json.key("action")
                json.string(rule.action.rawValue)
                if !rule.attributes.isEmpty {
                    json.key("attributes")
                    Self.list(rule.attributes, &json)
                }
                if let regex = rule.regex {
                    json.key("regex")
                    json.string(regex)
                }
                json.endObject()
            }
            json.endArray()
        }
        json.beginObject()
        json.key("resource_attributes")
        json.beginObject()
        json.key("attributes_config")
        list(resourceRules(rules), &json)
        json.endObject()
        if !rules.scope.isEmpty {
            json.key("scope_attributes")
            list(rules.scope, &json)
        }
        if !rules.record.isEmpty {
            json.key("log_attributes")
            list(rules.record, &json)
        }
        json.key("severity_text_as_label")
        json.bool(rules.severityTextAsLabel)
        json.endObject()
    }

    // MARK: YAML

    var yaml: String {
        var out = ""
        for (name, value) in values {
            out += name + ":"
            switch value {
            case .bool(let value): out += " \(value)\n"
            case .integer(let value): out += " \(value)\n"
            case .number(let value): out += " \(GoFloat.text(value, .general))\n"
            case .text(let text): out += " \(text.isEmpty ? "\"\"" : text)\n"
            case .list(let texts): out += texts.isEmpty ? " []\n" : "\n" + texts.map { "- \($0)\n" }.joined()
            case .otlp(let rules):
                out += "\n  resource_attributes:\n    attributes_config:\n"
                out += Self.yaml(Self.resourceRules(rules), "    ")
                if !rules.scope.isEmpty { out += "  scope_attributes:\n" + Self.yaml(rules.scope, "  ") }
                if !rules.record.isEmpty { out += "  log_attributes:\n" + Self.yaml(rules.record, "  ") }
                out += "  severity_text_as_label: \(rules.severityTextAsLabel)\n"
            }
        }
        return out
    }

    private static func yaml(_ rules: [OTLPRules.Rule], _ indent: String) -> String {
        rules.map { rule in
            var out = "\(indent)- action: \(rule.action.rawValue)\n"
            if !rule.attributes.isEmpty {
                out += "\(indent)  attributes:\n" + rule.attributes.map { "\(indent)  - \($0)\n" }.joined()
            }
            if let regex = rule.regex { out += "\(indent)  regex: \(GoQuote.quote(regex))\n" }
            return out
        }.joined()
    }
}
