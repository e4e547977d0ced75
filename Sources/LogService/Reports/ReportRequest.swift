import LogModel

/// A report with everything decided that the command line leaves open.
struct ReportRequest {
    var kind: ReportWords.Kind
    var words: ReportWords
    var range: TimeRange
    var fields: ReportFields

    /// How far back a server is asked where nobody says: what each report needs to mean something.
    private static func span(_ kind: ReportWords.Kind) -> Int64 {
        switch kind {
        case .slo, .cost: 7 * ReportWindows.day
        case .latency, .capacity, .drift: ReportWindows.day
        }
    }

    /// `everything`: all times there are, for a directory or files, which have no default range.
    static func make(
        _ words: ReportWords, now: Timestamp, everything: TimeRange?
    ) throws(ReportFailure) -> ReportRequest {
        var fields = ReportFields()
        for text in words.fields { try fields.set(text) }
        let range = try range(words, now: now, everything: everything)
        return ReportRequest(kind: words.kind, words: words, range: range, fields: fields)
    }

    private static func range(
        _ words: ReportWords, now: Timestamp, everything: TimeRange?
    ) throws(ReportFailure) -> TimeRange {
        guard words.since == nil || words.from == nil else { throw ReportFailure("--since and --from exclude each other") }
        let end = try words.to.map { text throws(ReportFailure) in try moment("--to", text, now) } ?? everything?.end ?? now
        var start = everything?.start ?? end.advanced(by: -span(words.kind))
        if let text = words.since {
            guard let span = HumanTime.duration(text), span > 0 else {
                throw ReportFailure("--since is a span such as 6h or 7d, not \(text)")
            }
            start = end.advanced(by: -span)
        }
        if let text = words.from { start = try moment("--from", text, now) }
        // Queries know milliseconds.
        let whole = TimeRange(rounded(start, up: false), rounded(end, up: true))
        guard !whole.isEmpty else { throw ReportFailure("the range ends before it begins") }
        return whole
    }

    static func moment(_ flag: String, _ text: String, _ now: Timestamp) throws(ReportFailure) -> Timestamp {
        if let span = HumanTime.duration(text) { return now.advanced(by: -span) }
        guard let moment = HumanTime.moment(text, now: now) else {
            throw ReportFailure("\(flag) is a time such as now-1h, 2h or 2026-11-21T10:15:00Z, not \(text)")
        }
        return moment
    }

    static func rounded(_ time: Timestamp, up: Bool) -> Timestamp {
        let over = ((time.nanoseconds % 1_000_000) + 1_000_000) % 1_000_000
        if over == 0 { return time }
        return time.advanced(by: up ? 1_000_000 - over : -over)
    }

    var seconds: Double { Double(range.end.nanoseconds - range.start.nanoseconds) / 1e9 }

    func document(_ title: String, _ source: ReportSource) -> ReportDocument {
        ReportDocument(kind: kind.rawValue, title: title, selector: source.selector, range: range)
    }
}

/// The middle of a window, seconds since 1970, for plots.
extension TimeRange {
    var middleSeconds: Double { (Double(start.nanoseconds) / 2 + Double(end.nanoseconds) / 2) / 1e9 }
}
