import Bytes
import LogModel
import LogQL
import LogStages

/// What a store may decide about lines before the pipeline sees them.
///
/// A store drops rows for which the predicate is surely false, so the predicate must follow from the pipeline: no line
/// that the pipeline keeps may fail it (I4). Line filters on the line as stored qualify, and label filters on what a
/// plain `| json` makes; what stands behind a stage that changes the line or the labels, and filters whose exact meaning
/// is more than a search or the test of a value, are left to the evaluator.
struct ScanPredicate {
    var predicate: Predicate
    /// The predicate says all that the stages say: a row selected by the store needs no evaluation.
    var isExact: Bool

    /// Whether the stages are line filters, then `| json`, then label filters and nothing else: then the labels of a row
    /// are those of its stream, its metadata and its fields.
    var isPlainJSON = false
    /// Whether a selected row is sure to be a JSON object, because a field of it was looked at.
    var asksFields = false
    static let all = ScanPredicate(predicate: .all, isExact: false)

    /// `stages` in the order of execution. With `quirks` label filters are left to the evaluator.
    init(_ stages: [LogQL.Stage], quirks: Bool) {
        var parts: [Predicate] = []
        var exact = true
        /// Labels are those of the stream, the metadata and – behind `| json` – the fields.
        enum Labels { case stored, fields, changed }
        var labels = Labels.stored
        scan: for stage in stages {
            switch stage {
            case .lineFilter(let filter):
                // What it makes of the pattern is what the evaluator runs, Loki's oddities included.
                guard let made = try? StageBuilder.filter(filter, quirks: quirks), let part = made.predicate else {
                    exact = false
                    continue
                }
                parts.append(part)
            case .lineFormat, .unpack, .decolorize:
                // From here on filters look at another line.
                exact = false
                labels = .changed
                break scan
            case .json(let extractions) where extractions.isEmpty && labels == .stored && !quirks: labels = .fields
            case .labelFilter(let filter):
                guard labels == .fields, let made = try? StageBuilder.filter(filter), let part = made.predicate else {
                    exact = false
                    continue
                }
                parts.append(part)
                asksFields = true
            case .json, .logfmt, .regexp, .pattern, .labelFormat, .drop, .keep:
                exact = false
                labels = .changed
            }
        }
        isPlainJSON = exact && labels == .fields
        switch parts.count {
        case 0: predicate = .all
        case 1: predicate = parts[0]
        default: predicate = .and(parts)
        }
        isExact = exact && labels == .stored
    }

    private init(predicate: Predicate, isExact: Bool) {
        self.predicate = predicate
        self.isExact = isExact
    }
}
