import Bytes
import LogModel
import LogQL

/// `X-Loki-Query-Limits`: limits that a client sets for one request, in JSON. They only ever lower what its tenant may.
///
/// Honoured: `maxQueryLength`, `maxQueryInterval` (of the range in brackets), `maxQueryLookback`, `maxQueryTime`,
/// `maxEntriesLimitPerQuery`, `requiredLabels`, `minimumLabelsNumber`. Others are ignored, and so is a header that is no
/// JSON object, as Loki does.
struct QueryLimitsHeader: Equatable {
    /// Nanoseconds.
    private(set) var queryLength: Int64?
    private(set) var queryRange: Int64?
    private(set) var queryLookback: Int64?
    private(set) var queryTime: Int64?
    private(set) var entries: Int?
    private(set) var requiredLabels: [String] = []
    private(set) var labelsMin = 0

    /// Longer ones are not looked at.
    private static let sizeMax = 16 << 10

    init?(_ header: String?) {
        guard let header, !header.isEmpty, header.utf8.count <= Self.sizeMax else { return nil }
        let text = Array(header.utf8)
        let good = text.withView { view -> Bool in
            var cursor = JSONCursor()
            guard (try? cursor.scan(view)) != nil, cursor.count > 0, cursor[0].type == .object else { return false }
            var index = 1
            while index < cursor[0].next {
                let member = cursor.member(at: index)
                take(view[member.key], cursor, index + 1, view)
                index = member.next
            }
            return true
        }
        guard good else { return nil }
    }

    private mutating func take(_ key: ByteView, _ cursor: JSONCursor, _ index: Int, _ text: ByteView) {
        let token = cursor[index]
        let value = JSONCursor.raw(token, in: text).string
        switch key.string {
        case "maxQueryLength": queryLength = Self.duration(value)
        case "maxQueryInterval": queryRange = Self.duration(value)
        case "maxQueryLookback": queryLookback = Self.duration(value)
        case "maxQueryTime": queryTime = Self.duration(value)
        case "maxEntriesLimitPerQuery": entries = Int(value).flatMap { $0 > 0 ? $0 : nil }
        case "minimumLabelsNumber": labelsMin = max(Int(value) ?? 0, 0)
        case "requiredLabels" where token.type == .array:
            var item = index + 1
            while item < token.next {
                requiredLabels.append(JSONCursor.raw(cursor[item], in: text).string)
                item = cursor[item].next
            }
        default: break
        }
    }

    /// Prometheus's durations; 0 sets nothing.
    private static func duration(_ text: String) -> Int64? {
        guard let time = try? Parameters.prometheusDuration(text), time > 0 else { return nil }
        return time
    }

    /// The limits of a request: each the lower of the two. 0 in `limits` means none.
    func lowering(_ limits: Limits) -> Limits {
        func lower<T: Comparable & ExpressibleByIntegerLiteral>(_ mine: T?, _ theirs: T) -> T {
            guard let mine else { return theirs }
            return theirs > 0 ? min(mine, theirs) : mine
        }
        var limits = limits
        limits.maxQueryLength = lower(queryLength, limits.maxQueryLength)
        limits.maxQueryRange = lower(queryRange, limits.maxQueryRange)
        limits.maxQueryLookback = lower(queryLookback, limits.maxQueryLookback)
        limits.queryTimeout = lower(queryTime, limits.queryTimeout)
        limits.maxEntriesLimitPerQuery = lower(entries, limits.maxEntriesLimitPerQuery)
        return limits
    }

    /// Refuses a query whose selectors say less than they must. What does not parse is refused by others.
    func check(_ query: String) throws(Refusal) {
        guard !requiredLabels.isEmpty || labelsMin > 0, let parsed = try? LogQL.parse(query, allowEmpty: true)
        else { return }
        for log in parsed.logExpressions {
            let names = log.matchers.map(\.name.string)
            let missing = requiredLabels.filter { !names.contains($0) }
            if !missing.isEmpty {
                throw Refusal(
                    400,
                    "stream selector is missing required matchers [\(missing.joined(separator: ", "))], labels present in the "
                        + "query were [\(names.joined(separator: ", "))]")
            }
            if names.count < labelsMin {
                throw Refusal(
                    400,
                    "stream selector has less label matchers than required: (present: [\(names.joined(separator: ", "))], "
                        + "number_present: \(names.count), required_number_label_matchers: \(labelsMin))")
            }
        }
    }
}
