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
    /// Whether to say what to try next: a person has started everything at once.
    let welcomes: Bool
    let started: @Sendable () throws -> Void

    func run() async throws {
        let (host, log, welcomes, started) = (host, log, welcomes, started)
        try await server.run { port in
            log.info("listening on http://\(host):\(port)")
            do { try started() } catch { log.error("\(error)") }
            if welcomes { Welcome.print(host: host, port: port) }
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

    func stop() {
        stopping.store(true, ordering: .relaxed)
        worker.withLock { $0?.join() }
        save()
    }

    private func save() {
        do throws(DiskError) { try file?.save() } catch { log.warning("positions are not saved: \(error)") }
    }
}

/// A name for this run of the collector, under which a Tailrace server remembers which batches it has.
enum BatchIdentity {
    static func make() -> String {
        let random = (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 16) }
        return random.joined()
    }
}

/// What `tailrace up` says once it listens.
enum Welcome {
    static func print(host: String, port: Int) {
        let address = host == "127.0.0.1" && port == 3100 ? "" : " --addr http://\(host):\(port)"
        Swift.print(
            """

            Tailrace is up. In another terminal:

              tailrace query\(address) '{job="llm-api"} |= "ERROR"'
              tailrace query\(address) --instant 'sum by (model) (count_over_time({job="llm-api"}[1h]))'
              curl -sG http://\(host):\(port)/loki/api/v1/query_range --data-urlencode 'query={job="llm-api"} | json | duration_ms > 5000'
              curl -s http://\(host):\(port)/metrics | grep llm_

            Grafana: add a Loki data source with the URL http://\(host):\(port), or use the files in grafana/.
            `make run` puts the binary at .build/release/tailrace. Ctrl-C stops everything in order.

            """)
        fflush(nil)
    }
}
