import Bytes
import LogModel
import LogQL

/// What a store may decide about lines before the pipeline sees them.
///
/// A store drops rows for which the predicate is surely false, so the predicate must follow from the pipeline: no line
/// that the pipeline keeps may fail it (I4). Only line filters on the line as stored qualify; what stands behind a stage
/// that changes the line, and filters whose exact meaning is not a plain search, are left to the evaluator.
struct ScanPredicate {
    var predicate: Predicate
    /// The predicate says all that the stages say: a row selected by the store needs no evaluation.
    var isExact: Bool

    static let all = ScanPredicate(predicate: .all, isExact: false)

    /// `stages` in the order of execution. With `quirks` the evaluator reads some regexes differently from RE2, so
    /// these are not pushed.
    init(_ stages: [LogQL.Stage], quirks: Bool) {
        var parts: [Predicate] = []
        var exact = true
        scan: for stage in stages {
            switch stage {
            case .lineFilter(let filter):
                if let part = Self.predicate(filter, quirks: quirks) { parts.append(part) } else { exact = false }
            case .lineFormat, .unpack, .decolorize:
                // From here on filters look at another line.
                exact = false
                break scan
            case .json, .logfmt, .regexp, .pattern, .labelFormat, .labelFilter, .drop, .keep:
                exact = false
            }
        }
        switch parts.count {
        case 0: predicate = .all
        case 1: predicate = parts[0]
        default: predicate = .and(parts)
        }
        isExact = exact
    }

    private init(predicate: Predicate, isExact: Bool) {
        self.predicate = predicate
        self.isExact = isExact
    }

    /// nil where the filter's meaning cannot be put exactly.
    private static func predicate(_ filter: LogQL.LineFilter, quirks: Bool) -> Predicate? {
        var alternatives: [Predicate] = []
        for value in filter.values {
            guard case .text(let text) = value else { return nil }
            switch filter.op {
            case .contains, .containsNot:
                // Loki drops an always-true alternative beside others: leave that to the evaluator.
                if text.isEmpty { return filter.values.count == 1 && !filter.op.isNegative ? .all : nil }
                alternatives.append(.lineContains(text))
            case .matches, .matchesNot:
                guard !quirks, let regex = try? CompiledRegex(text.string) else { return nil }
                alternatives.append(.lineMatches(regex))
            case .pattern, .patternNot: return nil
            }
        }
        guard let first = alternatives.first else { return nil }
        let any = alternatives.count == 1 ? first : Predicate.or(alternatives)
        return filter.op.isNegative ? .not(any) : any
    }
}
