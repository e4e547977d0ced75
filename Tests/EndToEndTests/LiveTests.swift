import Glibc
import Testing

/// What only the real process shows: tails hear of pushes and of what is collected, deletions outlive a restart, and
/// stopping waits for nobody.
@Suite struct LiveTests {
    /// A tail as `curl -N` opens it, read line by line.
    final class Follower: @unchecked Sendable {
        // Sendable: used by one test, from its one thread.
        private let handle: Int32
        private var bytes: [UInt8] = []

        init(_ port: Int, _ query: String) throws {
            handle = try HTTP.connect(port)
            let target = "/loki/api/v1/tail?query=\(HTTP.encode(query))"
            try HTTP.writeAll(handle, Array("GET \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
            let head = try line { $0.isEmpty }
            #expect(head.first?.contains(" 200 ") == true, "\(head)")
        }

        deinit { close(handle) }

        /// Lines up to the first that `isLast` says so of. Throws where the connection ends before.
        private func line(until isLast: (String) -> Bool) throws -> [String] {
            var lines: [String] = []
            while true {
                while let end = bytes.firstIndex(of: 0x0A) {
                    var text = String(decoding: bytes[..<end], as: UTF8.self)
                    bytes.removeFirst(end + 1)
                    if text.hasSuffix("\r") { text.removeLast() }
                    lines.append(text)
                    if isLast(text) { return lines }
                }
                var chunk = [UInt8](repeating: 0, count: 1 << 16)
                let count = recv(handle, &chunk, chunk.count, 0)
                guard count > 0 else { throw HarnessError("the tail ended: \(lines)") }
                bytes += chunk[..<count]
            }
        }

        func waitFor(_ words: String) throws { _ = try line { $0.contains(words) } }

        func waitForEnd() { while (try? line { _ in true }) != nil {} }
    }

    @Test(.timeLimit(.minutes(2))) func whatIsCollectedAndWhatIsPushedAppearsLive() throws {
        let folder = try Scratch()
        let file = folder.write("app.log", "first\n")
        let server = try TailraceServer(folder, command: "up", arguments: ["--watch", file])
        let tail = try Follower(server.port, #"{job=~".+"}"#)
        try tail.waitFor("first")
        Files.write(file, "second\n", append: true)
        try tail.waitFor("second")
        #expect(try HTTP.push(server.port, json: #"{"streams":[{"stream":{"job":"p"},"values":[["\#(time(nil))000000000","third"]]}]}"#).status == 204)
        try tail.waitFor("third")

        // SIGTERM does not wait for whoever follows.
        server.process.signal(SIGTERM)
        tail.waitForEnd()
        #expect(server.process.wait() == 0)
    }

    @Test(.timeLimit(.minutes(2))) func deletedLinesStayHiddenAcrossARestart() throws {
        let folder = try Scratch()
        let now = time(nil)
        var server = try TailraceServer(folder)
        let body = #"{"streams":[{"stream":{"app":"a"},"values":[["\#(now - 20)000000000","keep"],["\#(now - 10)000000000","secret"]]}]}"#
        #expect(try HTTP.push(server.port, json: body).status == 204)
        let query = HTTP.encode(#"{app="a"} |= "secret""#)
        let made = try HTTP.send(
            server.port, "POST", "/loki/api/v1/delete?query=\(query)&start=\(now - 60)&end=\(now - 1)", body: [], headers: [])
        #expect(made.status == 204)
        for restarts in [false, true] {
            if restarts {
                server.stop(SIGKILL)
                server = try TailraceServer(folder, data: server.data)
            }
            let text = try HTTP.get(server.port, "/loki/api/v1/query_range", [("query", #"{app="a"}"#)]).text
            #expect(text.contains("keep"))
            #expect(!text.contains("secret"))
        }
        server.stop()
    }

    @Test(.timeLimit(.minutes(1))) func theConfigurationIsShownWithoutItsSecrets() throws {
        let folder = try Scratch()
        let config = folder.write(
            "t.yaml",
            """
            store: {}
            limits: {max_entries_limit_per_query: 1234, deletion_mode: disabled}
            auth: {multi_tenant: true, multi_tenant_queries: true}
            clients:
            - url: http://joe:hunter2@example.com:3100/loki/api/v1/push?key=hunter3
              basic_auth: {username: jane, password: hunter4}
              headers: {X-Key: hunter5}
            """)
        let server = try TailraceServer(folder, config: config)
        let answer = try HTTP.get(server.port, "/config")
        #expect(answer.status == 200)
        #expect(!answer.text.contains("hunter"), "\(answer.text)")
        for part in [
            "max_entries_limit_per_query: 1234", "deletion_mode: \"disabled\"", "multi_tenant_queries: true",
            "url: \"http://example.com:3100/loki/api/v1/push\"", "username: \"jane\"", "http_listen_port: \(server.port)",
        ] {
            #expect(answer.text.contains(part), "\(part) is not in \(answer.text)")
        }
        #expect(try HTTP.get(server.port, "/loki/api/v1/labels").status == 401)
        server.stop()
    }
}
