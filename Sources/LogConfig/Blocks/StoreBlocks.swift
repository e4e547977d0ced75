import Bytes
import LogModel
import LogQuery
import LogStore

/// `store:` and `query:`: ours, with Loki's names where Loki has the same thing.
enum StoreBlocks {
    static func decode(_ root: MapReader, into configuration: inout Configuration) {
        // `store:` with nothing behind it counts: it asks for the embedded store.
        if let node = root.pair("store")?.value { configuration.store = store(node, root.problems) }
        if let node = root.node("query") { query(node, into: &configuration.query, root.problems) }
    }

    // MARK: store

    private static let storeKeys = [
        "dir", "codec", "codec_level", "fsync", "retention", "memory", "min_free_space", "wal_file_size", "head_size",
        "head_age", "idle_time", "segment_size", "delete_within", "delete_cancel_period", "scrub",
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
            let retention = MapReader(inner, "store.retention", keys: ["age", "size", "share", "streams"], problems)
        {
            if let age = retention.duration("age"), age > 0 { settings.retentionAge = age }
            if let size = retention.size("size"), size > 0 { settings.retentionSize = size }
            settings.retentionRules = RetentionBlock.rules(retention, "streams") ?? []
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
        settings.deleteWithin = map.duration("delete_within") ?? settings.deleteWithin
        settings.deleteCancelPeriod = map.duration("delete_cancel_period") ?? settings.deleteCancelPeriod
        if let period = map.duration("scrub") { settings.scrubPeriod = period > 0 ? period : nil }
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
}
