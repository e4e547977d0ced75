import Bytes
import LogModel

extension LogQL {
    /// What a metric query will look at, so that parsers may stop early. Visible to users: a line that turns out to be
    /// malformed only behind the last label that matters does not fail the query, in Loki neither.
    package struct ParserHints: Sendable, Equatable {
        package enum Need: Sendable, Equatable {
            /// Every label of the line.
            case all
            /// None: parsers need not run.
            case none
            /// These; a parser may stop as soon as it has found them all.
            case only([ByteString])
        }

        package var need: Need
        /// Whether lines with an error are to be counted under their `__error__` rather than fail the query: the label
        /// is asked for.
        package var preservesErrors: Bool

        package init(need: Need, preservesErrors: Bool = false) {
            self.need = need
            self.preservesErrors = preservesErrors
        }

        package static let all = ParserHints(need: .all)

        /// For one aggregation. `outer`: the grouping of the vector aggregation directly around it, if that may be
        /// applied while lines are read (`MetricExpression.pushedGrouping`), else nil.
        /// `templateFields`: the labels that a template reads.
        package init(
            for aggregation: RangeAggregation,
            outer: Pushed?,
            templateFields: (String) -> [ByteString]
        ) {
            let grouping: Grouping?
            var wantsNoLabels = false
            if let outer {
                grouping = outer.grouping
                wantsNoLabels = outer.grouping == nil
            } else {
                grouping = aggregation.grouping
                if let grouping { wantsNoLabels = !grouping.without && grouping.labels.isEmpty }
            }
            if aggregation.op == .absent { wantsNoLabels = true }
            if let grouping, grouping.without { wantsNoLabels = false }

            var names: [ByteString] = []
            func need(_ name: ByteString) {
                if !names.contains(name) { names.append(name) }
                // A parser finds `x` and stores `x_extracted` where `x` was taken.
                if name.hasSuffix("_extracted") {
                    let plain = ByteString([UInt8](name.bytes.dropLast("_extracted".utf8.count)))
                    if !names.contains(plain) { names.append(plain) }
                }
            }
            for stage in aggregation.log.stages {
                switch stage {
                case .labelFilter(let filter): filter.labelNames.forEach(need)
                case .lineFormat(let template): templateFields(template).forEach(need)
                case .labelFormat(let formats):
                    for format in formats {
                        switch format {
                        case .rename(_, let from): need(from)
                        case .template(_, let template): templateFields(template).forEach(need)
                        }
                    }
                case .lineFilter, .json, .logfmt, .regexp, .pattern, .unpack, .decolorize, .drop, .keep: break
                }
            }
            if let unwrap = aggregation.unwrap {
                need(unwrap.label)
                unwrap.filters.flatMap(\.labelNames).forEach(need)
            }
            if let grouping, !grouping.without { grouping.labels.forEach(need) }

            let preserves = names.contains("__error__") || names.contains("__error_details__")
            if wantsNoLabels {
                self.init(need: names.isEmpty ? .none : .only(names), preservesErrors: preserves && !names.isEmpty)
            } else if let grouping, !grouping.without, !grouping.labels.isEmpty {
                self.init(need: .only(names), preservesErrors: preserves)
            } else {
                self.init(need: .all)
            }
        }
    }

    /// A grouping that may be applied while lines are read. `grouping` nil: one group.
    package struct Pushed: Sendable, Equatable {
        package var grouping: Grouping?
        package init(grouping: Grouping?) { self.grouping = grouping }
    }
}

extension LogQL.VectorAggregation {
    /// The grouping to apply already while lines are read: a `sum` directly around an aggregation whose results add up.
    /// nil where that would change the result.
    package var pushedGrouping: LogQL.Pushed? {
        guard op == .sum, case .range(let range) = inner, range.grouping == nil else { return nil }
        switch range.op {
        case .count, .rate, .bytes, .bytesRate, .sum: return LogQL.Pushed(grouping: grouping)
        case .rateCounter, .avg, .min, .max, .stddev, .stdvar, .quantile, .first, .last, .absent: return nil
        }
    }
}
