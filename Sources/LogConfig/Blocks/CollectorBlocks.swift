import LogModel
import LogPipeline
import LogSources

/// `positions:`, `target_config:`, `limits_config:` and `global:`.
enum CollectorBlocks {
    private enum Start: String, CaseIterable { case beginning, end }

    static func decode(_ root: MapReader, into configuration: inout Configuration) {
        let problems = root.problems
        if let node = root.node("positions"),
            let map = MapReader(node, "positions", keys: ["filename", "sync_period", "ignore_invalid_yaml"], problems)
        {
            if let name = map.string("filename"), !name.isEmpty {
                configuration.positions.filename = name
                configuration.positions.isGiven = true
            }
            if let period = map.goDuration("sync_period"), period > 0 { configuration.positions.syncPeriod = period }
            configuration.positions.ignoreInvalidYAML = map.bool("ignore_invalid_yaml") ?? false
        }
        let targetKeys = ["sync_period", "stdin", "read_from", "ignore_older", "rotate_wait", "max_line_bytes"]
        if let node = root.node("target_config"), let map = MapReader(node, "target_config", keys: targetKeys, problems)
        {
            if let period = map.goDuration("sync_period"), period > 0 {
                configuration.files.resyncInterval = .nanoseconds(period)
            }
            configuration.readsStdin = map.bool("stdin") ?? false
            switch map.choice("read_from", Start.self) {
            case .beginning: configuration.files.startAt = .beginning
            case .end: configuration.files.startAt = .end
            case nil: break
            }
            if let age = map.duration("ignore_older") { configuration.files.ignoreOlder = .nanoseconds(age) }
            if let wait = map.duration("rotate_wait") { configuration.files.rotateWait = .nanoseconds(wait) }
            if let size = map.size("max_line_bytes"), size > 0 { configuration.files.maxLineBytes = size }
        }
        let limitKeys = [
            "readline_rate_enabled", "readline_rate", "readline_burst", "readline_rate_drop", "max_streams",
            "max_line_size",
            "max_line_size_truncate", "retention_period", "retention_stream",
        ]
        if let node = root.node("limits_config"), let map = MapReader(node, "limits_config", keys: limitKeys, problems)
        {
            var limits = configuration.collectorLimits
            limits.readlineRateEnabled = map.bool("readline_rate_enabled") ?? limits.readlineRateEnabled
            limits.readlineRate = map.number("readline_rate") ?? limits.readlineRate
            limits.readlineBurst = map.integer("readline_burst") ?? limits.readlineBurst
            limits.readlineRateDrop = map.bool("readline_rate_drop") ?? limits.readlineRateDrop
            limits.maxStreams = map.integer("max_streams") ?? limits.maxStreams
            limits.maxLineSize = map.size("max_line_size") ?? limits.maxLineSize
            limits.maxLineSizeTruncate = map.bool("max_line_size_truncate") ?? limits.maxLineSizeTruncate
            if limits.readlineRate <= 0 || limits.readlineBurst <= 0 {
                problems.error("`readline_rate` and `readline_burst` must be above 0", at: map.mark)
            }
            configuration.collectorLimits = limits
            // Loki's block of this name holds these two; `limits:` may say otherwise.
            configuration.limits.retentionPeriod = map.duration("retention_period")
            configuration.limits.retentionStreams = RetentionBlock.rules(map, "retention_stream") ?? []
        }
        if let node = root.node("global"), let map = MapReader(node, "global", keys: ["file_watch_config"], problems),
            let inner = map.node("file_watch_config"),
            let watch = MapReader(
                inner,
                "global.file_watch_config",
                keys: ["min_poll_frequency", "max_poll_frequency"],
                problems
            )
        {
            let least = watch.goDuration("min_poll_frequency")
            let most = watch.goDuration("max_poll_frequency")
            if let least, let most, most < least {
                problems.error(
                    "`max_poll_frequency` is shorter than `min_poll_frequency`",
                    at: watch.mark(of: "max_poll_frequency")
                )
            }
            if let interval = most ?? least, interval > 0 { configuration.files.pollInterval = .nanoseconds(interval) }
        }
    }
}
