import LogModel

/// Counts requests, whichever of the two usual shapes they are logged in: with a status, or without one but with how long
/// they took (a success) or the type of an error (a failure).
struct RequestCounts {
    let source: ReportSource
    let fields: ReportFields
    let excluded: Set<String>

    /// Requests of a model with a status, by window.
    struct Row {
        var model: String
        /// As logged; without one `success` or `error`.
        var status: String
        var outcome: RequestOutcome
        var counts: [Int]
    }

    func rows(_ windows: [TimeRange]) async throws(ReportFailure) -> [Row] {
        var rows: [Row] = []
        let withStatus = MetricQuery.count(["\(fields.status)!=\"\""], by: [fields.model, fields.status])
        for series in try await source.ask(withStatus, over: windows) {
            let status = series[fields.status]
            rows.append(
                Row(
                    model: series[fields.model], status: status, outcome: .of(status, excluding: excluded),
                    counts: Self.counts(series)))
        }
        let none = "\(fields.status)=\"\""
        let failed = MetricQuery.count([none, "\(fields.errorType)!=\"\""], by: [fields.model])
        for series in try await source.ask(failed, over: windows) {
            rows.append(Row(model: series[fields.model], status: "error", outcome: .failure, counts: Self.counts(series)))
        }
        let answered = MetricQuery.count(
            [none, "\(fields.errorType)=\"\"", "\(fields.duration)!=\"\" or \(fields.latency)!=\"\""], by: [fields.model])
        for series in try await source.ask(answered, over: windows) {
            rows.append(Row(model: series[fields.model], status: "success", outcome: .success, counts: Self.counts(series)))
        }
        return rows
    }

    /// By window.
    static func tallies(_ rows: [Row], windows: Int) -> [RequestTally] {
        var tallies = [RequestTally](repeating: RequestTally(), count: windows)
        for row in rows {
            for (window, count) in row.counts.enumerated() where tallies.indices.contains(window) {
                tallies[window].add(row.outcome, count)
            }
        }
        return tallies
    }

    /// By model, sorted by name.
    static func byModel(_ rows: [Row]) -> [(model: String, tally: RequestTally)] {
        var tallies: [String: RequestTally] = [:]
        for row in rows { tallies[row.model, default: RequestTally()].add(row.outcome, row.counts.reduce(0, +)) }
        return tallies.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func counts(_ series: WindowedSeries) -> [Int] { series.values.map { Int(($0 ?? 0).rounded()) } }
}

/// How long requests took, in whichever field it is logged: milliseconds in one, or seconds in another where that is
/// missing.
struct DurationFields {
    /// One field that durations are logged in.
    struct Field {
        var name: String
        /// Milliseconds of one unit.
        var scale: Double
        /// What tells its lines from those of the other field.
        var filters: [String]
        var requests: Int

        /// The unit's number for milliseconds, as LogQL reads it.
        func threshold(_ milliseconds: Double) -> String { GoFloat.text(milliseconds / scale, .fixed) }
    }

    /// Those that occur, the one with most requests first.
    var all: [Field] = []
    /// The one that quantiles are taken of: quantiles of two fields cannot be put together.
    var main: Field? { all.first }

    static func find(_ source: ReportSource, _ fields: ReportFields, _ range: TimeRange) async throws(ReportFailure) -> DurationFields {
        var found = DurationFields()
        let candidates = [
            Field(name: fields.duration, scale: 1, filters: [], requests: 0),
            Field(name: fields.latency, scale: 1_000, filters: ["\(fields.duration)=\"\""], requests: 0),
        ]
        for var field in candidates {
            let query = MetricQuery.count(field.filters + ["\(field.name) >= 0"])
            field.requests = try await source.ask(query, over: range).first?.count ?? 0
            if field.requests > 0 { found.all.append(field) }
        }
        found.all.sort { $0.requests > $1.requests }
        return found
    }

    /// What must be said where requests log durations in two fields.
    var note: String? {
        guard all.count > 1, let main else { return nil }
        let others = all.dropFirst().reduce(0) { $0 + $1.requests }
        return "quantiles are of the \(main.requests) requests that log `\(main.name)`; \(others) log `\(all[1].name)` instead and "
            + "count in shares and means"
    }
}

/// How models are called in tables.
enum ModelName {
    static func shown(_ name: String) -> String { name.isEmpty ? "(none)" : name }
}
