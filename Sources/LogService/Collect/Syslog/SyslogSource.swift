import Bytes
import Disk
import LogModel
import LogSources
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// `syslog:`: listens for messages over TCP, TLS or UDP and hands them to a sink.
///
/// An event loop receives, the collector's thread parses and delivers. Over TCP a sender waits while the sink has no room; over
/// UDP messages are shed then, and counted. Nothing is acknowledged in syslog: what a sender has written and this process has
/// not delivered when it is killed is lost.
final class SyslogSource: CollectorSource {
    let name: String
    private let settings: SyslogSettings
    private let sink: any LineSink
    private let events: SourceEvents
    private let queue = SyslogQueue()
    private let group: MultiThreadedEventLoopGroup
    private let listener: any Channel
    private let stopped = Atomic<Bool>(false)
    /// Whoever sets it first ends the event loop: `run` when it is over, or `stop` where it never begins.
    private let isClaimed = Atomic<Bool>(false)

    /// Connections at once; further ones are closed. Each costs about 24 KiB.
    private static let connectionsMax = 1024
    private static let backlog: Int32 = 256
    private static let readSize = 16 << 10

    var isReady: Bool { true }
    /// The port that is listened on.
    var port: Int { listener.localAddress?.port ?? 0 }

    /// Opens the port, so that a busy one is told before anything starts.
    init(_ settings: SyslogSettings, sink: any LineSink, events: SourceEvents) throws {
        name = "syslog:\(settings.jobName)"
        self.settings = settings
        self.sink = sink
        self.events = events
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.group = group
        let open = Opening(settings: settings, queue: queue, events: events, group: group)
        do {
            listener = try settings.transport == .udp ? open.datagrams() : open.streams()
        } catch {
            try? group.syncShutdownGracefully()
            throw StoreError(.system, "syslog of job \(settings.jobName): \(settings.host):\(settings.port): \(error)")
        }
    }

    func stop() {
        guard !stopped.exchange(true, ordering: .relaxed) else { return }
        listener.close(promise: nil)
        queue.end()
        // A reload that fails makes sources that never run.
        if !isClaimed.exchange(true, ordering: .relaxed) { try? group.syncShutdownGracefully() }
    }

    func run() throws {
        guard !isClaimed.exchange(true, ordering: .relaxed) else { return }
        defer {
            stop()
            try? group.syncShutdownGracefully()
        }
        events.tell(.info, name, "listening on \(settings.transport.rawValue) \(settings.host):\(port)")
        var batcher = SyslogBatcher(settings, sink: sink, events: events)
        let names = ReverseNames(isWanted: SyslogBatcher.needsHostname(settings))
        defer { names.stop() }
        while let chunks = queue.take() {
            for chunk in chunks {
                var peer = chunk.peer
                peer.hostname = names.name(of: peer.address)
                var start = 0
                try chunk.bytes.withView { bytes in
                    for end in chunk.ends {
                        try batcher.add(bytes[start..<end], from: peer)
                        start = end
                    }
                }
            }
            try batcher.flush()
            queue.done(chunks)
        }
    }

    /// Makes the channels.
    private struct Opening {
        let settings: SyslogSettings
        let queue: SyslogQueue
        let events: SourceEvents
        let group: MultiThreadedEventLoopGroup

        func datagrams() throws -> any Channel {
            let (settings, queue, events) = (settings, queue, events)
            return try DatagramBootstrap(group: group)
                .channelOption(.socketOption(.so_reuseaddr), value: 1)
                // As much as the kernel allows: bursts wait there while a loop is busy.
                .channelOption(.socketOption(.so_rcvbuf), value: 4 << 20)
                .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 64 << 10))
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(
                            SyslogDatagramHandler(settings, queue: queue, events: events))
                    }
                }
                .bind(host: settings.host, port: settings.port).wait()
        }

        func streams() throws -> any Channel {
            let (settings, queue, events) = (settings, queue, events)
            let tls = try settings.tls.map { try Self.context($0) }
            let count = ConnectionCount(max: SyslogSource.connectionsMax)
            return try ServerBootstrap(group: group)
                .serverChannelOption(.backlog, value: SyslogSource.backlog)
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .childChannelOption(.autoRead, value: false)
                .childChannelOption(.maxMessagesPerRead, value: 1)
                .childChannelOption(.allowRemoteHalfClosure, value: false)
                .childChannelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: SyslogSource.readSize))
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        guard count.take() else {
                            events.count(.syslogBroken, 1)
                            throw StoreError(.system, "too many connections")
                        }
                        channel.closeFuture.whenComplete { _ in count.give() }
                        let pipeline = channel.pipeline.syncOperations
                        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                        let idle = Int64(clamping: settings.idleTimeout.components.seconds)
                        if idle > 0 { try pipeline.addHandler(IdleStateHandler(readTimeout: .seconds(idle))) }
                        let peer = SyslogPeer(address: ByteString(channel.remoteAddress?.ipAddress ?? ""))
                        try pipeline.addHandler(SyslogStreamHandler(settings, queue: queue, events: events, peer: peer))
                    }
                }
                .bind(host: settings.host, port: settings.port).wait()
        }

        private static func context(_ settings: SyslogSettings.TLS) throws -> NIOSSLContext {
            let chain = try NIOSSLCertificate.fromPEMFile(settings.certificateFile).map { NIOSSLCertificateSource.certificate($0) }
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain, privateKey: .privateKey(try NIOSSLPrivateKey(file: settings.keyFile, format: .pem)))
            configuration.minimumTLSVersion = .tlsv12
            if let authority = settings.clientAuthorityFile {
                configuration.trustRoots = .file(authority)
                // Who the client is matters, not what its address is called.
                configuration.certificateVerification = .noHostnameVerification
            }
            return try NIOSSLContext(configuration: configuration)
        }
    }
}

/// How many connections there are.
private final class ConnectionCount: Sendable {
    private let left: Atomic<Int>

    init(max: Int) { left = Atomic(max) }

    func take() -> Bool {
        if left.subtract(1, ordering: .relaxed).newValue >= 0 { return true }
        left.add(1, ordering: .relaxed)
        return false
    }

    func give() { left.add(1, ordering: .relaxed) }
}
