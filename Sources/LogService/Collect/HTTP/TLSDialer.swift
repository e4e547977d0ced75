import LogModel
import LogShipping
import LogSources
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Connections for discovery, with TLS where an address asks for it.
///
/// Sources poll sockets on threads of their own. TLS is spoken by an event loop, which passes bytes between the server and one
/// end of a pair of sockets; the source gets the other end and need not know.
enum TLSDialer {
    static let dial: HTTPDialer = { address in
        guard let tls = address.tls, case .tcp(let host, let port) = address.place else { return try PlainDialer.dial(address) }
        let context: NIOSSLContext
        do { context = try Self.context(tls) } catch let error as HTTPFailure {
            throw error
        } catch { throw HTTPFailure("\(address.name): TLS cannot be set up: \(error)") }
        let (ours, theirs) = try SocketPair.make()
        let failure = FailureWords()
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let name = tls.serverName ?? host
        loop.execute { TLSBridge(loop: loop, failure: failure).open(context, name: name, host: host, port: port, file: theirs) }
        return DialedConnection(file: ours) { failure.words }
    }

    private static func context(_ tls: HTTPServerAddress.TLS) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let authority = tls.authority { configuration.trustRoots = .certificates(try certificates(authority)) }
        if tls.skipsVerification { configuration.certificateVerification = .none }
        if let certificate = tls.certificate, let key = tls.key {
            configuration.certificateChain = try certificates(certificate).map { .certificate($0) }
            configuration.privateKey = .privateKey(
                try {
                    switch key {
                    case .file(let path): try NIOSSLPrivateKey(file: path, format: .pem)
                    case .text(let text): try NIOSSLPrivateKey(bytes: Array(text.exposed.utf8), format: .pem)
                    }
                }())
        }
        return try NIOSSLContext(configuration: configuration)
    }

    private static func certificates(_ material: HTTPServerAddress.Material) throws -> [NIOSSLCertificate] {
        switch material {
        case .file(let path):
            do { return try NIOSSLCertificate.fromPEMFile(path) } catch { throw HTTPFailure("\(path) holds no certificates in PEM, or cannot be read") }
        case .text(let text): return try NIOSSLCertificate.fromPEMBytes(Array(text.exposed.utf8))
        }
    }
}

/// What went wrong on the event loop, for the thread that reads.
private final class FailureWords: Sendable {
    private let text = Mutex<String?>(nil)
    var words: String? { text.withLock { $0 } }

    /// The first one counts: others follow from it.
    func note(_ error: any Error) {
        let words =
            switch error {
            case let error as NIOSSLError: "TLS: \(error)"
            case let error as NIOSSLExtraError: "TLS: \(error.description)"
            case is BoringSSLError: "TLS: \(error)"
            default: HTTPConnector.words(error, origin: "it")
            }
        text.withLock { if $0 == nil { $0 = words } }
    }
}

/// Connects a server that speaks TLS to a local socket. Of one event loop.
private struct TLSBridge {
    let loop: any EventLoop
    let failure: FailureWords

    func open(_ context: NIOSSLContext, name: String, host: String, port: Int, file: Int32) {
        let failure = failure
        let (outside, inside) = (BridgeHandler(failure), BridgeHandler(nil))
        outside.partner = inside
        inside.partner = outside
        let ends = NIOLoopBound((outside, inside), eventLoop: loop)
        let loop = loop
        ClientBootstrap(group: loop).connectTimeout(.seconds(10))
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    // An address is no name that could be asked for.
                    let isAddress = name.utf8.contains(UInt8(ascii: ":")) || name.utf8.allSatisfy { $0 == 0x2E || ($0 >= 0x30 && $0 <= 0x39) }
                    try channel.pipeline.syncOperations.addHandlers([
                        NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : name), ends.value.0,
                    ])
                }
            }
            .connect(host: host, port: port)
            .whenComplete { result in
                switch result {
                case .failure(let error):
                    failure.note(error)
                    SocketPair.close(file)
                case .success(let remote):
                    ClientBootstrap(group: loop)
                        .channelInitializer { channel in
                            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(ends.value.1) }
                        }
                        .withConnectedSocket(file)
                        .whenFailure { error in
                            failure.note(error)
                            remote.close(promise: nil)
                        }
                }
            }
    }
}

/// One of two channels whose bytes go to the other one. Reads only while the other can write, so that a source that waits makes
/// the server wait.
private final class BridgeHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    var partner: BridgeHandler?
    private let failure: FailureWords?
    private var context: ChannelHandlerContext?
    private var wantsRead = false
    /// What came before the partner was there.
    private var early: [ByteBuffer] = []
    private var isEnded = false

    init(_ failure: FailureWords?) { self.failure = failure }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if let partner, !partner.early.isEmpty || partner.isEnded {
            for buffer in partner.early { context.write(wrapOutboundOut(buffer), promise: nil) }
            partner.early = []
            context.flush()
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        partner = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        context.fireChannelActive()
        if partner?.isEnded ?? false { context.close(promise: nil) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if let other = partner?.context {
            other.write(NIOAny(buffer), promise: nil)
        } else {
            early.append(buffer)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) { partner?.context?.flush() }

    func channelInactive(context: ChannelHandlerContext) {
        isEnded = true
        guard let other = partner?.context else { return }
        // Behind everything written so far: closing at once would throw it away.
        let last = other.channel.allocator.buffer(capacity: 0)
        let bound = NIOLoopBound(other, eventLoop: other.eventLoop)
        other.writeAndFlush(NIOAny(last)).whenComplete { _ in bound.value.close(promise: nil) }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { partner?.goOn() }
    }

    private func goOn() {
        guard wantsRead else { return }
        wantsRead = false
        context?.read()
    }

    func read(context: ChannelHandlerContext) {
        if partner?.context?.channel.isWritable ?? true {
            context.read()
        } else {
            wantsRead = true
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A server that ends the connection without saying so in TLS first: HTTP knows by itself whether all of it came.
        if case NIOSSLError.uncleanShutdown = error { return context.close(promise: nil) }
        failure?.note(error)
        context.close(promise: nil)
    }
}
