import LogModel
import Redaction

/// Where in a configuration something was written, both counted from 1.
package struct StageLocation: Hashable, Sendable, CustomStringConvertible {
    package var line: Int
    package var column: Int

    package init(line: Int = 0, column: Int = 0) {
        self.line = line
        self.column = column
    }

    package var description: String { "\(line):\(column)" }
}

/// One stage as it was written: `kind` holds its options, already typed, not yet checked against each other.
package struct StageSpec: Sendable, Equatable {
    package var kind: StageKind
    /// Of the stage's name.
    package var location: StageLocation
    /// Of single options, by their name; errors point there, and at `location` for options not listed. Nested options
    /// are written with dots: `metrics.requests.config`.
    package var optionLocations: [String: StageLocation]

    package init(
        _ kind: StageKind, at location: StageLocation = StageLocation(), options: [String: StageLocation] = [:]
    ) {
        self.kind = kind
        self.location = location
        optionLocations = options
    }
}

/// All stages, with Promtail's names and defaults. `nil` means that the option was not written.
package indirect enum StageKind: Sendable, Equatable {
    // Parsing.
    case json(JSONStageOptions)
    case logfmt(LogfmtStageOptions)
    case regex(RegexStageOptions)
    case timestamp(TimestampStageOptions)
    case docker
    case cri(CRIStageOptions)
    // Transforming.
    case template(source: String, template: String)
    case output(source: String)
    case replace(ReplaceStageOptions)
    case multiline(MultilineStageOptions)
    case pack(labels: [String], ingestTimestamp: Bool)
    case decolorize
    /// Leading NULs, everything before the last carriage return, colour codes: each on or off.
    case strip(nul: Bool, carriageReturn: Bool, ansi: Bool)
    case tenant(label: String?, source: String?, value: String?)
    case redact(RedactionSettings)
    // Labels.
    case labels([StageMapping])
    case structuredMetadata([StageMapping])
    case staticLabels([StageMapping])
    case labelAllow([String])
    case labelDrop([String])
    // Filtering.
    case match(MatchStageOptions)
    case drop(DropStageOptions)
    case limit(LimitStageOptions)
    case sampling(rate: Double, dropCounterReason: String?)
    // Counting.
    case metrics([MetricOptions])

    /// The name in the configuration.
    package var name: String {
        switch self {
        case .json: "json"
        case .logfmt: "logfmt"
        case .regex: "regex"
        case .timestamp: "timestamp"
        case .docker: "docker"
        case .cri: "cri"
        case .template: "template"
        case .output: "output"
        case .replace: "replace"
        case .multiline: "multiline"
        case .pack: "pack"
        case .decolorize: "decolorize"
        case .strip: "strip"
        case .tenant: "tenant"
        case .redact: "redact"
        case .labels: "labels"
        case .structuredMetadata: "structured_metadata"
        case .staticLabels: "static_labels"
        case .labelAllow: "labelallow"
        case .labelDrop: "labeldrop"
        case .match: "match"
        case .drop: "drop"
        case .limit: "limit"
        case .sampling: "sampling"
        case .metrics: "metrics"
        }
    }

    /// Names that `pipeline_stages` may hold, for messages about unknown ones.
    package static let names = [
        "cri", "decolorize", "docker", "drop", "json", "labelallow", "labeldrop", "labels", "limit", "logfmt", "match",
        "metrics", "multiline", "output", "pack", "redact", "regex", "replace", "sampling", "static_labels", "strip",
        "structured_metadata", "template", "tenant", "timestamp",
    ]

    /// Promtail's stages that exist there and not here.
    package static let missing = ["eventlogmessage", "geoip"]
}

/// One line of a mapping, `name: source`; a source that was not written, or is empty, is the name itself (what
/// `static_labels` makes of it: no label).
package struct StageMapping: Sendable, Equatable {
    package var name: String
    package var source: String?

    package init(_ name: String, _ source: String? = nil) {
        self.name = name
        self.source = source
    }
}

package struct JSONStageOptions: Sendable, Equatable {
    /// Name → JMESPath expression.
    package var expressions: [StageMapping]
    package var source: String?
    package var dropMalformed: Bool

    package init(expressions: [StageMapping], source: String? = nil, dropMalformed: Bool = false) {
        self.expressions = expressions
        self.source = source
        self.dropMalformed = dropMalformed
    }
}

package struct LogfmtStageOptions: Sendable, Equatable {
    /// Name → key of the line.
    package var mapping: [StageMapping]
    package var source: String?

    package init(mapping: [StageMapping], source: String? = nil) {
        self.mapping = mapping
        self.source = source
    }
}

package struct RegexStageOptions: Sendable, Equatable {
    package var expression: String
    package var source: String?

    package init(expression: String, source: String? = nil) {
        self.expression = expression
        self.source = source
    }
}

package struct TimestampStageOptions: Sendable, Equatable {
    package enum FailureAction: String, Sendable { case fudge, skip }

    package var source: String
    package var format: String
    package var fallbackFormats: [String]
    package var location: String?
    package var actionOnFailure: FailureAction

    package init(
        source: String, format: String, fallbackFormats: [String] = [], location: String? = nil,
        actionOnFailure: FailureAction = .fudge
    ) {
        self.source = source
        self.format = format
        self.fallbackFormats = fallbackFormats
        self.location = location
        self.actionOnFailure = actionOnFailure
    }
}

package struct CRIStageOptions: Sendable, Equatable {
    /// Streams with a pending partial line; 0 means 100.
    package var maxPartialLines: Int
    /// Bytes of a joined line; 0: any.
    package var maxPartialLineSize: Int
    package var maxPartialLineSizeTruncate: Bool

    package init(maxPartialLines: Int = 100, maxPartialLineSize: Int = 0, maxPartialLineSizeTruncate: Bool = false) {
        self.maxPartialLines = maxPartialLines
        self.maxPartialLineSize = maxPartialLineSize
        self.maxPartialLineSizeTruncate = maxPartialLineSizeTruncate
    }
}

package struct ReplaceStageOptions: Sendable, Equatable {
    package var expression: String
    package var replace: String
    package var source: String?

    package init(expression: String, replace: String = "", source: String? = nil) {
        self.expression = expression
        self.replace = replace
        self.source = source
    }
}

package struct MultilineStageOptions: Sendable, Equatable {
    package var firstline: String
    /// Nanoseconds.
    package var maxWaitTime: Int64
    package var maxLines: Int

    package init(firstline: String, maxWaitTime: Int64 = 3_000_000_000, maxLines: Int = 128) {
        self.firstline = firstline
        self.maxWaitTime = maxWaitTime
        self.maxLines = maxLines
    }
}

package struct MatchStageOptions: Sendable, Equatable {
    package enum Action: String, Sendable { case keep, drop }

    package var selector: String
    package var stages: [StageSpec]
    package var action: Action
    package var pipelineName: String?
    package var dropCounterReason: String?

    package init(
        selector: String, stages: [StageSpec] = [], action: Action = .keep, pipelineName: String? = nil,
        dropCounterReason: String? = nil
    ) {
        self.selector = selector
        self.stages = stages
        self.action = action
        self.pipelineName = pipelineName
        self.dropCounterReason = dropCounterReason
    }
}

package struct DropStageOptions: Sendable, Equatable {
    package var sources: [String]
    package var separator: String
    package var value: String?
    package var expression: String?
    /// Nanoseconds.
    package var olderThan: Int64?
    /// Bytes.
    package var longerThan: Int?
    package var dropCounterReason: String?

    package init(
        sources: [String] = [], separator: String = ";", value: String? = nil, expression: String? = nil,
        olderThan: Int64? = nil, longerThan: Int? = nil, dropCounterReason: String? = nil
    ) {
        self.sources = sources
        self.separator = separator
        self.value = value
        self.expression = expression
        self.olderThan = olderThan
        self.longerThan = longerThan
        self.dropCounterReason = dropCounterReason
    }
}

package struct LimitStageOptions: Sendable, Equatable {
    /// Lines a second.
    package var rate: Double
    package var burst: Int
    package var drop: Bool
    package var byLabelName: String?
    package var maxDistinctLabels: Int

    package init(
        rate: Double, burst: Int, drop: Bool = false, byLabelName: String? = nil, maxDistinctLabels: Int = 10_000
    ) {
        self.rate = rate
        self.burst = burst
        self.drop = drop
        self.byLabelName = byLabelName
        self.maxDistinctLabels = maxDistinctLabels
    }
}

/// One metric of a `metrics` stage.
package struct MetricOptions: Sendable, Equatable {
    package enum Kind: String, Sendable { case counter, gauge, histogram }
    package enum Action: String, Sendable { case inc, dec, add, sub, set }

    /// Key in the configuration.
    package var name: String
    package var kind: Kind
    package var description: String
    package var prefix: String
    /// The metric's name when not written.
    package var source: String?
    /// Nanoseconds; when not written, gauges go after five minutes, and counters and histograms stay.
    package var maxIdleDuration: Int64?
    /// Required for counters (`inc`, `add`) and gauges.
    package var action: Action?
    /// Only extracted values that equal this one count.
    package var value: String?
    package var matchAll: Bool
    package var countEntryBytes: Bool
    /// Histograms; Prometheus' defaults when not written.
    package var buckets: [Double]?

    // Ours.

    /// Metric label → extracted value. When written, these are the metric's labels instead of the stream's.
    package var labels: [StageMapping]?
    /// What the value is multiplied with: `0.001` makes seconds of milliseconds.
    package var scale: Double
    /// Only values above this count (before scaling).
    package var above: Double?
    /// Series beyond this number are not created: what would go there goes to a series with `other` for values.
    package var maxSeries: Int
    /// Metric label → values that are there from the start, at zero.
    package var values: [MetricLabelValues]
    /// Metric label → all values that it may have; others become `other`.
    package var allow: [MetricLabelValues]
    /// Second names under which the metric is shown too.
    package var aliases: [MetricAlias]
    /// Label of exemplars → extracted value.
    package var exemplar: [StageMapping]

    /// Series that `values` make at once. Chosen: a mistake is found before it fills the registry.
    package static let preparedMax = 1_000

    /// Nanoseconds; 0: series stay.
    var idleDuration: Int64 { maxIdleDuration ?? (kind == .gauge ? 300_000_000_000 : 0) }

    package init(
        name: String, kind: Kind, description: String = "", prefix: String = "promtail_custom_", source: String? = nil,
        maxIdleDuration: Int64? = nil, action: Action? = nil, value: String? = nil, matchAll: Bool = false,
        countEntryBytes: Bool = false, buckets: [Double]? = nil, labels: [StageMapping]? = nil, scale: Double = 1,
        above: Double? = nil, maxSeries: Int = 1_000, values: [MetricLabelValues] = [], allow: [MetricLabelValues] = [],
        aliases: [MetricAlias] = [], exemplar: [StageMapping] = []
    ) {
        self.name = name
        self.kind = kind
        self.description = description
        self.prefix = prefix
        self.source = source
        self.maxIdleDuration = maxIdleDuration
        self.action = action
        self.value = value
        self.matchAll = matchAll
        self.countEntryBytes = countEntryBytes
        self.buckets = buckets
        self.labels = labels
        self.scale = scale
        self.above = above
        self.maxSeries = maxSeries
        self.values = values
        self.allow = allow
        self.aliases = aliases
        self.exemplar = exemplar
    }
}

/// A label of a metric and some of its values.
package struct MetricLabelValues: Sendable, Equatable {
    package var label: String
    package var values: [String]

    package init(_ label: String, _ values: [String]) {
        self.label = label
        self.values = values
    }
}

/// A second name of a metric.
package struct MetricAlias: Sendable, Equatable {
    /// The whole name, without a prefix.
    package var name: String
    /// Labels that are called otherwise there: old name → new name.
    package var labels: [StageMapping]

    package init(_ name: String, labels: [StageMapping] = []) {
        self.name = name
        self.labels = labels
    }
}

/// Why a pipeline cannot be built: what is wrong, where, and what to do.
package struct PipelineError: Error, Sendable, Equatable, CustomStringConvertible {
    package var location: StageLocation
    /// The stage's name, with the names of the stages around it: `match.json`.
    package var stage: String
    package var message: String
    package var hint: String

    package init(at location: StageLocation, stage: String, _ message: String, hint: String = "") {
        self.location = location
        self.stage = stage
        self.message = message
        self.hint = hint
    }

    package var description: String {
        "\(location): \(stage) stage: \(message)" + (hint.isEmpty ? "" : " (\(hint))")
    }
}
