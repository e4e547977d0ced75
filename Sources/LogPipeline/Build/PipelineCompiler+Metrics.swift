import Bytes
import LogModel
import LogStages
import Metrics

/// `metrics` stages.
extension PipelineCompiler {
    mutating func compileMetrics(_ spec: StageSpec, _ metrics: [MetricOptions]) throws(PipelineError) {
        guard !metrics.isEmpty else {
            throw error(spec, nil, "no metric is given", hint: "write `metrics: {name: {type: Counter, …}}`")
        }
        var compiled: [MetricOperation] = []
        for metric in metrics { compiled.append(try compile(spec, metric)) }
        operations.append(.metrics(compiled))
    }

    private func wrong(
        _ spec: StageSpec, _ metric: MetricOptions, _ option: String, _ message: String, _ hint: String
    ) -> PipelineError {
        let nested = "\(metric.name).\(option)"
        return error(
            spec, spec.optionLocations[nested] != nil ? nested : metric.name, "metric `\(metric.name)`: \(message)", hint: hint)
    }

    private static func isMetricName(_ name: String) -> Bool {
        guard let first = name.utf8.first, first.isLetter || first == UInt8(ascii: "_") || first == UInt8(ascii: ":") else { return false }
        return name.utf8.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ":") }
    }

    private mutating func compile(_ spec: StageSpec, _ metric: MetricOptions) throws(PipelineError) -> MetricOperation {
        let name = metric.prefix + metric.name
        let nameHint = "letters, digits, underscores and colons, no digit in front"
        guard Self.isMetricName(name) else { throw wrong(spec, metric, "prefix", "`\(name)` is no metric name", nameHint) }
        for alias in metric.aliases where !Self.isMetricName(alias.name) {
            throw wrong(spec, metric, "aliases", "`\(alias.name)` is no metric name", nameHint)
        }
        guard metric.maxIdleDuration.map({ $0 >= 1_000_000_000 }) ?? true else {
            throw wrong(
                spec, metric, "max_idle_duration", "`max_idle_duration` is shorter than 1s",
                "leave it out: gauges then go after 5m, and counters and histograms stay")
        }
        guard metric.scale.isFinite, metric.scale != 0 else {
            throw wrong(spec, metric, "scale", "`scale` must be a number other than 0", "0.001 makes seconds of milliseconds")
        }
        let action = try action(spec, metric)
        if metric.matchAll, metric.value != nil {
            throw wrong(
                spec, metric, "value", "`value` together with `match_all`", "`match_all` counts every line: leave one of them out")
        }
        if metric.countEntryBytes, !metric.matchAll || action != .add {
            throw wrong(
                spec, metric, "count_entry_bytes", "`count_entry_bytes` needs `match_all: true` and `action: add`", "add both")
        }
        if (metric.matchAll || metric.countEntryBytes), metric.kind != .counter {
            throw wrong(spec, metric, "match_all", "`match_all` is for counters", "make it a Counter")
        }
        let labels = try labels(spec, metric)
        let exemplar = try exemplar(spec, metric)
        let cleaner = LabelCleaner((environment.redactor.map { [$0] } ?? []) + redactors)
        let family: MetricFamily
        do throws(MetricFamilies.Conflict) { family = try environment.families.family(metric, cleaner, now: environment.clock().nanoseconds) } catch {
            switch error {
            case .name:
                throw wrong(
                    spec, metric, "type", "`\(name)` exists already and is of another type, or a second name of another metric",
                    "give one of the two another name or prefix")
            case .alias(let alias):
                throw wrong(spec, metric, "aliases", "`\(alias)` exists already", "choose another name")
            }
        }
        try prepare(spec, metric, labels, family)
        let value: MetricOperation.Value =
            metric.countEntryBytes
            ? .lineBytes
            : metric.matchAll ? .always : .slot(slots.number(metric.source.flatMap { $0.isEmpty ? nil : $0 } ?? metric.name))
        return MetricOperation(
            family: family, action: action, value: value, wanted: metric.value.map { ByteString($0) },
            above: metric.above, scale: metric.scale, labels: labels, exemplar: exemplar, memory: memory())
    }

    private func action(_ spec: StageSpec, _ metric: MetricOptions) throws(PipelineError) -> MetricOperation.Action {
        switch (metric.kind, metric.action) {
        case (.histogram, _):
            if let buckets = metric.buckets, buckets.isEmpty || zip(buckets, buckets.dropFirst()).contains(where: { $0 >= $1 }) {
                throw wrong(spec, metric, "buckets", "`buckets` must ascend", "list upper bounds, smallest first")
            }
            return .observe
        case (_, nil):
            throw wrong(
                spec, metric, "action", "`action` is missing",
                metric.kind == .counter ? "inc or add" : "set, inc, dec, add or sub")
        case (.counter, .inc?): return .inc
        case (.counter, .add?): return .add
        case (.counter, let other?):
            throw wrong(
                spec, metric, "action", "a counter cannot `\(other.rawValue)`", "inc or add; values that fall need a Gauge")
        case (.gauge, let other?):
            switch other {
            case .inc: return .inc
            case .dec: return .dec
            case .add: return .add
            case .sub: return .sub
            case .set: return .set
            }
        }
    }

    private mutating func labels(_ spec: StageSpec, _ metric: MetricOptions) throws(PipelineError) -> MetricLabels {
        let names = (metric.labels ?? []).map(\.name)
        for (option, list) in [("values", metric.values), ("allow", metric.allow)] {
            for one in list {
                guard names.contains(one.label) else {
                    throw wrong(
                        spec, metric, option, "`\(option)` names `\(one.label)`, which is no label of the metric",
                        "add it to the metric's `labels`")
                }
                guard !one.values.isEmpty, !one.values.contains("") else {
                    throw wrong(spec, metric, option, "`\(option)` of `\(one.label)` lists nothing, or an empty value", "list values")
                }
            }
        }
        guard let labels = metric.labels else { return MetricLabels(variables: nil) }
        var variables: [MetricLabels.Variable] = []
        for label in labels {
            try checkLabel(spec, label.name)
            if label.name.hasPrefix("__") || (metric.kind == .histogram && label.name == "le") {
                throw wrong(spec, metric, "labels", "label `\(label.name)` is reserved", "choose another name")
            }
            let source = label.source.flatMap { $0.isEmpty ? nil : $0 } ?? label.name
            variables.append(
                MetricLabels.Variable(
                    name: ByteString(label.name), slot: slots.number(source),
                    allowed: metric.allow.first { $0.label == label.name }.map { Set($0.values.map { ByteString($0) }) },
                    known: metric.values.first { $0.label == label.name }?.values.map { ByteString($0) } ?? []))
        }
        return MetricLabels(variables: variables)
    }

    private mutating func exemplar(_ spec: StageSpec, _ metric: MetricOptions) throws(PipelineError) -> [LabelTarget] {
        guard !metric.exemplar.isEmpty else { return [] }
        guard metric.kind != .gauge else {
            throw wrong(spec, metric, "exemplar", "gauges have no exemplars", "counters and histograms have")
        }
        var targets: [LabelTarget] = []
        for one in metric.exemplar {
            try checkLabel(spec, one.name)
            let source = one.source.flatMap { $0.isEmpty ? nil : $0 } ?? one.name
            targets.append(LabelTarget(name: ByteString(one.name), slot: slots.number(source)))
        }
        return targets
    }

    /// Series that are known beforehand exist from the start, so that the first failure is a rise from zero, which alerts
    /// can see, and not a series that was never there. A gauge has no such zero: nobody has measured it.
    private func prepare(
        _ spec: StageSpec, _ metric: MetricOptions, _ labels: MetricLabels, _ family: MetricFamily
    ) throws(PipelineError) {
        guard labels.isClosed, metric.kind != .gauge || !metric.values.isEmpty else { return }
        let room = min(MetricOptions.preparedMax, max(1, metric.maxSeries))
        let combinations = labels.variables?.isEmpty == true ? [Labels()] : labels.combinations(with: Labels(), countMax: room)
        guard let combinations else {
            throw wrong(spec, metric, "values", "`values` make more than \(room) series", "list fewer, or raise `max_series`")
        }
        let now = environment.clock().nanoseconds
        for labels in combinations { family.prepare(labels, now: now, forever: true) }
    }
}
