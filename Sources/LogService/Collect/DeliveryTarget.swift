import LogPipeline
import LogSources

/// Where a collector's lines go, and by which rules.
struct DeliveryTarget: Sendable {
    var destination: any BatchDestination
    /// Rules of the store of this process; nil: lines ship.
    var intake: Intake?
    /// Age at which lines go though their batch is not full, nanoseconds.
    var batchWait: Int64
    /// Where positions are kept; nil: in the store.
    var positions: PositionsFile?
    var saver: PositionSaver?

    /// For a target to which nothing was submitted and nothing will be: files and locks are free when this returns.
    func abandon() async {
        await onThread { [saver, destination] in
            saver?.stop()
            destination.abandon()
        }
    }
}
