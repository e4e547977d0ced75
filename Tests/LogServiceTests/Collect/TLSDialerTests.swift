import Bytes
import LogModel
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Testing

@testable import LogService
@testable import LogSources

/// A real server with TLS on loopback.
@Suite struct TLSDialerTests {
    /// Of `localhost`, signed by itself, good until 2120.
    private static let certificate = """
        -----BEGIN CERTIFICATE-----
        MIIBaTCCAQ+gAwIBAgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA10YWlscmFj
        ZSB0ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAYMRYwFAYD
        VQQDDA10YWlscmFjZSB0ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEbgPu
        tB0M1eMUL7I1zbbWp+MaKYKB81keB30ZQ4oN2MPPCxt3HHI0x8oyIKtxzHXx3jmL
        r54JO/ytAE2o8zFKsKNIMEYwDwYDVR0TAQH/BAUwAwEB/zAUBgNVHREEDTALggls
        b2NhbGhvc3QwHQYDVR0OBBYEFBbXCi6ueHBX/JTGLOc8fsx2w2pSMAoGCCqGSM49
        BAMCA0gAMEUCIHq23U+DdIZWF0RzVMvSYN3jgAZvo9Rk1pFr4qwZtmrpAiEA4i7b
        2Qbf9x2uTVtdH7+CQIeoR83BRlsOfcrYx9pl07E=
        -----END CERTIFICATE-----
        """
    private static let key = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgvwiVg7897HearCvG
        WYiy0dbCSTs4z+grQSk5jaDlqSOhRANCAARuA+60HQzV4xQvsjXNttan4xopgoHz
        WR4HfRlDig3Yw88LG3cccjTHyjIgq3HMdfHeOYuvngk7/K0ATajzMUqw
        -----END PRIVATE KEY-----
        """

    /// Answers a request with a body, and ends the connection.
    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let body: String
        private var head = ""

        init(_ body: String) { self.body = body }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            head += String(buffer: unwrapInboundIn(data))
            guard head.hasSuffix("\r\n\r\n") else { return }
            let answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
            let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.writeAndFlush(wrapOutboundOut(answer)).whenComplete { _ in bound.value.close(promise: nil) }
        }
    }

    private func withServer(_ body: String, _ use: (Int) throws -> Void) throws {
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(Self.certificate.utf8)).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(Self.key.utf8), format: .pem)))
        let context = try NIOSSLContext(configuration: configuration)
        let server = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([NIOSSLServerHandler(context: context), Answerer(body)])
                }
            }
            .bind(host: "127.0.0.1", port: 0).wait()
        defer { try? server.close().wait() }
        try use(server.localAddress?.port ?? 0)
    }

    private func fetch(_ port: Int, _ change: (inout HTTPServerAddress.TLS) -> Void = { _ in }) throws -> [UInt8] {
        var address = HTTPServerAddress(.tcp(host: "127.0.0.1", port: port))
        var tls = HTTPServerAddress.TLS()
        tls.authority = .text(Secret(Self.certificate))
        tls.serverName = "localhost"
        change(&tls)
        address.tls = tls
        let loop = HTTPLoop(address: address, dial: TLSDialer.dial, wakeUp: try WakeUp())
        let stopped = Atomic<Bool>(false)
        return try loop.fetch("/", stopped: stopped)
    }

    @Test func bytesComeThroughWhole() throws {
        // More than all buffers on the way hold.
        let body = String(repeating: "0123456789abcdef", count: 1 << 19)
        try withServer(body) { port throws in
            #expect(try fetch(port) == Array(body.utf8))
            #expect(
                try fetch(port) {
                    $0.authority = nil
                    $0.skipsVerification = true
                }.count == body.utf8.count)
        }
    }

    @Test func whoIsNotTrustedIsRefusedInWords() throws {
        try withServer("x") { port throws in
            func words(_ change: (inout HTTPServerAddress.TLS) -> Void) -> String {
                do {
                    _ = try fetch(port, change)
                    return ""
                } catch { return "\(error)" }
            }
            #expect(words { $0.authority = nil }.contains("TLS: "))
            #expect(words { $0.serverName = "elsewhere" }.contains("TLS: "))
            #expect(words { $0.serverName = nil }.contains("TLS: "), "127.0.0.1 does not stand in the certificate")
            #expect(words { $0.authority = .file("/nowhere/ca.pem") } == "/nowhere/ca.pem holds no certificates in PEM, or cannot be read")
        }
    }

    @Test func nobodyThere() throws {
        // A port that was free a moment ago.
        var port = 0
        try withServer("x") { port = $0 }
        #expect(throws: HTTPFailure.self) { try fetch(port) }
    }
}
