import HTTPTypes
import Hummingbird
import HummingbirdCore
import LogModel
import Logging
import Metrics
import NIOCore

/// `/metrics` and `/ready` of a process that serves no queries: a collector alone.
package struct ObservationServer: Sendable {
    private let settings: ServerSettings
    private let registry: Registry
    private let ready: @Sendable () -> Reply
    private let logger: Logger

    /// `notReady`: why the process is not at work yet, nil when it is. `notes`: lines under `ready`.
    package init(
        settings: ServerSettings, registry: Registry, notes: [String], logger: Logger = Logger(label: "tailrace.server"),
        notReady: @escaping @Sendable () -> String?
    ) {
        self.settings = settings
        self.registry = registry
        self.logger = logger
        ready = {
            if let reason = notReady() { return .text(reason + "\n", status: 503) }
            return .text((["ready"] + notes).joined(separator: "\n") + "\n")
        }
    }

    /// Serves until its task is cancelled. `onListening` hears the port once it is open. Throws `ServerError` where it
    /// cannot be opened.
    package func run(onListening: @escaping @Sendable (Int) -> Void = { _ in }) async throws {
        let (registry, ready) = (registry, ready)
        let table = ConnectionTable()
        var quiet = logger
        // What matters is thrown; connections that a stop cuts off are nobody's concern.
        quiet.logLevel = .critical
        let responder = CallbackResponder { (request: Request, context: ConnectionContext) in
            table.state(of: context.channel)?.phase = .answering
            defer { table.state(of: context.channel)?.phase = .idle }
            return Self.answer(request, registry, ready).response(withBody: request.method != .head)
        }
        let application = settings.application(responder, table: table, logger: quiet, onListening: onListening)
        do {
            try await application.run()
        } catch {
            throw ListenFailure.explained(error, settings) { _, port in "server.http_listen_port: \(port)" }
        }
    }

    private static func answer(_ request: Request, _ registry: Registry, _ ready: () -> Reply) -> Reply {
        guard request.method == .get || request.method == .head else { return Reply(status: 405) }
        switch request.uri.path {
        case "/ready": return ready()
        case "/metrics":
            return .exposition(
                registry, openMetrics: request.headers[.accept]?.contains("application/openmetrics-text") ?? false)
        default: return Reply(Refusal.notFound)
        }
    }
}
