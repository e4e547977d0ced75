import Bytes
import LogModel
import Testing

@testable import LogServer

@Suite struct DeleteRoutesTests {
    static let delete = "/loki/api/v1/delete"
    static let app = "query=%7Bapp%3D%22a%22%7D"

    /// Lines of two apps, one a second for the last minute, odd ones marked.
    static func fill(_ server: TestServer, _ now: Int64) async throws {
        let bodies = ["a", "b"].map { app in
            TailRouteTests.body((0..<60).map { (now - 60_000_000_000 + $0 * 1_000_000_000, $0 % 2 == 0 ? "even" : "odd") }, app: app)
        }
        for body in bodies { #expect(try await server.push(body).status == 204) }
    }

    static func count(_ server: TestServer, _ query: String, _ now: Int64) async throws -> Int {
        let reply = try await server.get(
            "/loki/api/v1/query_range?query=\(query)&start=\(now - 3_600_000_000_000)&end=\(now + 1)&limit=1000")
        let streams = JSONValue.parse(reply.text)?["data"]?["result"]?.items ?? []
        return streams.reduce(0) { $0 + ($1["values"]?.items.count ?? 0) }
    }

    @Test func deletedLinesAreHiddenAtOnceAndComeBackWhenTheRequestIsTakenBack() async throws {
        let now = Timestamp.now().nanoseconds / 1_000_000_000 * 1_000_000_000
        let seconds = now / 1_000_000_000
        try await withServer { server async throws in
            try await Self.fill(server, now)
            // Seconds −60 … −31 of one app, only where the line says so.
            var reply = try await server.ask(
                "POST", "\(Self.delete)?\(Self.app)%20%7C%3D%20%22odd%22&start=\(seconds - 60)&end=\(seconds - 31)")
            #expect(reply.status == 204)
            let id = reply["x-delete-request-id"] ?? ""
            #expect(id.utf8.count == 8)
            #expect(try await Self.count(server, "%7Bapp%3D%22a%22%7D", now) == 45)
            #expect(try await Self.count(server, "%7Bapp%3D%22a%22%7D%7C%3D%22odd%22", now) == 15)
            #expect(try await Self.count(server, "%7Bapp%3D%22b%22%7D", now) == 60)
            // Counting, by the lines and by the store's own tables, agrees; so does the index.
            for query in ["sum(count_over_time({app=\"a\"}[2m]))", "sum(count_over_time({app=\"a\"} |~ \"e|o\" [2m]))"] {
                let text = try await server.get("/loki/api/v1/query?query=\(Encoded.percent(query))&time=\(now)").text
                #expect(text.contains(#","45"]"#), "\(query): \(text.prefix(200))")
            }
            let stats = try await server.get("/loki/api/v1/index/stats?\(Self.app)&start=\(now - 120_000_000_000)&end=\(now)")
            #expect(JSONValue.parse(stats.text)?["entries"]?.number == 45)

            reply = try await server.get(Self.delete)
            #expect(reply.status == 200)
            #expect(reply["content-type"] == "application/json")
            let listed = JSONValue.parse(reply.text)?.items.first
            #expect(listed?.keys == ["request_id", "start_time", "end_time", "query", "status", "created_at", "user_id"])
            #expect(listed?["request_id"] == .string(id))
            #expect(listed?["start_time"] == .number("\(seconds - 60)"))
            #expect(listed?["query"] == .string(#"{app="a"} |= "odd""#))
            #expect(listed?["status"] == .string("received"))

            #expect(try await server.ask("DELETE", "\(Self.delete)?request_id=\(id)").status == 204)
            #expect(try await Self.count(server, "%7Bapp%3D%22a%22%7D", now) == 60)
            #expect(try await server.get(Self.delete).text == "[]\n")
            reply = try await server.ask("DELETE", "\(Self.delete)?request_id=\(id)")
            #expect(reply.status == 404)
            #expect(reply.text == "could not find delete request with given id\n")
        }
    }

    /// A whole stream: it is no longer listed either, and tails do not show it as history.
    @Test func aStreamThatIsGoneIsNotListed() async throws {
        let now = Timestamp.now().nanoseconds / 1_000_000_000 * 1_000_000_000
        try await withServer { server async throws in
            try await Self.fill(server, now)
            let start = now / 1_000_000_000 - 3_600
            #expect(try await server.ask("PUT", "\(Self.delete)?\(Self.app)&start=\(start)").status == 204)
            let range = "start=\(now - 3_600_000_000_000)&end=\(now)"
            #expect(try await server.get("/loki/api/v1/series?\(range)").text == #"{"status":"success","data":[{"app":"b","service_name":"b"}]}"# + "\n")
            #expect(try await server.get("/loki/api/v1/label/app/values?\(range)").text == #"{"status":"success","data":["b"]}"# + "\n")
            // What is stored later is seen: the request ended when it was made.
            let later = Timestamp.now().nanoseconds
            #expect(try await server.push(TailRouteTests.body([(later, "new")])).status == 204)
            #expect(try await Self.count(server, "%7Bapp%3D%22a%22%7D", later) == 1)
        }
    }

    @Test(arguments: [
        ("POST", "", 400, "query not set"),
        ("POST", "query=%7B&start=1700000000", 400, "invalid query expression"),
        ("POST", "query=rate(%7Ba%3D%22b%22%7D%5B1m%5D)&start=1700000000", 400, "invalid query expression"),
        ("POST", app, 400, "start time not set"),
        ("POST", "\(app)&start=17000000000", 400, "invalid start time: require unix seconds or RFC3339 format"),
        ("POST", "\(app)&start=1700000000&end=soon", 400, "invalid end time: require unix seconds or RFC3339 format"),
        ("POST", "\(app)&start=1700000000&end=9999999999", 400, "deletes in the future are not allowed"),
        ("POST", "\(app)&start=1700000000&end=1700000000", 400, "start time can't be greater than or equal to end time"),
        ("POST", "\(app)&start=2023-11-14T22:13:20Z&end=1600000000", 400, "start time can't be greater than or equal to end time"),
        ("POST", "\(app)&start=1600000000&end=1700000000&max_interval=1d", 400, "invalid max_interval: valid time units are 's', 'm', 'h'"),
        ("POST", "\(app)&start=1600000000&end=1700000000&max_interval=25h", 400, "max_interval can't be greater than 24h0m0s"),
        ("POST", "\(app)&start=1600000000&end=1600000060&max_interval=2m", 400, "max_interval can't be greater than the interval to be deleted (0h1m0s)"),
        ("DELETE", "", 404, "could not find delete request with given id"),
    ])
    func refusals(method: String, parameters: String, status: Int, message: String) async throws {
        try await withServer { server async throws in
            let reply = try await server.ask(method, "\(Self.delete)?\(parameters)")
            #expect(reply.status == status)
            #expect(reply.text == message + "\n")
            #expect(try await server.get(Self.delete).text == "[]\n")
        }
    }

    /// Loki reads the parameters of a deletion from the URL alone.
    @Test func theBodyIsNotLookedAt() async throws {
        try await withServer { server async throws in
            let reply = try await server.ask(
                "POST", Self.delete, headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: Array("\(Self.app)&start=1700000000".utf8))
            #expect(reply.text == "query not set\n")
        }
    }

    @Test func itCanBeForbidden() async throws {
        var limits = openLimits()
        limits.deletionMode = .disabled
        try await withServer(limits: limits) { server async throws in
            let reply = try await server.get(Self.delete)
            #expect(reply.status == 403)
            #expect(reply.text == "deletion is not available for this tenant\n")
        }
    }
}

/// Text as it stands in a URL.
enum Encoded {
    static func percent(_ text: String) -> String {
        text.utf8.map { c in
            let plain = (0x30...0x39).contains(c) || (0x41...0x5A).contains(c) || (0x61...0x7A).contains(c) || "-_.~".utf8.contains(c)
            return plain ? String(Unicode.Scalar(c)) : "%" + (c < 16 ? "0" : "") + String(c, radix: 16)
        }.joined()
    }
}
