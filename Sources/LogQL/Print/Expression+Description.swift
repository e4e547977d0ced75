import Bytes
import LogModel

// On one line, in the canonical form that Loki gives in messages, caches and for short texts in `format_query`; see `Form`
// for what becomes of texts that would nest too deep.

extension LogQL.Expression: CustomStringConvertible {
    package var description: String {
        switch self {
        case .log(let log): log.description
        case .metric(let metric): metric.description
        }
    }
}

extension LogQL.LogExpression: CustomStringConvertible {
    package var description: String {
        text(.fitting(nesting))
    }

    func text(_ form: LogQL.Form) -> String {
        var out = stages.isEmpty ? selector : selector + " " + stages.map { $0.text(form) }.joined(separator: " ")
        if let tail { out += " " + tail }
        return out
    }

    /// What stands behind the stages.
    var tail: String? { distinct.isEmpty ? nil : "| distinct \(LogQL.list(distinct))" }

    package var selector: String { "{" + matchers.map(LogQL.print).joined(separator: ", ") + "}" }
}

extension LogQL.MetricExpression: CustomStringConvertible {
    package var description: String { text(.fitting(nesting)) }

    func text(_ form: LogQL.Form) -> String {
        switch self {
        case .range(let aggregation): aggregation.text(form)
        case .vectorAggregation(let aggregation): aggregation.text(form)
        case .binary(let operation): operation.text(form)
        // The language reads `-0` as a duration, and no operation tells zeros apart: print it without its sign.
        case .literal(let value): GoNumber.short(value == 0 ? 0 : value)
        case .labelReplace(let replace):
            "label_replace(\(replace.inner.text(form)),\(replace.arguments.joined(separator: ",")))"
        case .vector(let value): "vector(\(LogQL.fixedOrExact(value)))"
        }
    }
}

extension LogQL {
    /// Six digits behind the point, as Loki has it, and more only where they are needed to mean the same.
    fileprivate static func fixedOrExact(_ value: Double) -> String {
        let text = GoNumber.fixed(value)
        return Double(text) == value ? text : GoNumber.plain(value)
    }
}

extension LogQL.RangeAggregation: CustomStringConvertible {
    package var description: String { LogQL.MetricExpression.range(self).description }

    func text(_ form: LogQL.Form) -> String {
        var out = op.rawValue + "("
        if let parameter { out += GoNumber.plain(parameter) + "," }
        if let counted { out += "\(counted)," }
        out += log.text(form)
        if let unwrap { out += " " + unwrap.text(form) }
        out += "[\(LogQL.prometheusDuration(range))]"
        if offset != 0 { out += " offset \(LogQL.goDuration(offset))" }
        out += ")"
        if let grouping { out += grouping.description }
        return out
    }
}

extension LogQL.Unwrap {
    func text(_ form: LogQL.Form) -> String { filters.reduce(head) { "\($0) | \($1.text(form))" } }

    /// Without the filters.
    var head: String { conversion == .none ? "| unwrap \(label)" : "| unwrap \(conversion.rawValue)(\(label))" }
}

extension LogQL.Grouping: CustomStringConvertible {
    /// With a space in front, as it stands behind an operator.
    package var description: String { " \(without ? "without" : "by") (\(LogQL.list(labels)))" }
}

extension LogQL.VectorAggregation: CustomStringConvertible {
    package var description: String { LogQL.MetricExpression.vectorAggregation(self).description }

    func text(_ form: LogQL.Form) -> String {
        "\(op.rawValue)\(grouping?.description ?? "")(\(parameter.map { "\($0)," } ?? "")\(inner.text(form)))"
    }
}

extension LogQL.LabelReplace {
    /// The strings, quoted.
    var arguments: [String] {
        [LogQL.quote(destination), LogQL.quote(replacement), LogQL.quote(source), GoQuote.quote(regex)]
    }
}

extension LogQL.BinaryOperation {
    func text(_ form: LogQL.Form) -> String {
        if form == .paired { return "(\(lhs.text(form)) \(operatorText) \(rhs.text(form)))" }
        // Down the left legs in a loop: they are what long chains are made of.
        var operation = self
        var rest: [String] = []
        while true {
            let right = operation.rhs.text(form)
            rest.append(" \(operation.operatorText) " + (operation.binds(rhs: true) ? right : "(\(right))"))
            guard case .binary(let next) = operation.lhs, operation.binds(rhs: false) else { break }
            operation = next
        }
        let left = operation.lhs.text(form)
        return (operation.binds(rhs: false) ? left : "(\(left))") + rest.reversed().joined()
    }

    /// Whether a leg reads as that leg without parentheses around it.
    func binds(rhs isRight: Bool) -> Bool {
        guard case .binary(let inner) = isRight ? rhs : lhs else { return true }
        return inner.op.precedence > op.precedence
            || inner.op.precedence == op.precedence && isRight == op.isRightAssociative
    }

    /// The operator and its modifiers. Loki leaves a second space behind the labels where there is no `group_…`.
    var operatorText: String {
        var out = op.rawValue
        if returnBool { out += " bool" }
        guard let matching else { return out }
        out += " \(matching.on ? "on" : "ignoring") (\(LogQL.list(matching.labels))) "
        switch matching.cardinality {
        case .oneToOne: return out
        case .manyToOne: out += "group_left"
        case .oneToMany: out += "group_right"
        }
        if !matching.include.isEmpty { return "\(out) (\(LogQL.list(matching.include)))" }
        // A parenthesis behind it would be read as its label list.
        if case .binary = rhs { return out + " ()" }
        return out
    }
}
