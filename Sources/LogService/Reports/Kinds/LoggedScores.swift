import LogModel

/// Scores, feedback and safety flags, where an application logs them: means and shares by model. Computing them is not our
/// business.
struct LoggedScores {
    let source: ReportSource
    let fields: ReportFields

    /// Words that feedback consists of; free text is not counted, so that none of it can end up in a report.
    private static let good = "(?i:up|thumbs_up|thumbsup|positive|good|like|liked|yes|true|1|\\\\+1)"
    private static let bad = "(?i:down|thumbs_down|thumbsdown|negative|bad|dislike|disliked|no|false|0|-1)"
    private static let yes = "(?i:true|yes|1)"
    private static let either = "(?i:true|yes|1|false|no|0)"

    /// None where no line has any of the fields.
    func tables(_ range: TimeRange) async throws(ReportFailure) -> [ReportDocument.Table] {
        var scores: [String: (sum: Double, count: Int)] = [:]
        let present = "\(fields.score)!=\"\""
        for series in try await source.ask(MetricQuery.count([present], by: [fields.model]), over: range) {
            scores[series[fields.model], default: (0, 0)].count += series.count
        }
        if !scores.isEmpty {
            for series in try await source.ask(MetricQuery.sum(fields.score, by: [fields.model]), over: range) {
                scores[series[fields.model], default: (0, 0)].sum += series.total
            }
        }
        let liked = try await counts(fields.feedback, Self.good, range)
        let disliked = try await counts(fields.feedback, Self.bad, range)
        let flagged = try await counts(fields.flagged, Self.yes, range)
        let judged = try await counts(fields.flagged, Self.either, range)
        let models = Set(scores.keys).union(liked.keys).union(disliked.keys).union(judged.keys).sorted()
        guard !models.isEmpty else { return [] }
        return [
            .init(
                "quality", "Logged scores, feedback and safety flags",
                [
                    .init("model", "model"), .init("scores", "scores"), .init("mean_score", "mean score"), .init("feedback", "feedback"),
                    .init("positive_percent", "positive %"), .init("judged", "judged"), .init("flagged_percent", "flagged %"),
                ],
                rows: models.map { model in
                    let score = scores[model]
                    let (up, down) = (liked[model] ?? 0, disliked[model] ?? 0)
                    let seen = judged[model] ?? 0
                    return [
                        .text(ModelName.shown(model)), .integer(score?.count ?? 0),
                        .init(score.flatMap { $0.count > 0 ? $0.sum / Double($0.count) : nil }, digits: 3), .integer(up + down),
                        .init(up + down > 0 ? Double(up) / Double(up + down) * 100 : nil, digits: 1), .integer(seen),
                        .init(seen > 0 ? Double(flagged[model] ?? 0) / Double(seen) * 100 : nil, digits: 2),
                    ]
                })
        ]
    }

    private func counts(_ field: String, _ pattern: String, _ range: TimeRange) async throws(ReportFailure) -> [String: Int] {
        var found: [String: Int] = [:]
        for series in try await source.ask(MetricQuery.count(["\(field)=~\"\(pattern)\""], by: [fields.model]), over: range) {
            found[series[fields.model], default: 0] += series.count
        }
        return found
    }
}
