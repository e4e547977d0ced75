import Bytes
import LogModel

/// One stage of a query. Stages are immutable and may be shared by threads; what changes is `LineState`.
///
/// Indirect, so that handing one on copies a reference, not the stage.
package indirect enum PipelineStage: Sendable {
    case lineFilter(LineFilter)
    case decolorize(Decolorize)
    case json(JSONParser)
    case jsonExpressions(JSONExpressionParser)
    case logfmt(LogfmtParser)
    case logfmtExpressions(LogfmtExpressionParser)
    case regexp(RegexpParser)
    case pattern(PatternParser)
    case unpack(UnpackParser)
    case labelFilter(LabelFilter)
    case drop(DropLabels)
    case keep(KeepLabels)
    case labelFormat(LabelFormat)
    case lineFormat(LineFormat)
    case unwrap(Unwrap)

    var isParser: Bool {
        switch self {
        case .json, .logfmt, .regexp, .pattern, .unpack: true
        default: false
        }
    }

    /// Whether a template runs, which may take long over a single line.
    package var isTemplate: Bool {
        switch self {
        case .labelFormat, .lineFormat: true
        default: false
        }
    }

    /// False: the line is dropped.
    func process(_ state: inout LineState) -> Bool {
        switch self {
        case .lineFilter(let stage): stage.process(&state)
        case .decolorize(let stage): stage.process(&state)
        case .json(let stage): stage.process(&state)
        case .jsonExpressions(let stage): stage.process(&state)
        case .logfmt(let stage): stage.process(&state)
        case .logfmtExpressions(let stage): stage.process(&state)
        case .regexp(let stage): stage.process(&state)
        case .pattern(let stage): stage.process(&state)
        case .unpack(let stage): stage.process(&state)
        case .labelFilter(let stage): stage.process(&state)
        case .drop(let stage): stage.process(&state)
        case .keep(let stage): stage.process(&state)
        case .labelFormat(let stage): stage.process(&state)
        case .lineFormat(let stage): stage.process(&state)
        case .unwrap(let stage): stage.process(&state)
        }
    }
}

/// The stages of a query with the memory of one worker. Not thread-safe: make one for each worker from shared stages.
///
/// Life of a row: `setStream` when the stream changes, `setMetadata` when the metadata changes (always after
/// `setStream`), `run`; if that is true, read `state` (`line`, `labels()`, `fingerprint`, `sample`, `errorText` …)
/// before the next `run`.
package final class StagePipeline {
    package let stages: [PipelineStage]
    package private(set) var state: LineState
    private let steps: [Step]

    private struct Step {
        var stage: PipelineStage
        /// Of a parser: the filters behind it that it may ask by itself.
        var eager: [LineState.EagerFilter]
        var isParser: Bool
    }

    package init(_ stages: [PipelineStage], hints: ParserHints = .everything) {
        self.stages = stages
        state = LineState(hints: hints)
        steps = stages.indices.map { i in
            let isParser = stages[i].isParser
            return Step(
                stage: stages[i],
                eager: isParser ? Self.eagerFilters(stages[(i + 1)...]) : [],
                isParser: isParser
            )
        }
    }

    /// Filters on single labels in front of any stage that could give the labels other values.
    private static func eagerFilters(_ stages: ArraySlice<PipelineStage>) -> [LineState.EagerFilter] {
        var filters: [LineState.EagerFilter] = []
        for stage in stages {
            switch stage {
            case .labelFilter(let filter):
                if let name = filter.onlyLabel { filters.append(LineState.EagerFilter(name: name, filter: filter)) }
            case .drop, .keep, .labelFormat, .jsonExpressions, .logfmtExpressions: return filters
            default: continue
            }
        }
        return filters
    }

    package func setStream(_ labels: Labels) { state.setStream(labels) }

    package func setMetadata(_ labels: Labels) { state.setMetadata(labels) }

    /// Whether the line survives the stages. `line` must stay valid while `state` is read.
    package func run(_ line: ByteView, timestamp: Int64) -> Bool {
        Self.run(steps, line, timestamp, &state)
    }

    /// Leaves the labels of stream and metadata in `state`, as if a line had passed no stage.
    package func begin() { state.begin(ByteView(), timestamp: 0) }

    // The state is borrowed once for all stages: one exclusivity check a line.
    private static func run(
        _ steps: [Step],
        _ line: ByteView,
        _ timestamp: Int64,
        _ state: inout LineState
    ) -> Bool {
        state.begin(line, timestamp: timestamp)
        for step in steps {
            if step.isParser { state.eager = step.eager }
            if !step.stage.process(&state) { return false }
        }
        return true
    }
}
