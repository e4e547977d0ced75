import LogModel
import NIOCore
import Synchronization

/// What the server knows of a connection beside its bytes: whether a request is being answered, and by which query.
final class ConnectionState: Sendable {
    enum Phase: Sendable { case idle, body, answering }

    private struct Inner {
        var phase = Phase.idle
        var cancel: CancelFlag?
        var gone = false
    }

    private let inner = Mutex(Inner())

    var phase: Phase {
        get { inner.withLock { $0.phase } }
        set { inner.withLock { $0.phase = newValue } }
    }

    var isGone: Bool { inner.withLock { $0.gone } }

    /// From here on the client's leaving sets `flag`; if it has left already, at once.
    func watch(_ flag: CancelFlag) {
        let gone = inner.withLock { inner in
            inner.cancel = flag
            return inner.gone
        }
        if gone { flag.cancel() }
    }

    func unwatch() { inner.withLock { $0.cancel = nil } }

    func clientLeft() {
        let flag = inner.withLock { inner in
            inner.gone = true
            return inner.cancel
        }
        flag?.cancel()
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
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// An outbound user event: the client waits for permission to send its body.
    struct Continue: Sendable {}

    private let table: ConnectionTable
    private let settings: ServerSettings
    private var state: ConnectionState?
    private var timer: RepeatedTask?

    /// Since when a request's headers have been coming in.
    private var headersSince: NIODeadline?
    private var bytesRead = 0
    /// Reading and writing are judged from one check to the next.
    private var readAtCheck = 0
    private var bufferedAtCheck = 0
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
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        bytesRead += unwrapInboundIn(data).readableBytes
        if headersSince == nil, state?.phase == .idle { headersSince = .now() }
        context.fireChannelRead(data)
    }

    func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
        guard event is Continue else {
            context.triggerUserOutboundEvent(event, promise: promise)
            return
        }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: promise)
    }

    private func check(_ context: ChannelHandlerContext) {
        guard let state else { return }
        let now = NIODeadline.now()
        let phase = state.phase
        if phase != .idle { headersSince = nil }
        if let since = headersSince, now - since > .nanoseconds(settings.headerTimeout) {
            context.close(promise: nil)
            return
        }

        let expected = max(Int(Double(checkInterval.nanoseconds) / 1e9 * Double(settings.rateMin)), 1)
        slowReadSince = phase == .body && bytesRead - readAtCheck < expected ? slowReadSince ?? now : nil
        readAtCheck = bytesRead

        let buffered = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        // An answer only shrinks here between its writes: less than the least rate is a client that does not read.
        let stuck = buffered > 0 && bufferedAtCheck > 0 && bufferedAtCheck - buffered < expected
        slowWriteSince = stuck ? slowWriteSince ?? now : nil
        bufferedAtCheck = buffered

        let patience = TimeAmount.nanoseconds(settings.stallTimeout)
        if let since = slowReadSince ?? slowWriteSince, now - since > patience { context.close(promise: nil) }
    }
}

/// Puts a `ConnectionGuard` in front of a connection's other handlers, which Hummingbird itself only adds behind HTTP.
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
            try context.pipeline.syncOperations.addHandler(guardian, position: .first)
        } catch {
            context.close(promise: nil)
        }
    }
}
