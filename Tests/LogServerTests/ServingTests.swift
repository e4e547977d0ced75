import Bytes
import LogModel
import LogQuery
import Metrics
import Synchronization
import Testing

@testable import LogServer

/// An engine whose queries run until somebody cancels them, and tell when they begin and end.
private final class PatientEngine: QueryRunning {
    let begun: AsyncStream<Void>
    let ended: AsyncStream<Bool>
    private let begin: AsyncStream<Void>.Continuation
    private let end: AsyncStream<Bool>.Continuation

    init() {
        (begun, begin) = AsyncStream.makeStream()
        (ended, end) = AsyncStream.makeStream()
    }

    func answer(_ request: QueryRequest) throws(QueryError) -> QueryAnswer {
        begin.yield()
        while !request.cancel.isCancelled { Waiting.briefly() }
        end.yield(true)
        throw QueryError(.cancelled, "the request was cancelled by the client")
    }

    func waitUntilBegun() async { for await _ in begun { return } }
    func waitUntilCancelled() async -> Bool {
        for await value in ended { return value }
        return false
    }
}

@Suite struct ServingTests {
    static let query = "/loki/api/v1/query?query=vector(1)"

    /// The promise: nobody computes for a client that is gone.
    @Test(.timeLimit(.minutes(1))) func aQueryEndsWhenItsClientLeaves() async throws {
        let engine = PatientEngine()
        try await withServer(engine: engine) { server async throws in
            let client = try server.client()
            try await Blocking.run { try client.send("GET", Self.query) }
            await engine.waitUntilBegun()
            client.close()
            #expect(await engine.waitUntilCancelled())
        }
    }

    @Test(.timeLimit(.minutes(1))) func aQueryEndsAtItsDeadline() async throws {
        var limits = openLimits()
        limits.queryTimeout = 50_000_000
        let engine = PatientEngine()
        try await withServer(limits: limits, engine: engine) { server async throws in
            let reply = try await server.get(Self.query)
            #expect(reply.status == 504)
            #expect(reply.text.hasPrefix("request timed out, decrease the duration of the request"))
            #expect(await engine.waitUntilCancelled())
        }
    }

    @Test(.timeLimit(.minutes(1))) func queriesBeyondTheQueueAreSentAway() async throws {
        var settings = ServerSettings()
        settings.queriesMax = 1
        settings.queriesWaitingMax = 1
        let engine = PatientEngine()
        try await withServer(settings: settings, engine: engine) { server async throws in
            let running = try server.client()
            let waiting = try server.client()
            try await Blocking.run { try running.send("GET", Self.query) }
            await engine.waitUntilBegun()
            try await Blocking.run { try waiting.send("GET", Self.query) }
            // The waiting one is admitted before the third only if it came first: ask until the queue is full.
            var statuses: Set<Int> = []
            while !statuses.contains(429) {
                let third = try server.client()
                try await Blocking.run { try third.send("GET", Self.query) }
                // The lane still serves the catalogue meanwhile.
                #expect(try await server.get("/loki/api/v1/labels").status == 200)
                statuses.insert(try await Blocking.run { try third.receive().status })
            }
            #expect(statuses == [429])
            running.close()
            waiting.close()
            #expect(await engine.waitUntilCancelled())
        }
    }

    @Test func connectionsAreKept() async throws {
        try await withServer { server async throws in
            let statuses = try await Blocking.run {
                let client = try server.client()
                var statuses: [Int] = []
                for target in [Self.query, "/ready", "/nosuch", "/loki/api/v1/labels", Self.query] {
                    try client.send("GET", target)
                    statuses.append(try client.receive().status)
                }
                // Two requests in one packet.
                try client.write("GET /ready HTTP/1.1\r\nHost: t\r\n\r\nGET /nosuch HTTP/1.1\r\nHost: t\r\n\r\n")
                statuses.append(try client.receive().status)
                statuses.append(try client.receive().status)
                return statuses
            }
            #expect(statuses == [200, 200, 404, 200, 200, 200, 404])
        }
    }

    /// A health check in HTTP/1.0 waited for the end of the connection until its own time was up.
    @Test(.timeLimit(.minutes(1)), arguments: [
        "GET /ready HTTP/1.0\r\n\r\n", "GET /ready HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "GET /ready HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n",
        "GET /ready HTTP/1.1\r\nHost: t\r\nConnection: Close\r\n\r\n",
        "GET /ready HTTP/1.1\r\nHost: t\r\nConnection: TE, close\r\nTE: trailers\r\n\r\n",
        "POST /loki/api/v1/query HTTP/1.0\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 15\r\n\r\nquery=vector(1)",
    ])
    func connectionsEndWhereTheClientExpectsIt(request: String) async throws {
        try await withServer { server async throws in
            let (status, more) = try await Blocking.run {
                let client = try server.client()
                try client.write(request)
                return (try client.receive().status, try client.bytes(1))
            }
            #expect(status == 200)
            #expect(more == nil)
        }
    }

    /// Headers were timed from a connection's first request on, so every kept connection was cut after the limit.
    @Test(.timeLimit(.minutes(1))) func connectionsOutliveTheLimitOfTheirHeaders() async throws {
        var settings = ServerSettings()
        settings.headerTimeout = 100_000_000
        try await withServer(settings: settings) { server async throws in
            try await Blocking.run {
                let client = try server.client()
                let begin = ContinuousClock.now
                while ContinuousClock.now - begin < .milliseconds(400) {
                    try client.send("GET", "/ready")
                    guard try client.receive().status == 200 else { throw Refusal(500, "not served") }
                }
            }
        }
    }

    @Test func headHasNoBody() async throws {
        try await withServer { server async throws in
            let reply = try await Blocking.run {
                let client = try server.client()
                try client.send("HEAD", "/ready")
                let reply = try client.receive(hasBody: false)
                // The next answer follows at once, so there was none.
                try client.send("GET", "/nosuch")
                #expect(try client.receive().status == 404)
                return reply
            }
            #expect(reply.status == 200)
            #expect(reply["content-length"] == "6")
        }
    }

    @Test(.timeLimit(.minutes(1))) func headersThatTrickleAreCutOff() async throws {
        var settings = ServerSettings()
        settings.headerTimeout = 100_000_000
        try await withServer(settings: settings) { server async throws in
            try await Blocking.run {
                let client = try server.client()
                try client.write("GET /ready HTTP/1.1\r\nHost:")
                try client.waitForClose()
            }
            #expect(try await server.get("/ready").status == 200)
        }
    }

    @Test(.timeLimit(.minutes(1))) func bodiesThatTrickleAreCutOff() async throws {
        var settings = ServerSettings()
        settings.stallTimeout = 100_000_000
        try await withServer(settings: settings) { server async throws in
            try await Blocking.run {
                let client = try server.client()
                try client.write("POST /loki/api/v1/push HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
                try client.waitForClose()
            }
            #expect(server.store.rows.isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(1))) func clientsThatDoNotReadAreCutOff() async throws {
        var settings = ServerSettings()
        settings.stallTimeout = 200_000_000
        try await withServer(settings: settings) { server async throws in
            let line = String(repeating: "x", count: 1 << 20)
            for i in 0..<12 {
                let push = #"{"streams":[{"stream":{"app":"a"},"values":[["\#(1_794_304_800_000_000_000 + i)","\#(line)"]]}]}"#
                #expect(try await server.push(push).status == 204)
            }
            let client = try TestClient(port: server.port, receiveBuffer: 4_096)
            try await Blocking.run {
                try client.send("GET", "/loki/api/v1/query_range?query=%7Bapp%3D%22a%22%7D&start=1794304800&end=1794304801")
            }
            // Nothing is read until the server has given up: its gauge of connections tells.
            var open = 2.0
            while open > 1 {
                let metrics = try await server.get("/metrics").text
                open = metrics.split(separator: "\n").first { $0.hasPrefix("tailrace_http_connections ") }
                    .flatMap { Double($0.split(separator: " ")[1]) } ?? 0
            }
            await #expect(throws: TestFailure.self) { try await Blocking.run { _ = try client.receive() } }
        }
    }

    @Test func floodsOfHeadersAreRefused() async throws {
        try await withServer { server async throws in
            for headers in [
                (0..<5_000).map { ("X-\($0)", "v") }, [("X-Big", String(repeating: "v", count: 1 << 20))],
            ] {
                // The answer may be lost in the reset; the server must live on.
                _ = try? await server.get("/ready", headers: headers)
                #expect(try await server.get("/ready").status == 200)
            }
        }
    }

    @Test(arguments: [
        "\r\n\r\n", "GET\r\n\r\n", "GET /ready HTTP/9.9\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n", "GET /%zz%%% HTTP/1.1\r\nHost: t\r\n\r\n",
        "POST /loki/api/v1/push HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "GET http://[::1 HTTP/1.1\r\nHost: t\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n", "POST /loki/api/v1/query HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "CONNECT x:1 HTTP/1.1\r\n\r\n",
    ])
    func nonsenseEndsInAnAnswerOrAClose(text: String) async throws {
        var settings = ServerSettings()
        settings.headerTimeout = 100_000_000
        settings.stallTimeout = 100_000_000
        try await withServer(settings: settings) { server async throws in
            _ = try await Blocking.run {
                let client = try server.client()
                try client.write(text)
                return try? client.receive(hasBody: false)
            }
            #expect(try await server.get("/ready").status == 200)
        }
    }
}
