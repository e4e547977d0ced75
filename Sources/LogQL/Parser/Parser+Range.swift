import Bytes
import LogModel

extension Parser {
    /// At the operator.
    mutating func rangeAggregation(_ op: LogQL.RangeOperator) throws(LogQLError) -> Draft {
        let start = offset
        try advance()
        try expect(.openParenthesis)
        var parameter: String?
        var counted: ByteString?
        if op == .countDistinct {
            counted = try identifier()
            try expect(.comma)
        } else if case .number(let text) = token {
            parameter = text
            try advance()
            try expect(.comma)
        }
        let range = try logRange(parameter == nil && counted == nil ? ["NUMBER", "{", "("] : ["{", "("])
        try expect(.closeParenthesis)
        var aggregation = LogQL.RangeAggregation(
            op: op,
            log: LogQL.LogExpression(matchers: range.matchers, stages: range.stages),
            range: range.window ?? 0,
            offset: range.offset,
            unwrap: range.unwrap,
            counted: counted
        )
        aggregation.grouping = try grouping()
        if let reason = aggregation.mistake { find(at: start, reason) }
        // Found later at the same place, so told first, as Loki does.
        switch (op, parameter) {
        case (.quantile, let text?):
            do {
                aggregation.parameter = try GoNumber.parse(text)
            } catch {
                find(at: start, "invalid parameter for operation \(op.rawValue): \(error.text)")
            }
        case (.quantile, nil): find(at: start, "parameter required for operation \(op.rawValue)")
        case (_, let text?): find(at: start, "parameter \(text) not supported for operation \(op.rawValue)")
        case (_, nil): break
        }
        return Draft(.range(aggregation), start: start)
    }

    /// What stands between the parentheses of a range aggregation.
    private struct LogRange {
        var matchers: [LabelMatcher]
        var stages: [LogQL.Stage] = []
        var unwrap: LogQL.Unwrap?
        /// nil until the brackets were seen.
        var window: Int64?
        var offset: Int64 = 0
    }

    /// Brackets stand directly behind the selector, or behind the whole pipeline; an offset directly behind the
    /// brackets. A selector with its pipeline may stand in parentheses before the brackets.
    private mutating func logRange(_ expected: [String]) throws(LogQLError) -> LogRange {
        switch token {
        case .symbol(.openBrace):
            return try bareRange(inParentheses: false)
        case .symbol(.openParenthesis):
            try advance()
            if token == .symbol(.openParenthesis) {
                let inner = try nested { (parser) throws(LogQLError) in try parser.logRange(["{", "("]) }
                try expect(.closeParenthesis)
                return inner
            }
            guard token == .symbol(.openBrace) else { throw unexpected(["{", "("]) }
            var range = try bareRange(inParentheses: true)
            try expect(.closeParenthesis)
            guard range.window == nil else { return range }
            guard case .range(let window) = token else { throw unexpected(["RANGE"]) }
            try advance()
            range.window = window
            range.offset = try rangeOffset()
            if range.unwrap == nil {
                try pipeline(into: &range)
            }
            return range
        default: throw unexpected(expected)
        }
    }

    private mutating func bareRange(inParentheses: Bool) throws(LogQLError) -> LogRange {
        var range = LogRange(matchers: try selector())
        if case .range(let window) = token {
            try advance()
            range.window = window
            range.offset = try rangeOffset()
            try pipeline(into: &range)
            return range
        }
        try pipeline(into: &range)
        if case .range(let window) = token {
            try advance()
            range.window = window
            range.offset = try rangeOffset()
            return range
        }
        if inParentheses, token == .symbol(.closeParenthesis) { return range }
        guard range.unwrap != nil else { throw unexpected() }
        throw unexpected(inParentheses ? ["RANGE", ")", "|"] : ["RANGE", "|"])
    }

    private mutating func pipeline(into range: inout LogRange) throws(LogQLError) {
        let more = try pipeline(inRange: true)
        range.stages += more.stages
        range.unwrap = more.unwrap
    }

    private mutating func rangeOffset() throws(LogQLError) -> Int64 {
        guard try take(.offset) else { return 0 }
        guard case .duration(let nanoseconds) = token else { throw unexpected(["DURATION"]) }
        try advance()
        return nanoseconds
    }
}

extension LogQL.RangeAggregation {
    /// What is wrong with this combination of operator, grouping and unwrap.
    var mistake: String? {
        if grouping != nil {
            switch op {
            case .avg, .stddev, .stdvar, .quantile, .max, .min, .first, .last, .countDistinct: break
            case .count, .rate, .rateCounter, .bytes, .bytesRate, .sum, .absent:
                return "grouping not allowed for \(op.rawValue) aggregation"
            }
        }
        switch op {
        case .count, .bytes, .bytesRate, .countDistinct:
            return unwrap == nil ? nil : "invalid aggregation \(op.rawValue) with unwrap"
        case .rate, .absent: return nil
        case .rateCounter, .avg, .sum, .min, .max, .stddev, .stdvar, .quantile, .first, .last:
            return unwrap == nil ? "invalid aggregation \(op.rawValue) without unwrap" : nil
        }
    }
}
