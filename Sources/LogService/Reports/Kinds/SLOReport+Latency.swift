import LogModel

extension SLOReport {
    struct Latency {
        var share: Double?
        var measured = 0
        var within = 0
        var milliseconds = 0.0
        var target = 0.0
        var p95: Double?
        var byModel: [String: (measured: Int, within: Int, p95: Double?)] = [:]
        var bins: [Double?] = []
        var note: String?

        var figures: [ReportDocument.Figure] {
            let seconds = NumberText.fixed(milliseconds / 1_000, digits: milliseconds.truncatingRemainder(dividingBy: 1_000) == 0 ? 0 : 3)
            return [
                .init("latency_share_percent", "answered within \(seconds) s", .init(share, digits: 3), unit: "%"),
                .init("latency_share_target_percent", "of which promised", .init(target, digits: 3), unit: "%"),
                .init("latency_p95_ms", "p95 of successes", .init(p95, digits: 0), unit: "ms"),
            ]
        }
    }

    /// Of requests that succeeded: a quick refusal is no quick answer.
    func latency(_ objectives: Objectives, _ bins: [TimeRange]) async throws(ReportFailure) -> Latency {
        var latency = Latency()
        latency.milliseconds = Double(objectives.latencyUnder) / 1e6
        latency.target = objectives.latencyShare
        let durations = try await DurationFields.find(source, fields, request.range)
        let good = ["\(fields.status)=~\"\(RequestOutcome.successPattern)\"", "\(fields.errorType)=\"\""]
        for field in durations.all {
            for (isWithin, filter) in [(false, "\(field.name) >= 0"), (true, "\(field.name) <= \(field.threshold(latency.milliseconds))")] {
                let query = MetricQuery.count(field.filters + [filter] + good, by: [fields.model])
                for series in try await source.ask(query, over: request.range) {
                    var model = latency.byModel[series[fields.model]] ?? (0, 0, nil)
                    if isWithin { model.within += series.count } else { model.measured += series.count }
                    latency.byModel[series[fields.model]] = model
                }
            }
        }
        latency.measured = latency.byModel.values.reduce(0) { $0 + $1.measured }
        latency.within = latency.byModel.values.reduce(0) { $0 + $1.within }
        guard let main = durations.main, latency.measured > 0 else { return latency }
        latency.share = Double(latency.within) / Double(latency.measured) * 100
        latency.note = durations.note
        let filters = main.filters + good
        let all = MetricQuery.quantile(0.95, main.name, filters)
        latency.p95 = try await source.ask(all, over: request.range).first?.values.first.flatMap { $0 }.map { $0 * main.scale }
        for series in try await source.ask(MetricQuery.quantile(0.95, main.name, filters, by: [fields.model]), over: request.range) {
            latency.byModel[series[fields.model]]?.p95 = series.values.first.flatMap { $0 }.map { $0 * main.scale }
        }
        latency.bins = (try await source.ask(all, over: bins).first?.values ?? []).map { $0.map { $0 * main.scale } }
        return latency
    }
}
