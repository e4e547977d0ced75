import Glibc

/// A thread of our own, for work that blocks: syncs, compression, reading. Swift's cooperative threads must not.
package final class Worker: @unchecked Sendable {
    // Sendable: the handle is written before anyone else sees the object and cleared by `join`, which one owner calls.
    private var handle: pthread_t?

    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts at once. `name` is what `top` shows, at most 15 bytes. Nil when the system has no threads left.
    package init?(_ name: String, _ body: @escaping @Sendable () -> Void) {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        let status = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                Worker.nameThread(start.name)
                start.body()
                return nil
            },
            start.toOpaque()
        )
        guard status == 0 else {
            start.release()
            return nil
        }
        handle = thread
    }

    /// `pthread_setname_np` hides behind a feature macro; the kernel takes the name from a file just as well.
    private static func nameThread(_ name: String) {
        let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        let text = Array(name.utf8.prefix(15))
        _ = write(descriptor, text, text.count)
        _ = close(descriptor)
    }

    /// From now on the calling thread runs, and reads, after all others: for work that nobody waits for.
    package static func lowerPriority() {
        // On Linux 0 is the calling thread, which has a niceness of its own; the I/O priority follows it.
        _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
    }

    /// Waits for the end of the body. Blocks.
    package func join() {
        if let handle { pthread_join(handle, nil) }
        handle = nil
    }
}

/// A state under a lock, on whose change threads can wait (Hoare's monitor, with Mesa semantics).
package final class Monitor<State>: @unchecked Sendable {
    // Sendable: `state` is touched under `mutex` only.
    private var state: State
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>

    package init(_ state: State) {
        self.state = state
        mutex = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        changed.deallocate()
        mutex.deallocate()
    }

    /// Looks at or changes the state; wakes nobody.
    package func withLock<R, E: Error>(_ body: (inout State) throws(E) -> R) throws(E) -> R {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state)
    }

    /// Changes the state and wakes all who wait.
    package func change<R, E: Error>(_ body: (inout State) throws(E) -> R) throws(E) -> R {
        pthread_mutex_lock(mutex)
        defer {
            pthread_cond_broadcast(changed)
            pthread_mutex_unlock(mutex)
        }
        return try body(&state)
    }

    /// Waits until `ready` returns something, at most `timeout` nanoseconds (nil: for ever). `ready` may change the
    /// state.
    package func wait<R>(timeout: Int64? = nil, _ ready: (inout State) -> R?) -> R? {
        var deadline = timespec()
        if let timeout {
            clock_gettime(CLOCK_MONOTONIC, &deadline)
            let nanoseconds = Int64(deadline.tv_nsec) + max(0, timeout) % 1_000_000_000
            deadline.tv_sec += Int(max(0, timeout) / 1_000_000_000 + nanoseconds / 1_000_000_000)
            deadline.tv_nsec = Int(nanoseconds % 1_000_000_000)
        }
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while true {
            if let result = ready(&state) { return result }
            if timeout == nil {
                pthread_cond_wait(changed, mutex)
            } else if pthread_cond_timedwait(changed, mutex, &deadline) == ETIMEDOUT {
                return ready(&state)
            }
        }
    }
}
