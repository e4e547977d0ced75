import Glibc

/// The system's reasons for a broken connection.
enum ConnectionFailure {
    static func words(code: Int32, origin: String) -> String {
        switch code {
        case ECONNREFUSED: "connection refused by \(origin)"
        case ECONNRESET, EPIPE: "\(origin) closed the connection"
        case ETIMEDOUT: "\(origin) does not answer"
        case EHOSTUNREACH, ENETUNREACH: "there is no way to \(origin)"
        default: "\(origin) cannot be reached: \(String(cString: strerror(code)))"
        }
    }
}
