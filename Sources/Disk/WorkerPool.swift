import Glibc
import Synchronization

/// Threads that share the work of whoever asks, as many as there are processors. Callers take part, so work gets done
/// even when all threads are busy with somebody else's.
package final class WorkerPool: Sendable {
    /// The threads of this process for work that computes. They start when first used.
    package static let processors = WorkerPool("compute", threads: min(16, sysconf(Int32(_SC_NPROCESSORS_ONLN))) - 1)

    /// How many pieces of work run at once, the caller's included.
    package let width: Int

    private final class Job: Sendable {
        let count: Int
        let body: @Sendable (Int) -> Void
        let done = Monitor(0)
        private let next = Atomic<Int>(0)

        init(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
            self.count = count
            self.body = body
        }

        var isTaken: Bool { next.load(ordering: .relaxed) >= count }

        /// Does what nobody has begun.
        func work() {
            while true {
                let number = next.add(1, ordering: .relaxed).oldValue
                if number >= count { return }
                body(number)
                done.change { $0 += 1 }
            }
        }
    }

    private let jobs = Monitor<[Job]>([])

    /// `threads` beside the caller's; where the system has none left, callers do all.
    package init(_ name: String, threads: Int) {
        var started = 0
        for _ in 0..<max(0, threads) {
            // They end with the process.
            if Worker(name, { [jobs] in Self.serve(jobs) }) != nil { started += 1 }
        }
        width = started + 1
    }

    private static func serve(_ jobs: Monitor<[Job]>) {
        while true {
            let job = jobs.wait { waiting -> Job? in
                waiting.removeAll { $0.isTaken }
                return waiting.first
            }
            job?.work()
        }
    }

    /// Calls `body` with 0 ..< `count`, several at once, and returns when all are done.
    package func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) {
        if count <= 1 || width == 1 {
            for number in 0..<count { body(number) }
            return
        }
        let job = Job(count, body)
        jobs.change { $0.append(job) }
        job.work()
        jobs.withLock { $0.removeAll { $0 === job } }
        _ = job.done.wait { $0 == count ? true : nil }
    }
}
