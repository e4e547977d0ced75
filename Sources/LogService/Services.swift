import Disk
import Glibc
import LogServer
import LogSources
import Logging
import ServiceLifecycle
import Synchronization

/// The HTTP server as a service; the collector starts once the port is open, so that a busy port starts nothing.
struct ServerService: ServiceLifecycle.Service {
    let server: LogServer
    let host: String
    let log: ServiceLog
    /// What to say to a person who has started everything at once; nil: nothing.
    let welcome: Welcome?
    let started: @Sendable () -> Void

    /// How long requests may go on once the process is told to end; queries are cancelled then. A service manager waits
    /// 90 s before it kills, and the store must still be sealed after this.
    private static let grace: Duration = .seconds(5)

    func run() async throws {
        let (server, host, log, welcome, started) = (server, host, log, welcome, started)
        try await withGracefulShutdownHandler {
            try await server.run { port in
                log.info("listening on http://\(host):\(port)")
                started()
                welcome?.print(host: host, port: port)
            }
        } onGracefulShutdown: {
            Task.detached {
                try? await Task.sleep(for: Self.grace)
                server.cancelQueries()
            }
        }
    }
}

/// Waits for the signal that ends the process.
struct IdleService: ServiceLifecycle.Service {
    func run() async throws { try await gracefulShutdown() }
}

/// ServiceLifecycle tells each step it takes; what matters is in our own log.
enum QuietLogger {
    static func make() -> Logger {
        var logger = Logger(label: "tailrace.lifecycle") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        return logger
    }
}

/// Writes the positions file of a shipping collector every few seconds, and at the end.
final class PositionSaver: Sendable {
    private let file: PositionsFile?
    private let log: ServiceLog
    private let stopping = Atomic<Bool>(false)
    private let failing = Atomic<Bool>(false)
    private let worker = Mutex<Worker?>(nil)

    /// Seconds between saves; what was acknowledged since is sent again after a crash.
    private static let pause = 2.0

    init(_ file: PositionsFile?, log: ServiceLog) {
        self.file = file
        self.log = log
        guard file != nil else { return }
        let thread = Worker("positions") { [self] in
            var elapsed = 0.0
            while !stopping.load(ordering: .relaxed) {
                usleep(50_000)
                elapsed += 0.05
                if elapsed >= Self.pause {
                    elapsed = 0
                    save()
                }
            }
        }
        worker.withLock { $0 = thread }
    }

    /// Whether the last save failed.
    var isFailing: Bool { failing.load(ordering: .relaxed) }
    /// Whether the thread that saves could be had.
    var hasThread: Bool { worker.withLock { $0 != nil } }

    func stop() {
        stopping.store(true, ordering: .relaxed)
        worker.withLock { worker in
            worker?.join()
            worker = nil
        }
        save()
    }

    private func save() {
        do throws(DiskError) {
            try file?.save()
            failing.store(false, ordering: .relaxed)
        } catch {
            // Once for as long as it lasts, not every two seconds.
            if !failing.exchange(true, ordering: .relaxed) { log.warning("positions are not saved: \(error)") }
        }
    }
}

/// A name for this run of the collector, under which a Tailrace server remembers which batches it has.
enum BatchIdentity {
    static func make() -> String {
        let random = (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }
        return random.joined()
    }
}
