import Bytes
import LogModel
import Testing

@testable import LogServer

@Suite struct DiffRouteTests {
    private static let hour: Int64 = 3_600_000_000_000

    private static func fill(_ server: TestServer) async throws {
        let lines: [(Int64, String, String?)] = (0..<400).map { i in
            let time = Int64(i) * hour / 200
            return (time, i >= 200 && i % 2 == 0 ? "disk \(i) is full" : "job \(i) done", nil)
        }
        #expect(try await server.push(RoutesTests.body([("one", lines), ("two", lines)])).status == 204)
    }

    private static let windows = "before=1794304800..1794308400&after=1794308400..1794312000"

    @Test func whatChangedIsAnswered() async throws {
        try await withServer { server async throws in
            try await Self.fill(server)
            for target in [
                "\(Self.windows)&by=app", "deploy=1794308400&window=1h", "deploy=2026-11-10T11:00:00Z&query=%7B%7D",
            ] {
                let reply = try await server.get("/tailrace/api/v1/diff?\(target)")
                #expect(reply.status == 200)
                #expect(
                    reply.text.contains(
                        #"{"change":"new","kind":"text","field":"line","text":"disk \u003c_\u003e is full","before":0,"after":200"#)
                        || reply.text.contains(
                            #"{"change":"new","kind":"text","field":"line","text":"disk <_> is full","before":0,"after":200"#),
                    "\(reply.text.prefix(600))")
            }
            let one = try await server.get("/tailrace/api/v1/diff?\(Self.windows)&query=%7Bapp%3D%22one%22%7D&limit=1")
            #expect(one.text.contains(#""rows":200"#) && one.text.contains(#""after":100"#))
            let none = try await server.get("/tailrace/api/v1/diff?\(Self.windows)&query=%7Bapp%3D%22none%22%7D")
            #expect(none.text.contains(#""found":0,"changes":[]"#))
        }
    }

    @Test(arguments: [
        "", "before=1..2", "before=1&after=2..3", "before=x..2&after=2..3", "before=1..3&after=2..4",
        "deploy=soon", "deploy=5&window=-1h", "before=1..2&after=3..4&query=nonsense", "before=1..2&after=3..4&limit=-1",
        "before=1..2&after=3..4&min_ratio=0.5", "before=2..1&after=3..4",
    ])
    func badQuestionsAreRefused(question: String) async throws {
        try await withServer { server async throws in
            #expect(try await server.get("/tailrace/api/v1/diff?\(question)").status == 400)
        }
    }
}
