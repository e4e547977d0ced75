import LogModel

/// `report drift`: whether prompts and completions are as long as they were, and models asked as often.
struct DriftReport {
    private let request: ReportRequest
    private let source: ReportSource
    private let fields: ReportFields

    init(_ request: ReportRequest, _ source: ReportSource) {
        self.request = request
        self.source = source
        fields = request.fields
    }

    func make() async throws(ReportFailure) -> ReportDocument {
        let words = request.words
        guard words.baseline == nil || (words.baselineFrom == nil && words.baselineTo == nil) else {
            throw ReportFailure("--baseline FILE and --baseline-from exclude each other")
        }
        var report = request.document("Drift", source)
        let stored = try words.baseline.map { path throws(ReportFailure) in
            try LengthBaseline.parse(try SettingsText.read(path, sizeMax: LengthBaseline.sizeMax), file: path)
        }
        let buckets: LengthBuckets
        if let stored { buckets = stored.buckets } else { buckets = try Self.buckets(words.edges) }
        if stored != nil, words.edges != nil { throw ReportFailure("--edges are those of the stored baseline") }
        let now = try await measure(request.range, buckets)
        if let path = words.savesBaseline {
            guard !now.models.isEmpty else {
                report.refusal = "No data: no line of \(source.selector) in this time tells `\(fields.promptTokens)` or "
                    + "`\(fields.completionTokens)`, so there is no baseline to save."
                return report
            }
            try now.save(path)
            report.notes.append("saved as a baseline: \(path)")
            if stored == nil, words.baselineFrom == nil { return lengths(now, &report) }
        }
        let then: LengthBaseline
        if let stored { then = stored } else { then = try await measure(try baselineRange(), buckets) }
        guard !now.models.isEmpty, !then.models.isEmpty else {
            let window = now.models.isEmpty ? "this time" : "the baseline"
            report.refusal = "No data: no line of \(source.selector) in \(window) tells `\(fields.promptTokens)` or `\(fields.completionTokens)`."
            return report
        }
        compare(now, then, &report)
        return report
    }

    private static func buckets(_ text: String?) throws(ReportFailure) -> LengthBuckets {
        guard let text else { return .doubling }
        let edges = text.split(separator: ",").map { Int($0.filter { $0 != " " }) }
        let numbers = edges.compactMap { $0 }
        guard numbers.count == edges.count, (1...64).contains(numbers.count), numbers.allSatisfy({ $0 >= 0 }),
            zip(numbers, numbers.dropFirst()).allSatisfy({ $0 < $1 })
        else { throw ReportFailure("--edges are 1 to 64 ascending numbers such as 64,256,1024, not \(text)") }
        return LengthBuckets(edges: numbers)
    }

    /// As told; else a week before the report, or as long as the report where that is longer.
    private func baselineRange() throws(ReportFailure) -> TimeRange {
        let now = Timestamp.now()
        let span = request.range.end.nanoseconds - request.range.start.nanoseconds
        let end = try request.words.baselineTo.map { text throws(ReportFailure) in
            try ReportRequest.moment("--baseline-to", text, now)
        } ?? request.range.start
        let start = try request.words.baselineFrom.map { text throws(ReportFailure) in
            try ReportRequest.moment("--baseline-from", text, now)
        } ?? end.advanced(by: -max(span, 7 * ReportWindows.day))
        let range = TimeRange(ReportRequest.rounded(start, up: false), ReportRequest.rounded(end, up: false))
        guard !range.isEmpty else { throw ReportFailure("the baseline ends before it begins") }
        return range
    }

    /// Histograms by counting what is at most each edge: a query for each, answered from columns.
    private func measure(_ range: TimeRange, _ buckets: LengthBuckets) async throws(ReportFailure) -> LengthBaseline {
        var made = LengthBaseline(from: range.start, to: range.end, buckets: buckets)
        for length in LengthBaseline.Length.allCases {
            let field = length == .prompt ? fields.promptTokens : fields.completionTokens
            var totals: [String: Int] = [:]
            for series in try await source.ask(MetricQuery.count(["\(field) >= 0"], by: [fields.model]), over: range) {
                totals[series[fields.model]] = series.count
            }
            guard !totals.isEmpty else { continue }
            var below: [String: [Int]] = [:]
            for edge in buckets.edges {
                var found: [String: Int] = [:]
                for series in try await source.ask(MetricQuery.count(["\(field) <= \(edge)"], by: [fields.model]), over: range) {
                    found[series[fields.model]] = series.count
                }
                for model in totals.keys { below[model, default: []].append(found[model] ?? 0) }
            }
            for (model, total) in totals {
                made.models[model, default: [:]][length] = buckets.counts(atMost: below[model] ?? [], total: total)
            }
        }
        return made
    }

    // MARK: Comparing

    private func compare(_ now: LengthBaseline, _ then: LengthBaseline, _ report: inout ReportDocument) {
        let names = Set(now.models.keys).union(then.models.keys).sorted()
        let none = [Int](repeating: 0, count: now.buckets.edges.count + 1)
        var rows: [[ReportDocument.Value]] = []
        var worst: (value: Double, what: String)?
        func add(_ model: String, _ what: String, _ index: StabilityIndex) {
            rows.append([
                .text(model), .text(what), .integer(index.now), .integer(index.then), .init(index.value, digits: 3),
                .init(index.noise, digits: 3), .text(index.verdict.rawValue),
            ])
            if let value = index.value, value > worst?.value ?? -1 { worst = (value, "\(what) of \(model)") }
        }
        for model in names {
            for length in LengthBaseline.Length.allCases {
                let a = now.models[model]?[length] ?? none
                let b = then.models[model]?[length] ?? none
                if a.contains(where: { $0 > 0 }) || b.contains(where: { $0 > 0 }) {
                    add(ModelName.shown(model), length.rawValue, StabilityIndex(a, against: b))
                }
            }
        }
        if names.count > 1 {
            func requests(_ one: LengthBaseline) -> [Int] { names.map { one.requests(of: $0) } }
            add("(all)", "choice of model", StabilityIndex(requests(now), against: requests(then)))
        }
        report.figures = [
            .init("baseline_from", "baseline from", .text(ReportText.moment(then.from))),
            .init("baseline_to", "to", .text(ReportText.moment(then.to))),
            .init("largest_psi", "largest index", .init(worst?.value, digits: 3)),
            .init("largest_psi_of", "it is that of", worst.map { .text($0.what) } ?? .missing),
        ]
        report.tables = [
            .init(
                "drift", "Population stability index",
                [
                    .init("model", "model"), .init("what", "what"), .init("requests", "requests"), .init("requests_baseline", "of the baseline"),
                    .init("psi", "index"), .init("noise", "chance"), .init("verdict", "verdict"),
                ], rows: rows),
            Self.histograms(now, then, names),
        ]
        report.notes.append("below 0.1 is stable, from 0.25 on a large change; `chance` is what comes without any change once in twenty times")
        if worst == nil {
            report.refusal = "Too few requests to tell: chance alone could reach an index of 0.1. Take a longer time, or fewer buckets (--edges)."
        }
        report.plots = LengthBaseline.Length.allCases.map { Self.plot(now, then, $0) }
    }

    private static func histograms(_ now: LengthBaseline, _ then: LengthBaseline, _ names: [String]) -> ReportDocument.Table {
        var rows: [[ReportDocument.Value]] = []
        for model in names {
            for length in LengthBaseline.Length.allCases {
                let (a, b) = (now.models[model]?[length], then.models[model]?[length])
                for (i, bucket) in now.buckets.names.enumerated() where (a?[i] ?? 0) + (b?[i] ?? 0) > 0 {
                    rows.append([
                        .text(ModelName.shown(model)), .text(length.rawValue), .text(bucket), .integer(a?[i] ?? 0), .integer(b?[i] ?? 0),
                    ])
                }
            }
        }
        return .init(
            "histograms", "Requests by length",
            [
                .init("model", "model"), .init("what", "what"), .init("tokens", "tokens"), .init("requests", "requests"),
                .init("requests_baseline", "of the baseline"),
            ], rows: rows, isDetail: true)
    }

    /// Shares of all models' requests, by number of bucket.
    private static func plot(_ now: LengthBaseline, _ then: LengthBaseline, _ length: LengthBaseline.Length) -> ReportDocument.Plot {
        func shares(_ one: LengthBaseline) -> [(x: Double, y: Double)] {
            var sums = [Int](repeating: 0, count: one.buckets.edges.count + 1)
            for model in one.models.values { for (i, count) in (model[length] ?? []).enumerated() { sums[i] += count } }
            let total = max(1, sums.reduce(0, +))
            return sums.enumerated().map { (Double($0.offset), Double($0.element) / Double(total) * 100) }
        }
        return ReportDocument.Plot(
            "Length of \(length.rawValue)s, all models", x: .number("bucket, up to \(now.buckets.edges.map { "\($0)" }.joined(separator: ", ")) tokens, more"),
            yLabel: "% of requests", series: [.init("now", .line, shares(now)), .init("baseline", .line, shares(then))])
    }

    /// Only a baseline was wanted: what is in it.
    private func lengths(_ now: LengthBaseline, _ report: inout ReportDocument) -> ReportDocument {
        report.tables = [
            .init(
                "baseline", "Requests in the baseline",
                [.init("model", "model"), .init("prompts", "prompts"), .init("completions", "completions")],
                rows: now.models.sorted { $0.key < $1.key }.map { model, lengths in
                    [
                        .text(ModelName.shown(model)), .integer((lengths[.prompt] ?? []).reduce(0, +)),
                        .integer((lengths[.completion] ?? []).reduce(0, +)),
                    ]
                })
        ]
        return report
    }
}
