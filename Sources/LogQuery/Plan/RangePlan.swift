import Bytes
import LogModel
import LogQL
import LogStages

/// One range aggregation, worked out from the tree: what is a sample, which series it belongs to, what is made of them.
struct RangePlan {
    /// Whether the order of samples with equal times matters.
    var dependsOnOrder: Bool { op == .first || op == .last || op == .counterRate || op == .distinct }
    /// Whether lines of most rows are looked at, as far as the plan can tell.
    var readsLines: Bool { columns == nil && (lineFilters == nil || !predicate.isExact) }

    /// What one line contributes.
    enum Contribution { case one, bytes, unwrapped, distinct(LabelName) }

    var matchers: [LabelMatcher]
    var stages: [PipelineStage]
    /// `stages`, where all of them are line filters (or there are none).
    var lineFilters: [LineFilter]?
    /// Whether a stage can change labels or raise an error.
    var changesLabels: Bool
    /// Whether lines must be read.
    var needsLines: Bool
    var predicate: ScanPredicate
    /// How samples and series follow from columns, where they do.
    var columns: ColumnPlan?
    var op: RangeOperator
    var contribution: Contribution
    var identity: SeriesIdentity
    var hints: ParserHints
    /// Parser errors become labels instead of failing the query, because something asks for `__error__`.
    var preservesParserErrors: Bool
    var grid: WindowGrid
    /// Whether the answer follows from the number of rows and bytes of each stream, provided that each stream has the
    /// labels of `identity`.
    var needsOnlyCounts: Bool

    /// `pushed`: the grouping of a `sum` right above, which may as well be applied to lines.
    init(_ aggregation: LogQL.RangeAggregation, pushed: LogQL.Pushed?, steps: StepGrid, settings: QuerySettings)
        throws(QueryError)
    {
        matchers = aggregation.log.matchers
        // Dead stages go first: hoisting may take away what reads the line behind them.
        let written = aggregation.removingDeadLineFormats.log.hoistingLineFilters(overDecolorize: settings.lokiQuirks)
        let countsBytes = aggregation.op == .bytes || aggregation.op == .bytesRate
        var builder = try StageBuilder(written, quirks: settings.lokiQuirks)
        if let unwrap = aggregation.unwrap { try builder.append(unwrap) }
        if let counted = aggregation.counted { builder.append(counting: counted) }
        stages = builder.stages
        lineFilters = builder.lineFilters
        changesLabels = builder.changesLabels
        needsLines = builder.readsLine || countsBytes
        predicate = ScanPredicate(written, quirks: settings.lokiQuirks)
        op = try Self.op(aggregation)
        if let counted = aggregation.counted {
            contribution = .distinct(LabelName(counted))
        } else {
            contribution = aggregation.unwrap != nil ? .unwrapped : countsBytes ? .bytes : .one
        }
        grid = WindowGrid(steps: steps, range: max(1, aggregation.range), offset: aggregation.offset)

        let grouping = Self.grouping(aggregation, pushed)
        identity = Self.identity(grouping, unwrapped: aggregation.counted ?? aggregation.unwrap?.label)
        if settings.lokiQuirks {
            identity.forgetsDeleted = true
            identity.hidesEmpty = aggregation.log.stages.contains { if case .keep = $0 { true } else { false } }
        }
        // As Loki: with `without`, or no grouping, every label is needed; with `by`, those and what the stages look at.
        switch identity.mode {
        case .without:
            hints = .everything
            preservesParserErrors = false
        case .nothing, .by:
            let isGrouped = identity.mode == .by
            if let required = builder.requiredLabels {
                let all = required + identity.names.map(\.bytes)
                hints = .only(all, filtersActEarly: !isGrouped)
                preservesParserErrors = all.contains("__error__")
            } else {
                hints = isGrouped ? .everythingGrouped : .everything
                preservesParserErrors = identity.names.contains { $0.bytes == "__error__" }
            }
        }
        columns = ColumnPlan(
            predicate,
            aggregation,
            identity,
            dependsOnOrder: op == .first || op == .last || op == .counterRate,
            quirks: settings.lokiQuirks
        )
        let isCount = op == .sum || op == .rate || op == .absent
        needsOnlyCounts =
            aggregation.log.stages.isEmpty && aggregation.unwrap == nil && isCount && identity.mode != .without
    }

    /// nil: series keep all their labels.
    private static func grouping(_ aggregation: LogQL.RangeAggregation, _ pushed: LogQL.Pushed?) -> LogQL.Grouping? {
        if aggregation.op == .absent { return .everything }
        if let pushed { return pushed.grouping ?? .everything }
        return aggregation.grouping
    }

    private static func identity(_ grouping: LogQL.Grouping?, unwrapped: ByteString?) -> SeriesIdentity {
        guard let grouping else {
            return SeriesIdentity(mode: .without, names: unwrapped.map { [LabelName($0)] } ?? [])
        }
        var names: [LabelName] = []
        for name in grouping.labels.map({ LabelName($0) }) where !names.contains(name) { names.append(name) }
        if grouping.without {
            if let unwrapped { names.append(LabelName(unwrapped)) }
            return SeriesIdentity(mode: .without, names: names)
        }
        return names.isEmpty ? .nothing : SeriesIdentity(mode: .by, names: names)
    }

    private static func op(_ aggregation: LogQL.RangeAggregation) throws(QueryError) -> RangeOperator {
        switch aggregation.op {
        case .count, .bytes, .sum: return .sum
        case .rate, .bytesRate: return .rate
        case .rateCounter: return .counterRate
        case .avg: return .average
        case .min: return .min
        case .max: return .max
        case .stddev: return .stddev
        case .stdvar: return .stdvar
        case .first: return .first
        case .last: return .last
        case .absent: return .absent
        case .countDistinct: return .distinct
        case .quantile:
            guard let q = aggregation.parameter else {
                throw QueryError(.invalid, "parse error : parameter required for operation quantile_over_time")
            }
            return .quantile(q)
        }
    }
}
