import Bytes
import LogModel

/// `limits:`, the same of single tenants under `tenants:`, and `pattern_ingester:`; all with Loki's names.
enum LimitsBlock {
    static func decode(_ root: MapReader, into configuration: inout Configuration) {
        if let node = root.node("limits") { limits(node, "limits", into: &configuration.limits, root.problems) }
        if let node = root.node("tenants") { tenants(node, into: &configuration, root.problems) }
        if let node = root.node("pattern_ingester"),
            let map = MapReader(node, "pattern_ingester", keys: ["enabled"], root.problems)
        {
            configuration.minesPatterns = map.bool("enabled") ?? true
        }
    }

    /// `acme: {limits: {…}}`: what is not said there is as in `limits:`.
    private static func tenants(_ node: YAMLNode, into configuration: inout Configuration, _ problems: Problems) {
        guard case .mapping(let pairs) = node.content else {
            problems.error(
                "`tenants` must be a mapping, not \(node.kindName)", at: node.mark,
                hint: "write a tenant's name, and below it `limits:`")
            return
        }
        for pair in pairs {
            guard let tenant = Tenant(pair.key) else {
                problems.error(
                    "`\(pair.key)` is no tenant", at: pair.keyMark, hint: "1 to 150 letters, digits and !-_.*'() are")
                continue
            }
            guard let map = MapReader(pair.value, "tenants.\(pair.key)", keys: ["limits"], problems),
                let inner = map.node("limits")
            else { continue }
            var own = configuration.limits
            limits(inner, "tenants.\(pair.key).limits", into: &own, problems)
            configuration.tenantLimits[tenant] = own
        }
    }

    private static let ingestKeys = [
        "max_line_size", "max_line_size_truncate", "max_line_size_truncate_identifier", "max_label_name_length",
        "max_label_value_length", "max_label_names_per_series", "max_values_per_label", "allow_structured_metadata",
        "max_structured_metadata_size", "max_structured_metadata_entries_count", "creation_grace_period",
        "reject_old_samples", "reject_old_samples_max_age", "discover_service_name", "discover_log_levels", "otlp_config",
        "ingestion_rate_mb", "ingestion_burst_size_mb", "per_stream_rate_limit", "per_stream_rate_limit_burst",
        "max_global_streams_per_user", "max_push_body_size", "max_push_decoded_size",
    ]
    private static let queryKeys = [
        "max_entries_limit_per_query", "max_query_series", "max_query_length", "max_query_range", "max_query_lookback", "max_query_steps",
        "query_timeout", "max_query_memory", "max_concurrent_tail_requests", "tail_max_duration", "deletion_mode",
        "volume_enabled", "volume_max_series", "retention_period", "retention_stream",
    ]

    private static func limits(_ node: YAMLNode, _ name: String, into limits: inout Limits, _ problems: Problems) {
        guard let map = MapReader(node, name, keys: ingestKeys + queryKeys, problems) else { return }
        ingest(map, &limits)
        rates(map, &limits)
        queries(map, &limits)
    }

    private static func ingest(_ map: MapReader, _ limits: inout Limits) {
        limits.maxLineSize = map.size("max_line_size") ?? limits.maxLineSize
        limits.maxLineSizeTruncate = map.bool("max_line_size_truncate") ?? limits.maxLineSizeTruncate
        limits.maxLineSizeTruncateIdentifier =
            map.string("max_line_size_truncate_identifier") ?? limits.maxLineSizeTruncateIdentifier
        limits.maxLabelNameLength = map.integer("max_label_name_length") ?? limits.maxLabelNameLength
        limits.maxLabelValueLength = map.integer("max_label_value_length") ?? limits.maxLabelValueLength
        limits.maxLabelNamesPerSeries = map.integer("max_label_names_per_series") ?? limits.maxLabelNamesPerSeries
        limits.maxValuesPerLabel = map.integer("max_values_per_label", 0...1_000_000) ?? limits.maxValuesPerLabel
        limits.allowStructuredMetadata = map.bool("allow_structured_metadata") ?? limits.allowStructuredMetadata
        limits.maxStructuredMetadataSize = map.size("max_structured_metadata_size") ?? limits.maxStructuredMetadataSize
        limits.maxStructuredMetadataEntriesCount =
            map.integer("max_structured_metadata_entries_count") ?? limits.maxStructuredMetadataEntriesCount
        limits.creationGracePeriod = map.duration("creation_grace_period") ?? limits.creationGracePeriod
        // Loki's pair of keys: the switch alone means a week, the age alone is taken as meant.
        let age = map.duration("reject_old_samples_max_age")
        switch map.bool("reject_old_samples") {
        case true?: limits.rejectOldSamplesMaxAge = age ?? 7 * 86_400_000_000_000
        case false?: limits.rejectOldSamplesMaxAge = 0
        case nil: limits.rejectOldSamplesMaxAge = age ?? limits.rejectOldSamplesMaxAge
        }
        limits.discoverServiceName = map.strings("discover_service_name") ?? limits.discoverServiceName
        limits.discoverLogLevels = map.bool("discover_log_levels") ?? limits.discoverLogLevels
        if let node = map.node("otlp_config") { otlp(node, "\(map.name).otlp_config", into: &limits.otlp, map.problems) }
        limits.maxPushBodySize = map.size("max_push_body_size") ?? limits.maxPushBodySize
        limits.maxPushDecodedSize = map.size("max_push_decoded_size") ?? limits.maxPushDecodedSize
    }

    private static func rates(_ map: MapReader, _ limits: inout Limits) {
        func megabytes(_ key: String) -> Double? {
            guard let value = map.number(key) else { return nil }
            guard value >= 0, value <= 1e9 else {
                map.wrong(key, "is \(value)", hint: "a number of megabytes, as in 4; 0 sets no limit")
                return nil
            }
            return value
        }
        limits.ingestionRateMB = megabytes("ingestion_rate_mb") ?? limits.ingestionRateMB
        limits.ingestionBurstSizeMB = megabytes("ingestion_burst_size_mb") ?? limits.ingestionBurstSizeMB
        limits.perStreamRateLimit = map.size("per_stream_rate_limit") ?? limits.perStreamRateLimit
        limits.perStreamRateLimitBurst = map.size("per_stream_rate_limit_burst") ?? limits.perStreamRateLimitBurst
        limits.maxGlobalStreamsPerUser = map.integer("max_global_streams_per_user") ?? limits.maxGlobalStreamsPerUser
    }

    private static func queries(_ map: MapReader, _ limits: inout Limits) {
        limits.maxEntriesLimitPerQuery = map.integer("max_entries_limit_per_query") ?? limits.maxEntriesLimitPerQuery
        limits.maxQuerySeries = map.integer("max_query_series") ?? limits.maxQuerySeries
        limits.maxQueryLength = map.duration("max_query_length") ?? limits.maxQueryLength
        limits.maxQueryRange = map.duration("max_query_range") ?? limits.maxQueryRange
        limits.maxQueryLookback = map.duration("max_query_lookback") ?? limits.maxQueryLookback
        limits.maxQuerySteps = map.integer("max_query_steps") ?? limits.maxQuerySteps
        limits.queryTimeout = map.duration("query_timeout") ?? limits.queryTimeout
        limits.maxQueryMemory = map.size("max_query_memory") ?? limits.maxQueryMemory
        limits.maxConcurrentTailRequests =
            map.integer("max_concurrent_tail_requests") ?? limits.maxConcurrentTailRequests
        limits.tailMaxDuration = map.duration("tail_max_duration") ?? limits.tailMaxDuration
        limits.deletionMode = map.choice("deletion_mode", Limits.DeletionMode.self) ?? limits.deletionMode
        limits.retentionPeriod = map.duration("retention_period") ?? limits.retentionPeriod
        limits.retentionStreams = RetentionBlock.rules(map, "retention_stream") ?? limits.retentionStreams
        limits.volumeEnabled = map.bool("volume_enabled") ?? limits.volumeEnabled
        limits.volumeMaxSeries = map.integer("volume_max_series", 1...1_000_000) ?? limits.volumeMaxSeries
    }

    // MARK: OpenTelemetry

    private static func otlp(_ node: YAMLNode, _ name: String, into rules: inout OTLPRules, _ problems: Problems) {
        let keys = ["resource_attributes", "scope_attributes", "log_attributes", "severity_text_as_label"]
        guard let map = MapReader(node, name, keys: keys, problems) else { return }
        if let inner = map.node("resource_attributes"),
            let resource = MapReader(
                inner, "\(name).resource_attributes", keys: ["ignore_defaults", "attributes_config"], problems)
        {
            rules.ignoresDefaults = resource.bool("ignore_defaults") ?? rules.ignoresDefaults
            if let items = resource.list("attributes_config") {
                rules.resource = items.compactMap { rule($0, "\(name).resource_attributes", indexes: true, problems) }
            }
        }
        if let items = map.list("scope_attributes") {
            rules.scope = items.compactMap { rule($0, "\(name).scope_attributes", indexes: false, problems) }
        }
        if let items = map.list("log_attributes") {
            rules.record = items.compactMap { rule($0, "\(name).log_attributes", indexes: false, problems) }
        }
        rules.severityTextAsLabel = map.bool("severity_text_as_label") ?? rules.severityTextAsLabel
    }

    private static func rule(_ node: YAMLNode, _ name: String, indexes: Bool, _ problems: Problems) -> OTLPRules.Rule? {
        guard let map = MapReader(node, name, keys: ["action", "attributes", "regex"], problems),
            let action = map.choice("action", OTLPRules.Action.self)
        else { return nil }
        if action == .indexLabel, !indexes {
            map.wrong("action", "is `index_label`", hint: "only resource attributes can be stream labels")
            return nil
        }
        let rule = OTLPRules.Rule(action, attributes: map.strings("attributes") ?? [], regex: map.string("regex"))
        if rule.attributes.isEmpty, rule.regex == nil { map.missing("attributes", hint: "or give a `regex`") }
        if let regex = rule.regex {
            do throws(RegexError) { _ = try CompiledRegex(regex) } catch { map.wrong("regex", "does not compile: \(error)") }
        }
        return rule
    }
}
