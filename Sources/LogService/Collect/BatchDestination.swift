import Bytes
import LogModel

/// What became of a batch.
enum BatchOutcome: Sendable, Equatable {
    /// Durable where it was sent. Positions move.
    case accepted
    /// Refused for good by at least one destination: said, counted, and positions move, or nothing would ever again.
    case refused(String)
    /// The attempts that the configuration allows are used up: said, counted, and positions move, as with Promtail.
    case dropped(String)
    /// Not delivered: positions stay, a later run reads the lines again.
    case undelivered(String)
}

/// A batch on its way, with the paths of the sources whose positions it carries.
struct CollectedBatch: Sendable {
    var batch: WriteBatch
    var paths: [ByteString: String]
}

/// Where the collector's batches go. Batches of one lane are submitted in order and must become durable in order.
protocol BatchDestination: Sendable {
    /// Blocks its thread while too much is under way. `done` is called once.
    func submit(_ batch: CollectedBatch, done: @escaping @Sendable (BatchOutcome) -> Void)
    /// Where sources go on that begin now; see `settle`.
    func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)]
    func importedOffset(path: String) -> UInt64?
    /// From now on nothing is tried again: what is under way and what follows ends soon as undelivered, so that `submit`
    /// and `drain` return. From any thread.
    func giveUp()
    /// Returns when everything submitted has been reported, and what was spooled has been sent or given up.
    func drain() async
    /// Returns once `positions` covers all that was submitted, acknowledged or not: then other sources may go on from there.
    func settle() async
    /// Instead of `drain` where nothing was submitted: lets go of all files at once.
    func abandon()
    /// Entries that were reported as accepted and are still on their way: in a spool.
    var backlog: Int { get }
    /// Whether lines were lost for good after they had been reported as accepted.
    var hasLost: Bool { get }
}

extension BatchDestination {
    func abandon() {}
    var backlog: Int { 0 }
    var hasLost: Bool { false }
}
