import LogModel

extension LogQL.LogExpression {
    /// The stages in the order in which Loki runs them: a line filter moves ahead of the stages before it, up to the
    /// last that may change the line or drop it (`line_format`, `unpack`, a label filter). It also moves ahead of
    /// `decolorize`, and then sees the coloured line: that is what Loki does. Filters keep their order.
    package var hoistingLineFilters: LogQL.LogExpression {
        var ordered: [LogQL.Stage] = []
        ordered.reserveCapacity(stages.count)
        /// Stages since the last barrier that are no line filters.
        var waiting: [LogQL.Stage] = []
        for stage in stages {
            switch stage {
            case .lineFilter: ordered.append(stage)
            case .lineFormat, .unpack, .labelFilter:
                ordered += waiting
                waiting.removeAll(keepingCapacity: true)
                ordered.append(stage)
            case .json, .logfmt, .regexp, .pattern, .labelFormat, .decolorize, .drop, .keep: waiting.append(stage)
            }
        }
        return LogQL.LogExpression(matchers: matchers, stages: ordered + waiting)
    }
}

extension LogQL.RangeAggregation {
    /// The aggregation without stages that cannot matter to it: a `line_format` behind which nothing reads the line,
    /// unless the operator measures lines. Loki does the same, so the templates of such stages are never checked.
    package var removingDeadLineFormats: LogQL.RangeAggregation {
        guard op != .bytes, op != .bytesRate else { return self }
        var kept: [LogQL.Stage] = []
        var isRead = false
        for stage in log.stages.reversed() {
            switch stage {
            case .lineFormat where !isRead: continue
            case .lineFilter, .json, .logfmt, .regexp, .pattern, .unpack: isRead = true
            case .lineFormat, .labelFormat, .labelFilter, .decolorize, .drop, .keep: break
            }
            kept.append(stage)
        }
        var copy = self
        copy.log.stages = kept.reversed()
        return copy
    }
}
