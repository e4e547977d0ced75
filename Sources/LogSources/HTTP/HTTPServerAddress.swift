import Bytes
import LogModel

/// Where an API answers, and what has to be said to it. Discovery of containers and pods asks such servers.
package struct HTTPServerAddress: Sendable, Equatable {
    package enum Place: Sendable, Equatable {
        /// A socket of this host.
        case unix(path: String)
        case tcp(host: String, port: Int)
    }

    /// Bytes in PEM that are in a file, which may change, or were given in a configuration.
    package enum Material: Sendable, Equatable {
        case file(String)
        case text(Secret)
    }

    package struct TLS: Sendable, Equatable {
        /// Who may have signed the server's certificate; nil: whom this host trusts.
        package var authority: Material?
        /// This client's own certificate and key.
        package var certificate: Material?
        package var key: Material?
        /// Whom the certificate must name; nil: the host.
        package var serverName: String?
        package var skipsVerification = false

        package init() {}
    }

    package enum Authorization: Sendable, Equatable {
        case none
        case header(Secret)
        /// `Bearer` and what the file holds now: tokens of service accounts are renewed every hour.
        case bearerFile(String)
    }

    package var place: Place
    package var tls: TLS?
    /// In front of every path: `/k8s` where a proxy adds one. Without a slash at its end.
    package var basePath = ""
    package var authorization: Authorization = .none

    package init(_ place: Place) { self.place = place }

    /// For a person: no credentials.
    package var name: String {
        switch place {
        case .unix(let path): "unix://\(path)"
        case .tcp(let host, let port): "\(tls == nil ? "http" : "https")://\(Self.bracketed(host)):\(port)\(basePath)"
        }
    }

    /// For `Host:`. A socket of this host has no name; servers in Go ask for one all the same.
    var hostHeader: String {
        switch place {
        case .unix: "localhost"
        case .tcp(let host, let port): "\(Self.bracketed(host)):\(port)"
        }
    }

    private static func bracketed(_ host: String) -> String { host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host }

    /// The request for `target` (path and query, encoded), closing the connection when it is answered.
    func request(_ target: String) throws -> [UInt8] {
        var text = "GET \(basePath)\(target) HTTP/1.1\r\nHost: \(hostHeader)\r\nUser-Agent: tailrace\r\nAccept: application/json\r\n"
        switch authorization {
        case .none: break
        case .header(let value): text += "Authorization: \(value.exposed)\r\n"
        case .bearerFile(let path):
            let file = try System.open(ByteString(path))
            defer { System.close(file) }
            let token = try System.bytes(file, 0..<Self.tokenMax, ByteString(path)).withView { $0.trimmed.string }
            guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw HTTPFailure("\(path) holds no token")
            }
            text += "Authorization: Bearer \(token)\r\n"
        }
        return Array((text + "Connection: close\r\n\r\n").utf8)
    }

    /// Bytes of a token file. Tokens of service accounts take about 1 KiB.
    private static let tokenMax: UInt64 = 64 << 10

    /// `text` as a value in a query.
    static func encoded(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            if byte.isAlphanumeric || "-._~".utf8.contains(byte) {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                out += byte < 16 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return out
    }
}

/// Why a request failed, in words for a person.
package struct HTTPFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package var description: String
    /// The status of an answer that was none of success.
    package var status: Int?

    package init(_ description: String, status: Int? = nil) {
        self.description = description
        self.status = status
    }
}
