import LogPipeline
import Redaction

/// `pipeline_stages:`: a list of mappings with one key each.
///
/// Options are told from each other in any case, and unknown ones are warned of, not refused: Promtail's decoder of
/// stages takes both. What the options mean together is checked when the pipeline is built.
enum StagesBlock {
    static let depthMax = 32

    static func stages(_ node: YAMLNode, _ name: String, _ problems: Problems, depth: Int) -> [StageSpec] {
        guard !node.isNull else { return [] }
        guard depth < depthMax else {
            problems.error("stages are nested too deeply", at: node.mark, hint: "at most \(depthMax) levels")
            return []
        }
        guard case .sequence(let items) = node.content else {
            problems.error(
                "`\(name)` must be a list, not \(node.kindName)",
                at: node.mark,
                hint: "begin each stage with a dash: `- json: …`"
            )
            return []
        }
        var stages: [StageSpec] = []
        for (index, item) in items.enumerated() {
            guard case .mapping(let pairs) = item.content, let first = pairs.first else {
                var hint = "write each stage as `- name: {options}`"
                if case .scalar(let text, _) = item.content, StageKind.names.contains(text) {
                    hint = "write `- \(text): {}`"
                }
                let kind = if case .mapping = item.content { "an empty one" } else { item.kindName }
                problems.error("a stage must be a mapping, not \(kind)", at: item.mark, hint: hint)
                continue
            }
            if pairs.count > 1 {
                problems.error(
                    "a stage has one key, and here are \(pairs.count): \(pairs.prefix(4).map { "`\($0.key)`" }.joined(separator: ", "))",
                    at: pairs[1].keyMark,
                    hint: "begin every stage with a dash, and indent its options"
                )
                continue
            }
            let reader = StageReader(problems: problems, name: "\(name)[\(index)].\(first.key)", depth: depth)
            if let kind = reader.kind(first) {
                stages.append(StageSpec(kind, at: location(first.keyMark), options: locations(first)))
            }
        }
        return stages
    }

    private static func location(_ mark: YAMLMark) -> StageLocation {
        StageLocation(line: mark.line, column: mark.column)
    }

    /// Where each option stands: `expression`, `expressions.name`; of metrics `name.action`, without the `config` between.
    private static func locations(_ stage: YAMLPair) -> [String: StageLocation] {
        var found: [String: StageLocation] = [:]
        guard case .mapping(let options) = stage.value.content else { return found }
        let isMetrics = stage.key == "metrics"
        for option in options {
            let name = isMetrics ? option.key : option.key.lowercased()
            if case .mapping(let inner) = option.value.content {
                found[name] = location(option.keyMark)
                for pair in inner {
                    found["\(name).\(pair.key)"] = location(isScalar(pair.value) ? pair.value.mark : pair.keyMark)
                    if isMetrics, pair.key == "config", case .mapping(let config) = pair.value.content {
                        for one in config {
                            found["\(name).\(one.key)"] = location(one.value.isNull ? one.keyMark : one.value.mark)
                        }
                    }
                }
            } else {
                found[name] = location(isScalar(option.value) ? option.value.mark : option.keyMark)
            }
        }
        return found
    }

    private static func isScalar(_ node: YAMLNode) -> Bool {
        if case .scalar = node.content { return !node.isNull }
        return false
    }
}

/// One stage from its options.
private struct StageReader {
    let problems: Problems
    let name: String
    let depth: Int

    private func options(_ node: YAMLNode, _ keys: [String], unknown: MapReader.Unknown = .warned) -> MapReader? {
        MapReader(node, name, keys: keys, problems, unknown: unknown, foldsCase: true)
    }

    func kind(_ stage: YAMLPair) -> StageKind? {
        let node = stage.value
        switch stage.key {
        case "json": return json(node)
        case "logfmt":
            guard let map = options(node, ["mapping", "source"]) else { return nil }
            return .logfmt(LogfmtStageOptions(mapping: mapping(map, "mapping"), source: map.string("source")))
        case "regex":
            guard let map = options(node, ["expression", "source"]) else { return nil }
            return .regex(RegexStageOptions(expression: map.string("expression") ?? "", source: map.string("source")))
        case "timestamp": return timestamp(node)
        case "docker": return options(node, []) == nil ? nil : .docker
        case "cri":
            guard
                let map = options(
                    node,
                    ["max_partial_lines", "max_partial_line_size", "max_partial_line_size_truncate"]
                )
            else { return nil }
            return .cri(
                CRIStageOptions(
                    maxPartialLines: map.integer("max_partial_lines") ?? 100,
                    maxPartialLineSize: map.size("max_partial_line_size") ?? 0,
                    maxPartialLineSizeTruncate: map.bool("max_partial_line_size_truncate") ?? false
                )
            )
        case "template":
            guard let map = options(node, ["source", "template"]) else { return nil }
            return .template(source: map.string("source") ?? "", template: map.string("template") ?? "")
        case "output":
            guard let map = options(node, ["source"]) else { return nil }
            return .output(source: map.string("source") ?? "")
        case "replace":
            guard let map = options(node, ["expression", "replace", "source"]) else { return nil }
            return .replace(
                ReplaceStageOptions(
                    expression: map.string("expression") ?? "",
                    replace: map.string("replace") ?? "",
                    source: map.string("source")
                )
            )
        case "multiline":
            guard let map = options(node, ["firstline", "max_wait_time", "max_lines"]) else { return nil }
            return .multiline(
                MultilineStageOptions(
                    firstline: map.string("firstline") ?? "",
                    maxWaitTime: map.goDuration("max_wait_time") ?? 3_000_000_000,
                    maxLines: map.integer("max_lines") ?? 128
                )
            )
        case "pack":
            guard let map = options(node, ["labels", "ingest_timestamp"]) else { return nil }
            return .pack(
                labels: map.strings("labels", orOne: true) ?? [],
                ingestTimestamp: map.bool("ingest_timestamp") ?? true
            )
        case "decolorize": return options(node, []) == nil ? nil : .decolorize
        case "strip":
            guard let map = options(node, ["nul", "cr", "ansi"], unknown: .refused) else { return nil }
            return .strip(
                nul: map.bool("nul") ?? true, carriageReturn: map.bool("cr") ?? true, ansi: map.bool("ansi") ?? true)
        case "tenant":
            guard let map = options(node, ["label", "source", "value"]) else { return nil }
            return .tenant(label: map.string("label"), source: map.string("source"), value: map.string("value"))
        case "redact":
            guard let map = options(node, RedactionBlock.keys, unknown: .refused) else { return nil }
            return .redact(RedactionBlock.settings(map))
        case "labels": return mapping(node).map { .labels($0) }
        case "structured_metadata", "non_indexed_labels": return mapping(node).map { .structuredMetadata($0) }
        case "static_labels": return mapping(node).map { .staticLabels($0) }
        case "labelallow": return names(node).map { .labelAllow($0) }
        case "labeldrop": return names(node).map { .labelDrop($0) }
        case "match": return match(node)
        case "drop": return drop(node)
        case "limit": return limit(node)
        case "sampling":
            guard let map = options(node, ["rate", "drop_counter_reason"]) else { return nil }
            guard let rate = map.number("rate") else {
                if map.node("rate") == nil { map.missing("rate", hint: "give the share of lines to keep, from 0 to 1") }
                return nil
            }
            return .sampling(rate: rate, dropCounterReason: map.string("drop_counter_reason"))
        case "metrics": return metrics(node)
        default:
            let hint =
                StageKind.missing.contains(stage.key)
                ? "Promtail has it; there is none here"
                : EditDistance.nearest(stage.key, in: StageKind.names).map { "did you mean `\($0)`?" }
                    ?? "there are \(StageKind.names.joined(separator: ", "))"
            problems.error("unknown stage `\(stage.key)`", at: stage.keyMark, hint: hint)
            return nil
        }
    }

    // MARK: Shapes

    private func mapping(_ map: MapReader, _ key: String) -> [StageMapping] {
        (map.mapping(key) ?? []).map { StageMapping($0.name, $0.value) }
    }

    private func mapping(_ node: YAMLNode) -> [StageMapping]? {
        MapReader.mapping(node, "`\(name)`", problems)?.map { StageMapping($0.name, $0.value) }
    }

    private func names(_ node: YAMLNode) -> [String]? {
        guard case .sequence(let items) = node.content else {
            problems.error("`\(name)` must be a list of label names, not \(node.kindName)", at: node.mark)
            return nil
        }
        return items.compactMap { item in
            if case .scalar(let text, _) = item.content { return text }
            problems.error("a label name is a text, not \(item.kindName)", at: item.mark)
            return nil
        }
    }

    /// A list of names, or names and where their values come from.
    private func names(_ map: MapReader, _ key: String) -> [StageMapping] {
        if case .sequence = map.node(key)?.content { return (map.strings(key) ?? []).map { StageMapping($0) } }
        return mapping(map, key)
    }

    // MARK: Stages

    private func json(_ node: YAMLNode) -> StageKind? {
        guard let map = options(node, ["expressions", "source", "drop_malformed"]) else { return nil }
        return .json(
            JSONStageOptions(
                expressions: mapping(map, "expressions"),
                source: map.string("source"),
                dropMalformed: map.bool("drop_malformed") ?? false
            )
        )
    }

    private enum FailureAction: String, CaseIterable { case fudge, skip }

    private func timestamp(_ node: YAMLNode) -> StageKind? {
        guard let map = options(node, ["source", "format", "fallback_formats", "location", "action_on_failure"]) else {
            return nil
        }
        return .timestamp(
            TimestampStageOptions(
                source: map.string("source") ?? "",
                format: map.string("format") ?? "",
                fallbackFormats: map.strings("fallback_formats", orOne: true) ?? [],
                location: map.string("location"),
                actionOnFailure: map.choice("action_on_failure", FailureAction.self) == .skip ? .skip : .fudge
            )
        )
    }

    private enum MatchAction: String, CaseIterable { case keep, drop }

    private func match(_ node: YAMLNode) -> StageKind? {
        guard let map = options(node, ["selector", "stages", "action", "pipeline_name", "drop_counter_reason"]) else {
            return nil
        }
        let stages =
            map.node("stages").map { StagesBlock.stages($0, "\(name).stages", problems, depth: depth + 1) } ?? []
        return .match(
            MatchStageOptions(
                selector: map.string("selector") ?? "",
                stages: stages,
                action: map.choice("action", MatchAction.self) == .drop ? .drop : .keep,
                pipelineName: map.string("pipeline_name"),
                dropCounterReason: map.string("drop_counter_reason")
            )
        )
    }

    private func drop(_ node: YAMLNode) -> StageKind? {
        let keys = ["source", "separator", "value", "expression", "older_than", "longer_than", "drop_counter_reason"]
        guard let map = options(node, keys) else { return nil }
        return .drop(
            DropStageOptions(
                sources: map.strings("source", orOne: true) ?? [],
                separator: map.string("separator") ?? ";",
                value: map.string("value"),
                expression: map.string("expression"),
                olderThan: map.goDuration("older_than"),
                longerThan: map.size("longer_than"),
                dropCounterReason: map.string("drop_counter_reason")
            )
        )
    }

    private func limit(_ node: YAMLNode) -> StageKind? {
        guard let map = options(node, ["rate", "burst", "drop", "by_label_name", "max_distinct_labels"]) else {
            return nil
        }
        return .limit(
            LimitStageOptions(
                rate: map.number("rate") ?? 0,
                burst: map.integer("burst") ?? 0,
                drop: map.bool("drop") ?? false,
                byLabelName: map.string("by_label_name"),
                maxDistinctLabels: map.integer("max_distinct_labels") ?? 10_000
            )
        )
    }

    // MARK: Metrics

    private func metrics(_ node: YAMLNode) -> StageKind? {
        guard case .mapping(let pairs) = node.content else {
            problems.error(
                "`\(name)` must be a mapping of metrics, not \(node.kindName)",
                at: node.mark,
                hint: "write `metrics: {name: {type: Counter, …}}`"
            )
            return nil
        }
        return .metrics(pairs.compactMap { metric($0) })
    }

    private static let metricKeys = [
        "type", "description", "prefix", "source", "max_idle_duration", "config", "labels", "scale", "above",
        "max_series", "values", "allow", "aliases", "exemplar",
    ]
    private static let configKeys = ["action", "value", "match_all", "count_entry_bytes", "buckets"]

    /// `{label: [value, …]}`.
    private func labelValues(_ map: MapReader, _ key: String) -> [MetricLabelValues] {
        guard let node = map.node(key) else { return [] }
        guard case .mapping(let pairs) = node.content else {
            map.wrong(key, "must be a mapping, not \(node.kindName)", hint: "write `\(key): {label: [value, …]}`")
            return []
        }
        let reader = MapReader(node, "\(map.name).\(key)", keys: pairs.map(\.key), problems)
        return pairs.map { MetricLabelValues($0.key, reader?.strings($0.key, orOne: true) ?? []) }
    }

    /// A list of names, or names and what labels are called there.
    private func aliases(_ map: MapReader) -> [MetricAlias] {
        guard let node = map.node("aliases") else { return [] }
        guard case .mapping(let pairs) = node.content else {
            return (map.strings("aliases", orOne: true) ?? []).map { MetricAlias($0) }
        }
        let reader = MapReader(node, "\(map.name).aliases", keys: pairs.map(\.key), problems)
        return pairs.map { pair in
            MetricAlias(pair.key, labels: reader.map { mapping($0, pair.key) } ?? [])
        }
    }

    private func metric(_ pair: YAMLPair) -> MetricOptions? {
        let place = "\(name).\(pair.key)"
        guard let map = MapReader(pair.value, place, keys: Self.metricKeys, problems, unknown: .warned, foldsCase: true)
        else { return nil }
        guard let type = map.string("type") else {
            map.missing("type", hint: "Counter, Gauge or Histogram")
            return nil
        }
        guard let kind = MetricOptions.Kind(rawValue: type.lowercased()) else {
            map.wrong("type", "is `\(type)`", hint: "Counter, Gauge or Histogram")
            return nil
        }
        var metric = MetricOptions(name: pair.key, kind: kind)
        metric.description = map.string("description") ?? ""
        metric.prefix = map.string("prefix") ?? metric.prefix
        metric.source = map.string("source")
        metric.maxIdleDuration = map.goDuration("max_idle_duration")
        metric.labels = map.node("labels") == nil ? nil : names(map, "labels")
        metric.values = labelValues(map, "values")
        metric.allow = labelValues(map, "allow")
        metric.aliases = aliases(map)
        metric.exemplar = map.node("exemplar") == nil ? [] : names(map, "exemplar")
        metric.scale = map.number("scale") ?? metric.scale
        metric.above = map.number("above")
        metric.maxSeries = map.integer("max_series") ?? metric.maxSeries
        guard let node = map.node("config") else { return metric }
        guard
            let config = MapReader(
                node,
                "\(place).config",
                keys: Self.configKeys,
                problems,
                unknown: .warned,
                foldsCase: true
            )
        else { return nil }
        if let text = config.string("action") {
            metric.action = MetricOptions.Action(rawValue: text.lowercased())
            if metric.action == nil { config.wrong("action", "is `\(text)`", hint: "inc, dec, add, sub or set") }
        }
        metric.value = config.string("value")
        metric.matchAll = config.bool("match_all") ?? false
        metric.countEntryBytes = config.bool("count_entry_bytes") ?? false
        if let items = config.list("buckets") {
            var buckets: [Double] = []
            for item in items {
                if case .scalar(let text, _) = item.content, let bound = YAMLScalar.float(text), !bound.isNaN {
                    buckets.append(bound)
                } else {
                    problems.error("a bucket's bound must be a number", at: item.mark)
                }
            }
            metric.buckets = buckets
        }
        return metric
    }
}
