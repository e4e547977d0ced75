import Bytes
import LogModel
import LogStages
import Metrics
import Redaction

/// What pipelines of one process share.
package struct PipelineEnvironment: Sendable {
    package var registry: Registry
    package var families: MetricFamilies
    /// Which lines are counted in them.
    package var ledger = MetricLedger()
    package var clock: @Sendable () -> Timestamp
    /// Who looks at each line behind each stage; nil: nobody.
    package var inspector: PipelineInspector?
    /// That of the `redaction:` block, for what leaves pipelines beside their lines: the labels of metrics.
    package var redactor: Redactor?

    package init(registry: Registry = Registry(), clock: @escaping @Sendable () -> Timestamp = { Timestamp.now() }) {
        self.registry = registry
        let families = MetricFamilies(registry: registry)
        self.families = families
        self.clock = clock
        registry.beforeExposing { [weak families] in families?.expire(now: clock().nanoseconds) }
    }
}

/// The stages of one scrape configuration, checked and compiled. Immutable; each thread makes itself a runner.
///
/// ```
/// let pipeline = try Pipeline.build(specs, environment: environment)
/// let runner = pipeline.makeRunner()
/// runner.process(batch, into: output)      // as often as there are batches
/// runner.flush(into: output)               // every second, for lines that wait for more
/// ```
package struct Pipeline: Sendable {
    let operations: [Operation]
    /// Names of the extracted map by slot.
    let slots: [ByteString: Int]
    /// Names of structured metadata by number.
    let metadataNames: [MetadataName]
    /// Counters of dropped lines by number of the reason.
    let dropCounters: [Counter]
    /// Those of the pipeline's own `redact` stages.
    let redactors: [Redactor]
    /// One for each of `redactors`.
    let redactionCounters: [RedactionCounters]
    /// How many places for memory the stages use.
    let memoryCount: Int
    /// Whether any stage makes lines wait.
    let hasWaitingStages: Bool
    let environment: PipelineEnvironment
    /// What is odd but no error, for the log: an expression that extracts nothing, and the like.
    package let warnings: [PipelineError]

    /// Name of the scrape configuration; empty: it has none.
    package private(set) var job = ""
    /// Lines that reached each operation; empty where nobody asked for it.
    private(set) var stageCounters: [Counter] = []

    /// Compiles; the first mistake is thrown. `job`: under whose name lines are counted by stage; nil: they are not.
    package static func build(
        _ specs: [StageSpec], environment: PipelineEnvironment, job: String? = nil
    ) throws(PipelineError) -> Pipeline {
        var compiler = PipelineCompiler(environment: environment)
        try compiler.compile(specs)
        var pipeline = compiler.finish()
        guard let job else { return pipeline }
        pipeline.job = job
        pipeline.stageCounters = pipeline.operations.enumerated().map { number, operation in
            environment.registry.counter(
                "tailrace_stage_lines_total", "Lines that came to a stage.", ["job": job, "stage": "\(number + 1) \(operation.name)"])
        }
        return pipeline
    }

    /// All that a value must pass which becomes visible elsewhere than in its line.
    var allRedactors: [Redactor] { (environment.redactor.map { [$0] } ?? []) + redactors }

    /// Whether lines are counted in metrics.
    var counts: Bool {
        operations.contains { operation in
            if case .metrics = operation { true } else { false }
        }
    }

    /// A runner for one thread.
    package func makeRunner() -> PipelineRunner { PipelineRunner(self) }
}
