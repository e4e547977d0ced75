import LogPipeline

/// What the tests of a pipeline have touched of it, and what not: stages that no line came to, branches of `match` that none took,
/// stages that drop and never dropped, or change and never changed anything.
struct PipelineCoverage {
    private let stages: [PipelineStage]
    private var reached: Set<Int> = []
    private var changed: Set<Int> = []
    private var dropped: Set<Int> = []
    private var entered: Set<Int> = []
    private var passedBy: Set<Int> = []

    init(_ stages: [PipelineStage]) { self.stages = stages }

    mutating func add(_ steps: [PipelineInspector.Step]) {
        for step in steps {
            reached.insert(step.number)
            guard let after = step.after else {
                dropped.insert(step.number)
                continue
            }
            if step.next == step.number + 1 { entered.insert(step.number) } else { passedBy.insert(step.number) }
            if after != step.before { changed.insert(step.number) }
        }
    }

    /// Lines for people; the last one sums up. `what`: the file and the job.
    func report(_ what: String) -> [String] {
        var gaps: [String] = []
        // Behind a `match` that nothing entered one line says all.
        var silentUntil = 0
        for stage in stages where stage.number > silentUntil {
            guard let gap = gap(stage) else { continue }
            gaps.append("  stage \(stage.number) `\(stage.name)`: \(gap)")
            if case .selects(let until) = stage.work, !entered.contains(stage.number) { silentUntil = until }
        }
        let touched = stages.count { reached.contains($0.number) && gap($0) == nil }
        return gaps + ["\(what): \(touched) of \(stages.count) stages did their work in some test"]
    }

    private func gap(_ stage: PipelineStage) -> String? {
        guard reached.contains(stage.number) else { return "no line came to it" }
        switch stage.work {
        case .changes: return changed.contains(stage.number) || dropped.contains(stage.number) ? nil : "changed nothing"
        case .drops: return dropped.contains(stage.number) ? nil : "dropped nothing"
        case .selects:
            if !entered.contains(stage.number) { return "selected no line" }
            return passedBy.contains(stage.number) ? nil : "selected every line"
        case .watches: return nil
        }
    }
}
