import Bytes
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// An answer before it is written to the connection.
package struct Reply: Sendable {
    package var status: Int
    package var contentType: String
    package var body: ByteBuffer
    package var headers: [(name: HTTPField.Name, value: String)] = []
    /// Closes the connection soon after the answer: what follows on it cannot be trusted or is too long to read.
    var closes = false
    /// The body piece by piece, in place of `body`.
    var stream: AsyncStream<ByteBuffer>?
    /// Takes the connection over for good: nothing of this reply is written, and the connection ends when this returns.
    var takeover: (@Sendable () async -> Void)?

    static let json = "application/json; charset=UTF-8"
    static let bareJSON = "application/json"
    package static let text = "text/plain; charset=utf-8"

    package init(status: Int, contentType: String = "", body: ByteBuffer = ByteBuffer()) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    package static let noContent = Reply(status: 204)

    package static func text(_ text: String, status: Int = 200) -> Reply {
        Reply(status: status, contentType: Self.text, body: ByteBuffer(string: text))
    }

    /// Markup of ours: whatever is in it that comes from outside has been escaped, and nothing in it may run.
    package static func page(_ markup: String) -> Reply {
        var reply = Reply(status: 200, contentType: "text/html; charset=utf-8", body: ByteBuffer(string: markup))
        reply.headers = [
            (.contentSecurityPolicy, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"), (.xContentTypeOptions, "nosniff"),
        ]
        return reply
    }

    /// A body that comes piece by piece and ends with the stream.
    package static func streaming(_ contentType: String, _ stream: AsyncStream<ByteBuffer>) -> Reply {
        var reply = Reply(status: 200, contentType: contentType)
        reply.stream = stream
        return reply
    }

    package static func seeOther(_ path: String) -> Reply {
        var reply = Reply(status: 302)
        reply.headers = [(.location, path)]
        return reply
    }

    /// Lets `write` fill the body. With `gzip` it is compressed once it is long enough.
    package static func json(
        contentType: String = "application/json; charset=UTF-8", gzipFrom: Int? = nil, _ write: (ByteArena) -> Void
    ) -> Reply {
        let out = ByteArena(capacity: 4_096)
        write(out)
        var reply = Reply(status: 200, contentType: contentType)
        if let gzipFrom, out.count >= gzipFrom {
            let packed = ByteArena(capacity: out.count / 4)
            if (try? Compressor.gzip(out.view, into: packed)) != nil {
                reply.body = packed.view.withUnsafeBytes { ByteBuffer(bytes: $0) }
                reply.headers.append((.contentEncoding, "gzip"))
                return reply
            }
        }
        reply.body = out.view.withUnsafeBytes { ByteBuffer(bytes: $0) }
        return reply
    }

    /// Plain text with the headers of Go's `http.Error`.
    init(_ refusal: Refusal) {
        self.init(status: refusal.status, contentType: Self.text, body: ByteBuffer(string: refusal.message + "\n"))
        headers.append((.xContentTypeOptions, "nosniff"))
        if let seconds = refusal.retryAfter { headers.append((.retryAfter, String(seconds))) }
        closes = refusal.closes
    }

    func response(withBody: Bool) -> Response {
        var fields = HTTPFields()
        if !contentType.isEmpty { fields[.contentType] = contentType }
        for header in headers { fields[header.name] = header.value }
        if closes { fields[.connection] = "close" }
        if let stream, withBody {
            return Response(
                status: HTTPResponse.Status(code: status), headers: fields,
                body: ResponseBody(asyncSequence: stream))
        }
        if !withBody { fields[.contentLength] = String(body.readableBytes) }
        return Response(
            status: HTTPResponse.Status(code: status), headers: fields,
            body: withBody && body.readableBytes > 0 ? ResponseBody(byteBuffer: body) : ResponseBody())
    }
}

extension HTTPField.Name {
    static let scopeOrgID = literal("X-Scope-OrgID")
    static let queryTags = literal("X-Query-Tags")
    static let encodingFlags = literal("X-Loki-Response-Encoding-Flags")
    static let queryLimits = literal("X-Loki-Query-Limits")
    static let deleteRequestID = literal("X-Delete-Request-ID")
    static let tailraceBatch = literal("X-Tailrace-Batch")

    private static func literal(_ name: String) -> HTTPField.Name {
        guard let made = HTTPField.Name(name) else { preconditionFailure("\(name) is no header name") }
        return made
    }
}
