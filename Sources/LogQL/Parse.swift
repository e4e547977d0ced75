import LogModel

extension LogQL {
    /// The tree of a query, or why there is none. Every error that Loki reports while parsing is reported here, except
    /// those of texts in another language (templates, patterns, paths, addresses): see `Stage`.
    /// Linear in the length of the text but for the compilation of regular expressions.
    package static func parse(_ text: String) throws(LogQLError) -> Expression {
        var parser = try Parser(text)
        let expression = try parser.root()
        for start in parser.selectorsMatchingAll { parser.find(at: start, .matchesAll) }
        try parser.throwFinding()
        return expression
    }

    /// The same for places where only a log query makes sense.
    package static func parseLog(_ text: String) throws(LogQLError) -> LogExpression {
        guard case .log(let log) = try parse(text) else {
            throw LogQLError(plain: "only log selector is supported")
        }
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
        guard case .log(let log) = expression, log.stages.isEmpty else {
            throw LogQLError(plain: "only label matchers are supported")
        }
        return log.matchers
    }
}
