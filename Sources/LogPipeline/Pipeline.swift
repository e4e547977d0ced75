import Bytes
import LogModel
import LogStages
import Metrics
import Redaction

/// What pipelines of one process share.
package struct PipelineEnvironment: Sendable {
    package var registry: Registry
    package var families: MetricFamilies
    package var clock: @Sendable () -> Timestamp

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
    let redactors: [Redactor]
    /// How many places for memory the stages use.
    let memoryCount: Int
    /// Whether any stage makes lines wait.
    let hasWaitingStages: Bool
    let environment: PipelineEnvironment
    /// What is odd but no error, for the log: an expression that extracts nothing, and the like.
    package let warnings: [PipelineError]

    /// Compiles; the first mistake is thrown.
    package static func build(
        _ specs: [StageSpec], environment: PipelineEnvironment
    ) throws(PipelineError) -> Pipeline {
        var compiler = PipelineCompiler(environment: environment)
        try compiler.compile(specs)
        return compiler.finish()
    }

    /// A runner for one thread.
    package func makeRunner() -> PipelineRunner { PipelineRunner(self) }
}
