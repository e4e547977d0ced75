import LogModel

extension CostReport {
    static func models(_ models: [String: TokenUsage], _ list: PriceList) -> ReportDocument.Table {
        .init(
            "models", "By model",
            [
                .init("model", "model"), .init("requests", "requests"), .init("tokens_input", "of prompts"),
                .init("tokens_output", "of completions"), .init("tokens_unsplit", "not told apart"), .init("tokens", "tokens"),
                .init("cost", "cost \(list.currency)"), .init("cost_per_request", "a request"), .init("cost_per_1000_tokens", "1000 tokens"),
            ],
            rows: models.sorted { $0.key < $1.key }.map { model, usage in
                let cost = list.cost(model, usage)
                return [
                    .text(ModelName.shown(model)), .integer(usage.requests), .init(usage.input, digits: 0), .init(usage.output, digits: 0),
                    .init(usage.unsplit, digits: 0), .init(usage.total, digits: 0), cost == nil ? .text("unpriced") : .init(cost, digits: 4),
                    .init(usage.requests > 0 ? cost.map { $0 / Double(usage.requests) } : nil, digits: 6),
                    .init(usage.total > 0 ? cost.map { $0 / usage.total * 1_000 } : nil, digits: 6),
                ]
            })
    }

    static func days(_ names: [String], _ usage: [String: [TokenUsage]], _ list: PriceList) -> ReportDocument.Table {
        .init(
            "days", "By day",
            [
                .init("day", "day"), .init("requests", "requests"), .init("tokens", "tokens"), .init("cost", "cost \(list.currency)"),
                .init("tokens_unpriced", "without a price"),
            ],
            rows: names.indices.map { day in
                let sum = usage.values.reduce(into: TokenUsage()) { $0 += $1[day] }
                let costs = usage.compactMap { list.cost($0.key, $0.value[day]) }
                let unpriced = usage.reduce(0.0) { $0 + (list.cost($1.key, $1.value[day]) == nil ? $1.value[day].total : 0) }
                return [
                    .text(names[day]), .integer(sum.requests), .init(sum.total, digits: 0),
                    .init(costs.isEmpty ? nil : costs.reduce(0, +), digits: 4), .init(unpriced, digits: 0),
                ]
            })
    }

    static func detail(_ names: [String], _ usage: [String: [TokenUsage]], _ list: PriceList) -> ReportDocument.Table {
        var rows: [[ReportDocument.Value]] = []
        for day in names.indices {
            for (model, daily) in usage.sorted(by: { $0.key < $1.key }) where daily[day].requests > 0 {
                rows.append([
                    .text(names[day]), .text(ModelName.shown(model)), .integer(daily[day].requests), .init(daily[day].input, digits: 0),
                    .init(daily[day].output, digits: 0), .init(daily[day].unsplit, digits: 0), .init(list.cost(model, daily[day]), digits: 6),
                ])
            }
        }
        return .init(
            "days_models", "By day and model",
            [
                .init("day", "day"), .init("model", "model"), .init("requests", "requests"), .init("tokens_input", "of prompts"),
                .init("tokens_output", "of completions"), .init("tokens_unsplit", "not told apart"), .init("cost", "cost \(list.currency)"),
            ], rows: rows, isDetail: true)
    }

    static func engines(_ engines: [EngineTokens.Row], _ list: PriceList) -> ReportDocument.Table {
        .init(
            "engines", "Engines that log their throughput only (estimated)",
            [
                .init("host", "host"), .init("model", "model"), .init("tokens_input", "of prompts"), .init("tokens_output", "of completions"),
                .init("cost", "cost \(list.currency)"),
            ],
            rows: engines.map { row in
                [
                    row.host.isEmpty ? .missing : .text(row.host), .text(ModelName.shown(row.model)), .init(row.usage.input, digits: 0),
                    .init(row.usage.output, digits: 0), .init(list.cost(row.model, row.usage), digits: 4),
                ]
            })
    }

    /// Cost by day where there are prices, else tokens.
    static func plot(
        _ days: [(name: String, window: TimeRange)], _ usage: [String: [TokenUsage]], _ list: PriceList
    ) -> ReportDocument.Plot {
        let isPriced = usage.contains { list.models[$0.key] != nil }
        let series = usage.sorted { $0.key < $1.key }.prefix(8).map { model, daily in
            ReportDocument.Plot.Series(
                ModelName.shown(model), .line,
                zip(days, daily).map { day, usage in
                    (day.window.middleSeconds, isPriced ? list.cost(model, usage) ?? .nan : usage.total)
                })
        }
        return ReportDocument.Plot(isPriced ? "Cost by day" : "Tokens by day", yLabel: isPriced ? list.currency : "tokens", series: Array(series))
    }
}
