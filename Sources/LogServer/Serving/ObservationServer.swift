import HTTPTypes
import Hummingbird
import HummingbirdCore
import LogModel
import Logging
import Metrics
import NIOCore

/// `/metrics`, `/ready` and what is added to them, of a process that serves no queries: a collector alone.
package struct ObservationServer: Sendable {
    private let settings: ServerSettings
    private let registry: Registry
    private let ready: @Sendable () -> Reply
    private let logger: Logger
    private let extra: @Sendable (_ method: String, _ path: String) async -> Reply?

    /// `notReady`: why the process is not at work yet, nil when it is. `notes`: lines under `ready`. `extra`: as in `ServerHooks`.
    package init(
        settings: ServerSettings, registry: Registry, notes: [String], logger: Logger = Logger(label: "tailrace.server"),
        extra: @escaping @Sendable (_ method: String, _ path: String) async -> Reply? = { _, _ in nil },
        notReady: @escaping @Sendable () -> String?
    ) {
        self.settings = settings
        self.registry = registry
        self.logger = logger
        self.extra = extra
        ready = {
            if let reason = notReady() { return .text(reason + "\n", status: 503) }
            return .text((["ready"] + notes).joined(separator: "\n") + "\n")
        }
    }

    /// Serves until its task is cancelled. `onListening` hears the port once it is open. Throws `ServerError` where it
    /// cannot be opened.
    package func run(onListening: @escaping @Sendable (Int) -> Void = { _ in }) async throws {
        let (registry, ready, extra) = (registry, ready, extra)
        let table = ConnectionTable()
        var quiet = logger
        // What matters is thrown; connections that a stop cuts off are nobody's concern.
        quiet.logLevel = .critical
        let responder = CallbackResponder { (request: Request, context: ConnectionContext) in
            table.state(of: context.channel)?.phase = .answering
            defer { table.state(of: context.channel)?.phase = .idle }
            return await Self.answer(request, registry, ready, extra).response(withBody: request.method != .head)
        }
        let application = settings.application(responder, table: table, logger: quiet, onListening: onListening)
        do {
            try await application.run()
        } catch {
            throw ListenFailure.explained(error, settings) { _, port in "server.http_listen_port: \(port)" }
        }
    }

    private static func answer(
        _ request: Request, _ registry: Registry, _ ready: () -> Reply,
        _ extra: @Sendable (_ method: String, _ path: String) async -> Reply?
    ) async -> Reply {
        let isRead = request.method == .get || request.method == .head
        switch request.uri.path {
        case "/ready": return isRead ? ready() : Reply(status: 405)
        case "/metrics":
            guard isRead else { return Reply(status: 405) }
            return .exposition(registry, ExpositionFormat(accept: request.headers[.accept]))
        default: return await extra(request.method.rawValue, request.uri.path) ?? Reply(Refusal.notFound)
        }
    }
}
