import AsyncHTTPClient
import Glibc
import NIOCore
import NIOPosix

/// HTTP clients of our own, and what their errors mean.
package enum HTTPConnector {
    /// A client that says at once when nobody listens, instead of knocking for ten seconds. Shut it down after use.
    package static func make() -> HTTPClient {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = .seconds(10)
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// Whether no connection came about, and nothing was asked of anybody. Not where a server is there and does not answer in time.
    /// A name's addresses are tried one by one and all of them have failed then; an address that is written out fails by itself.
    static func isUnreachable(_ error: any Error) -> Bool {
        switch error {
        case let error as NIOConnectionError: error.connectionErrors.allSatisfy { isUnreachable($0.error) }
        case let error as IOError: [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains(error.errnoCode)
        default: false
        }
    }

    /// An error of a request in plain words. `origin`: `http://host:port`.
    package static func words(_ error: any Error, origin: String) -> String {
        switch error {
        case let error as NIOConnectionError:
            guard let first = error.connectionErrors.first else {
                return "\(origin) cannot be reached: the name \(error.host) is not known"
            }
            return words(first.error, origin: origin)
        case let error as IOError: return ConnectionFailure.words(code: error.errnoCode, origin: origin)
        case is ChannelError: return "\(origin) does not answer"
        case let error as HTTPClientError:
            switch error {
            case .connectTimeout: return "\(origin) does not answer"
            case .deadlineExceeded, .readTimeout, .writeTimeout: return "\(origin) did not answer in time"
            case .remoteConnectionClosed: return "\(origin) closed the connection"
            default: return "\(origin) cannot be reached: \(error.shortDescription)"
            }
        default: return "\(origin) cannot be reached: \(error)"
        }
    }
}
