import Bytes
import LogModel
import LogQL

/// A generator with a seed, so that a failing tree can be made again (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Trees such as the parser makes, of every kind it can make.
struct RandomTree {
    var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func pick<T>(_ choices: [T]) -> T { choices[Int.random(in: 0..<choices.count, using: &random)] }
    mutating func chance(_ one: Int) -> Bool { Int.random(in: 0..<one, using: &random) == 0 }
    mutating func some<T>(_ range: ClosedRange<Int>, _ make: (inout RandomTree) -> T) -> [T] {
        (0..<Int.random(in: range, using: &random)).map { _ in make(&self) }
    }

    mutating func name() -> ByteString {
        ByteString(
            pick(["a", "app", "status_code", "_x", "Level", "größe", "sum", "count", "rate", "ip", "bytes", "duration"])
        )
    }

    mutating func text() -> ByteString {
        pick([
            "", "x", "a b", "say \"hi\"", "back\\slash", "`tick`", "line\nbreak", "tab\t", "日本", "\u{a0}", "\u{1}",
            "{{.a}}", "# no comment", ByteString([0xFF, 0x61, 0xC3]),
        ])
    }

    mutating func regex() -> ByteString { pick(["", ".*", "a|b", "^x$", "(?i)err", "\\d+", "a.c"]) }

    mutating func expression() -> LogQL.Expression { chance(3) ? .log(logQuery()) : .metric(metric(4)) }

    mutating func matcher(for op: LabelMatcher.Operator? = nil) -> LabelMatcher? {
        let op = op ?? pick([.equal, .notEqual, .matches, .matchesNot])
        return try? LabelMatcher(name(), op, op == .equal || op == .notEqual ? text() : regex())
    }

    mutating func log() -> LogQL.LogExpression {
        var matchers = some(0...2) { $0.matcher() }.compactMap { $0 }
        if let sure = try? LabelMatcher("sure", .equal, "yes") { matchers.append(sure) }
        var stages: [LogQL.Stage] = []
        for stage in some(0...5, { $0.stage() }) {
            // `drop a != "x"` is a condition on `a`, never a line filter behind a bare name.
            if case .lineFilter(let filter) = stage, filter.op == .containsNot || filter.op == .matchesNot {
                switch stages.last {
                case .drop(let choices), .keep(let choices):
                    if case .name = choices.last { continue }
                default: break
                }
            }
            stages.append(stage)
        }
        return LogQL.LogExpression(matchers: matchers, stages: stages)
    }

    mutating func logQuery() -> LogQL.LogExpression {
        var log = log()
        if chance(4) { log.distinct = some(1...2) { $0.name() } }
        // `drop a | distinct b` reads well; so does every other stage in front.
        return log
    }

    mutating func stage() -> LogQL.Stage {
        switch Int.random(in: 0..<12, using: &random) {
        case 0, 1:
            let op = pick(LogQL.LineFilter.Operator.allCases)
            return .lineFilter(LogQL.LineFilter(op, some(1...(op.isNegative ? 1 : 3)) { $0.lineValue(op) }))
        case 2: return .json(some(0...3) { $0.extraction() })
        case 3:
            let flags = LogQL.LogfmtFlags(strict: chance(2), keepEmpty: chance(2))
            return .logfmt(flags, some(0...2) { $0.extraction() })
        case 4: return pick([.regexp("(?P<x>\\d+)"), .pattern("<a> - <_>")])
        case 5: return pick([.unpack, .decolorize])
        case 6: return .lineFormat(pick(["{{.a}}", "x \"y\"", "`"]))
        case 7:
            var seen: Set<ByteString> = []
            let formats: [LogQL.LabelFormat] = some(1...3) {
                $0.chance(2) ? .rename(to: $0.name(), from: $0.name()) : .template(to: $0.name(), "{{.b}} \"q\"")
            }
            return .labelFormat(formats.filter { seen.insert($0.target).inserted })
        case 8: return .drop(some(1...3) { $0.choice() })
        case 9: return .keep(some(1...3) { $0.choice() })
        default: return .labelFilter(labelFilter(3))
        }
    }

    mutating func lineValue(_ op: LogQL.LineFilter.Operator) -> LogQL.LineFilter.Value {
        switch op {
        case .matches, .matchesNot: .text(regex())
        case .contains, .containsNot: chance(4) ? .ip("10.0.0.0/8") : .text(text())
        case .pattern, .patternNot: .text(text())
        }
    }

    mutating func extraction() -> LogQL.Extraction { LogQL.Extraction(name(), pick(["a.b", "x[0]", "[\"k\"]"])) }

    mutating func choice() -> LogQL.LabelChoice {
        if chance(2), let matcher = matcher() { return .matching(matcher) }
        return .name(name())
    }

    mutating func labelFilter(_ depth: Int) -> LogQL.LabelFilter {
        let comparison = pick(LogQL.Comparison.allCases)
        switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &random) {
        case 0, 1:
            let op: LabelMatcher.Operator = pick([.equal, .notEqual, .matches, .matchesNot])
            return .string(name: name(), op: op, value: op == .equal || op == .notEqual ? text() : regex())
        case 2: return .number(name: name(), comparison, pick([0, -1, 1.5, 1e21, 1e-9, 200, 0.1, -2.5e10]))
        case 3:
            return .duration(
                name: name(),
                comparison,
                pick([0, 1, 1_500, 2_000_000, 1_500_000_000, 5_400_000_000_000, -1_000_000_000, 86_400_000_000_000])
            )
        case 4:
            return .bytes(
                name: name(),
                comparison,
                pick([0, 9, 10, 1_000, 1_023, 1_024, 1_500_000, 83_000_000, 1 << 50])
            )
        case 5: return .ip(name: name(), negated: chance(2), "1.2.3.4-1.2.3.9")
        case 6:
            let op: LabelMatcher.Operator = pick([.equal, .notEqual, .matches, .matchesNot])
            return .any(name: name(), op: op, value: op == .equal || op == .notEqual ? text() : regex())
        default: return chain(depth)
        }
    }

    /// Chains in the form the parser gives them: a left chain does not begin with a chain of its kind, a right chain
    /// does not end with one, and two parts count as left.
    private mutating func chain(_ depth: Int) -> LogQL.LabelFilter {
        let isAnd = chance(2)
        var parts = some(2...4) { $0.labelFilter(depth - 1) }
        let nesting: LogQL.LabelFilter.Nesting = parts.count > 2 && chance(2) ? .right : .left
        let leaf = LogQL.LabelFilter.number(name: "leaf", .greater, 1)
        func sameKind(_ filter: LogQL.LabelFilter) -> Bool {
            switch filter {
            case .and: isAnd
            case .or: !isAnd
            default: false
            }
        }
        for index in parts.indices where sameKind(parts[index]) { parts[index] = leaf }
        return isAnd ? .and(parts, nesting) : .or(parts, nesting)
    }

    mutating func grouping() -> LogQL.Grouping? {
        if chance(2) { return nil }
        let without = chance(2)
        return LogQL.Grouping(without: without, labels: some((without ? 0 : 1)...3) { $0.name() })
    }

    mutating func range() -> LogQL.RangeAggregation {
        let op = pick(LogQL.RangeOperator.allCases)
        var range = LogQL.RangeAggregation(
            op: op,
            log: log(),
            range: pick([1_000_000, 300_000_000_000, 5_400_000_000_000, 604_800_000_000_000, 0]),
            offset: pick([0, 0, 300_000_000_000, -60_000_000_000, 1_500_000_000])
        )
        switch op {
        case .count, .bytes, .bytesRate: break
        case .countDistinct:
            range.counted = name()
            range.grouping = grouping()
        case .rate, .absent: if chance(2) { range.unwrap = unwrap() }
        case .rateCounter, .sum: range.unwrap = unwrap()
        case .avg, .min, .max, .stddev, .stdvar, .quantile, .first, .last:
            range.unwrap = unwrap()
            range.grouping = grouping()
        }
        if op == .quantile { range.parameter = pick([0, 0.5, 0.99, 1, 1.5]) }
        return range
    }

    mutating func unwrap() -> LogQL.Unwrap {
        LogQL.Unwrap(
            label: name(),
            conversion: pick(LogQL.Unwrap.Conversion.allCases),
            filters: some(0...2) { $0.labelFilter(1) }
        )
    }

    mutating func metric(_ depth: Int) -> LogQL.MetricExpression {
        if depth == 0 { return .range(range()) }
        switch Int.random(in: 0..<8, using: &random) {
        case 0: return .vector(pick([0, 1, 2.5]))
        case 1:
            return .labelReplace(
                LogQL.LabelReplace(
                    inner: metric(depth - 1),
                    destination: text(),
                    replacement: "$1",
                    source: "src",
                    regex: "(.*)"
                )
            )
        case 2, 3:
            let op = pick(LogQL.VectorOperator.allCases)
            var aggregation = LogQL.VectorAggregation(op: op, inner: metric(depth - 1))
            switch op {
            case .topk, .bottomk:
                aggregation.parameter = pick([1, 10])
                aggregation.grouping = grouping()
            case .approxTopk: aggregation.parameter = 3
            case .sort, .sortDesc: break
            default: aggregation.grouping = grouping()
            }
            return .vectorAggregation(aggregation)
        case 4, 5:
            let op = pick(LogQL.BinaryOperator.allCases)
            var operation = LogQL.BinaryOperation(
                op: op,
                returnBool: chance(3),
                lhs: metric(depth - 1),
                rhs: metric(depth - 1)
            )
            if !op.isSet {
                switch pick([0, 0, 1, 2]) {
                case 1: operation.lhs = .literal(pick([0, 1, 2.5, 1e6, -3]))
                case 2: operation.rhs = .literal(pick([0, 1, 2.5, 1e6, -3]))
                default: break
                }
            }
            if chance(2) {
                let cardinality: LogQL.VectorMatching.Cardinality = pick([.oneToOne, .manyToOne, .oneToMany])
                operation.matching = LogQL.VectorMatching(
                    on: chance(2),
                    labels: some(0...2) { $0.name() },
                    cardinality: cardinality,
                    include: cardinality == .oneToOne ? [] : some(0...2) { $0.name() }
                )
            }
            return .binary(operation)
        default: return .range(range())
        }
    }
}
