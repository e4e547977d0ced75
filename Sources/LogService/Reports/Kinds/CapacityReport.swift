import LogModel

/// `report capacity`: how much load the service takes before requests get slow, from minutes of what happened.
struct CapacityReport {
    private let request: ReportRequest
    private let source: ReportSource
    private let fields: ReportFields

    init(_ request: ReportRequest, _ source: ReportSource) {
        self.request = request
        self.source = source
        fields = request.fields
    }

    /// Beyond a week minutes would be more points than a server answers at once; they are asked for in pieces then.
    private static let minutesMax: Int64 = 92 * ReportWindows.day
    /// p95 of fewer requests is their slowest, and says more about one of them than about the minute.
    private static let requestsMin = 5

    private enum Load: String, CaseIterable { case requests, running }

    private struct Minute {
        var window: TimeRange
        var requests = 0
        var running: Double?
        var queue: Double?
        var p95: Double?
    }

    func make() async throws(ReportFailure) -> ReportDocument {
        guard let kind = Load(rawValue: request.words.load) else {
            throw ReportFailure("--load is requests or running, not \(request.words.load)")
        }
        guard request.range.end.nanoseconds - request.range.start.nanoseconds <= Self.minutesMax else {
            throw ReportFailure("capacity looks at minutes, of 92 days at most: narrow the range with --since or --from")
        }
        var report = request.document("Capacity", source)
        let durations = try await DurationFields.find(source, fields, request.range)
        guard let main = durations.main else {
            report.refusal = "No data: no line of \(source.selector) in this time has a number in `\(fields.duration)` or `\(fields.latency)`."
            return report
        }
        let minutes = try await minutes(main)
        let unit = kind == .requests ? "requests a second" : "requests under way"
        let used = minutes.compactMap { minute -> (point: KneeFit.Point, minute: Minute)? in
            guard let p95 = minute.p95, minute.requests >= Self.requestsMin else { return nil }
            let load = kind == .requests ? Double(minute.requests) / 60 : minute.running
            return load.map { (KneeFit.Point(load: $0, latency: p95), minute) }
        }
        report.figures = [
            .init("minutes", "minutes with at least \(Self.requestsMin) requests", .integer(used.count)),
            .init("load_max", "highest load", .init(used.map(\.point.load).max(), digits: 2), unit: unit),
        ]
        report.tables = [Self.table(used, unit), Self.detail(used)]
        if let note = durations.note { report.notes.append(note) }
        if kind == .requests { report.notes.append("load is what was finished in a minute: what waits shows as a rise of p95 at the highest load") }
        var plot = ReportDocument.Plot(
            "p95 against load, by minutes", x: .number(unit), yLabel: "ms",
            series: [.init("minutes", .points, used.map { ($0.point.load, $0.point.latency) })])
        do throws(KneeFit.Refusal) {
            let fit = try KneeFit.fit(used.map(\.point))
            report.figures += [
                .init("knee", "knee", .init(fit.knee, digits: 2), unit: unit),
                .init("knee_low", "95 % interval from", .init(fit.low, digits: 2), unit: unit),
                .init("knee_high", "to", .init(fit.high, digits: 2), unit: unit),
                .init("knee_p95_ms", "p95 at the knee", .init(fit.latency, digits: 0), unit: "ms"),
                .init("slope_before_ms", "rise before it", .init(fit.slopeBefore, digits: 1), unit: "ms for one more"),
                .init("slope_behind_ms", "rise behind it", .init(fit.slopeBehind, digits: 1), unit: "ms for one more"),
            ]
            let before = used.filter { $0.point.load <= fit.knee }.compactMap(\.minute.queue)
            let behind = used.filter { $0.point.load > fit.knee }.compactMap(\.minute.queue)
            report.figures += [
                .init("queue_before", "mean queue before it", .init(Self.mean(before), digits: 1), unit: "requests"),
                .init("queue_behind", "mean queue behind it", .init(Self.mean(behind), digits: 1), unit: "requests"),
            ]
            let low = used.map(\.point.load).min() ?? 0
            let high = used.map(\.point.load).max() ?? 0
            plot.series.append(.init("fit", .line, [low, fit.knee, high].map { ($0, max(0, fit.predicted($0))) }))
            plot.marks = [(fit.knee, "knee")]
        } catch {
            report.refusal = Self.words(error, unit)
        }
        report.plots = [plot]
        return report
    }

    private static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }

    static func words(_ refusal: KneeFit.Refusal, _ unit: String) -> String {
        func number(_ value: Double) -> String { NumberText.grouped(value, digits: value < 10 ? 2 : 1) }
        switch refusal {
        case .tooFew(let minutes, let needed):
            return "Capacity cannot be told: there are \(minutes) minutes with at least \(requestsMin) requests, and \(needed) are needed."
        case .steadyLoad(let ratio):
            return "Capacity cannot be told: the load hardly varies (its highest part is \(number(ratio)) times its lowest), "
                + "so nothing shows how latency depends on it."
        case .neverSaturates(let highest):
            return "Capacity cannot be told: the service never saturates here. Up to \(number(highest)) \(unit) p95 does not bend "
                + "upwards, so the capacity is at least that, and how much more only more load would show."
        case .unclear(let low, let high):
            return "Capacity cannot be told: p95 rises with load, but where it begins to (somewhere from \(number(low)) to \(number(high)) "
                + "\(unit)) does not show."
        }
    }

    // MARK: Minutes

    private func minutes(_ main: DurationFields.Field) async throws(ReportFailure) -> [Minute] {
        let windows = ReportWindows.bins(request.range, ReportWindows.minute, aligned: true)
            .filter { $0.end.nanoseconds - $0.start.nanoseconds == ReportWindows.minute }
        var minutes = windows.map { Minute(window: $0) }
        func values(_ query: MetricQuery) async throws(ReportFailure) -> [Double?] {
            try await source.ask(query, over: windows).first?.values ?? []
        }
        for (i, count) in try await values(MetricQuery.count(main.filters + ["\(main.name) >= 0"])).enumerated() {
            minutes[i].requests = Int((count ?? 0).rounded())
        }
        for (i, p95) in try await values(MetricQuery.quantile(0.95, main.name, main.filters)).enumerated() {
            minutes[i].p95 = p95.map { $0 * main.scale }
        }
        for (i, queue) in try await values(MetricQuery.over("avg_over_time", fields.queueDepth, ["\(fields.queueDepth) >= 0"])).enumerated() {
            minutes[i].queue = queue
        }
        for (i, running) in try await values(MetricQuery.over("avg_over_time", fields.running, ["\(fields.running) >= 0"])).enumerated() {
            minutes[i].running = running
        }
        return minutes
    }

    /// Ten groups of minutes of equal number, by load.
    private static func table(_ used: [(point: KneeFit.Point, minute: Minute)], _ unit: String) -> ReportDocument.Table {
        let sorted = used.sorted { $0.point.load < $1.point.load }
        let groups = min(10, max(1, sorted.count / 3))
        var rows: [[ReportDocument.Value]] = []
        for group in 0..<groups where !sorted.isEmpty {
            let part = sorted[sorted.count * group / groups..<sorted.count * (group + 1) / groups]
            guard let low = part.first?.point.load, let high = part.last?.point.load else { continue }
            rows.append([
                .init(low, digits: 2), .init(high, digits: 2), .integer(part.count),
                .init(Quantile.of(part.map(\.point.latency), 0.5), digits: 0), .init(mean(part.compactMap(\.minute.queue)), digits: 1),
                .init(mean(part.compactMap(\.minute.running)), digits: 1),
            ])
        }
        return .init(
            "load", "By load (\(unit))",
            [
                .init("load_from", "load from"), .init("load_to", "to"), .init("minutes", "minutes"),
                .init("p95_median_ms", "median of p95 ms"), .init("queue_mean", "mean queue"), .init("running_mean", "mean running"),
            ], rows: rows)
    }

    private static func detail(_ used: [(point: KneeFit.Point, minute: Minute)]) -> ReportDocument.Table {
        .init(
            "minutes", "Minutes",
            [
                .init("minute", "minute"), .init("requests", "requests"), .init("load", "load"), .init("p95_ms", "p95 ms"),
                .init("queue", "queue"), .init("running", "running"),
            ],
            rows: used.map { point, minute in
                [
                    .text(ReportText.moment(minute.window.start)), .integer(minute.requests), .init(point.load, digits: 3),
                    .init(point.latency, digits: 0), .init(minute.queue, digits: 1), .init(minute.running, digits: 1),
                ]
            }, isDetail: true)
    }
}
