import NIOCore
import NIOHTTP1
import NIOWebSocket

/// The server's side of a WebSocket that only sends.
///
/// A connection becomes a WebSocket with all of HTTP's handlers left where they are: the frame codec and this handler are
/// put in front of them, next to the socket, and let nothing through any more. So any request of a connection may ask
/// for it, not only the first (proxies use idle connections again), and Hummingbird's own channel needs no change; to it
/// this is a request that takes long.
///
/// The client hears a ping each second. What it says is ignored, but for its leave.
final class TailSocket: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = WebSocketFrame
    typealias OutboundIn = Any
    typealias OutboundOut = WebSocketFrame

    private let onLeave: @Sendable () -> Void
    private var pings: RepeatedTask?
    private var closing = false

    /// Loki's pace; Grafana's proxies close what is silent for long.
    private static let pingInterval = TimeAmount.seconds(1)
    /// Frames of the client: control frames, and texts that nobody reads.
    private static let frameSizeMax = 1 << 14
    /// How long the client may take to answer our leave.
    private static let farewell = TimeAmount.seconds(2)

    private init(onLeave: @escaping @Sendable () -> Void) { self.onLeave = onLeave }

    // MARK: Becoming one

    /// Whether a request asks for a WebSocket.
    static func isAsked(connection: String?, upgrade: String?) -> Bool {
        func tokens(_ text: String?) -> [String] {
            (text ?? "").lowercased().split(separator: ",").map { $0.filter { $0 != " " && $0 != "\t" } }
        }
        return tokens(connection).contains("upgrade") && tokens(upgrade).contains("websocket")
    }

    /// Whether a page of this server asks, by the `Origin` that browsers add.
    static func isOwn(origin: String, host: String?) -> Bool {
        guard let host else { return false }
        let origin = origin.lowercased()
        return origin == "http://" + host.lowercased() || origin == "https://" + host.lowercased()
    }

    /// The header fields of the answer, or nil where the request's are not those of a WebSocket handshake (RFC 6455 §4.2.1).
    static func handshake(_ headers: [(name: String, value: String)], on channel: any Channel) async -> HTTPHeaders? {
        let upgrader = NIOWebSocketServerUpgrader(
            shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(HTTPHeaders()) },
            upgradePipelineHandler: { channel, _ in channel.eventLoop.makeSucceededVoidFuture() })
        let head = HTTPRequestHead(
            version: .http1_1, method: .GET, uri: "/", headers: HTTPHeaders(headers.map { ($0.name, $0.value) }))
        return try? await channel.eventLoop.flatSubmit {
            upgrader.buildUpgradeResponse(channel: channel, upgradeRequest: head, initialResponseHeaders: HTTPHeaders())
        }.get()
    }

    /// Answers 101 and takes the connection over. `onLeave` is called once the client has left, whatever the way.
    static func open(
        _ channel: any Channel, headers: HTTPHeaders, onLeave: @escaping @Sendable () -> Void
    ) async throws -> Sender {
        try await channel.eventLoop.submit {
            let pipeline = channel.pipeline.syncOperations
            let guardian = try pipeline.handler(type: ConnectionGuard.self)
            var answer = "HTTP/1.1 101 Switching Protocols\r\n"
            for header in headers { answer += "\(header.name): \(header.value)\r\n" }
            let context = try pipeline.context(handler: guardian)
            context.writeAndFlush(NIOAny(IOData.byteBuffer(ByteBuffer(string: answer + "\r\n"))), promise: nil)
            let socket = TailSocket(onLeave: onLeave)
            let handlers: [any ChannelHandler] = [
                WebSocketFrameEncoder(), ByteToMessageHandler(WebSocketFrameDecoder(maxFrameSize: frameSizeMax)),
                WebSocketProtocolErrorHandler(), socket,
            ]
            try pipeline.addHandlers(handlers, position: .after(guardian))
            return Sender(socket: NIOLoopBound(socket, eventLoop: channel.eventLoop), channel: channel)
        }.get()
    }

    /// What others may do with the socket, from any thread.
    struct Sender: Sendable {
        fileprivate let socket: NIOLoopBound<TailSocket>
        let channel: any Channel

        /// Returns when the bytes have been handed to the kernel: a reader that is slow makes this slow.
        func send(_ text: ByteBuffer) async throws {
            let socket = socket
            let promise = channel.eventLoop.makePromise(of: Void.self)
            channel.eventLoop.execute {
                socket.value.send(WebSocketFrame(fin: true, opcode: .text, data: text), promise: promise)
            }
            try await promise.futureResult.get()
        }

        /// Says goodbye, and waits until the client has as well, for a moment.
        func close(_ code: WebSocketErrorCode, _ reason: String) async {
            let (socket, channel) = (socket, channel)
            channel.eventLoop.execute { socket.value.close(code, reason) }
            try? await channel.closeFuture.get()
        }

        /// Lets the connection go without a word, which clients take for a fault of the network and come back.
        func drop() async {
            try? await channel.close().get()
        }
    }

    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        pings = context.eventLoop.scheduleRepeatedTask(initialDelay: Self.pingInterval, delay: Self.pingInterval) { _ in
            bound.value.send(WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer()))
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    /// A close frame is the last one (RFC 6455 §5.5.1): no ping may follow it.
    private func sayNothingMore() {
        closing = true
        pings?.cancel()
        pings = nil
    }

    private func leave() {
        pings?.cancel()
        pings = nil
        context = nil
        onLeave()
    }

    // MARK: Out

    private func send(_ frame: WebSocketFrame, promise: EventLoopPromise<Void>? = nil) {
        guard let context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        context.writeAndFlush(wrapOutboundOut(frame), promise: promise)
    }

    private func close(_ code: WebSocketErrorCode, _ reason: String) {
        guard !closing, let context else { return }
        sayNothingMore()
        var data = ByteBuffer()
        data.write(webSocketErrorCode: code)
        data.writeString(reason)
        context.writeAndFlush(wrapOutboundOut(WebSocketFrame(fin: true, opcode: .connectionClose, data: data)), promise: nil)
        let channel = context.channel
        context.eventLoop.scheduleTask(in: Self.farewell) { channel.close(promise: nil) }
    }

    /// HTTP behind this handler has nothing to say any more.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.ioOnClosedChannel)
    }

    // MARK: In

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        switch frame.opcode {
        case .connectionClose where closing:
            context.close(promise: nil)
        case .connectionClose:
            sayNothingMore()
            // The client's own code comes back to it, as RFC 6455 §5.5.1 suggests.
            let channel = context.channel
            let promise = context.eventLoop.makePromise(of: Void.self)
            promise.futureResult.whenComplete { _ in channel.close(promise: nil) }
            send(WebSocketFrame(fin: true, opcode: .connectionClose, data: frame.unmaskedData), promise: promise)
            onLeave()
        case .ping:
            send(WebSocketFrame(fin: true, opcode: .pong, data: frame.unmaskedData))
        default: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A frame that is none has been answered by the handler in front.
        onLeave()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }
}
