import LogModel

extension LogQL.LogExpression {
    /// The stages in the order in which they run: line filters in front of everything that they need not wait for. They
    /// are the cheapest stages, and the only ones with which a store can help. They stay behind stages that change the
    /// line, and keep their order.
    ///
    /// Loki moves them over `decolorize` too, so that they see the coloured line: `overDecolorize`. It also leaves them
    /// behind label filters, which nobody can see.
    package func hoistingLineFilters(overDecolorize: Bool) -> [LogQL.Stage] {
        var ordered: [LogQL.Stage] = []
        ordered.reserveCapacity(stages.count)
        /// Stages since the last barrier that are no line filters.
        var waiting: [LogQL.Stage] = []
        for stage in stages {
            let isBarrier: Bool
            switch stage {
            case .lineFilter:
                ordered.append(stage)
                continue
            case .lineFormat, .unpack: isBarrier = true
            case .decolorize: isBarrier = !overDecolorize
            case .labelFilter, .json, .logfmt, .regexp, .pattern, .labelFormat, .drop, .keep: isBarrier = false
            }
            waiting.append(stage)
            if isBarrier {
                ordered += waiting
                waiting.removeAll(keepingCapacity: true)
            }
        }
        return ordered + waiting
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
