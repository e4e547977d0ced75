import NIOCore
import NIOHTTP1

/// Tells Hummingbird when a connection ends after its answer. It looks for the exact header `Connection: close`; clients
/// also write `Close` or a list, and those of HTTP/1.0 (health checks, `ab`, old proxies) mean it without saying anything:
/// they wait for the end of the connection, and would wait until the idle timeout.
///
/// Stands behind NIO's parser, in front of everything that knows only requests without a version.
final class ConnectionHeader: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data), Self.isLast(head) else {
            context.fireChannelRead(data)
            return
        }
        head.headers.replaceOrAdd(name: "connection", value: "close")
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    /// Whether no other request will follow. Connections of HTTP/1.0 are not kept even where the client would like that:
    /// our answers, in HTTP/1.1, do not say what it would take them to say.
    static func isLast(_ head: HTTPRequestHead) -> Bool {
        if head.version.major == 1, head.version.minor == 0 { return true }
        let words = head.headers["connection"]
        if words.isEmpty || words == ["close"] { return false }
        return head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
    }
}
