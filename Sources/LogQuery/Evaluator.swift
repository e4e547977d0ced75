import Bytes
import LogModel
import LogQL
import LogStages

/// Evaluates a metric expression over a store, bottom up: each node turns whole series into whole series, instant by
/// instant. Only range aggregations read lines, one pass each.
struct Evaluator: ~Copyable {
    private let store: any StoreReader
    private let settings: QuerySettings
    private let request: QueryRequest
    private let steps: StepGrid
    private var `guard`: QueryGuard

    init(
        store: any StoreReader,
        settings: QuerySettings,
        request: QueryRequest,
        steps: StepGrid,
        guard: consuming QueryGuard
    ) {
        self.store = store
        self.settings = settings
        self.request = request
        self.steps = steps
        self.guard = `guard`
    }

    /// What is left to do, last first.
    private enum Task {
        case visit(LogQL.MetricExpression)
        /// The operands' values are on the stack of values.
        case aggregate(LogQL.VectorAggregation)
        case replace(LogQL.LabelReplace)
        case combine(LogQL.BinaryOperation)
    }

    /// Post-order with a stack of our own: a chain of a thousand operators would not fit on that of a worker thread.
    mutating func evaluate(_ expression: LogQL.MetricExpression) throws -> StepValue {
        var tasks: [Task] = [.visit(expression)]
        var values: [StepValue] = []
        func operand() -> StepValue { values.popLast() ?? .series([]) }
        while let task = tasks.popLast() {
            try `guard`.check()
            switch task {
            case .visit(let expression): try visit(expression, &tasks, &values)
            case .aggregate(let aggregation):
                values.append(
                    .series(
                        VectorAggregation.apply(
                            aggregation.op,
                            aggregation.grouping ?? .everything,
                            parameter: aggregation.parameter ?? 0,
                            to: try series(operand())
                        )
                    )
                )
            case .replace(let replace): values.append(.series(try replaced(replace, try series(operand()))))
            case .combine(let operation):
                let right = operand()
                let left = operand()
                let matcher = BinaryOperation(
                    op: operation.op,
                    returnsBool: operation.returnBool,
                    matching: operation.matching ?? .all
                )
                values.append(try matcher.apply(left, right))
            }
        }
        return operand()
    }

    private mutating func visit(
        _ expression: LogQL.MetricExpression,
        _ tasks: inout [Task],
        _ values: inout [StepValue]
    )
        throws
    {
        switch expression {
        case .literal(let value): values.append(.scalar(value))
        case .vector(let value): values.append(.series([try constant(value)]))
        case .range(let aggregation): values.append(.series(try range(aggregation, pushed: nil)))
        case .vectorAggregation(let aggregation):
            if aggregation.op == .approxTopk, steps.count > 1 {
                throw QueryError(.invalid, "approx_topk is only supported on instant queries")
            }
            if let pushed = aggregation.pushedGrouping, case .range(let inner) = aggregation.inner {
                values.append(.series(try range(inner, pushed: pushed)))
            } else {
                tasks.append(.aggregate(aggregation))
                tasks.append(.visit(aggregation.inner))
            }
        case .labelReplace(let replace):
            tasks.append(.replace(replace))
            tasks.append(.visit(replace.inner))
        case .binary(let operation):
            tasks.append(.combine(operation))
            tasks.append(.visit(operation.rhs))
            tasks.append(.visit(operation.lhs))
        }
    }

    /// A number where series are expected counts as a series without labels.
    private mutating func series(_ value: StepValue) throws -> [StepSeries] {
        switch value {
        case .series(let series): return series
        case .scalar(let number): return [try constant(number)]
        }
    }

    private mutating func constant(_ value: Double) throws -> StepSeries {
        try `guard`.hold(steps.count * 8)
        return StepSeries(labels: Labels(), values: [Double](repeating: value, count: steps.count))
    }

    private func replaced(_ replace: LogQL.LabelReplace, _ input: [StepSeries]) throws(QueryError) -> [StepSeries] {
        do throws(RegexError) {
            return try LabelReplace(
                destination: replace.destination,
                replacement: replace.replacement.string,
                source: replace.source,
                regex: replace.regex
            ).apply(to: input)
        } catch {
            throw QueryError(.invalid, "parse error : invalid regex in label_replace: \(error.description)")
        }
    }

    // MARK: Range aggregations

    private mutating func range(_ aggregation: LogQL.RangeAggregation, pushed: LogQL.Pushed?) throws -> [StepSeries] {
        let plan = try RangePlan(aggregation, pushed: pushed, steps: steps, settings: settings)
        let scanned = plan.grid.scanned
        if plan.needsOnlyCounts, !settings.lokiQuirks, let counted = try counts(plan, scanned) { return counted }
        var wanted = ScanRequest(
            tenant: request.tenant,
            range: scanned,
            direction: .forward,
            matchers: plan.matchers,
            predicate: plan.predicate.predicate,
            budget: `guard`.budget,
            cancel: request.cancel
        )
        if !plan.dependsOnOrder, !settings.lokiQuirks {
            wanted.readsLines = plan.readsLines
            let parts = RangeParts(plan, `guard`)
            do {
                try store.scan(wanted, parts: RangeParts.count) { part, block in try parts.add(block, to: part) }
                return try parts.finish(&`guard`)
            } catch {
                // The line that is complained about is the first in order: it is looked for below.
                guard parts.hasFailedLine else { throw error }
                parts.clear()
            }
        }
        let ranking =
            plan.dependsOnOrder
            ? StreamRanking(try store.streams(tenant: request.tenant, matchers: plan.matchers, range: scanned))
            : StreamRanking()
        var scan = RangeScan(plan, ranking: ranking)
        try store.scan(wanted) { block in
            try scan.add(block, &`guard`)
            return .more
        }
        return try scan.finish(&`guard`)
    }

    /// From the store's run tables, without reading a line; nil where metadata may matter: where a stream lacks a label
    /// of the grouping, which its lines may then have, and where lines may carry an error.
    private mutating func counts(_ plan: RangePlan, _ scanned: TimeRange) throws -> [StepSeries]? {
        if !plan.identity.names.isEmpty {
            let streams = try store.streams(tenant: request.tenant, matchers: plan.matchers, range: scanned)
            for stream in streams {
                for name in plan.identity.names where stream.labels[name.bytes] == nil { return nil }
            }
        }
        let offset = plan.grid.offset == .min ? .max : -plan.grid.offset
        let countsBytes = if case .bytes = plan.contribution { true } else { false }
        let grid = TimeGrid(
            start: Timestamp(nanoseconds: steps.start).advanced(by: offset),
            step: steps.step,
            count: steps.count,
            window: plan.grid.range,
            countsBytes: countsBytes
        )
        let counted = try store.counts(
            tenant: request.tenant,
            matchers: plan.matchers,
            grid: grid,
            budget: `guard`.budget,
            cancel: request.cancel
        )
        if counted.contains(where: \.mayHaveErrors) { return nil }
        let seconds = Double(plan.grid.range) / 1e9
        let grouping = LogQL.Grouping(without: false, labels: plan.identity.names.map(\.bytes))
        var groupOf: [Labels: Int] = [:]
        var groups: [(labels: Labels, rows: [Int], values: [Int])] = []
        for stream in counted where stream.rows.count == steps.count && stream.bytes.count == steps.count {
            let key = grouping.key(of: stream.labels)
            let group: Int
            if let known = groupOf[key] {
                group = known
            } else {
                group = groups.count
                groupOf[key] = group
                try `guard`.hold(steps.count * 24 + 256)
                let none = [Int](repeating: 0, count: steps.count)
                groups.append((key, none, none))
            }
            for step in 0..<steps.count where stream.rows[step] > 0 {
                groups[group].rows[step] += stream.rows[step]
                groups[group].values[step] += countsBytes ? stream.bytes[step] : stream.rows[step]
            }
        }
        if plan.op == .absent {
            let rows = groups.first?.rows ?? [Int](repeating: 0, count: steps.count)
            return AbsentSeries.series(plan.matchers, present: rows.map { $0 > 0 ? 1 : .gap })
        }
        groups.sort { $0.labels < $1.labels }
        return groups.compactMap { group in
            var series = StepSeries(labels: group.labels, count: steps.count)
            for step in 0..<steps.count where group.rows[step] > 0 {
                let value = Double(group.values[step])
                series.values[step] = plan.op == .rate ? value / seconds : value
            }
            return series.isEmpty ? nil : series
        }
    }
}
