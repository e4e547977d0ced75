import Bytes
import LogModel
import Metrics

/// What derived metrics keep across a restart.
extension PipelineEnvironment {
    /// Counters and histograms, and which lines are in them, of one moment. Blocks while batches are run.
    package func metricSnapshot() -> MetricSnapshot {
        var snapshot = MetricSnapshot()
        ledger.stopped { marks in
            snapshot.marks = marks
            snapshot.families = families.snapshot()
        }
        return snapshot
    }

    /// Before the first pipeline is built: goes on from what an earlier run had counted.
    package func restore(_ snapshot: MetricSnapshot) {
        families.restore(snapshot.families)
        ledger.restore(snapshot.marks)
    }
}
