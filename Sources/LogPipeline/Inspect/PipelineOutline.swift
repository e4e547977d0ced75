/// One stage of a pipeline as a person counts them: those inside `match` stand behind it.
package struct PipelineStage: Sendable {
    package enum Work: Sendable {
        /// Changes lines, labels, times or extracted values.
        case changes
        /// May end a line.
        case drops
        /// Lets some lines through the stages that follow, up to this number, and leads the others past them.
        case selects(until: Int)
        /// Leaves lines as they are.
        case watches
    }

    /// From 1.
    package var number: Int
    package var name: String
    package var work: Work
}

extension Pipeline {
    /// The stages in the order in which lines come to them.
    package var outline: [PipelineStage] {
        operations.enumerated().compactMap { index, operation in
            operation.work.map { PipelineStage(number: index + 1, name: operation.name, work: $0) }
        }
    }
}

extension Operation {
    /// Nil: no stage of its own, but the beginning of what stands inside one.
    fileprivate var work: PipelineStage.Work? {
        switch self {
        case .seed: nil
        case .match(_, let otherwise, _): .selects(until: otherwise)
        case .dropMatching, .drop, .limit, .sample: .drops
        case .metrics: .watches
        case .json, .logfmt, .regex, .timestamp, .cri, .multiline, .output, .template, .replace, .pack, .decolorize, .strip, .redact, .labels,
            .setLabels, .tenantFromLabel, .allowLabels, .dropLabels, .structuredMetadata:
            .changes
        }
    }
}
