import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

extension ServerSettings {
    /// An HTTP/1 server with these limits, each connection behind a `ConnectionGuard` of `table`. `onListening` hears the
    /// port once it is open.
    func application<Responder: HTTPResponder>(
        _ responder: Responder, table: ConnectionTable, logger: Logger, onListening: @escaping @Sendable (Int) -> Void
    ) -> Application<Responder> where Responder.Context: InitializableFromSource<ApplicationRequestContextSource> {
        let port = port
        let http = HTTP1Channel.Configuration(
            additionalChannelHandlers: [GuardInstaller(table: table, settings: self)],
            idleTimeout: .nanoseconds(idleTimeout),
            httpDecoderConfiguration: .init(
                maxHeaderFieldSize: headerSizeMax, maxHeaderListSize: headerSizeMax, maxHeaderFieldCount: headerCountMax))
        return Application(
            responder: responder,
            server: .http1(configuration: http),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(connectionsMax)),
            onServerRunning: { channel in onListening(channel.localAddress?.port ?? port) },
            logger: logger)
    }
}
