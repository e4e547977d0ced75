import LogModel

/// `report slo`: what was promised, what was kept, and how fast the error budget goes.
struct SLOReport {
    let request: ReportRequest
    let source: ReportSource
    let fields: ReportFields

    init(_ request: ReportRequest, _ source: ReportSource) {
        self.request = request
        self.source = source
        fields = request.fields
    }

    /// Points of plots at most.
    private static let binsMax = 200
    /// Up to a week the throughput is counted by minutes, beyond by hours: a server answers 11,000 points.
    private static let minutesMax: Int64 = 7 * ReportWindows.day + ReportWindows.minute

    func make() async throws(ReportFailure) -> ReportDocument {
        let objectives = try Objectives.make(request.words)
        var report = request.document("Service level", source)
        let counting = RequestCounts(source: source, fields: fields, excluded: Set(objectives.excludedStatuses))
        let bins = ReportWindows.bins(request.range, ReportWindows.length(request.range, most: Self.binsMax))
        let rows = try await counting.rows(bins)
        let tallies = RequestCounts.tallies(rows, windows: bins.count)
        let sum = tallies.reduce(into: RequestTally()) { $0 += $1 }
        guard sum.all > 0 else {
            report.refusal = "No data: no line of \(source.selector) in this time is a request with a `\(fields.status)`, "
                + "`\(fields.errorType)`, `\(fields.duration)` or `\(fields.latency)`. That is not 100 %."
            return report
        }
        let budget = ErrorBudget(target: objectives.availability, good: sum.success, total: sum.counted)
        let latency = try await latency(objectives, bins)
        report.figures = figures(objectives, budget, sum) + latency.figures
        report.figures += try await throughput(counting, sum)
        report.tables = [
            objectiveTable(objectives, budget, latency), Self.models(rows, latency), Self.statuses(rows),
            try await burn(counting, objectives),
        ]
        report.tables += try await LoggedScores(source: source, fields: fields).tables(request.range)
        report.plots = plots(objectives, bins, tallies, latency)
        if sum.counted == 0 { report.notes.append("all \(sum.excluded) requests have excluded statuses: none of them counts") }
        if !objectives.excludedStatuses.isEmpty, sum.excluded > 0 {
            report.notes.append(
                "statuses \(objectives.excludedStatuses.joined(separator: ", ")) count neither way (--exclude-status)")
        }
        if budget.total > 0, budget.burn == nil { report.notes.append("a target of 100 % leaves no error budget: what is left of it is not defined") }
        if let note = latency.note { report.notes.append(note) }
        return report
    }

    private func figures(_ objectives: Objectives, _ budget: ErrorBudget, _ sum: RequestTally) -> [ReportDocument.Figure] {
        [
            .init("requests", "requests", .integer(sum.all)),
            .init("requests_counted", "requests that count", .integer(sum.counted)),
            .init("requests_failed", "failed", .integer(sum.failure)),
            .init("requests_excluded", "excluded by status", .integer(sum.excluded)),
            .init("availability_percent", "availability", .init(budget.actual, digits: 3), unit: "%"),
            .init("availability_target_percent", "availability promised", .init(objectives.availability, digits: 3), unit: "%"),
            .init(
                "error_budget_remaining_percent", "error budget left", .init(budget.remaining.map { $0 * 100 }, digits: 1), unit: "%"),
            .init("burn_rate", "burn rate over this time", .init(budget.burn, digits: 2), unit: "times"),
            .init(
                "hours_to_exhaustion", "a whole budget lasts", .init(budget.hoursToExhaustion(window: objectives.windowHours), digits: 1),
                unit: "hours"),
        ]
    }

    // MARK: Throughput

    /// Told, not promised: there is no budget of it.
    private func throughput(_ counting: RequestCounts, _ sum: RequestTally) async throws(ReportFailure) -> [ReportDocument.Figure] {
        let span = request.range.end.nanoseconds - request.range.start.nanoseconds
        let length = span <= Self.minutesMax ? ReportWindows.minute : ReportWindows.hour
        let whole = ReportWindows.bins(request.range, length).filter { $0.end.nanoseconds - $0.start.nanoseconds == length }
        let average = ReportDocument.Figure(
            "requests_per_second", "requests a second", .init(Double(sum.all) / request.seconds, digits: 2), unit: "on average")
        guard !whole.isEmpty else { return [average] }
        let tallies = RequestCounts.tallies(try await counting.rows(whole), windows: whole.count)
        let rates = tallies.map { Double($0.all) / (Double(length) / 1e9) }
        let unit = length == ReportWindows.minute ? "by minutes" : "by hours"
        return [
            average,
            .init("requests_per_second_p5", "least (p5)", .init(Quantile.of(rates, 0.05), digits: 2), unit: unit),
            .init("requests_per_second_max", "most", .init(rates.max(), digits: 2), unit: unit),
        ]
    }

    // MARK: Tables

    private func objectiveTable(_ objectives: Objectives, _ budget: ErrorBudget, _ latency: Latency) -> ReportDocument.Table {
        let slow = ErrorBudget(target: objectives.latencyShare, good: latency.within, total: latency.measured)
        func row(_ name: String, _ budget: ErrorBudget) -> [ReportDocument.Value] {
            [
                .text(name), .init(budget.target, digits: 3), .init(budget.actual, digits: 3),
                .text(budget.isMet.map { $0 ? "met" : "missed" } ?? "no data"), .init(budget.remaining.map { $0 * 100 }, digits: 1),
                .init(budget.burn, digits: 2), .init(budget.hoursToExhaustion(window: objectives.windowHours), digits: 1),
            ]
        }
        return .init(
            "objectives", "Objectives",
            [
                .init("objective", "objective"), .init("target_percent", "target %"), .init("actual_percent", "actual %"),
                .init("state", "state"), .init("budget_left_percent", "budget left %"), .init("burn_rate", "burn rate"),
                .init("hours_to_exhaustion", "hours to exhaustion"),
            ],
            rows: [row("availability", budget), row("latency", slow)])
    }

    private static func models(_ rows: [RequestCounts.Row], _ latency: Latency) -> ReportDocument.Table {
        .init(
            "models", "By model",
            [
                .init("model", "model"), .init("requests", "requests"), .init("failed", "failed"), .init("excluded", "excluded"),
                .init("availability_percent", "availability %"), .init("latency_share_percent", "in time %"), .init("p95_ms", "p95 ms"),
            ],
            rows: RequestCounts.byModel(rows).map { model, tally in
                let own = latency.byModel[model]
                let share = own.flatMap { $0.measured > 0 ? Double($0.within) / Double($0.measured) * 100 : nil }
                return [
                    .text(ModelName.shown(model)), .integer(tally.all), .integer(tally.failure), .integer(tally.excluded),
                    .init(ErrorBudget(target: 100, good: tally.success, total: tally.counted).actual, digits: 3),
                    .init(share, digits: 2), .init(own?.p95, digits: 0),
                ]
            })
    }

    private static func statuses(_ rows: [RequestCounts.Row]) -> ReportDocument.Table {
        var counts: [String: (count: Int, outcome: RequestOutcome)] = [:]
        for row in rows { counts[row.status, default: (0, row.outcome)].count += row.counts.reduce(0, +) }
        return .init(
            "statuses", "By status",
            [.init("status", "status"), .init("requests", "requests"), .init("counts_as", "counts as")],
            rows: counts.sorted { $0.key < $1.key }.map { status, entry in
                let word = switch entry.outcome {
                case .success: "success"
                case .failure: "failure"
                case .excluded: "neither"
                }
                return [.text(status), .integer(entry.count), .text(word)]
            })
    }

    /// Burn rates of the windows that end with the report, each beside the short one that says whether it still goes on.
    private func burn(_ counting: RequestCounts, _ objectives: Objectives) async throws(ReportFailure) -> ReportDocument.Table {
        var known: [Double: ErrorBudget] = [:]
        func budget(_ hours: Double) async throws(ReportFailure) -> ErrorBudget {
            if let found = known[hours] { return found }
            let start = request.range.end.advanced(by: -Int64(hours * 3.6e12))
            let sum = RequestCounts.tallies(try await counting.rows([TimeRange(start, request.range.end)]), windows: 1)
            let made = ErrorBudget(target: objectives.availability, good: sum[0].success, total: sum[0].counted)
            known[hours] = made
            return made
        }
        var rows: [[ReportDocument.Value]] = []
        for rule in BurnRule.all {
            let long = try await budget(rule.long)
            let short = try await budget(rule.short)
            rows.append([
                .text(Self.span(rule.long)), .integer(long.total), .init(long.burn, digits: 2), .text(Self.span(rule.short)),
                .init(short.burn, digits: 2), .init(rule.threshold(window: objectives.windowHours), digits: 1),
                .text(rule.verdict(long: long.burn, short: short.burn, window: objectives.windowHours).rawValue),
                .init(long.hoursToExhaustion(window: objectives.windowHours), digits: 1),
            ])
        }
        return .init(
            "burn", "Burn rates of availability, up to the end of the report",
            [
                .init("window", "window"), .init("requests", "requests"), .init("burn_rate", "burn rate"), .init("short_window", "short"),
                .init("short_burn_rate", "burn rate"), .init("threshold", "alert above"), .init("alert", "alert"),
                .init("hours_to_exhaustion", "hours to exhaustion"),
            ], rows: rows)
    }

    private static func span(_ hours: Double) -> String {
        hours >= 24 ? "\(Int(hours / 24))d" : hours >= 1 ? "\(Int(hours))h" : "\(Int((hours * 60).rounded()))m"
    }

    private func plots(
        _ objectives: Objectives, _ bins: [TimeRange], _ tallies: [RequestTally], _ latency: Latency
    ) -> [ReportDocument.Plot] {
        var shares = ReportDocument.Plot(
            "Availability", yLabel: "%",
            series: [
                .init(
                    "availability", .line,
                    zip(bins, tallies).map { bin, tally in
                        (bin.middleSeconds, ErrorBudget(target: 100, good: tally.success, total: tally.counted).actual ?? .nan)
                    })
            ])
        shares.target = (objectives.availability, "promised")
        var plots = [
            shares,
            ReportDocument.Plot(
                "Requests", yLabel: "a second",
                series: [
                    .init("all", .line, zip(bins, tallies).map { ($0.middleSeconds, Double($1.all) / $0.seconds) }),
                    .init("failed", .line, zip(bins, tallies).map { ($0.middleSeconds, Double($1.failure) / $0.seconds) }),
                ]),
        ]
        if !latency.bins.isEmpty {
            plots.append(
                ReportDocument.Plot(
                    "p95 of successes", yLabel: "ms",
                    series: [.init("p95", .line, zip(bins, latency.bins).map { ($0.middleSeconds, $1 ?? .nan) })]))
        }
        return plots
    }
}

extension TimeRange {
    var seconds: Double { Double(end.nanoseconds - start.nanoseconds) / 1e9 }
}
