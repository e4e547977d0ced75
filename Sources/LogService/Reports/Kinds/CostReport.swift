import LogModel
import LogStages

/// `report cost`: what tokens and machines cost, by day, model, user and host.
struct CostReport {
    private let request: ReportRequest
    private let source: ReportSource
    private let fields: ReportFields

    init(_ request: ReportRequest, _ source: ReportSource) {
        self.request = request
        self.source = source
        fields = request.fields
    }

    func make() async throws(ReportFailure) -> ReportDocument {
        guard (1...500).contains(request.words.top) else { throw ReportFailure("--top is a number of users from 1 to 500") }
        let prices = try request.words.prices.map { path throws(ReportFailure) in try SettingsText.load(path, PriceFile.decode) }
        let list = prices ?? PriceList()
        let zone = try zone()
        var report = request.document("Cost", source)
        let days = ReportWindows.days(request.range, zone: zone)
        let usage = try await TokenCounts(source: source, fields: fields).byModel(days.map(\.window), filters: [])
        let engines = try await EngineTokens(request: request, source: source).byModel()
        let hosts = try await hosts()
        let anyTokens = usage.values.contains { $0.contains { $0.requests > 0 } }
        guard anyTokens || !engines.isEmpty || !hosts.isEmpty else {
            report.refusal = "No data: no line of \(source.selector) in this time tells `\(fields.promptTokens)`, `\(fields.tokens)` or "
                + "`\(fields.totalTokens)`, and none tells a `\(fields.host)`."
            return report
        }
        var models: [String: TokenUsage] = [:]
        for (model, daily) in usage { models[model] = daily.reduce(into: TokenUsage()) { $0 += $1 } }
        let money = list.currency
        let sum = models.values.reduce(into: TokenUsage()) { $0 += $1 }
        let costs = models.compactMap { list.cost($0.key, $0.value) }
        let usageCost: Double? = costs.isEmpty ? nil : costs.reduce(0, +)
        let unpriced = models.filter { list.cost($0.key, $0.value) == nil && $0.value.total > 0 }.sorted { $0.key < $1.key }
        report.figures = [
            .init("requests", "requests with tokens", .integer(sum.requests)),
            .init("tokens", "tokens", .init(sum.total, digits: 0)),
            .init("tokens_input", "of prompts", .init(sum.input, digits: 0)),
            .init("tokens_output", "of completions", .init(sum.output, digits: 0)),
            .init("tokens_unsplit", "not told apart", .init(sum.unsplit, digits: 0)),
            .init("cost_usage", "cost of tokens", .init(usageCost, digits: 4), unit: money),
            .init("tokens_unpriced", "tokens without a price", .init(unpriced.reduce(0.0) { $0 + $1.value.total }, digits: 0)),
        ]
        report.tables = [
            Self.models(models, list), Self.days(days.map(\.name), usage, list),
        ]
        if let users = try await users(list) { report.tables.append(users) }
        report.tables.append(Self.detail(days.map(\.name), usage, list))
        if !hosts.isEmpty { add(hosts, list, usageCost, &report) }
        if !engines.isEmpty { report.tables.append(Self.engines(engines, list)) }
        report.notes += notes(unpriced, list, hasPrices: prices != nil, engines: !engines.isEmpty)
        report.plots = [Self.plot(days, usage, list)]
        return report
    }

    private func zone() throws(ReportFailure) -> TimeZoneTable? {
        guard let name = request.words.zone, name != "UTC", !name.isEmpty else { return nil }
        guard let zone = TimeZoneTable.named(name) else { throw ReportFailure("--zone: this machine knows no zone \(name)") }
        return zone
    }

    private func notes(
        _ unpriced: [(key: String, value: TokenUsage)], _ list: PriceList, hasPrices: Bool, engines: Bool
    ) -> [String] {
        var notes: [String] = []
        if !hasPrices {
            notes.append("no prices: --prices FILE says what a token costs, see samples/prices.yaml")
        } else if !unpriced.isEmpty {
            let names = unpriced.map { name, usage in
                list.models[name] == nil ? ModelName.shown(name) : "\(ModelName.shown(name)) (does not tell prompts from completions)"
            }
            notes.append("not priced, and not in the cost: \(names.joined(separator: ", "))")
        }
        notes.append("days are those of \(request.words.zone ?? "UTC")")
        if engines {
            notes.append("estimated: engines that log only their throughput are integrated over \(request.words.statsInterval) a line")
        }
        return notes
    }

    // MARK: Users

    /// The users with most tokens. As they are logged; what looks like an e-mail address is not shown.
    private func users(_ list: PriceList) async throws(ReportFailure) -> ReportDocument.Table? {
        let counts = TokenCounts(source: source, fields: fields)
        let names = try await counts.topUsers(request.words.top, request.range)
        guard !names.isEmpty else { return nil }
        let pattern = names.map { LogQLText.pattern($0) }.joined(separator: "|")
        let usage = try await counts.byUserAndModel(request.range, filters: ["\(fields.user)=~\(GoQuote.quote(pattern))"])
        var rows: [(name: String, usage: TokenUsage, cost: Double?, unpriced: Double, members: Int)] = []
        var hidden = (usage: TokenUsage(), cost: 0.0, isPriced: false, unpriced: 0.0, members: 0)
        for (user, models) in usage {
            let sum = models.values.reduce(into: TokenUsage()) { $0 += $1 }
            let costs = models.compactMap { list.cost($0.key, $0.value) }
            let unpriced = models.filter { list.cost($0.key, $0.value) == nil }.values.reduce(0.0) { $0 + $1.total }
            if SafeText.holdsMail(user) {
                hidden.usage += sum
                hidden.cost += costs.reduce(0, +)
                hidden.isPriced = hidden.isPriced || !costs.isEmpty
                hidden.unpriced += unpriced
                hidden.members += 1
            } else {
                rows.append((user, sum, costs.isEmpty ? nil : costs.reduce(0, +), unpriced, 1))
            }
        }
        if hidden.members > 0 {
            rows.append(
                ("(\(hidden.members) e-mail addresses)", hidden.usage, hidden.isPriced ? hidden.cost : nil, hidden.unpriced, hidden.members))
        }
        rows.sort { ($1.usage.total, $0.name) < ($0.usage.total, $1.name) }
        return .init(
            "users", "Users with most tokens",
            [
                .init("user", "user"), .init("requests", "requests"), .init("tokens", "tokens"), .init("cost", "cost \(list.currency)"),
                .init("tokens_unpriced", "without a price"),
            ],
            rows: rows.map {
                [
                    .text($0.name), .integer($0.usage.requests), .init($0.usage.total, digits: 0), .init($0.cost, digits: 4),
                    .init($0.unpriced, digits: 0),
                ]
            })
    }

    // MARK: Hosts

    /// Hours in which each host was seen, and had a request.
    private func hosts() async throws(ReportFailure) -> [HostHours] {
        let hours = ReportWindows.bins(request.range, ReportWindows.hour, aligned: true)
        // A label of streams needs no line to be read.
        var seen = try await source.ask(MetricQuery.count([], by: [fields.host]).staged(""), over: hours)
        if !seen.contains(where: { !$0[fields.host].isEmpty }) {
            seen = try await source.ask(MetricQuery.count(["\(fields.host)!=\"\""], by: [fields.host]), over: hours)
        }
        if let engine = EngineTokens(request: request, source: source).selector, engine != source.selector {
            seen += try await source.ask(MetricQuery.count([], by: [fields.host]).staged(""), over: hours, selector: engine)
        }
        let work = TokenCounts.hasTokens(fields)
        let busy = try await source.ask(MetricQuery.count(["\(fields.host)!=\"\"", work], by: [fields.host]), over: hours)
        func present(_ all: [WindowedSeries]) -> [String: [Bool]] {
            var found: [String: [Bool]] = [:]
            for series in all where !series[fields.host].isEmpty {
                var flags = found[series[fields.host]] ?? [Bool](repeating: false, count: hours.count)
                for (i, value) in series.values.enumerated() where (value ?? 0) > 0 { flags[i] = true }
                found[series[fields.host]] = flags
            }
            return found
        }
        func sum(_ flags: [Bool]) -> Double {
            zip(hours, flags).reduce(0.0) { $0 + ($1.1 ? $1.0.seconds / 3_600 : 0) }
        }
        let working = present(busy)
        return present(seen).sorted { $0.key < $1.key }
            .map { HostHours(host: $0.key, seen: sum($0.value), busy: sum(working[$0.key] ?? [])) }
    }

    private func add(_ hosts: [HostHours], _ list: PriceList, _ usage: Double?, _ report: inout ReportDocument) {
        let priced = hosts.compactMap { host in list.hourly(host.host).map { (host, $0) } }
        let cost: Double? = priced.isEmpty ? nil : priced.reduce(0.0) { $0 + $1.0.seen * $1.1 }
        let seen = hosts.reduce(0.0) { $0 + $1.seen }
        let idle = seen > 0 ? (1 - hosts.reduce(0.0) { $0 + $1.busy } / seen) * 100 : nil
        let ratio: Double? = if let cost, let usage, usage > 0 { cost / usage } else { nil }
        report.figures += [
            .init("host_hours", "hours of hosts", .init(seen, digits: 1)),
            .init("cost_infrastructure", "cost of hosts", .init(cost, digits: 2), unit: list.currency),
            .init(
                "cost_infrastructure_month", "the same hosts for a month",
                .init(priced.isEmpty ? nil : priced.reduce(0.0) { $0 + $1.1 * HostHours.hoursOfMonth }, digits: 2), unit: list.currency),
            .init("idle_percent", "hours of hosts without a request", .init(idle, digits: 1), unit: "%"),
            .init("infrastructure_per_usage", "cost of hosts to cost of tokens", .init(ratio, digits: 2), unit: "to 1"),
        ]
        report.tables.append(
            .init(
                "hosts", "Hosts",
                [
                    .init("host", "host"), .init("instance", "type"), .init("hours", "hours seen"), .init("hours_busy", "with requests"),
                    .init("price_hour", "\(list.currency) an hour"), .init("cost", "cost \(list.currency)"), .init("cost_month", "a month"),
                ],
                rows: hosts.map { host in
                    let price = list.hourly(host.host)
                    return [
                        .text(host.host), list.hosts[host.host].map { .text($0) } ?? .missing, .init(host.seen, digits: 1),
                        .init(host.busy, digits: 1), .init(price, digits: 3), .init(price.map { $0 * host.seen }, digits: 2),
                        .init(price.map { $0 * HostHours.hoursOfMonth }, digits: 2),
                    ]
                }))
        let unknown = hosts.filter { list.hourly($0.host) == nil }.map(\.host)
        if !unknown.isEmpty, !priced.isEmpty {
            report.notes.append("hosts without a type or a price, not in the cost: \(unknown.joined(separator: ", "))")
        }
    }
}
