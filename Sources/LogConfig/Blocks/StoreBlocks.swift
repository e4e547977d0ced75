import Bytes
import LogModel
import LogQuery
import LogStore

/// `store:`, `query:` and `limits:`: ours, with Loki's names where Loki has the same thing.
enum StoreBlocks {
    static func decode(_ root: MapReader, into configuration: inout Configuration) {
        // `store:` with nothing behind it counts: it asks for the embedded store.
        if let node = root.pair("store")?.value { configuration.store = store(node, root.problems) }
        if let node = root.node("query") { query(node, into: &configuration.query, root.problems) }
        if let node = root.node("limits") { limits(node, into: &configuration.limits, root.problems) }
    }

    // MARK: store

    private static let storeKeys = [
        "dir", "codec", "codec_level", "fsync", "retention", "memory", "min_free_space", "wal_file_size", "head_size",
        "head_age", "idle_time", "segment_size",
    ]

    private enum CodecName: String, CaseIterable { case none, zlib, zstd }

    private static func store(_ node: YAMLNode, _ problems: Problems) -> StoreSettings? {
        var settings = StoreSettings(directory: "tailrace-data")
        guard let map = MapReader(node, "store", keys: storeKeys, problems) else { return nil }
        if let directory = map.string("dir") {
            if directory.isEmpty { map.wrong("dir", "is empty") } else { settings.directory = directory }
        }
        switch map.choice("codec", CodecName.self) {
        case .none?: settings.codec = .none
        case .zlib?: (settings.codec, settings.codecLevel) = (.zlib, 6)
        case .zstd?: settings.codec = .zstd
        case nil: break
        }
        let levels = settings.codec == .zlib ? 1...9 : 1...19
        if let level = map.integer("codec_level", levels) { settings.codecLevel = Int32(level) }
        if let text = map.string("fsync") {
            switch text {
            case "always": settings.sync = .always
            case "off", "never", "false": settings.sync = .off
            default:
                if let interval = GoDuration.parse(text), interval > 0 {
                    settings.sync = .interval(interval)
                } else {
                    map.wrong("fsync", "is `\(text)`", hint: "always, off, or how often, as in 1s")
                }
            }
        }
        if let inner = map.node("retention"),
            let retention = MapReader(inner, "store.retention", keys: ["age", "size", "share"], problems)
        {
            if let age = retention.duration("age"), age > 0 { settings.retentionAge = age }
            if let size = retention.size("size"), size > 0 { settings.retentionSize = size }
            if let share = retention.number("share") {
                if share > 0, share <= 1 {
                    settings.retentionShare = share
                } else {
                    retention.wrong("share", "is \(share)", hint: "give a part of the file system, above 0 and up to 1")
                }
            }
        }
        if let size = map.size("memory") {
            if size < 32 << 20 {
                map.wrong("memory", "is below 32 MiB", hint: "two heads and the caches need that much")
            } else {
                settings.memory = size
            }
        }
        if let size = map.size("min_free_space") { settings.freeSpaceMin = size }
        if let size = map.size("wal_file_size"), size > 0 { settings.walFileSize = size }
        if let size = map.size("head_size"), size > 0 { settings.headSize = size }
        if let age = map.duration("head_age"), age > 0 { settings.headAge = age }
        if let time = map.duration("idle_time"), time > 0 { settings.idleTime = time }
        if let size = map.size("segment_size"), size > 0 { settings.segmentSize = size }
        return settings
    }

    // MARK: query

    private static func query(_ node: YAMLNode, into settings: inout QuerySettings, _ problems: Problems) {
        let keys = ["loki_quirks", "allow_all_streams", "drop_equal_entries", "default_limit"]
        guard let map = MapReader(node, "query", keys: keys, problems) else { return }
        settings.lokiQuirks = map.bool("loki_quirks") ?? settings.lokiQuirks
        settings.allowAllStreams = map.bool("allow_all_streams") ?? settings.allowAllStreams
        settings.dropsEqualEntries = map.bool("drop_equal_entries") ?? settings.dropsEqualEntries
        settings.defaultLimit = map.integer("default_limit", 1...1_000_000) ?? settings.defaultLimit
    }

    // MARK: limits

    private static let limitKeys = [
        "max_line_size", "max_label_name_length", "max_label_value_length", "max_label_names_per_series",
        "max_structured_metadata_size", "max_structured_metadata_entries_count", "creation_grace_period",
        "reject_old_samples", "reject_old_samples_max_age", "discover_service_name", "discover_log_levels",
        "max_push_body_size", "max_push_decoded_size", "max_entries_limit_per_query", "max_query_series",
        "max_query_length", "max_query_steps", "query_timeout", "max_query_memory",
    ]

    private static func limits(_ node: YAMLNode, into limits: inout Limits, _ problems: Problems) {
        guard let map = MapReader(node, "limits", keys: limitKeys, problems) else { return }
        limits.maxLineSize = map.size("max_line_size") ?? limits.maxLineSize
        limits.maxLabelNameLength = map.integer("max_label_name_length") ?? limits.maxLabelNameLength
        limits.maxLabelValueLength = map.integer("max_label_value_length") ?? limits.maxLabelValueLength
        limits.maxLabelNamesPerSeries = map.integer("max_label_names_per_series") ?? limits.maxLabelNamesPerSeries
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
        limits.maxPushBodySize = map.size("max_push_body_size") ?? limits.maxPushBodySize
        limits.maxPushDecodedSize = map.size("max_push_decoded_size") ?? limits.maxPushDecodedSize
        limits.maxEntriesLimitPerQuery = map.integer("max_entries_limit_per_query") ?? limits.maxEntriesLimitPerQuery
        limits.maxQuerySeries = map.integer("max_query_series") ?? limits.maxQuerySeries
        limits.maxQueryLength = map.duration("max_query_length") ?? limits.maxQueryLength
        limits.maxQuerySteps = map.integer("max_query_steps") ?? limits.maxQuerySteps
        limits.queryTimeout = map.duration("query_timeout") ?? limits.queryTimeout
        limits.maxQueryMemory = map.size("max_query_memory") ?? limits.maxQueryMemory
    }
}
