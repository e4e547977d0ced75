import ServiceLifecycle
import UnixSignals

/// SIGHUP reads the configuration again.
struct ReloadService: ServiceLifecycle.Service {
    let reload: @Sendable () async -> Void

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() { await reload() }
    }
}
