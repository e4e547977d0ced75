import Bytes
import LogModel

extension Parser {
    /// What follows a selector.
    struct Pipeline {
        var stages: [LogQL.Stage] = []
        /// Only in a range aggregation.
        var unwrap: LogQL.Unwrap?
        /// Only in a log query.
        var distinct: [ByteString] = []
    }

    /// Stages as long as there are any. `unwrap`, in a range, and `distinct`, in a log query, end the list.
    mutating func pipeline(inRange: Bool) throws(LogQLError) -> Pipeline {
        var pipeline = Pipeline()
        while true {
            if let op = lineFilterOperator {
                try lineFilter(op, into: &pipeline.stages)
            } else if token == .symbol(.pipe) {
                let start = offset
                try advance()
                if inRange, token == .keyword(.unwrap) {
                    pipeline.unwrap = try unwrap()
                    return pipeline
                }
                if !inRange, try isAtDistinct {
                    pipeline.distinct = try distinct()
                    return pipeline
                }
                pipeline.stages.append(try stage(from: start))
            } else {
                return pipeline
            }
        }
    }

    // MARK: distinct

    /// Whether `distinct label` is at hand. A filter on a label of that name has an operator behind it.
    private var isAtDistinct: Bool {
        mutating get throws(LogQLError) {
            guard case .identifier(let word) = token, word == "distinct", case .identifier = try lookAhead() else {
                return false
            }
            return true
        }
    }

    /// The labels of `distinct a, b`, at `distinct`.
    private mutating func distinct() throws(LogQLError) -> [ByteString] {
        try advance()
        var labels: [ByteString] = []
        repeat { labels.append(try identifier()) } while try take(.comma)
        return labels
    }

    // MARK: Line filters

    private var lineFilterOperator: LogQL.LineFilter.Operator? {
        switch token {
        case .symbol(.pipeExact): .contains
        case .symbol(.notEqual): .containsNot
        case .symbol(.pipeMatch): .matches
        case .symbol(.matchesNot): .matchesNot
        case .symbol(.pipePattern): .pattern
        case .symbol(.notPattern): .patternNot
        default: nil
        }
    }

    private mutating func lineFilter(
        _ op: LogQL.LineFilter.Operator,
        into stages: inout [LogQL.Stage]
    ) throws(LogQLError) {
        let start = offset
        try advance()
        var values: [LogQL.LineFilter.Value] = []
        repeat { values.append(try lineFilterValue()) } while try take(.or)
        try check(LogQL.LineFilter(op, values), from: start)
        if op.isNegative {
            // None of them: one after the other.
            for value in values { stages.append(.lineFilter(LogQL.LineFilter(op, [value]))) }
        } else {
            stages.append(.lineFilter(LogQL.LineFilter(op, values)))
        }
    }

    private mutating func lineFilterValue() throws(LogQLError) -> LogQL.LineFilter.Value {
        if token == .keyword(.ip) { return .ip(try address()) }
        return .text(try string(["STRING", "ip"]))
    }

    /// Whether `any(` is at hand, which is no keyword.
    private var isAtAny: Bool {
        mutating get throws(LogQLError) {
            guard case .identifier(let word) = token, word == "any" else { return false }
            return try lookAhead() == .symbol(.openParenthesis)
        }
    }

    /// `ip("…")` or `any("…")`, at the name.
    private mutating func address() throws(LogQLError) -> ByteString {
        try advance()
        try expect(.openParenthesis)
        let text = try string()
        try expect(.closeParenthesis)
        return text
    }

    private mutating func check(_ filter: LogQL.LineFilter, from start: Int) throws(LogQLError) {
        for value in filter.values {
            switch (filter.op, value) {
            case (.matches, .text(let pattern)), (.matchesNot, .text(let pattern)):
                if let error = try regexes.check(pattern.string) {
                    find(at: start, LogQLError(stage: .lineFilter(filter), "\(error)"))
                }
            case (.matches, .ip), (.matchesNot, .ip), (.pattern, .ip), (.patternNot, .ip):
                find(at: start, LogQLError(stage: .lineFilter(filter), "ip: invalid operation"))
            case (.contains, _), (.containsNot, _), (.pattern, .text), (.patternNot, .text): break
            }
        }
    }

    // MARK: Stages behind a bar

    private mutating func stage(from start: Int) throws(LogQLError) -> LogQL.Stage {
        switch token {
        case .keyword(.json):
            try advance()
            return .json(try extractions())
        case .keyword(.logfmt):
            try advance()
            var flags = LogQL.LogfmtFlags()
            while case .flag(let flag) = token {
                switch flag {
                case .strict: flags.strict = true
                case .keepEmpty: flags.keepEmpty = true
                }
                try advance()
            }
            return .logfmt(flags, try extractions())
        case .keyword(.regexp):
            try advance()
            let pattern = try string()
            try checkCaptures(pattern, from: start)
            return .regexp(pattern.string)
        case .keyword(.pattern):
            try advance()
            return .pattern(try string().string)
        case .keyword(.unpack):
            try advance()
            return .unpack
        case .keyword(.decolorize):
            try advance()
            return .decolorize
        case .keyword(.lineFormat):
            try advance()
            return .lineFormat(try string().string)
        case .keyword(.labelFormat):
            try advance()
            let stage = LogQL.Stage.labelFormat(try labelFormats())
            check(stage, from: start)
            return stage
        case .keyword(.drop):
            try advance()
            return .drop(try labelChoices())
        case .keyword(.keep):
            try advance()
            return .keep(try labelChoices())
        case .identifier, .symbol(.openParenthesis): return .labelFilter(try labelFilter())
        default: throw unexpected()
        }
    }

    /// `a="x.y", b`; may be empty.
    private mutating func extractions() throws(LogQLError) -> [LogQL.Extraction] {
        guard case .identifier = token else { return [] }
        var list: [LogQL.Extraction] = []
        repeat {
            let label = try identifier()
            list.append(LogQL.Extraction(label, try take(.equal) ? try string().string : label.string))
        } while try take(.comma)
        return list
    }

    private mutating func labelFormats() throws(LogQLError) -> [LogQL.LabelFormat] {
        var list: [LogQL.LabelFormat] = []
        repeat {
            let target = try identifier()
            try expect(.equal)
            switch token {
            case .identifier(let source): list.append(.rename(to: target, from: source))
            case .string(let template): list.append(.template(to: target, template.string))
            default: throw unexpected(["IDENTIFIER", "STRING"])
            }
            try advance()
        } while try take(.comma)
        return list
    }

    private mutating func check(_ stage: LogQL.Stage, from start: Int) {
        guard case .labelFormat(let formats) = stage else { return }
        var seen: Set<ByteString> = []
        for format in formats {
            if format.target == "__error__" {
                find(at: start, LogQLError(stage: stage, "__error__ cannot be formatted"))
                return
            }
            if !seen.insert(format.target).inserted {
                find(
                    at: start,
                    LogQLError(
                        stage: stage,
                        "multiple label name '\(format.target)' not allowed in a single format operation"
                    )
                )
                return
            }
        }
    }

    private mutating func labelChoices() throws(LogQLError) -> [LogQL.LabelChoice] {
        var list: [LogQL.LabelChoice] = []
        repeat {
            let name = try identifier()
            if let op = matcherOperator {
                try advance()
                list.append(.matching(try matcher(name, op, try string())))
            } else {
                list.append(.name(name))
            }
        } while try take(.comma)
        return list
    }

    /// What `| regexp` needs of its pattern.
    private mutating func checkCaptures(_ pattern: ByteString, from start: Int) throws(LogQLError) {
        func refuse(_ reason: String, _ parser: inout Parser) {
            parser.find(at: start, "invalid regexp parser: \(reason)")
        }
        let regex: CompiledRegex
        do {
            regex = try regexes.compile(pattern.string)
        } catch {
            guard case .regex(let reason) = error else { throw RegexAllowance.exceeded }
            refuse("\(reason)", &self)
            return
        }
        var seen: Set<String> = []
        for name in regex.groupNames.compactMap({ $0 }) where !seen.insert(name).inserted {
            refuse("duplicate extracted label name '\(name)'", &self)
            return
        }
        if seen.isEmpty { refuse("at least one named capture must be supplied", &self) }
    }

    // MARK: unwrap

    /// At `unwrap`.
    private mutating func unwrap() throws(LogQLError) -> LogQL.Unwrap {
        try advance()
        var unwrap: LogQL.Unwrap
        switch token {
        case .identifier(let label):
            try advance()
            unwrap = LogQL.Unwrap(label: label)
        case .conversion(let conversion):
            try advance()
            try expect(.openParenthesis)
            unwrap = LogQL.Unwrap(label: try identifier(), conversion: conversion)
            try expect(.closeParenthesis)
        default:
            throw unexpected(["IDENTIFIER", "BYTES_CONV", "DURATION_CONV", "DURATION_SECONDS_CONV"])
        }
        while try take(.pipe) {
            unwrap.filters.append(try labelFilter())
        }
        return unwrap
    }

    // MARK: Conditions

    /// One operand of a label filter that is no parenthesis: `name op value`.
    mutating func labelCondition() throws(LogQLError) -> LogQL.LabelFilter {
        let name = try identifier(["IDENTIFIER", "("])
        let symbol: Token.Symbol
        if case .symbol(let found) = token { symbol = found } else { throw unexpected() }
        switch symbol {
        case .matches, .matchesNot:
            try advance()
            let isAny = try isAtAny
            let value = isAny ? try address() : try string()
            if let error = try regexes.check(value.string) { throw LogQLError(parse: "\(error)") }
            let op: LabelMatcher.Operator = symbol == .matches ? .matches : .matchesNot
            return isAny ? .any(name: name, op: op, value: value) : .string(name: name, op: op, value: value)
        case .equal, .notEqual:
            try advance()
            if try isAtAny {
                return .any(name: name, op: symbol == .equal ? .equal : .notEqual, value: try address())
            }
            if case .string(let value) = token {
                try advance()
                return .string(name: name, op: symbol == .equal ? .equal : .notEqual, value: value)
            }
            if token == .keyword(.ip) {
                return .ip(name: name, negated: symbol == .notEqual, try address())
            }
            return try typed(name, symbol == .equal ? .equal : .notEqual)
        case .doubleEqual, .greater, .greaterOrEqual, .less, .lessOrEqual:
            try advance()
            guard let comparison = LogQL.Comparison(rawValue: symbol.rawValue) else { throw unexpected() }
            return try typed(name, comparison)
        default: throw unexpected()
        }
    }

    private mutating func typed(
        _ name: ByteString,
        _ comparison: LogQL.Comparison
    ) throws(LogQLError) -> LogQL.LabelFilter {
        switch token {
        case .duration(let nanoseconds):
            try advance()
            return .duration(name: name, comparison, nanoseconds)
        case .bytes(let size):
            try advance()
            return .bytes(name: name, comparison, size)
        case .number, .symbol(.plus), .symbol(.minus): return .number(name: name, comparison, try signedNumber())
        default: throw unexpected()
        }
    }
}
