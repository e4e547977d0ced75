import Glibc
import LogModel
import Metrics
import Synchronization
import Testing

@testable import LogShipping

/// Against a real TLS server, Python's, with certificates made here. Skipped, with words, without openssl and python3.
@Suite(.timeLimit(.minutes(2))) struct TLSTests {
    static let isPossible: Bool = {
        let isThere = system("command -v openssl >/dev/null && command -v python3 >/dev/null") == 0
        if !isThere { print("TLSTests are skipped: they need openssl and python3") }
        return isThere
    }()

    /// An authority, a server's certificate for `logs.test`, and a client's.
    private static func makeCertificates(_ folder: Scratch) -> Bool {
        let d = folder.directory
        func certificate(_ name: String, _ subject: String, _ more: String) -> String {
            "openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout \(d)/\(name).key -subj /CN=\(subject) -out \(d)/\(name).csr && "
                + "printf '\(more)' > \(d)/\(name).ext && openssl x509 -req -in \(d)/\(name).csr -CA \(d)/ca.pem -CAkey \(d)/ca.key "
                + "-set_serial \(Int.random(in: 1...1_000_000)) -days 2 -extfile \(d)/\(name).ext -out \(d)/\(name).pem"
        }
        let commands = [
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout \(d)/ca.key -out \(d)/ca.pem -days 2 -subj /CN=authority",
            certificate("server", "logs.test", "subjectAltName=DNS:logs.test"),
            certificate("client", "collector", "extendedKeyUsage=clientAuth"),
        ]
        return system("(" + commands.joined(separator: " && ") + ") >/dev/null 2>&1") == 0
    }

    private static let program = """
        import http.server, ssl, sys
        d = sys.argv[1]
        class H(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def do_POST(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                open(d + "/seen", "a").write(str(self.headers.get("Host")) + "\\n")
                self.send_response(204); self.end_headers()
            def log_message(self, *a): pass
        s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.load_cert_chain(d + "/server.pem", d + "/server.key")
        if len(sys.argv) > 2: c.load_verify_locations(d + "/ca.pem"); c.verify_mode = ssl.CERT_REQUIRED
        s.socket = c.wrap_socket(s.socket, server_side=True)
        print(s.server_address[1], flush=True)
        s.serve_forever()
        """

    private final class Server {
        let stream: UnsafeMutablePointer<FILE>?
        var port = 0
        var pid: pid_t = 0

        init(_ folder: Scratch, asksClients: Bool) {
            folder.write("server.py", TLSTests.program)
            stream = popen("echo $$; exec python3 \(folder.directory)/server.py \(folder.directory) \(asksClients ? "ask" : "") 2>/dev/null", "r")
            pid = pid_t(line())
            port = line()
        }

        private func line() -> Int {
            var text = [CChar](repeating: 0, count: 64)
            guard let stream, fgets(&text, 64, stream) != nil else { return 0 }
            return Int(String(decoding: text.prefix { $0 > 32 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)) ?? 0
        }

        deinit {
            if pid > 1 { kill(pid, SIGKILL) }
            if let stream { pclose(stream) }
        }
    }

    private static func settings(_ server: Server) -> ClientSettings {
        var settings = ClientSettings(url: "https://127.0.0.1:\(server.port)/loki/api/v1/push")
        settings.backoffMin = 1_000_000
        settings.backoffMax = 20_000_000
        settings.maxRetries = 3
        settings.tls.serverName = "logs.test"
        return settings
    }

    private static func outcome(_ settings: ClientSettings, report: @escaping @Sendable (String) -> Void = { _ in }) async
        -> ShippingClient.Outcome?
    {
        let client = ShippingClient(settings, registry: Registry(), identity: "tls", report: report)
        let seen = Seen()
        await Blocking.run { client.submit(DeliveryTests.batch([("a", "one")])) { seen.add($0) } }
        await client.close()
        return seen.all.first
    }

    @Test(.enabled(if: isPossible)) func theServerMustBeTheOneThatIsMeant() async throws {
        let folder = try Scratch()
        try #require(Self.makeCertificates(folder))
        let server = Server(folder, asksClients: false)
        try #require(server.port > 0)
        var settings = Self.settings(server)
        guard case .dropped? = await Self.outcome(settings) else {
            Issue.record("an authority that nobody knows was believed")
            return
        }
        settings.tls.authority = .file(folder.path("ca.pem"))
        #expect(await Self.outcome(settings) == .accepted)
        #expect(folder.read("seen").hasPrefix("127.0.0.1:\(server.port)\n"), "the name is for the certificate only")
        settings.tls.serverName = "other.test"
        guard case .dropped? = await Self.outcome(settings) else {
            Issue.record("another server's certificate was believed")
            return
        }
        settings.tls.skipsVerification = true
        #expect(await Self.outcome(settings) == .accepted)
        settings.tls.skipsVerification = false
        settings.tls.serverName = "logs.test"
        settings.tls.authority = .value(Secret(folder.read("ca.pem")))
        settings.tls.versionMin = .tls13
        #expect(await Self.outcome(settings) == .accepted, "inline, and the newest version")
    }

    /// Certificates were read once; after they had been renewed nothing was delivered until a restart.
    @Test(.enabled(if: isPossible)) func aCertificateThatIsRenewedIsRead() async throws {
        let folder = try Scratch()
        try #require(Self.makeCertificates(folder))
        let server = Server(folder, asksClients: true)
        try #require(server.port > 0)
        var settings = Self.settings(server)
        settings.maxRetries = 200
        settings.tls.authority = .file(folder.path("ca.pem"))
        settings.tls.certificate = .file(folder.path("own.pem"))
        settings.tls.key = .file(folder.path("own.key"))
        // At first there is no certificate at all.
        let pem = folder.read("client.pem")
        let key = folder.read("client.key")
        let isWritten = Atomic<Bool>(false)
        let outcome = await Self.outcome(settings) { _ in
            if !isWritten.exchange(true, ordering: .relaxed) {
                folder.write("own.key", key)
                folder.write("own.pem", pem)
            }
        }
        #expect(outcome == .accepted)
        settings.tls.certificate = nil
        settings.tls.key = nil
        settings.maxRetries = 2
        guard case .dropped? = await Self.outcome(settings) else {
            Issue.record("the server asks for a certificate")
            return
        }
    }
}
