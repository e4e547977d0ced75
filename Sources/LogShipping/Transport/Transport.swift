import AsyncHTTPClient
import LogModel
import NIOCore
import NIOHTTP1
import NIOSSL

/// Requests to one address, with its TLS, proxy and redirects.
final class Transport: Sendable {
    struct Answer: Sendable {
        var status: Int
        /// Nanoseconds.
        var retryAfter: Int64?
        /// The beginning of the body.
        var text: String
    }

    let url: String
    private let origin: String
    /// As it is asked for: under `server_name`, where there is one.
    private let target: String
    private let host: String
    private let timeout: TimeAmount
    private let tls: TransportTLS?
    private let http: HTTPClient

    /// `timeout`: nanoseconds, of a request from its start to the last byte of the answer.
    init(
        url: String, timeout: Int64, tls: TLSSettings, proxy: ProxySettings, followsRedirects: Bool, connections: Int,
        environment: (String) -> String?
    ) {
        self.url = url
        self.timeout = .nanoseconds(timeout)
        origin = Destination.origin(of: url)
        host = Destination.host(of: url)
        let isSecure = url.lowercased().hasPrefix("https:")
        self.tls = isSecure && !tls.isDefault ? TransportTLS(tls) : nil
        var configuration = HTTPClient.Configuration()
        // Says at once when nobody listens, instead of knocking for ten seconds.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        configuration.timeout.connect = .nanoseconds(min(timeout, 10_000_000_000))
        configuration.timeout.read = .nanoseconds(timeout)
        configuration.httpVersion = .http1Only
        // The body goes along: a GET that is answered 200 would count as delivered.
        configuration.redirectConfiguration =
            followsRedirects
            ? .follow(
                configuration: .init(
                    max: 10, allowCycles: false, retainHTTPMethodAndBodyOn301: true, retainHTTPMethodAndBodyOn302: true))
            : .disallow
        configuration.proxy = ProxyChoice.proxy(for: url, proxy, environment: environment)?.configuration
        let (name, port) = Destination.split(host: host)
        if isSecure, !tls.serverName.isEmpty, tls.serverName != name {
            configuration.dnsOverride = [tls.serverName: name]
            let path = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false).dropFirst(3).first ?? ""
            target = "https://\(tls.serverName)\(port.map { ":\($0)" } ?? "")/\(path)"
        } else {
            target = url
        }
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    /// One request. Throws what kept it from being answered, in words. `keep`: bytes of the answer that are wanted; the
    /// rest is read and dropped, so that the connection can be used again.
    func post(_ headers: HTTPHeaders, _ body: ByteBuffer, keep: Int = 1_024) async throws(RequestFailure) -> Answer {
        var request = HTTPClientRequest(url: target)
        request.method = .POST
        request.headers = headers
        if target != url { request.headers.replaceOrAdd(name: "Host", value: host) }
        if let tls { request.tlsConfiguration = try tls.configuration() }
        request.body = .bytes(body)
        let started = ContinuousClock.now
        do {
            let response = try await http.execute(request, timeout: timeout)
            var kept = ByteBuffer()
            for try await part in response.body {
                let room = keep - kept.readableBytes
                if room > 0 { kept.writeImmutableBuffer(part.getSlice(at: part.readerIndex, length: min(room, part.readableBytes)) ?? part) }
                // A server that trickles its answer for ever.
                if ContinuousClock.now - started > .nanoseconds(timeout.nanoseconds) {
                    throw HTTPClientError.deadlineExceeded
                }
            }
            // "See other" is asked for with GET whatever one wants: what the other page says is no answer to a push.
            let isElsewhere = response.history.contains { $0.responseHead.status == .seeOther }
            return Answer(
                status: isElsewhere ? 303 : Int(response.status.code),
                retryAfter: response.headers.first(name: "Retry-After").flatMap { RetryAfter.nanoseconds($0) },
                text: String(buffer: kept))
        } catch {
            throw RequestFailure(
                words: HTTPConnector.words(error, origin: origin), isUnreachable: HTTPConnector.isUnreachable(error))
        }
    }

    func shutdown() async { try? await http.shutdown() }
}
