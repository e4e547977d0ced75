import Bytes
import LogModel

extension LogQL {
    /// A query laid out for people, as Loki's `format_query` does: what fits into `lineMax` characters stays on one
    /// line; longer expressions put each stage, argument and operand on lines of their own.
    package static func pretty(_ expression: Expression) -> String {
        let layout = Layout(form: .fitting(expression.nesting))
        switch expression {
        case .log(let log): return layout.log(log, 0)
        case .metric(let metric): return layout.metric(metric, 0)
        }
    }

    /// Longest line that is left whole, bytes: Loki's `maxCharsPerLine`.
    static let lineMax = 100

    private struct Layout {
        var form: Form

        func indent(_ level: Int) -> String { String(repeating: "  ", count: level) }

        func fits(_ text: String) -> Bool { text.utf8.count <= lineMax }

        func log(_ log: LogExpression, _ level: Int) -> String {
            let flat = log.text(form)
            if fits(flat) || (log.stages.isEmpty && log.tail == nil) { return indent(level) + flat }
            var out = indent(level) + log.selector
            var previousIsFilter = false
            for stage in log.stages {
                // Neighbouring line filters share a line.
                var isFilter = false
                if case .lineFilter = stage { isFilter = true }
                out += isFilter && previousIsFilter ? " \(stage.text(form))" : "\n\(indent(level + 1))\(stage.text(form))"
                previousIsFilter = isFilter
            }
            if let tail = log.tail { out += "\n\(indent(level + 1))\(tail)" }
            return out
        }

        /// The expression on one line; nil where that would be too long.
        private func flat(_ metric: MetricExpression) -> String? {
            // Texts of high trees are not made only to be measured: each level would make those below again.
            var room = lineMax
            take(metric, from: &room)
            guard room >= 0 else { return nil }
            let text = metric.text(form)
            return fits(text) ? text : nil
        }

        /// Takes what an expression needs at least, until nothing is left.
        private func take(_ metric: MetricExpression, from room: inout Int) {
            if room < 0 { return }
            switch metric {
            case .binary: room -= "( + )".utf8.count
            case .range, .vectorAggregation, .labelReplace: room -= "sum()".utf8.count
            case .literal, .vector: room -= 1
            }
            for child in metric.children { take(child, from: &room) }
        }

        func metric(_ metric: MetricExpression, _ level: Int) -> String {
            if let flat = flat(metric) { return indent(level) + flat }
            switch metric {
            case .range(let aggregation): return range(aggregation, level)
            case .vectorAggregation(let aggregation):
                var arguments = [self.metric(aggregation.inner, level + 1)]
                if let parameter = aggregation.parameter { arguments.insert("\(indent(level + 1))\(parameter)", at: 0) }
                return call(aggregation.op.rawValue + (aggregation.grouping?.description ?? ""), arguments, level)
            case .labelReplace(let replace):
                return call(
                    "label_replace",
                    [self.metric(replace.inner, level + 1)] + replace.arguments.map { indent(level + 1) + $0 },
                    level
                )
            case .binary(let operation): return binary(operation, level)
            case .literal, .vector: return indent(level) + metric.text(form)
            }
        }

        private func call(_ name: String, _ arguments: [String], _ level: Int) -> String {
            "\(indent(level))\(name)(\n\(arguments.joined(separator: ",\n"))\n\(indent(level)))"
        }

        private func range(_ aggregation: RangeAggregation, _ level: Int) -> String {
            var inner = log(aggregation.log, level + 1)
            if let unwrap = aggregation.unwrap {
                inner += "\n\(indent(level + 2))\(unwrap.head)"
                for filter in unwrap.filters { inner += "\n\(indent(level + 2))| \(filter.text(form))" }
            }
            inner += " [\(prometheusDuration(aggregation.range))]"
            if aggregation.offset != 0 { inner += " offset \(goDuration(aggregation.offset))" }
            var arguments = [inner]
            if let parameter = aggregation.parameter {
                arguments.insert("\(indent(level + 1))\(GoNumber.short(parameter))", at: 0)
            }
            if let counted = aggregation.counted { arguments.insert("\(indent(level + 1))\(counted)", at: 0) }
            return call(aggregation.op.rawValue, arguments, level) + (aggregation.grouping?.description ?? "")
        }

        private func binary(_ operation: BinaryOperation, _ level: Int) -> String {
            let operatorText = operation.operatorText
            // A long chain stays at one level, instead of moving to the right with every operator.
            func inner(_ leg: MetricExpression, _ binds: Bool) -> Int {
                if case .binary = leg, binds, form == .flat { level } else { level + 1 }
            }
            let (left, right) = (operation.binds(rhs: false), operation.binds(rhs: true))
            return leg(operation.lhs, binds: left, inner(operation.lhs, left))
                + "\n\(indent(level))\(operatorText)\n"
                + leg(operation.rhs, binds: right, inner(operation.rhs, right))
        }

        /// Parentheses where the leg would otherwise bind differently. (Loki leaves them away and so changes the
        /// meaning of long queries; ours mean the same afterwards.)
        private func leg(_ leg: MetricExpression, binds: Bool, _ level: Int) -> String {
            // What fits on a line has its own, if operations do. One call a leg: two would double with every level.
            if binds || form == .paired && flat(leg) != nil { return metric(leg, level) }
            return "\(indent(level))(\n\(metric(leg, level + 1))\n\(indent(level)))"
        }
    }
}
