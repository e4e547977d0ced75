import LogModel
import NIOCore
import NIOHTTP1
import Synchronization

/// What the server knows of a connection beside its bytes: whether a request is being answered, and by which query.
final class ConnectionState: Sendable {
    enum Phase: Sendable { case idle, body, answering }

    private struct Inner {
        var phase = Phase.idle
        var requests = 0
        var cancel: CancelFlag?
        var gone = false
        /// What an answer without end wants to hear: that nobody reads it any more, or that the server stops.
        var over: (@Sendable (Tail.End) -> Void)?
        var stopping = false
    }

    private let inner = Mutex(Inner())

    var phase: Phase {
        get { inner.withLock { $0.phase } }
        set {
            inner.withLock { inner in
                if inner.phase == .idle, newValue != .idle { inner.requests &+= 1 }
                inner.phase = newValue
            }
        }
    }

    /// What the connection does, and how many requests have come in whole so far.
    var progress: (phase: Phase, requests: Int) { inner.withLock { ($0.phase, $0.requests) } }

    /// From here on the client's leaving sets `flag`; if it has left already, at once.
    func watch(_ flag: CancelFlag) {
        let gone = inner.withLock { inner in
            inner.cancel = flag
            return inner.gone
        }
        if gone { flag.cancel() }
    }

    /// `body` is called when the client leaves or the server stops; where that has happened already, at once. It lasts
    /// until the connection ends.
    func whenOver(_ body: @escaping @Sendable (Tail.End) -> Void) {
        let end: Tail.End? = inner.withLock { inner in
            inner.over = body
            return inner.gone ? .clientLeft : inner.stopping ? .stopping : nil
        }
        if let end { body(end) }
    }

    /// The server takes no more requests: answers without end must end.
    func serverStops() {
        let over = inner.withLock { inner in
            inner.stopping = true
            return inner.over
        }
        over?(.stopping)
    }

    func unwatch() { inner.withLock { $0.cancel = nil } }

    func clientLeft() {
        let (flag, over) = inner.withLock { inner in
            inner.gone = true
            return (inner.cancel, inner.over)
        }
        flag?.cancel()
        over?(.clientLeft)
    }
}

/// The open connections, by their channel.
final class ConnectionTable: Sendable {
    private let states = Mutex<[ObjectIdentifier: ConnectionState]>([:])

    func state(of channel: any Channel) -> ConnectionState? { states.withLock { $0[ObjectIdentifier(channel)] } }
    var count: Int { states.withLock { $0.count } }

    func add(_ channel: any Channel) -> ConnectionState {
        let state = ConnectionState()
        states.withLock { $0[ObjectIdentifier(channel)] = state }
        return state
    }

    func remove(_ channel: any Channel) { states.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(channel)) } }

    /// Cancels what is being answered: the server stops.
    func cancelAll() {
        for state in states.withLock({ Array($0.values) }) { state.clientLeft() }
    }
}

/// Stands next to the socket, below HTTP, and sees what HTTP does not tell: that the client has left while its query runs,
/// headers that trickle in, bodies and answers that hardly move.
///
/// A client that closes only its sending side counts as gone, as it does for Go's server and so for Loki.
final class ConnectionGuard: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// An outbound user event: the client waits for permission to send its body.
    struct Continue: Sendable {}

    private let table: ConnectionTable
    private let settings: ServerSettings
    private var state: ConnectionState?
    private var timer: RepeatedTask?

    /// Since when a request's headers have been coming in.
    private var headersSince: NIODeadline?
    /// Requests before the one whose headers are coming in: a short request begins and ends between two checks.
    private var headersAfter = 0
    private var bytesRead = 0
    private var bytesWritten = 0
    /// Reading and writing are judged from one check to the next.
    private var readAtCheck = 0
    private var sentAtCheck = 0
    private var wasFull = false
    private var slowReadSince: NIODeadline?
    private var slowWriteSince: NIODeadline?

    /// Often enough for the shortest of the timeouts, and seldom enough to cost nothing.
    private var checkInterval: TimeAmount {
        .nanoseconds(min(max(min(settings.headerTimeout, settings.stallTimeout) / 4, 10_000_000), 2_000_000_000))
    }

    init(table: ConnectionTable, settings: ServerSettings) {
        self.table = table
        self.settings = settings
    }

    func handlerAdded(context: ChannelHandlerContext) {
        state = table.add(context.channel)
        // Who connects and says nothing must not hold a place that others wait for.
        headersSince = .now()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleRepeatedTask(initialDelay: checkInterval, delay: checkInterval) { _ in
            let (guardian, context) = bound.value
            guardian.check(context)
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave(context) }

    func channelInactive(context: ChannelHandlerContext) {
        leave(context)
        context.fireChannelInactive()
    }

    private func leave(_ context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        state?.clientLeft()
        state = nil
        table.remove(context.channel)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed { state?.clientLeft() }
        if event is ChannelShouldQuiesceEvent { state?.serverStops() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytesRead += unwrapInboundIn(data).readableBytes
        if let (phase, requests) = state?.progress, phase == .idle, headersSince == nil || headersAfter != requests {
            headersSince = .now()
            headersAfter = requests
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        bytesWritten += unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is Continue else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))), promise: promise)
    }

    private func check(_ context: ChannelHandlerContext) {
        guard let state else { return }
        let now = NIODeadline.now()
        let (phase, requests) = state.progress
        if phase != .idle || requests != headersAfter { headersSince = nil }
        if let since = headersSince, now - since > .nanoseconds(settings.headerTimeout) {
            context.close(promise: nil)
            return
        }

        let expected = max(Int(Double(checkInterval.nanoseconds) / 1e9 * Double(settings.rateMin)), 1)
        slowReadSince = phase == .body && bytesRead - readAtCheck < expected ? slowReadSince ?? now : nil
        readAtCheck = bytesRead

        let buffered = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        // Less than the least rate reached the socket though something was waiting: a client that does not read.
        let sent = bytesWritten - buffered
        let stuck = buffered > 0 && wasFull && sent - sentAtCheck < expected
        slowWriteSince = stuck ? slowWriteSince ?? now : nil
        sentAtCheck = sent
        wasFull = buffered > 0

        let patience = TimeAmount.nanoseconds(settings.stallTimeout)
        if let since = slowReadSince ?? slowWriteSince, now - since > patience { context.close(promise: nil) }
    }
}

/// Puts a `ConnectionGuard` in front of a connection's other handlers, and a `ConnectionHeader` behind the parser; Hummingbird
/// itself only adds handlers behind HTTP.
final class GuardInstaller: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Any
    private let table: ConnectionTable
    private let settings: ServerSettings

    init(table: ConnectionTable, settings: ServerSettings) {
        self.table = table
        self.settings = settings
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let guardian = ConnectionGuard(table: table, settings: settings)
        do {
            let pipeline = context.pipeline.syncOperations
            try pipeline.addHandler(guardian, position: .first)
            let parser = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(ConnectionHeader(), position: .after(parser))
        } catch {
            context.close(promise: nil)
        }
    }
}
