import Bytes
import LogModel
import LogQL
import LogStages
import Metrics

/// Answers LogQL from a store.
///
/// `run` blocks; call it on a worker thread, from as many threads as you like. An answer is a function of the request
/// and the store's rows: neither the layout of blocks nor timing changes it (but for the last bits of floating sums).
package final class QueryEngine: Sendable {
    package let settings: QuerySettings
    private let store: any StoreReader
    private let metrics: QueryMetrics

    package init(store: any StoreReader, settings: QuerySettings = QuerySettings(), registry: Registry = Registry()) {
        self.store = store
        self.settings = settings
        metrics = QueryMetrics(registry)
    }

    package func run(_ request: QueryRequest) throws(QueryError) -> (QueryResult, QueryStatistics) {
        let answer = try answer(request)
        return (answer.result, answer.statistics)
    }

    /// As `run`, with warnings.
    package func answer(_ request: QueryRequest) throws(QueryError) -> QueryAnswer {
        let clock = ContinuousClock()
        let started = clock.now
        let budget = QueryBudget(memoryLimit: request.limits.maxQueryMemory)
        var statistics = QueryStatistics()
        var isLog = false
        do {
            let expression: LogQL.Expression
            do throws(LogQLError) {
                expression = try LogQL.parse(request.text, allowEmpty: settings.allowAllStreams)
            } catch {
                throw QueryError(.invalid, error.message)
            }
            let deadline =
                request.deadline
                ?? (request.limits.queryTimeout > 0 ? started + .nanoseconds(request.limits.queryTimeout) : nil)
            var `guard` = QueryGuard(budget: budget, cancel: request.cancel, deadline: deadline)
            try `guard`.check()
            let result: QueryResult
            var warnings: [String] = []
            switch expression {
            case .log(let log):
                isLog = true
                result = try runLog(log, request, &`guard`)
            case .metric(let metric): (result, warnings) = try runMetric(metric, request, `guard`)
            }
            let damaged = budget.damagedParts
            if damaged > 0 {
                warnings.append(
                    "\(damaged) damaged part\(damaged == 1 ? "" : "s") of the store in this time: what can be read is answered, "
                        + "`tailrace store verify` says what is missing")
            }
            statistics.linesRead = budget.linesRead
            statistics.bytesRead = budget.bytesRead
            statistics.entriesReturned = result.entryCount
            statistics.execution = (clock.now - started).seconds
            metrics.finished(isLog: isLog, statistics)
            return QueryAnswer(result: result, statistics: statistics, warnings: warnings)
        } catch {
            metrics.failed(isLog: isLog)
            throw Self.queryError(error, request)
        }
    }

    private static func queryError(_ error: any Error, _ request: QueryRequest) -> QueryError {
        if let error = error as? QueryError { return error }
        if request.cancel.isCancelled {
            return QueryError(.cancelled, "the request was cancelled by the client")
        }
        if let error = error as? StoreError { return QueryError(.failed, error.message) }
        return QueryError(.failed, "\(error)")
    }

    // MARK: Log queries

    private func runLog(_ log: LogQL.LogExpression, _ request: QueryRequest, _ guard: inout QueryGuard) throws
        -> QueryResult
    {
        guard case .range(let start, let end, _, let interval) = request.kind else {
            throw QueryError(
                .invalid,
                "log queries are not supported as an instant query type, please change your query to a range query type"
            )
        }
        try QueryLimits.check(request, length: (start, end))
        try QueryLimits.checkEntries(request)
        let limit = request.limit ?? settings.defaultLimit
        var entries: [SelectedEntry] = []
        try forEachEntry(
            log,
            request,
            TimeRange(start, end),
            limit: limit,
            interval: interval,
            holdsEntries: true,
            &`guard`
        ) { entry in
            entries.append(entry)
            return true
        }
        var streams = Regrouping.streams(entries, dropsEqual: settings.dropsEqualEntries)
        if settings.lokiQuirks {
            for i in streams.indices {
                LokiTieOrder.apply(to: &streams[i].entries, backward: request.direction == .backward)
            }
        }
        return .streams(streams)
    }

    /// Calls `body` with each entry of a log query in the order of the answer, until it says no: for callers that print
    /// as they go. Nothing is held but the rows of blocks that overlap in time, unless there is a limit.
    package func forEachEntry(_ request: QueryRequest, _ body: (_ labels: Labels, _ entry: ResultEntry) throws -> Bool)
        throws(QueryError)
    {
        do {
            let log: LogQL.LogExpression
            do throws(LogQLError) {
                guard case .log(let expression) = try LogQL.parse(request.text, allowEmpty: settings.allowAllStreams)
                else { throw LogQLError(plain: "only log queries yield entries; this is a metric query") }
                log = expression
            } catch {
                throw QueryError(.invalid, error.message)
            }
            guard case .range(let start, let end, _, let interval) = request.kind else {
                throw QueryError(.invalid, "entries are read from a range of time, not at an instant")
            }
            var `guard` = QueryGuard(
                budget: QueryBudget(memoryLimit: request.limits.maxQueryMemory),
                cancel: request.cancel,
                deadline: request.deadline
            )
            try forEachEntry(
                log,
                request,
                TimeRange(start, end),
                limit: request.limit ?? settings.defaultLimit,
                interval: interval,
                holdsEntries: false,
                &`guard`
            ) { entry in
                try body(
                    entry.labels,
                    ResultEntry(
                        timestamp: entry.key.time,
                        line: entry.line,
                        metadata: entry.metadata,
                        parsed: entry.parsed
                    )
                )
            }
        } catch {
            throw Self.queryError(error, request)
        }
    }

    /// `limit` 0: all.
    private func forEachEntry(
        _ log: LogQL.LogExpression,
        _ request: QueryRequest,
        _ range: TimeRange,
        limit: Int,
        interval: Int64,
        holdsEntries: Bool,
        _ guard: inout QueryGuard,
        _ body: (SelectedEntry) throws -> Bool
    ) throws {
        let written = log.hoistingLineFilters(overDecolorize: settings.lokiQuirks)
        let stages = try StageBuilder(written, quirks: settings.lokiQuirks).stages
        if range.isEmpty { return }
        let backward = request.direction == .backward
        var scan = LogScan(
            stages,
            backward: backward,
            categorized: request.categorized,
            keepsStored: settings.dropsEqualEntries,
            holdsEntries: holdsEntries
        )
        let wanted = ScanRequest(
            tenant: request.tenant,
            range: range,
            direction: request.direction,
            limit: limit > 0 ? limit : nil,
            matchers: log.matchers,
            predicate: ScanPredicate(written, quirks: settings.lokiQuirks).predicate,
            budget: `guard`.budget,
            cancel: request.cancel
        )
        // What is thinned out depends on the entries before, so these must come in order from the beginning.
        if limit > 0, interval <= 0, log.distinct.isEmpty {
            var selection = EntrySelection(limit: limit, backward: backward)
            try store.scan(wanted) { block in try scan.select(block, into: &selection, &`guard`) }
            for entry in selection.kept { if try !body(entry) { return } }
            return
        }
        var firsts = DistinctEntries(log.distinct)
        var thinning = IntervalThinning(interval: interval)
        var emitted = 0
        func emit(_ entry: SelectedEntry, _ guard: inout QueryGuard) throws -> EntryFlow {
            guard try firsts.keeps(entry, &`guard`) else { return .skipped }
            guard thinning.keeps(entry.key.time) else { return .skipped }
            emitted += 1
            return try body(entry) && (limit == 0 || emitted < limit) ? .kept : .stop
        }
        var stopped = false
        try store.scan(wanted) { block in
            let flow = try scan.merge(block, &`guard`, emit)
            if case .stop = flow { stopped = true }
            return flow
        }
        if !stopped { try scan.finishMerge(&`guard`, emit) }
    }

    // MARK: Metric queries

    private func runMetric(_ metric: LogQL.MetricExpression, _ request: QueryRequest, _ guard: consuming QueryGuard)
        throws
        -> (QueryResult, [String])
    {
        try QueryLimits.checkRanges(metric, request.limits)
        let steps: StepGrid
        switch request.kind {
        case .instant(let time): steps = .instant(time.nanoseconds)
        case .range(let start, let end, let step, _):
            try QueryLimits.check(request, length: (start, end))
            steps = try Self.grid(start, end, step, aligned: settings.lokiQuirks, limits: request.limits)
        }
        var evaluator = Evaluator(
            store: store,
            settings: settings,
            request: request,
            steps: steps,
            guard: `guard`
        )
        let value = try evaluator.evaluate(metric)
        switch (value, request.kind) {
        case (.scalar(let number), .instant(let time)):
            return (.scalar(timestamp: time.nanoseconds, value: number), [])
        case (.scalar(let number), .range):
            let points = (0..<steps.count).map { ResultPoint(timestamp: steps.time($0), value: number) }
            return (.matrix([ResultSeries(labels: Labels(), points: points)]), [])
        case (.series(var series), .instant(let time)):
            let warnings = try QueryLimits.cap(&series, request)
            if !metric.sorts { series.sort { $0.labels < $1.labels } }
            return (
                .vector(
                    series.compactMap { one in
                        guard let value = one.values.first, !value.isGap else { return nil }
                        return ResultSample(
                            labels: one.labels,
                            point: ResultPoint(timestamp: time.nanoseconds, value: value)
                        )
                    }
                ), warnings
            )
        case (.series(var series), .range):
            series.removeAll(where: \.isEmpty)
            let warnings = try QueryLimits.cap(&series, request)
            series.sort { $0.labels < $1.labels }
            return (
                .matrix(
                    series.map { one in
                        var points: [ResultPoint] = []
                        for (i, value) in one.values.enumerated() where !value.isGap {
                            points.append(ResultPoint(timestamp: steps.time(i), value: value))
                        }
                        return ResultSeries(labels: one.labels, points: points)
                    }
                ), warnings
            )
        }
    }

    /// Start, start + step … ≤ end. `aligned`: start goes down and end up to a multiple of step, as Loki's front end has
    /// it.
    static func grid(_ start: Timestamp, _ end: Timestamp, _ step: Int64, aligned: Bool, limits: Limits)
        throws(QueryError)
        -> StepGrid
    {
        guard step > 0 else {
            throw QueryError(
                .invalid,
                "zero or negative query resolution step widths are not accepted. Try a positive integer"
            )
        }
        var low = start.nanoseconds
        var high = end.nanoseconds
        guard low <= high else {
            throw QueryError(.invalid, "end timestamp must not be before or equal to start time")
        }
        let (plain, far) = high.subtractingReportingOverflow(low)
        if far || (limits.maxQuerySteps > 0 && plain / step > Int64(limits.maxQuerySteps)) || plain / step > 1 << 24 {
            throw QueryError(
                .invalid,
                "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter"
            )
        }
        if aligned {
            let below = ((low % step) + step) % step
            low = low.subtractingReportingOverflow(below).overflow ? low : low - below
            let above = ((high % step) + step) % step
            if above > 0, !high.addingReportingOverflow(step - above).overflow { high += step - above }
        }
        return StepGrid(start: low, step: step, count: Int((high - low) / step) + 1)
    }
}

extension LogQL.MetricExpression {
    /// Whether `sort` or `sort_desc` occurs: then the order of an instant answer means something.
    var sorts: Bool {
        var found = false
        walk {
            if case .vectorAggregation(let aggregation) = $0, aggregation.op == .sort || aggregation.op == .sortDesc {
                found = true
            }
        }
        return found
    }
}

extension QueryResult {
    /// Entries or samples.
    package var entryCount: Int {
        switch self {
        case .streams(let streams): streams.reduce(0) { $0 + $1.entries.count }
        case .matrix(let series): series.reduce(0) { $0 + $1.points.count }
        case .vector(let samples): samples.count
        case .scalar: 1
        }
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
