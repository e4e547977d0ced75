/// A way in: something that reads lines and hands them to a sink, on a thread that the collector gives it.
package protocol CollectorSource: Sendable {
    /// For threads and messages: `files`, `journal:<job>`.
    var name: String { get }
    /// Whether it has found what it is to read, so that `/ready` may say so.
    var isReady: Bool { get }
    /// Why it is not ready, where that is more than that it has just begun: for `/ready`, in words.
    var trouble: String? { get }
    /// Reads until `stop`, or in once mode until everything that was there is delivered. Blocks. Throws what the sink throws
    /// when it is closing, and where going on makes no sense.
    func run() throws
    /// Makes `run` return soon. From any thread, also before `run`.
    func stop()
    /// What it follows now. From any thread.
    func targetStatus() -> [TargetStatus]
}

extension CollectorSource {
    package var trouble: String? { nil }
}
