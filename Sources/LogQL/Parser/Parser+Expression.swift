import Bytes
import LogModel

extension Parser {
    /// An expression on the way up, with what its parents need to know of it.
    struct Draft {
        var expression: LogQL.Expression
        /// Byte offset of its first token.
        var start: Int
        /// Of the tree of operations.
        var height: Int

        init(_ expression: LogQL.Expression, start: Int, height: Int = 0) {
            self.expression = expression
            self.start = start
            self.height = height
        }

        init(_ metric: LogQL.MetricExpression, start: Int, height: Int = 0) {
            self.init(.metric(metric), start: start, height: height)
        }
    }

    /// The whole text.
    mutating func root() throws(LogQLError) -> LogQL.Expression {
        let draft = try expression()
        guard token == .end else { throw unexpected() }
        return draft.expression
    }

    /// Operators of at least `minimum` precedence and their operands: precedence climbing (Martin Richards' way of
    /// operator precedence, as in BCPL).
    private mutating func expression(_ minimum: Int = 1) throws(LogQLError) -> Draft {
        var left = try operand()
        while let op = binaryOperator, op.precedence >= minimum {
            try advance()
            let (returnBool, matching) = try modifiers()
            let tighter = op.isRightAssociative ? op.precedence : op.precedence + 1
            let right = try nested { (parser) throws(LogQLError) in try parser.expression(tighter) }
            left = try combine(left, op, returnBool, matching, right)
        }
        return left
    }

    /// A metric expression inside a function. A log query is a syntax error there, at the token behind it.
    private mutating func metric() throws(LogQLError) -> (LogQL.MetricExpression, height: Int) {
        let draft = try nested { (parser) throws(LogQLError) in try parser.expression() }
        guard case .metric(let metric) = draft.expression else { throw unexpected() }
        return (metric, draft.height)
    }

    private mutating func operand() throws(LogQLError) -> Draft {
        let start = offset
        switch token {
        case .symbol(.openBrace):
            let matchers = try selector()
            let rest = try pipeline(inRange: false)
            return Draft(
                .log(LogQL.LogExpression(matchers: matchers, stages: rest.stages, distinct: rest.distinct)),
                start: start
            )
        case .symbol(.openParenthesis):
            try advance()
            let inner = try nested { (parser) throws(LogQLError) in try parser.expression() }
            try expect(.closeParenthesis, [])
            return Draft(inner.expression, start: start, height: inner.height)
        case .number, .symbol(.plus), .symbol(.minus): return Draft(.literal(try signedNumber()), start: start)
        case .rangeOperator(let op): return try rangeAggregation(op)
        case .vectorOperator(let op): return try vectorAggregation(op)
        case .keyword(.vector):
            try advance()
            try expect(.openParenthesis)
            let value = try Parser.value(try number())
            try expect(.closeParenthesis)
            return Draft(.vector(value), start: start)
        case .keyword(.labelReplace): return try labelReplace()
        default: throw unexpected()
        }
    }

    // MARK: Binary operations

    private var binaryOperator: LogQL.BinaryOperator? {
        switch token {
        case .keyword(.or): .or
        case .keyword(.and): .and
        case .keyword(.unless): .unless
        case .symbol(.doubleEqual): .equal
        case .symbol(.notEqual): .notEqual
        case .symbol(.greater): .greater
        case .symbol(.greaterOrEqual): .greaterOrEqual
        case .symbol(.less): .less
        case .symbol(.lessOrEqual): .lessOrEqual
        case .symbol(.plus): .add
        case .symbol(.minus): .subtract
        case .symbol(.times): .multiply
        case .symbol(.slash): .divide
        case .symbol(.percent): .modulo
        case .symbol(.caret): .power
        default: nil
        }
    }

    private mutating func modifiers() throws(LogQLError) -> (Bool, LogQL.VectorMatching?) {
        let returnBool = try take(.bool)
        let on = token == .keyword(.on)
        guard on || token == .keyword(.ignoring) else { return (returnBool, nil) }
        try advance()
        try expect(.openParenthesis)
        var matching = LogQL.VectorMatching(on: on, labels: try labelList())
        if token == .keyword(.groupLeft) || token == .keyword(.groupRight) {
            matching.cardinality = token == .keyword(.groupLeft) ? .manyToOne : .oneToMany
            try advance()
            if try take(.openParenthesis) { matching.include = try labelList() }
        }
        return (returnBool, matching)
    }

    private mutating func combine(
        _ left: Draft,
        _ op: LogQL.BinaryOperator,
        _ returnBool: Bool,
        _ matching: LogQL.VectorMatching?,
        _ right: Draft
    ) throws(LogQLError) -> Draft {
        func refuse(_ reason: String, _ parser: inout Parser) -> Draft {
            parser.find(at: left.start, reason)
            return Draft(.literal(0), start: left.start)
        }
        func wrongType(_ side: String, _ log: LogQL.LogExpression, _ parser: inout Parser) -> Draft {
            let type = log.stages.isEmpty && log.distinct.isEmpty ? "*syntax.MatchersExpr" : "*syntax.PipelineExpr"
            return refuse("unexpected type for \(side) leg of binary operation (\(op.rawValue)): \(type)", &parser)
        }
        func wrongLiteral(_ side: String, _ value: Double, _ parser: inout Parser) -> Draft {
            let text = GoNumber.fixed(value)
            return refuse(
                "unexpected literal for \(side) leg of logical/set binary operation (\(op.rawValue)): \(text)",
                &parser
            )
        }
        switch (left.expression, right.expression) {
        case (.log(let log), _): return wrongType("left", log, &self)
        case (_, .log(let log)): return wrongType("right", log, &self)
        case (.metric(let lhs), .metric(let rhs)):
            if op.isSet {
                if case .literal(let value) = lhs { return wrongLiteral("left", value, &self) }
                if case .literal(let value) = rhs { return wrongLiteral("right", value, &self) }
            }
            if case .literal(let a) = lhs, case .literal(let b) = rhs, let value = op.apply(a, b) {
                return Draft(.literal(value), start: left.start)
            }
            let height = max(left.height, right.height) + 1
            try checkHeight(height)
            let operation = LogQL.BinaryOperation(
                op: op,
                returnBool: returnBool,
                matching: matching,
                lhs: lhs,
                rhs: rhs
            )
            return Draft(.binary(operation), start: left.start, height: height)
        }
    }

    // MARK: Label lists

    /// `a, b)`, behind the opening parenthesis.
    mutating func labelList() throws(LogQLError) -> [ByteString] {
        var labels: [ByteString] = []
        if try take(.closeParenthesis) { return labels }
        var expected = ["IDENTIFIER", ")"]
        repeat {
            labels.append(try identifier(expected))
            expected = ["IDENTIFIER"]
        } while try take(.comma)
        try expect(.closeParenthesis, [",", ")"])
        return labels
    }

    mutating func grouping() throws(LogQLError) -> LogQL.Grouping? {
        let without = token == .keyword(.without)
        guard without || token == .keyword(.by) else { return nil }
        try advance()
        try expect(.openParenthesis)
        return LogQL.Grouping(without: without, labels: try labelList())
    }

    // MARK: Functions

    private mutating func labelReplace() throws(LogQLError) -> Draft {
        let start = offset
        try advance()
        try expect(.openParenthesis)
        let (inner, height) = try metric()
        try expect(.comma, [])
        var texts: [ByteString] = []
        for index in 0..<4 {
            if index > 0 { try expect(.comma) }
            texts.append(try string())
        }
        try expect(.closeParenthesis)
        if let error = try regexes.check("^(?:\(texts[3].string))$") {
            find(at: start, "invalid regex in label_replace: \(error)")
        }
        try checkHeight(height + 1)
        let replace = LogQL.LabelReplace(
            inner: inner,
            destination: texts[0],
            replacement: texts[1],
            source: texts[2],
            regex: texts[3].string
        )
        return Draft(.labelReplace(replace), start: start, height: height + 1)
    }

    private mutating func vectorAggregation(_ op: LogQL.VectorOperator) throws(LogQLError) -> Draft {
        let start = offset
        try advance()
        var grouping = try grouping()
        try expect(.openParenthesis, grouping == nil ? ["(", "by", "without"] : ["("])
        var parameter: String?
        if case .number(let text) = token, try lookAhead() == .symbol(.comma) {
            parameter = text
            try advance()
            try advance()
        }
        let (inner, height) = try metric()
        try expect(.closeParenthesis, [])
        if grouping == nil { grouping = try self.grouping() }
        try checkHeight(height + 1)

        var count: Int?
        switch op {
        case .topk, .bottomk, .approxTopk:
            if let parameter {
                count = Int(parameter)
                if count == nil {
                    find(at: start, "invalid parameter \(op.rawValue)(\(parameter),")
                } else if parameter.utf8.allSatisfy({ $0 == UInt8(ascii: "0") }) {
                    find(at: start, "invalid parameter (must be greater than 0) \(op.rawValue)(\(parameter)")
                }
            } else {
                find(at: start, "parameter required for operation \(op.rawValue)")
            }
            if op == .approxTopk, grouping != nil {
                find(at: start, "grouping not allowed for \(op.rawValue) aggregation")
            }
        case .sort, .sortDesc:
            if let grouping, !grouping.labels.isEmpty {
                find(at: start, "sort and sort_desc doesn't allow grouping by ")
            }
            fallthrough
        default:
            if let parameter {
                find(at: start, "unsupported parameter for operation \(op.rawValue)(\(parameter),")
            }
        }
        // One group, either way.
        if let group = grouping, !group.without, group.labels.isEmpty { grouping = nil }
        let aggregation = LogQL.VectorAggregation(op: op, parameter: count, grouping: grouping, inner: inner)
        return Draft(.vectorAggregation(aggregation), start: start, height: height + 1)
    }
}
