import LogModel

/// Counts tokens, in and out where lines tell them apart, in sum where they do not. A line is counted by one of the three
/// shapes only.
struct TokenCounts {
    let source: ReportSource
    let fields: ReportFields

    /// The filter of lines with tokens in any shape.
    static func hasTokens(_ fields: ReportFields) -> String {
        [fields.promptTokens, fields.completionTokens, fields.tokens, fields.totalTokens].map { "\($0)!=\"\"" }.joined(separator: " or ")
    }

    /// Queries and what their sums are added to. A line that tells parts is not counted by its sum too.
    private var questions: [(query: MetricQuery, path: WritableKeyPath<TokenUsage, Double>)] {
        let noParts = ["\(fields.promptTokens)=\"\"", "\(fields.completionTokens)=\"\""]
        return [
            (.sum(fields.promptTokens), \.input),
            (.sum(fields.completionTokens), \.output),
            (.sum(fields.tokens, noParts), \.unsplit),
            (.sum(fields.totalTokens, noParts + ["\(fields.tokens)=\"\""]), \.unsplit),
        ]
    }

    func byModel(_ windows: [TimeRange], filters: [String]) async throws(ReportFailure) -> [String: [TokenUsage]] {
        let found = try await by([fields.model], windows, filters)
        return Dictionary(found.map { ($0.key[fields.model] ?? "", $0.value) }, uniquingKeysWith: { first, _ in first })
    }

    func byUserAndModel(_ range: TimeRange, filters: [String]) async throws(ReportFailure) -> [String: [String: TokenUsage]] {
        var users: [String: [String: TokenUsage]] = [:]
        for (labels, usage) in try await by([fields.user, fields.model], [range], filters) {
            users[labels[fields.user] ?? "", default: [:]][labels[fields.model] ?? "", default: TokenUsage()] += usage[0]
        }
        return users
    }

    /// The users with most tokens, most first.
    func topUsers(_ count: Int, _ range: TimeRange) async throws(ReportFailure) -> [String] {
        var sums: [String: Double] = [:]
        for (query, _) in questions {
            var asked = query
            asked.by = [fields.user]
            asked.filters.append("\(fields.user)!=\"\"")
            // More than wanted of each, so that whoever is first in sum is among them, unless far behind in every part.
            for series in try await source.ask(asked.with(.top(min(500, count * 4))), over: range) {
                sums[series[fields.user], default: 0] += series.total
            }
        }
        return sums.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(count).map(\.key)
    }

    private func by(
        _ names: [String], _ windows: [TimeRange], _ filters: [String]
    ) async throws(ReportFailure) -> [[String: String]: [TokenUsage]] {
        var found: [[String: String]: [TokenUsage]] = [:]
        func key(_ series: WindowedSeries) -> [String: String] {
            Dictionary(names.map { ($0, series[$0]) }, uniquingKeysWith: { first, _ in first })
        }
        let none = [TokenUsage](repeating: TokenUsage(), count: windows.count)
        for (query, path) in questions {
            var asked = query
            asked.by = names
            asked.filters += filters
            for series in try await source.ask(asked, over: windows) {
                for (window, value) in series.values.enumerated() { found[key(series), default: none][window][keyPath: path] += value ?? 0 }
            }
        }
        for series in try await source.ask(MetricQuery.count([Self.hasTokens(fields)] + filters, by: names), over: windows) {
            for (window, value) in series.values.enumerated() { found[key(series), default: none][window].requests += Int((value ?? 0).rounded()) }
        }
        return found
    }
}

/// Tokens of engines that log no request but their throughput now and then, as vLLM does: rate times the time between two
/// lines. An estimate, and called so.
struct EngineTokens {
    let request: ReportRequest
    let source: ReportSource

    struct Row {
        var host: String
        var model: String
        var usage: TokenUsage
    }

    /// nil: such engines are not looked for.
    var selector: String? {
        if let given = request.words.engineSelector { return given.isEmpty || given == "none" ? nil : given }
        return request.words.files.isEmpty ? #"{job="vllm"}"# : source.selector
    }

    func byModel() async throws(ReportFailure) -> [Row] {
        guard let selector else { return [] }
        let seconds = Double(try Objectives.span("--stats-interval", request.words.statsInterval)) / 1e9
        let fields = request.fields
        var rows: [[String]: TokenUsage] = [:]
        for (word, path) in [("prompt", \TokenUsage.input), ("generation", \TokenUsage.output)] {
            let stages = "|= \"Avg \(word) throughput:\" | regexp \"Avg \(word) throughput: (?P<rate>[0-9.]+) tokens/s\""
            let query = MetricQuery.sum("rate", by: [fields.host, fields.model]).staged(stages)
            for series in try await source.ask(query, over: request.range, selector: selector) {
                rows[[series[fields.host], series[fields.model]], default: TokenUsage()][keyPath: path] += series.total * seconds
            }
        }
        return rows.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { Row(host: $0.key[0], model: $0.key[1], usage: $0.value) }
    }
}

/// Texts of logs inside queries.
enum LogQLText {
    /// An RE2 pattern of exactly this text.
    static func pattern(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            if scalar.isASCII, !scalar.properties.isAlphabetic, !("0"..."9").contains(scalar), scalar != "_", scalar.value >= 0x20 { out += "\\" }
            out.unicodeScalars.append(scalar)
        }
        return out
    }
}
