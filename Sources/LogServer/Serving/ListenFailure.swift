import Glibc
import HummingbirdCore
import NIOCore

/// Why a port cannot be opened, in words that say what to do.
enum ListenFailure {
    /// `advice`: how to choose another address; gets `host:port`. Other errors stay as they are.
    static func explained(_ error: any Error, _ settings: ServerSettings, advice: (String, Int) -> String) -> any Error {
        guard let failure = error as? IOError else { return error }
        let place = "cannot listen on \(settings.host):\(settings.port)"
        switch failure.errnoCode {
        case EADDRINUSE:
            let free = PortHolder.free(above: settings.port)
            return ServerError(
                message: "\(place): \(PortHolder.describe(port: settings.port)); stop it, or choose another port: "
                    + advice(settings.host, free))
        case EACCES:
            return ServerError(message: "\(place): no permission; ports below 1024 need CAP_NET_BIND_SERVICE")
        case EADDRNOTAVAIL:
            return ServerError(
                message: "\(place): this machine has no such address; 127.0.0.1 and 0.0.0.0 always work")
        default: return error
        }
    }
}
