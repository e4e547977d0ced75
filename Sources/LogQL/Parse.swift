import LogModel

extension LogQL {
    /// The tree of a query, or why there is none. Every error that Loki reports while parsing is reported here, except
    /// those of texts in another language (templates, patterns, paths, addresses): see `Stage`.
    /// `allowEmpty`: a selector that every stream satisfies, such as `{}`, is fine; to Loki it is an error.
    /// Linear in the length of the text but for the compilation of regular expressions.
    package static func parse(_ text: String, allowEmpty: Bool = false) throws(LogQLError) -> Expression {
        var parser = try Parser(text)
        let expression = try parser.root()
        if !allowEmpty {
            for start in parser.selectorsMatchingAll { parser.find(at: start, .matchesAll) }
        }
        try parser.throwFinding()
        return expression
    }

    /// The same for places where only a log query makes sense, and where each entry is judged by itself: there is no
    /// `distinct` there.
    package static func parseLog(_ text: String, allowEmpty: Bool = false) throws(LogQLError) -> LogExpression {
        guard case .log(let log) = try parse(text, allowEmpty: allowEmpty) else {
            throw LogQLError(plain: "only log selector is supported")
        }
        guard log.distinct.isEmpty else { throw LogQLError(plain: "distinct is only supported in log range queries") }
        return log
    }

    /// A bare selector, as the series, labels, statistics and volume endpoints take it. `allowEmpty`: a selector that
    /// every stream satisfies is fine too.
    package static func parseSelector(_ text: String, allowEmpty: Bool = false) throws(LogQLError) -> [LabelMatcher] {
        var parser = try Parser(text)
        let expression = try parser.root()
        if !allowEmpty {
            for start in parser.selectorsMatchingAll { parser.find(at: start, .matchesAll) }
        }
        try parser.throwFinding()
        guard case .log(let log) = expression, log.stages.isEmpty, log.distinct.isEmpty else {
            throw LogQLError(plain: "only label matchers are supported")
        }
        return log.matchers
    }
}
