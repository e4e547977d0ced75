import Bytes
import LogSources
import NIOCore

/// One TCP connection: cuts what comes into messages, and reads on only while there is room for them.
final class SyslogStreamHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let queue: SyslogQueue
    private let events: SourceEvents
    private let jobName: String
    private var framing: SyslogFraming
    private var chunk: SyslogQueue.Chunk
    private var hasRoom = true
    private var isPaused = false
    private var cutSeen = 0

    init(_ settings: SyslogSettings, queue: SyslogQueue, events: SourceEvents, peer: SyslogPeer) {
        self.queue = queue
        self.events = events
        jobName = settings.jobName
        framing = SyslogFraming(lengthMax: settings.maxMessageLength)
        chunk = SyslogQueue.Chunk(peer: peer)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        do throws(SyslogFraming.Failure) {
            try feed(buffer)
        } catch {
            events.count(.syslogBroken, 1)
            events.tell(.warning, "syslog:\(jobName)", "\(chunk.peer.address): \(error); the connection is closed")
            pass()
            context.close(promise: nil)
        }
    }

    private func feed(_ buffer: ByteBuffer) throws(SyslogFraming.Failure) {
        let bytes = [UInt8](buffer.readableBytesView)
        try bytes.withView { view throws(SyslogFraming.Failure) in
            try framing.feed(view) { keep($0) }
        }
        if framing.cut > cutSeen {
            events.count(.linesCut, UInt64(framing.cut - cutSeen))
            cutSeen = framing.cut
        }
    }

    private func keep(_ message: ByteView) {
        chunk.bytes += message.copy()
        chunk.ends.append(chunk.bytes.count)
    }

    private func pass() {
        guard !chunk.ends.isEmpty else { return }
        hasRoom = queue.put(chunk)
        chunk.bytes = []
        chunk.ends = []
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        pass()
        if hasRoom {
            context.read()
            return
        }
        isPaused = true
        let loop = context.eventLoop
        let bound = NIOLoopBound((self, context), eventLoop: loop)
        queue.whenRoom {
            loop.execute {
                let (handler, context) = bound.value
                handler.isPaused = false
                handler.hasRoom = true
                if context.channel.isActive { context.read() }
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        framing.end { keep($0) }
        pass()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // A sender that we do not listen to is not silent.
        if event is IdleStateHandler.IdleStateEvent, !isPaused {
            context.close(promise: nil)
        } else if case .inputClosed? = event as? ChannelEvent {
            context.close(promise: nil)
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        events.count(.syslogBroken, 1)
        context.close(promise: nil)
    }
}

/// Datagrams: each is one message.
final class SyslogDatagramHandler: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let queue: SyslogQueue
    private let events: SourceEvents
    private let lengthMax: Int

    init(_ settings: SyslogSettings, queue: SyslogQueue, events: SourceEvents) {
        self.queue = queue
        self.events = events
        lengthMax = settings.maxMessageLength
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        var bytes = [UInt8](envelope.data.readableBytesView)
        while let last = bytes.last, last == 0x0A || last == 0x0D || last == 0 { bytes.removeLast() }
        if bytes.isEmpty {
            events.count(.syslogEmpty, 1)
            return
        }
        if bytes.count > lengthMax {
            bytes.removeLast(bytes.count - lengthMax)
            events.count(.linesCut, 1)
        }
        let end = bytes.count
        let peer = SyslogPeer(address: ByteString(envelope.remoteAddress.ipAddress ?? ""))
        // Nobody can be made to wait here.
        if !queue.offer(SyslogQueue.Chunk(peer: peer, bytes: bytes, ends: [end])) { events.count(.syslogShed, 1) }
    }
}
