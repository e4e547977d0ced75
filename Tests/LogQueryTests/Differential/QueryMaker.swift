import Bytes
import LogModel
import LogQL

/// Random queries over `GeneratedData`, as trees, of what `NaiveEvaluator` understands.
struct QueryMaker {
    var dice: Dice

    init(seed: UInt64) { dice = Dice(seed: seed) }

    mutating func expression() -> LogQL.Expression {
        if dice.one(in: 3) {
            var log = log()
            if dice.one(in: 6) { log.distinct = dice.some(1...2) { $0.pick(Self.names) } }
            return .log(log)
        }
        return .metric(metric(3).tree)
    }

    // MARK: Names and values

    static let names: [ByteString] = [
        "status", "dur", "size", "user", "n", "addr", "msg", "app", "env", "level", "trace", "host", "req_id", "verb",
        "rest", "missing", "env_extracted", "app_extracted", "tags", "out",
    ]
    private static let texts: [ByteString] = [
        "200", "500", "", "", "u1", "web", "prod", "error", "r1", "foo error bar",
    ]
    private static let regexes: [ByteString] = [".*", ".+", "u[12]", "web|api", "foo.*", "[0-9]+", "5..", ""]
    private static let templates = ["{{.user}}", "{{.status}}-{{.app}}", "x", "<{{.missing}}>", "{{.req_id}}{{.level}}"]
    private static let groups: [ByteString] = ["app", "env", "level", "status", "user", "missing", "req_id"]

    private mutating func matcher(_ name: ByteString? = nil) -> LabelMatcher? {
        let name = name ?? dice.pick(Self.names)
        let op: LabelMatcher.Operator = dice.pick([.equal, .notEqual, .matches, .matchesNot])
        let value = op == .equal || op == .notEqual ? dice.pick(Self.texts) : dice.pick(Self.regexes)
        return try? LabelMatcher(name, op, value)
    }

    private mutating func selector() -> [LabelMatcher] {
        let choices: [(ByteString, LabelMatcher.Operator, ByteString)] = [
            ("app", .matches, ".+"), ("app", .matches, "web|api"), ("env", .equal, "prod"), ("app", .equal, "web"),
            ("app", .notEqual, ""), ("app", .matches, "te.*|pack"), ("app", .matches, ".+"),
        ]
        if dice.one(in: 20), let nothing = try? LabelMatcher("app", .equal, "nosuch") { return [nothing] }
        let first = dice.pick(choices)
        var matchers = [try? LabelMatcher(first.0, first.1, first.2)]
        if dice.one(in: 8) { matchers.append(matcher(dice.pick(["host", "env", "app"]))) }
        return matchers.compactMap { $0 }
    }

    // MARK: Pipelines

    mutating func log() -> LogQL.LogExpression {
        var stages: [LogQL.Stage] = []
        for stage in dice.some(0...4, { _ in 0 }).map({ _ in stage() }) {
            // Behind a bare name, `!=` is a condition on it and no line filter.
            if case .lineFilter(let filter) = stage, filter.op == .containsNot || filter.op == .matchesNot {
                switch stages.last {
                case .drop(let choices), .keep(let choices): if case .name? = choices.last { continue }
                default: break
                }
            }
            stages.append(stage)
        }
        return LogQL.LogExpression(matchers: selector(), stages: stages)
    }

    private mutating func stage() -> LogQL.Stage {
        switch dice.below(20) {
        case 0, 1: return .lineFilter(lineFilter())
        case 2, 3, 4: return .json([])
        case 5: return .json(extractions(["req.id", "status", "tags[0]", "tags", "tags[*]", "tags[#]", "req", "none", "no.such"]))
        case 6, 7: return .logfmt(LogQL.LogfmtFlags(keepEmpty: dice.one(in: 4)), [])
        case 8: return .logfmt(LogQL.LogfmtFlags(keepEmpty: dice.one(in: 4)), extractions(["status", "user", "msg", "nope"]))
        case 9: return .regexp(dice.pick(["(?P<verb>\\w+) (?P<rest>.*)", "status=(?P<status>[0-9]+)", "(?P<app>foo|bar)"]))
        case 10: return .pattern(dice.pick(["<verb> <rest>", "<_> <verb> <_>", "broken <verb> <rest>", "{<rest>,<_>"]))
        case 11: return .unpack
        case 12: return dice.one(in: 2) ? .decolorize : .lineFormat(dice.pick(Self.templates))
        case 13: return .lineFormat(dice.pick(Self.templates))
        case 14:
            let targets: [ByteString] = dice.pick([["out"], ["out", "verb"], ["user"], ["app"]])
            if dice.one(in: 2) {
                return .labelFormat(targets.map { .rename(to: $0, from: dice.pick(Self.names)) })
            }
            return .labelFormat(targets.map { .template(to: $0, dice.pick(Self.templates)) })
        case 15: return .drop(choices())
        case 16: return .keep(choices())
        default: return .labelFilter(labelFilter(2))
        }
    }

    private mutating func extractions(_ paths: [String]) -> [LogQL.Extraction] {
        var seen: Set<ByteString> = []
        return dice.some(1...2) { dice in
            LogQL.Extraction(dice.pick(["out", "user", "app", "status", "tags"]), dice.pick(paths))
        }.filter { seen.insert($0.label).inserted }
    }

    private mutating func choices() -> [LogQL.LabelChoice] {
        dice.some(1...3) { _ in 0 }.map { _ in
            if dice.one(in: 3), let matcher = matcher() { return .matching(matcher) }
            return .name(dice.one(in: 6) ? "__error__" : dice.pick(Self.names))
        }
    }

    private mutating func lineFilter() -> LogQL.LineFilter {
        let op = dice.pick(LogQL.LineFilter.Operator.allCases)
        let texts: [ByteString] =
            switch op {
            case .contains, .containsNot: ["error", "o", "", "200", "s", "u1"]
            case .matches, .matchesNot: ["err|foo", "[0-9]{3}", "^broken", ".+", "u[12]", "(?i)FOO"]
            case .pattern, .patternNot: ["<_>error<_>", "broken line <_>", "<_>foo", ""]
            }
        return LogQL.LineFilter(op, dice.some(1...(op.isNegative ? 1 : 2)) { .text($0.pick(texts)) })
    }

    private mutating func labelFilter(_ depth: Int) -> LogQL.LabelFilter {
        let comparison = dice.pick(LogQL.Comparison.allCases)
        switch dice.below(depth > 0 ? 11 : 8) {
        case 0: return .string(name: "__error__", op: .equal, value: "")
        case 1, 2, 3:
            guard let matcher = matcher() else { return .number(name: "n", comparison, 2) }
            return .string(name: matcher.name, op: matcher.op, value: matcher.value)
        case 4: return .number(name: dice.pick(["status", "n", "user"]), comparison, dice.pick([200, 2, 3.5, 0]))
        case 5: return .duration(name: dice.pick(["dur", "dur", "n"]), comparison, dice.pick([250_000_000, 1_500_000_000, 0]))
        case 6:
            if dice.one(in: 2) {
                return .ip(name: "addr", negated: dice.one(in: 2), dice.pick(["10.0.0.0/8", "192.168.0.7"]))
            }
            return .bytes(name: dice.pick(["size", "n"]), comparison, dice.pick([512, 10_000, 1_500_000]))
        case 7:
            return .any(name: "tags", op: dice.pick([.equal, .notEqual, .matches, .matchesNot]), value: dice.pick(["x", "y1"]))
        default:
            // Chains as the parser makes them: flat, and no chain within one of its kind.
            let isAnd = dice.one(in: 2)
            var parts = (0..<(2 + dice.below(2))).map { _ in labelFilter(depth - 1) }
            for i in parts.indices {
                switch parts[i] {
                case .and where isAnd, .or where !isAnd: parts[i] = .number(name: "n", comparison, 1)
                default: break
                }
            }
            return isAnd ? .and(parts) : .or(parts)
        }
    }

    // MARK: Metrics

    /// `isExact`: its values are whole numbers, or ratios that are worked out in one way only, so that comparing them gives
    /// the same answer whoever adds up.
    typealias Metric = (tree: LogQL.MetricExpression, isExact: Bool)

    mutating func metric(_ depth: Int) -> Metric {
        switch depth == 0 ? 0 : dice.below(10) {
        case 0, 1, 2: return range()
        case 3, 4, 5:
            // Often directly around a range, where the grouping goes down to the lines.
            let inner = dice.one(in: 2) ? range() : metric(depth - 1)
            let ops: [LogQL.VectorOperator] = [.sum, .sum, .avg, .min, .max, .count, .stddev, .stdvar, .sort, .sortDesc]
            var aggregation = LogQL.VectorAggregation(op: dice.pick(ops), inner: inner.tree)
            if depth == 3, inner.isExact, dice.one(in: 4) {
                aggregation.op = dice.pick([.topk, .bottomk])
                aggregation.parameter = 1 + dice.below(3)
            }
            switch aggregation.op {
            case .sort, .sortDesc: break
            default: aggregation.grouping = grouping()
            }
            switch aggregation.op {
            case .count: return (.vectorAggregation(aggregation), true)
            case .avg, .stddev, .stdvar: return (.vectorAggregation(aggregation), false)
            default: return (.vectorAggregation(aggregation), inner.isExact)
            }
        case 6:
            let inner = metric(depth - 1)
            let replace = LogQL.LabelReplace(
                inner: inner.tree,
                destination: "zz",
                replacement: "<$1>",
                source: dice.pick(Self.groups),
                regex: dice.pick(["(.*)", "(u).*", "w(e)b"])
            )
            return (.labelReplace(replace), inner.isExact)
        case 7: return dice.one(in: 3) ? (.vector(2), true) : withNumber(depth)
        default: return between(depth)
        }
    }

    private mutating func withNumber(_ depth: Int) -> Metric {
        let inner = metric(depth - 1)
        let op = operation(exact: inner.isExact, sets: false)
        let number = LogQL.MetricExpression.literal(dice.pick([0, 1, 2, 3, 0.5]))
        var operation = LogQL.BinaryOperation(op: op, lhs: inner.tree, rhs: number)
        if case .literal = inner.tree { operation.lhs = .vector(1) }
        if dice.one(in: 3) { swap(&operation.lhs, &operation.rhs) }
        if op.comparison != nil { operation.returnBool = dice.one(in: 2) }
        return (.binary(operation), inner.isExact && isExact(op))
    }

    private mutating func between(_ depth: Int) -> Metric {
        let left = metric(depth - 1)
        // The same again gives matches more often than not.
        let right = dice.one(in: 3) ? left : metric(depth - 1)
        let op = operation(exact: left.isExact && right.isExact, sets: true)
        var operation = LogQL.BinaryOperation(op: op, lhs: left.tree, rhs: right.tree)
        if op.comparison != nil { operation.returnBool = dice.one(in: 2) }
        if dice.one(in: 2) {
            var matching = LogQL.VectorMatching(on: dice.one(in: 2), labels: dice.some(0...2) { $0.pick(Self.groups) })
            if !op.isSet, dice.one(in: 2) {
                matching.cardinality = dice.pick([.manyToOne, .oneToMany])
                matching.include = dice.some(0...1) { $0.pick(Self.groups) }
            }
            operation.matching = matching
        }
        return (.binary(operation), left.isExact && right.isExact && isExact(op))
    }

    private mutating func operation(exact: Bool, sets: Bool) -> LogQL.BinaryOperator {
        var ops: [LogQL.BinaryOperator] = [.add, .subtract, .multiply, .divide]
        if exact { ops += [.equal, .notEqual, .greater, .greaterOrEqual, .less, .lessOrEqual, .modulo, .power] }
        if sets { ops += [.and, .or, .unless, .or] }
        return dice.pick(ops)
    }

    private func isExact(_ op: LogQL.BinaryOperator) -> Bool {
        switch op {
        case .divide, .modulo, .power: false
        default: true
        }
    }

    private mutating func grouping() -> LogQL.Grouping? {
        if dice.one(in: 3) { return nil }
        let without = dice.one(in: 3)
        let labels = dice.some((without ? 0 : 1)...2) { $0.one(in: 12) ? "__error__" : $0.pick(Self.groups) }
        return LogQL.Grouping(without: without, labels: labels)
    }

    private mutating func range() -> Metric {
        let op = dice.pick(LogQL.RangeOperator.allCases)
        var aggregation = LogQL.RangeAggregation(
            op: op,
            log: log(),
            range: dice.pick([60, 100, 300, 7, 600]) * 1_000_000_000,
            offset: dice.pick([0, 0, 0, 60_000_000_000, -30_000_000_000])
        )
        // Without a parser in front there is seldom anything to unwrap or to count.
        if !dice.one(in: 4) { aggregation.log.stages.insert(dice.pick([.json([]), .logfmt(LogQL.LogfmtFlags(), [])]), at: 0) }
        // Lines with an error fail the query: mostly they are left out.
        if !dice.one(in: 4) {
            aggregation.log.stages.append(.labelFilter(.string(name: "__error__", op: .equal, value: "")))
        }
        var unwrap = LogQL.Unwrap(label: dice.pick(["n", "n", "status", "dur", "size", "user"]))
        switch unwrap.label {
        case "dur": unwrap.conversion = dice.pick([.duration, .durationSeconds])
        case "size": unwrap.conversion = .bytes
        default: break
        }
        unwrap.filters = [.string(name: "__error__", op: .equal, value: "")]
        switch op {
        case .count, .bytes, .bytesRate: break
        case .countDistinct:
            aggregation.counted = dice.pick(Self.names)
            aggregation.grouping = grouping()
        case .rate, .absent: if dice.one(in: 2) { aggregation.unwrap = unwrap }
        case .rateCounter, .sum: aggregation.unwrap = unwrap
        case .avg, .min, .max, .stddev, .stdvar, .quantile, .first, .last:
            aggregation.unwrap = unwrap
            aggregation.grouping = grouping()
        }
        if op == .quantile { aggregation.parameter = dice.pick([0, 0.25, 0.5, 0.99, 1, 2]) }
        switch op {
        case .count, .bytes, .countDistinct, .absent: return (.range(aggregation), true)
        case .sum, .min, .max, .first, .last: return (.range(aggregation), unwrap.conversion == .none)
        default: return (.range(aggregation), false)
        }
    }
}
