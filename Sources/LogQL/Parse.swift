import LogModel

extension LogQL {
    /// The tree of a query, or why there is none. Every error that Loki reports while parsing is reported here, except
    /// those of texts in another language (templates, patterns, paths, addresses): see `Stage`.
    package static func parse(_ text: String) throws(LogQLError) -> Expression {
        throw LogQLError(parse: "not built yet")
    }

    /// The same for places where only a log query makes sense.
    package static func parseLog(_ text: String) throws(LogQLError) -> LogExpression {
        throw LogQLError(parse: "not built yet")
    }

    /// A bare selector, as the series, labels, statistics and volume endpoints take it. `allowEmpty`: a selector that
    /// matches every stream is fine too.
    package static func parseSelector(_ text: String, allowEmpty: Bool = false) throws(LogQLError) -> [LabelMatcher] {
        throw LogQLError(parse: "not built yet")
    }
}
