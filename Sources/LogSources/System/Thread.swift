import Glibc

/// A thread of one's own, for work that blocks.
struct Thread: Sendable {
    private let handle: pthread_t

    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    init(_ run: @escaping @Sendable () -> Void) throws(SystemError) {
        let body = Unmanaged.passRetained(Body(run))
        var handle = pthread_t()
        let failed = pthread_create(
            &handle, nil,
            { raw in
                guard let raw else { return nil }
                Unmanaged<Body>.fromOpaque(raw).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        if failed != 0 {
            body.release()
            throw SystemError("pthread_create", code: failed)
        }
        self.handle = handle
    }

    /// Waits for its end. Once only.
    func join() { pthread_join(handle, nil) }
}

/// Nanoseconds that only move forward, for waits and idleness.
enum Monotonic {
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
    }
}

extension Duration {
    /// Saturating.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? (seconds < 0 ? .min : .max) : product.addingReportingOverflow(attoseconds / 1_000_000_000).partialValue
    }

    var milliseconds: Int { Int(clamping: nanoseconds / 1_000_000) }
}

/// Wakes a thread that polls.
final class WakeUp: Sendable {
    let readable: Int32
    private let writable: Int32

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        if pipe(&ends) != 0 { throw SystemError("pipe") }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        readable = ends[0]
        writable = ends[1]
    }

    deinit {
        close(readable)
        close(writable)
    }

    func signal() {
        // A full pipe wakes as well as one more byte.
        var byte: UInt8 = 1
        _ = write(writable, &byte, 1)
    }

    /// Takes the signals that have come.
    func clear() {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 1) { buffer in
            while read(readable, buffer.baseAddress, buffer.count) > 0 {}
        }
    }
}
