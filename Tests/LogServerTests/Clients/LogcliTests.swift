import LogModel
import Testing

@testable import LogServer

/// What logcli sends: no encoding flags, steps in float seconds, `match` without brackets, pages that begin at the last
/// entry of the page before.
@Suite struct LogcliTests {
    static let headers = [("User-Agent", "loki-logcli/3.8.0"), ("Cache-Control", "no-cache"), ("X-Query-Tags", "Source=logcli")]
    static let range = "start=1794304800000000000&end=1794315600000000000"

    @Test func queries() async throws {
        try await withServer { server async throws in
            try await RoutesTests.fill(server)
            let logs = try await server.get(
                "/loki/api/v1/query_range?direction=BACKWARD&\(Self.range)&limit=30&query=%7Bapp%3D%22one%22%7D&step=1.5&interval=0",
                headers: Self.headers)
            #expect(logs.status == 200)
            let data = JSONValue.parse(logs.text)?["data"]
            #expect(data?.keys == ["resultType", "result", "stats"])
            let values = data?["result"]?.items.flatMap { $0["values"]?.items ?? [] } ?? []
            #expect(values.count == 2)
            #expect(values.allSatisfy { $0.items.count == 2 })
            let instant = try await server.get(
                "/loki/api/v1/query?direction=BACKWARD&limit=30&query=count_over_time(%7Bapp%3D%22one%22%7D%5B1h%5D)&time=1794305000000000000",
                headers: Self.headers)
            #expect(JSONValue.parse(instant.text)?["data"]?["resultType"] == .string("vector"))
            for target in [
                "labels?\(Self.range)", "label/app/values?\(Self.range)", "series?\(Self.range)&match=%7Bapp%3D%22one%22%7D",
                "index/stats?\(Self.range)&query=%7Bapp%3D%22one%22%7D",
                "index/volume?\(Self.range)&limit=30&query=%7Bapp%3D%22one%22%7D&aggregateBy=series",
                "index/volume_range?\(Self.range)&limit=30&query=%7Bapp%3D%22one%22%7D&step=60",
                "detected_fields?\(Self.range)&query=%7Bapp%3D%22one%22%7D&step=1.5&line_limit=1000&limit=1000", "delete",
                "index/shards?\(Self.range)&query=%7Bapp%3D%22one%22%7D&targetBytesPerShard=1000",
            ] {
                let reply = try await server.get("/loki/api/v1/" + target, headers: Self.headers)
                #expect(reply.status == 200, "\(target): \(reply.text)")
                #expect(JSONValue.parse(reply.text) != nil, "\(target): \(reply.text)")
            }
        }
    }

    /// Pages of ten over lines of which many have the same time: nothing is lost or repeated.
    @Test func pagingByTheLastTime() async throws {
        try await withServer { server async throws in
            let lines = (0..<95).map { (RoutesTests.t0 + Int64($0 / 4) * 1_000_000, "line \($0)") }
            #expect(try await server.push(TailRouteTests.body(lines)).status == 204)
            var found: [TailLine] = []
            var start = RoutesTests.t0
            while true {
                let reply = try await server.get(
                    "/loki/api/v1/query_range?direction=FORWARD&start=\(start)&end=1794315600000000000&limit=10&query=%7Bapp%3D%22a%22%7D",
                    headers: Self.headers)
                var page: [TailLine] = []
                for stream in JSONValue.parse(reply.text)?["data"]?["result"]?.items ?? [] {
                    for value in stream["values"]?.items ?? [] {
                        page.append(TailLine(labels: [:], timestamp: Int64(value.items[0].text ?? "") ?? 0, line: value.items[1].text ?? ""))
                    }
                }
                let last = found.last?.timestamp
                let edge = found.filter { $0.timestamp == last }
                found += page.filter { !edge.contains($0) }
                guard page.count == 10, let next = page.last?.timestamp else { break }
                start = next
            }
            #expect(found.map(\.line) == (0..<95).map { "line \($0)" })
        }
    }

    /// It comes back to where it was: the time of its last line, which it then knows already.
    @Test(.timeLimit(.minutes(1))) func tail() async throws {
        let now = Timestamp.now().nanoseconds
        try await withServer { server async throws in
            #expect(try await server.push(TailRouteTests.body([(now - 2, "first"), (now - 1, "second")])).status == 204)
            for (start, expected) in [(now - 10, ["first", "second"]), (now - 1, ["second"])] {
                let lines = try await Blocking.run {
                    try WebSocketClient(
                        try server.client(), "\(TailRouteTests.tail)&limit=30&start=\(start)&delay_for=0", headers: Self.headers
                    ).lines(expected.count).map(\.line)
                }
                #expect(lines == expected)
            }
        }
    }
}
