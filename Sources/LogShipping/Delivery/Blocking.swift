import Disk

/// Work that waits for the disk, on a thread of its own: Swift's must not wait.
enum Blocking {
    static func run<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
        await withCheckedContinuation { (continuation: CheckedContinuation<Result, Never>) in
            // Without a thread to be had the caller's has to do.
            if Worker("wait", { continuation.resume(returning: body()) }) == nil { continuation.resume(returning: body()) }
        }
    }
}
