import Synchronization

/// The targets that a `FileSource` shall have, on their way to its watcher. Only the latest list counts.
final class TargetChanges: Sendable {
    private let latest = Mutex<[FileTarget]?>(nil)
    private let wakeUp: WakeUp

    init(_ wakeUp: WakeUp) { self.wakeUp = wakeUp }

    func post(_ targets: [FileTarget]) {
        latest.withLock { $0 = targets }
        wakeUp.signal()
    }

    /// nil: nothing has changed since the last time.
    func take() -> [FileTarget]? {
        latest.withLock { latest in
            defer { latest = nil }
            return latest
        }
    }
}
