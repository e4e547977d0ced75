import LogPipeline

/// The `tenant` stage is for shipping: an embedded store keeps everything under one tenant.
enum TenantStages {
    /// Words about jobs whose stages name tenants that nobody will see. Nil: there are none.
    static func warning(_ jobs: [(name: String, stages: [StageSpec])]) -> String? {
        let names = jobs.filter { isNamed(in: $0.stages) }.map(\.name)
        guard !names.isEmpty else { return nil }
        return "the `tenant` stage of job \(names.joined(separator: ", ")) has no effect here: the embedded store keeps "
            + "everything that it collects under one tenant; `clients:` ships by tenant"
    }

    private static func isNamed(in stages: [StageSpec]) -> Bool {
        stages.contains { stage in
            switch stage.kind {
            case .tenant: true
            case .match(let options): isNamed(in: options.stages)
            default: false
            }
        }
    }
}
