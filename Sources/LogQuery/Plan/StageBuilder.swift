import Bytes
import LogModel
import LogQL
import LogStages

/// Stages as written, made ready to run, and what they ask of labels.
struct StageBuilder {
    private(set) var stages: [PipelineStage] = []
    /// Labels that the stages look at; nil where one looks at all of them.
    private(set) var requiredLabels: [ByteString]? = []
    /// Whether a stage can change labels or raise an error. Without one the labels of a line are those of its stream and
    /// metadata.
    private(set) var changesLabels = false
    /// The stages, where all of them are line filters: these need no working memory.
    var lineFilters: [LineFilter]? {
        var filters: [LineFilter] = []
        for stage in stages {
            guard case .lineFilter(let filter) = stage else { return nil }
            filters.append(filter)
        }
        return filters
    }
    /// Whether a stage looks at the text of the line.
    private(set) var readsLine = false

    private let quirks: Bool

    /// In the order of execution.
    init(_ written: [LogQL.Stage], quirks: Bool) throws(QueryError) {
        self.quirks = quirks
        for stage in written { try append(stage) }
    }

    mutating func append(_ unwrap: LogQL.Unwrap) throws(QueryError) {
        let conversion: Unwrap.Conversion =
            switch unwrap.conversion {
            case .none: .number
            case .bytes: .bytes
            case .duration, .durationSeconds: .duration
            }
        stages.append(.unwrap(Unwrap(unwrap.label, conversion)))
        require([unwrap.label])
        changesLabels = true
        for filter in unwrap.filters { try append(.labelFilter(filter)) }
    }

    /// The label whose values are counted: the stages must leave it there, and lines of one stream may differ in it.
    mutating func append(counting label: ByteString) {
        require([label])
        changesLabels = true
    }

    private mutating func append(_ stage: LogQL.Stage) throws(QueryError) {
        do throws(StageError) {
            stages.append(try make(stage))
        } catch {
            // Of patterns Loki does not say in which stage they stand.
            if case .pattern = stage { throw QueryError(.invalid, LogQLError(parse: error.message).message) }
            throw QueryError(.invalid, LogQLError(stage: stage, error.message).message)
        }
    }

    private mutating func make(_ stage: LogQL.Stage) throws(StageError) -> PipelineStage {
        switch stage {
        case .lineFilter(let filter):
            readsLine = true
            return .lineFilter(try Self.filter(filter, quirks: quirks))
        case .decolorize:
            readsLine = true
            return .decolorize(Decolorize())
        case .labelFilter(let filter):
            // A condition that fails to convert marks the line.
            changesLabels = true
            require(filter.labelNames)
            return .labelFilter(try Self.filter(filter, quirks: quirks))
        case .drop(let choices):
            changesLabels = true
            return .drop(try DropLabels(choices.map(Self.selection)))
        case .keep(let choices):
            changesLabels = true
            return .keep(try KeepLabels(choices.map(Self.selection)))
        case .labelFormat(let formats):
            changesLabels = true
            readsLine = true
            let made = try LabelFormat(
                formats.map {
                    switch $0 {
                    case .rename(let to, let from): .rename(to: to, from: from)
                    case .template(let to, let text): .template(to: to, ByteString(text))
                    }
                }
            )
            require(made.requiredLabels)
            return .labelFormat(made)
        case .lineFormat(let text):
            changesLabels = true
            readsLine = true
            let made = try LineFormat(ByteString(text))
            require(made.requiredLabels)
            return .lineFormat(made)
        case .json, .logfmt, .regexp, .pattern, .unpack:
            changesLabels = true
            readsLine = true
            return try parser(stage)
        }
    }

    private func parser(_ stage: LogQL.Stage) throws(StageError) -> PipelineStage {
        switch stage {
        case .json(let extractions) where !extractions.isEmpty:
            return .jsonExpressions(try JSONExpressionParser(extractions.map(Self.field)))
        case .logfmt(let flags, let extractions) where !extractions.isEmpty:
            return .logfmtExpressions(try LogfmtExpressionParser(extractions.map(Self.field), strict: flags.strict))
        case .logfmt(let flags, _): return .logfmt(LogfmtParser(strict: flags.strict, keepEmpty: flags.keepEmpty))
        case .regexp(let text): return .regexp(try RegexpParser(ByteString(text)))
        case .pattern(let text): return .pattern(try PatternParser(ByteString(text)))
        case .unpack: return .unpack(UnpackParser())
        default: return .json(JSONParser())
        }
    }

    private mutating func require(_ names: [ByteString]?) {
        guard let names, let known = requiredLabels else {
            requiredLabels = nil
            return
        }
        requiredLabels = known + names
    }

    // MARK: Words of one module in those of the other

    private static func op(_ op: LogQL.LineFilter.Operator) -> LineFilter.Operator {
        switch op {
        case .contains: .contains
        case .containsNot: .containsNot
        case .matches: .matches
        case .matchesNot: .matchesNot
        case .pattern: .pattern
        case .patternNot: .patternNot
        }
    }

    private static func alternative(_ value: LogQL.LineFilter.Value) -> LineFilter.Alternative {
        switch value {
        case .text(let text): .text(text)
        case .ip(let text): .ip(text)
        }
    }

    private static func field(_ extraction: LogQL.Extraction) -> FieldExpression {
        FieldExpression(extraction.label, ByteString(extraction.expression))
    }

    private static func selection(_ choice: LogQL.LabelChoice) -> LabelSelection {
        switch choice {
        case .name(let name): .name(name)
        case .matching(let matcher): .matcher(matcher)
        }
    }

    static func filter(_ filter: LogQL.LineFilter, quirks: Bool) throws(StageError) -> LineFilter {
        try LineFilter(op(filter.op), filter.values.map(alternative), lokiQuirks: quirks)
    }

    static func filter(_ filter: LogQL.LabelFilter, quirks: Bool = false) throws(StageError) -> LabelFilter {
        try LabelFilter(condition(filter), lokiQuirks: quirks)
    }

    private static func comparison(_ comparison: LogQL.Comparison) -> LabelCondition.Comparison {
        switch comparison {
        case .equal: .equal
        case .notEqual: .notEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        }
    }

    private static func condition(_ filter: LogQL.LabelFilter) -> LabelCondition {
        switch filter {
        case .and(let parts, _): return chain(parts.map(condition)) { .and($0, $1) }
        case .or(let parts, _): return chain(parts.map(condition)) { .or($0, $1) }
        case .string(let name, let op, let value): return .text(name, op, value)
        case .number(let name, let op, let value): return .number(name, comparison(op), value)
        case .duration(let name, let op, let value): return .duration(name, comparison(op), value)
        case .bytes(let name, let op, let value): return .bytes(name, comparison(op), value)
        case .ip(let name, let negated, let text): return .ip(name, equal: !negated, text)
        case .any(let name, let op, let value): return .any(name, op, value)
        }
    }

    /// A balanced tree, so that a long chain is no deep recursion; both operators are associative, left to right.
    private static func chain(
        _ parts: [LabelCondition],
        _ join: (LabelCondition, LabelCondition) -> LabelCondition
    ) -> LabelCondition {
        switch parts.count {
        // The parser makes no empty chain; a condition that always holds is the neutral element of `and`.
        case 0: return .text(ByteString(), .equal, ByteString())
        case 1: return parts[0]
        default:
            let middle = parts.count / 2
            return join(chain(Array(parts[..<middle]), join), chain(Array(parts[middle...]), join))
        }
    }
}
