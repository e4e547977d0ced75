import LogQL

/// The order in which stages run.
enum StageOrder {
    /// Line filters in front of everything that they need not wait for: they are the cheapest stages, and the only ones
    /// a store can help with. They stay behind stages that change the line.
    ///
    /// Loki moves them over `decolorize` too, so that they see the coloured line; with `quirks` so do we.
    static func hoisted(_ stages: [LogQL.Stage], quirks: Bool) -> [LogQL.Stage] {
        var result: [LogQL.Stage] = []
        var filters: [LogQL.Stage] = []
        var others: [LogQL.Stage] = []
        func flush() {
            result += filters
            result += others
            filters.removeAll()
            others.removeAll()
        }
        for stage in stages {
            switch stage {
            case .lineFilter: filters.append(stage)
            case .lineFormat, .unpack:
                others.append(stage)
                flush()
            case .decolorize where !quirks:
                others.append(stage)
                flush()
            default: others.append(stage)
            }
        }
        flush()
        return result
    }
}
