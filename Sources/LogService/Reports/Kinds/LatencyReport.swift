import LogModel

/// `report latency`: how long requests take, where the time goes, and whom it hits.
struct LatencyReport {
    private let request: ReportRequest
    private let source: ReportSource
    private let fields: ReportFields

    init(_ request: ReportRequest, _ source: ReportSource) {
        self.request = request
        self.source = source
        fields = request.fields
    }

    private static let binsMax = 200
    private static let quantiles = [0.5, 0.95, 0.99]

    private struct Model {
        var requests = 0
        var within = 0
        /// Milliseconds.
        var sum = 0.0
        var quantiles: [Double?] = [nil, nil, nil]

        static func += (a: inout Model, b: Model) {
            a.requests += b.requests
            a.within += b.within
            a.sum += b.sum
        }

        var share: Double? { requests > 0 ? Double(within) / Double(requests) * 100 : nil }
        var mean: Double? { requests > 0 ? sum / Double(requests) : nil }
    }

    func make() async throws(ReportFailure) -> ReportDocument {
        let limit = Double(try Objectives.span("--under", request.words.under)) / 1e6
        var report = request.document("Latency", source)
        let durations = try await DurationFields.find(source, fields, request.range)
        guard let main = durations.main else {
            report.refusal = "No data: no line of \(source.selector) in this time has a number in `\(fields.duration)` or `\(fields.latency)`."
            return report
        }
        var models = try await models(durations, limit)
        for (place, q) in Self.quantiles.enumerated() {
            for series in try await source.ask(MetricQuery.quantile(q, main.name, main.filters, by: [fields.model]), over: request.range) {
                models[series[fields.model], default: Model()].quantiles[place] = series.values[0].map { $0 * main.scale }
            }
        }
        var sum = models.values.reduce(into: Model()) { $0 += $1 }
        for (place, q) in Self.quantiles.enumerated() {
            sum.quantiles[place] = try await source.ask(MetricQuery.quantile(q, main.name, main.filters), over: request.range)
                .first?.values[0].map { $0 * main.scale }
        }
        let users = try await users(main, limit)
        let under = "\(request.words.under)"
        report.figures = [
            .init("requests", "requests measured", .integer(sum.requests)),
            .init("requests_slow", "longer than \(under)", .integer(sum.requests - sum.within)),
            .init("requests_within_percent", "requests within \(under)", .init(sum.share, digits: 2), unit: "%"),
            .init("users", "users", users.count.map { .integer($0) } ?? .missing),
            .init("users_within_percent", "users never over \(under)", .init(users.never, digits: 2), unit: "%"),
            .init("users_p95_within_percent", "users with 95 % within \(under)", .init(users.mostly, digits: 2), unit: "%"),
            .init("mean_ms", "mean", .init(sum.mean, digits: 0), unit: "ms"),
            .init("p50_ms", "p50", .init(sum.quantiles[0], digits: 0), unit: "ms"),
            .init("p95_ms", "p95", .init(sum.quantiles[1], digits: 0), unit: "ms"),
            .init("p99_ms", "p99", .init(sum.quantiles[2], digits: 0), unit: "ms"),
        ]
        report.tables = [table(models, under)]
        let all = try await LatencyParts(source: source, fields: fields).table("parts", "Where the time goes", request.range, main, [])
        let slow = try await LatencyParts(source: source, fields: fields).table(
            "parts_slow", "Where the time goes in requests over \(under)", request.range, main, ["\(main.name) > \(main.threshold(limit))"])
        report.tables += [all, slow].compactMap { $0 }
        if all == nil {
            report.notes.append("no line tells `\(fields.firstToken)` beside `\(main.name)`: where the time goes is not known")
        }
        if users.count == nil { report.notes.append("no line tells `\(fields.user)`: users cannot be counted") }
        if let note = durations.note { report.notes.append(note) }
        report.plots = try await plots(main, under, limit)
        return report
    }

    private func models(_ durations: DurationFields, _ limit: Double) async throws(ReportFailure) -> [String: Model] {
        var models: [String: Model] = [:]
        for field in durations.all {
            let all = field.filters + ["\(field.name) >= 0"]
            for series in try await source.ask(MetricQuery.count(all, by: [fields.model]), over: request.range) {
                models[series[fields.model], default: Model()].requests += series.count
            }
            // Slow is what takes longer: one of exactly the limit is in time.
            let within = field.filters + ["\(field.name) <= \(field.threshold(limit))"]
            for series in try await source.ask(MetricQuery.count(within, by: [fields.model]), over: request.range) {
                models[series[fields.model], default: Model()].within += series.count
            }
            for series in try await source.ask(MetricQuery.sum(field.name, all, by: [fields.model]), over: request.range) {
                models[series[fields.model], default: Model()].sum += series.total * field.scale
            }
        }
        return models
    }

    /// How many users there are, and the percentage of them that never waited longer, and that did so in one of twenty
    /// requests at most. Only numbers of users are asked for, never who they are.
    private func users(
        _ main: DurationFields.Field, _ limit: Double
    ) async throws(ReportFailure) -> (count: Int?, never: Double?, mostly: Double?) {
        let known = main.filters + ["\(fields.user)!=\"\""]
        func number(_ query: MetricQuery) async throws(ReportFailure) -> Int {
            try await source.ask(query, over: request.range).first?.count ?? 0
        }
        let all = try await number(MetricQuery.count(known + ["\(main.name) >= 0"], by: [fields.user]).with(.count("")))
        guard all > 0 else { return (nil, nil, nil) }
        let bound = main.threshold(limit)
        let slow = try await number(MetricQuery.count(known + ["\(main.name) > \(bound)"], by: [fields.user]).with(.count("")))
        let mostly = try await number(
            MetricQuery.quantile(0.95, main.name, known, by: [fields.user]).with(.count("<= \(bound)")))
        return (all, Double(all - slow) / Double(all) * 100, Double(mostly) / Double(all) * 100)
    }

    private func table(_ models: [String: Model], _ under: String) -> ReportDocument.Table {
        .init(
            "models", "By model",
            [
                .init("model", "model"), .init("requests", "requests"), .init("within_percent", "within \(under) %"),
                .init("mean_ms", "mean ms"), .init("p50_ms", "p50 ms"), .init("p95_ms", "p95 ms"), .init("p99_ms", "p99 ms"),
            ],
            rows: models.sorted { $0.key < $1.key }.map { name, model in
                [.text(ModelName.shown(name)), .integer(model.requests), .init(model.share, digits: 2), .init(model.mean, digits: 0)]
                    + model.quantiles.map { .init($0, digits: 0) }
            })
    }

    private func plots(_ main: DurationFields.Field, _ under: String, _ limit: Double) async throws(ReportFailure) -> [ReportDocument.Plot] {
        let bins = ReportWindows.bins(request.range, ReportWindows.length(request.range, most: Self.binsMax))
        var lines: [ReportDocument.Plot.Series] = []
        for q in Self.quantiles {
            let values = try await source.ask(MetricQuery.quantile(q, main.name, main.filters), over: bins).first?.values ?? []
            lines.append(
                .init(
                    "p\(Int((q * 100).rounded()))", .line,
                    zip(bins, values).map { ($0.middleSeconds, $1.map { $0 * main.scale } ?? .nan) }))
        }
        return [ReportDocument.Plot("Latency", yLabel: "ms", series: lines)]
    }
}

/// Where the time of a request goes: before the work began, to the first token, and from there to the last. Means add up,
/// quantiles would not, so means are shown.
struct LatencyParts {
    let source: ReportSource
    let fields: ReportFields

    /// Of one model, over the requests that tell both the whole and the first token. Sums in milliseconds.
    struct Sums: Equatable {
        var requests = 0
        var whole = 0.0
        var firstToken = 0.0
        /// Of those that tell it.
        var queue = 0.0
        var queued = 0
        var completion = 0.0

        /// Means; the queue is taken for part of the time to the first token, as servers count.
        var meanQueue: Double? { queued > 0 ? queue / Double(queued) : nil }
        var meanFirstToken: Double? { requests > 0 ? firstToken / Double(requests) - (meanQueue ?? 0) : nil }
        var meanDecode: Double? { requests > 0 ? (whole - firstToken) / Double(requests) : nil }
        var meanWhole: Double? { requests > 0 ? whole / Double(requests) : nil }
        /// Between two tokens. The first one is not decoded.
        var perToken: Double? {
            let gaps = completion - Double(requests)
            return gaps > 0 ? (whole - firstToken) / gaps : nil
        }

        static func += (a: inout Sums, b: Sums) {
            a.requests += b.requests
            a.whole += b.whole
            a.firstToken += b.firstToken
            a.queue += b.queue
            a.queued += b.queued
            a.completion += b.completion
        }
    }

    /// nil where nothing tells it.
    func table(
        _ name: String, _ title: String, _ range: TimeRange, _ main: DurationFields.Field, _ filters: [String]
    ) async throws(ReportFailure) -> ReportDocument.Table? {
        let both = main.filters + ["\(fields.firstToken) > 0", "\(main.name) >= 0"] + filters
        var models: [String: Sums] = [:]
        for series in try await source.ask(MetricQuery.count(both, by: [fields.model]), over: range) {
            models[series[fields.model], default: Sums()].requests = series.count
        }
        guard !models.isEmpty else { return nil }
        for series in try await source.ask(MetricQuery.sum(main.name, both, by: [fields.model]), over: range) {
            models[series[fields.model], default: Sums()].whole = series.total * main.scale
        }
        for series in try await source.ask(MetricQuery.sum(fields.firstToken, both, by: [fields.model]), over: range) {
            models[series[fields.model], default: Sums()].firstToken = series.total
        }
        for series in try await source.ask(MetricQuery.sum(fields.completionTokens, both, by: [fields.model]), over: range) {
            models[series[fields.model], default: Sums()].completion = series.total
        }
        let queued = both + ["\(fields.queue) >= 0"]
        for series in try await source.ask(MetricQuery.count(queued, by: [fields.model]), over: range) {
            models[series[fields.model], default: Sums()].queued = series.count
        }
        if models.values.contains(where: { $0.queued > 0 }) {
            for series in try await source.ask(MetricQuery.sum(fields.queue, queued, by: [fields.model]), over: range) {
                models[series[fields.model], default: Sums()].queue = series.total
            }
        }
        var rows = models.sorted { $0.key < $1.key }.map { (ModelName.shown($0.key), $0.value) }
        if rows.count > 1 { rows.append(("all", models.values.reduce(into: Sums()) { $0 += $1 })) }
        return .init(
            name, title,
            [
                .init("model", "model"), .init("requests", "requests"), .init("mean_ms", "mean ms"), .init("queue_ms", "queue ms"),
                .init("first_token_ms", "first token ms"), .init("decode_ms", "decode ms"), .init("decode_percent", "decode %"),
                .init("per_token_ms", "per token ms"),
            ],
            rows: rows.map { model, sums in
                let decodeShare = sums.whole > 0 ? (sums.whole - sums.firstToken) / sums.whole * 100 : nil
                return [
                    .text(model), .integer(sums.requests), .init(sums.meanWhole, digits: 0), .init(sums.meanQueue, digits: 0),
                    .init(sums.meanFirstToken, digits: 0), .init(sums.meanDecode, digits: 0), .init(decodeShare, digits: 1),
                    .init(sums.perToken, digits: 1),
                ]
            })
    }
}
