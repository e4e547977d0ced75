import LogModel

/// One question of a report: a range aggregation over the requests of a selector.
///
/// Written so that a store can answer it from columns: `| json`, label filters, `by`, a plain `unwrap`. Lines that are no JSON
/// fail such a query, as LogQL has it; only then it is asked again with `__error__=""`, which must look at every line.
package struct MetricQuery: Sendable, Equatable {
    /// A vector aggregation around it.
    package enum Outer: Sendable, Equatable {
        case none
        case sum
        /// The number of series, after a comparison of their values: `< 5000`.
        case count(String)
        /// The largest sums.
        case top(Int)
    }

    /// `count_over_time`, `sum_over_time`, `quantile_over_time(0.95` …
    package var function: String
    /// What stands between selector and label filters.
    package var stages: String
    package var filters: [String]
    package var unwrap: String?
    package var by: [String]
    package var outer: Outer

    /// How many lines.
    package static func count(_ filters: [String], by: [String] = []) -> MetricQuery {
        MetricQuery(function: "count_over_time", stages: "| json", filters: filters, unwrap: nil, by: by, outer: .sum)
    }

    /// The sum of a field.
    package static func sum(_ field: String, _ filters: [String] = [], by: [String] = []) -> MetricQuery {
        MetricQuery(function: "sum_over_time", stages: "| json", filters: filters, unwrap: field, by: by, outer: .sum)
    }

    /// An order statistic, exact.
    package static func quantile(_ q: Double, _ field: String, _ filters: [String] = [], by: [String] = []) -> MetricQuery {
        MetricQuery(
            function: "quantile_over_time(\(GoFloat.text(q, .fixed))", stages: "| json", filters: filters, unwrap: field, by: by,
            outer: .none)
    }

    /// `avg_over_time` or `max_over_time` of a field.
    package static func over(_ function: String, _ field: String, _ filters: [String] = [], by: [String] = []) -> MetricQuery {
        MetricQuery(function: function, stages: "| json", filters: filters, unwrap: field, by: by, outer: .none)
    }

    package func with(_ outer: Outer) -> MetricQuery {
        var query = self
        query.outer = outer
        return query
    }

    package func staged(_ stages: String) -> MetricQuery {
        var query = self
        query.stages = stages
        return query
    }

    /// LogQL. `range`: `1h`. `skipsErrors`: lines that do not parse are left out instead of failing the query.
    package func text(_ selector: String, range: String, skipsErrors: Bool = false) -> String {
        var log = "\(selector) \(stages)"
        if skipsErrors { log += " | __error__=\"\"" }
        for filter in filters { log += " | \(filter)" }
        if let unwrap { log += " | unwrap \(unwrap)" }
        if skipsErrors, unwrap != nil { log += " | __error__=\"\"" }
        let grouping = "by (\(by.joined(separator: ", ")))"
        let open = function.contains("(") ? "\(function), " : "\(function)("
        let inner = "\(open)\(log) [\(range)])"
        let isSummed = function.hasPrefix("count") || function.hasPrefix("sum")
        let grouped = isSummed ? (by.isEmpty ? "sum(\(inner))" : "sum \(grouping) (\(inner))") : "\(inner) \(grouping)"
        switch outer {
        case .none, .sum: return grouped
        case .count(let comparison): return "count(\(grouped)\(comparison.isEmpty ? "" : " \(comparison)"))"
        case .top(let count): return "topk(\(count), \(grouped))"
        }
    }

    /// A range as LogQL spells it: the largest unit that it is whole in, milliseconds at least.
    static func range(_ nanoseconds: Int64) -> String {
        let units: [(String, Int64)] = [
            ("d", ReportWindows.day), ("h", ReportWindows.hour), ("m", ReportWindows.minute), ("s", 1_000_000_000), ("ms", 1_000_000),
        ]
        for (unit, size) in units where nanoseconds % size == 0 && nanoseconds >= size { return "\(nanoseconds / size)\(unit)" }
        return "\(max(1, nanoseconds / 1_000_000))ms"
    }
}

/// What a query answered for some windows.
package struct WindowedSeries: Sendable, Equatable {
    package var labels: [String: String]
    /// One for each window; nil where there is none.
    package var values: [Double?]

    package init(labels: [String: String], values: [Double?]) {
        self.labels = labels
        self.values = values
    }

    package subscript(label: String) -> String { labels[label] ?? "" }
    /// For counts and sums, where nothing is 0.
    package var total: Double { values.reduce(0) { $0 + ($1 ?? 0) } }
    package var count: Int { Int(total.rounded()) }
}
