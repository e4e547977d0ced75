import Bytes
import LogModel

extension Parser {
    /// `{…}`, at the brace.
    mutating func selector() throws(LogQLError) -> [LabelMatcher] {
        let start = offset
        try expect(.openBrace)
        var matchers: [LabelMatcher] = []
        if token == .symbol(.closeBrace) {
            try advance()
        } else {
            var expected = ["IDENTIFIER", "}"]
            repeat {
                let name = try identifier(expected)
                guard let op = matcherOperator else { throw unexpected(["=", "=~", "!~", "!="]) }
                try advance()
                matchers.append(try matcher(name, op, try string()))
                expected = ["IDENTIFIER"]
            } while try take(.comma)
            try expect(.closeBrace, ["}", ","])
        }
        if matchers.allSatisfy(\.matchesEmpty) { selectorsMatchingAll.append(start) }
        return matchers
    }

    /// The operator at hand, if it is one of those between a name and a string.
    var matcherOperator: LabelMatcher.Operator? {
        switch token {
        case .symbol(.equal): .equal
        case .symbol(.notEqual): .notEqual
        case .symbol(.matches): .matches
        case .symbol(.matchesNot): .matchesNot
        default: nil
        }
    }

    mutating func matcher(
        _ name: ByteString,
        _ op: LabelMatcher.Operator,
        _ value: ByteString
    ) throws(LogQLError) -> LabelMatcher {
        do {
            switch op {
            case .equal, .notEqual: return try LabelMatcher(name, op, value)
            case .matches, .matchesNot: return try regexes.matcher(name, op, value)
            }
        } catch RegexAllowance.Failure.exceeded {
            throw RegexAllowance.exceeded
        } catch RegexAllowance.Failure.regex(let reason) {
            throw LogQLError(parse: "\(reason)")
        } catch {
            throw LogQLError(parse: "\(error)")
        }
    }
}

extension LogQLError {
    /// For a selector that would select every stream.
    static let matchesAll = LogQLError(
        parse: "queries require at least one regexp or equality matcher that does not have an empty-compatible value. "
            + "For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will"
    )
}
