import Bytes
import LogModel
import LogQL
import Testing

@testable import LogServer

/// The deepest queries that the parser lets through, over a real socket: the threads that parse, print and evaluate them
/// must have the stack for it.
@Suite struct DeepQueryTests {
    static func nest(_ open: String, _ inner: String, _ close: String, _ count: Int = LogQL.nestingMax - 1) -> String { String(repeating: open, count: count) + inner + String(repeating: close, count: count)
    }

    static let queries = [
        nest("sum(", #"count_over_time({app="one"}[1h])"#, ")"),
        nest("max by (app) (", #"count_over_time({app="one"}[1h])"#, ")"),
        // The operator and the parenthesis are a level each.
        nest("1 + (", "vector(1)", ")", LogQL.nestingMax / 2 - 1),
        String(repeating: "vector(1) + ", count: LogQL.heightMax - 1) + "vector(1)",
        "sum(count_over_time({app=\"one\"} | " + nest("x=\"1\" or (y=\"2\" and ", "a=\"1\"", ")") + " [1h]))",
        nest("label_replace(", "vector(1)", #","d","$1","s","(.*)")"#),
    ]

    @Test(arguments: queries.indices) func theDeepestQueriesAreAnswered(_ index: Int) async throws {
        let query = Self.queries[index]
        try await withServer { server async throws in
            try await RoutesTests.fill(server)
            let form = "query=" + query.utf8.map { "%" + hex($0) }.joined() + "&time=1794308400"
            let type = [("Content-Type", "application/x-www-form-urlencoded")]
            for path in ["query", "format_query"] {
                let reply = try await server.ask(
                    "POST", "/loki/api/v1/\(path)", headers: type, body: Array(form.utf8))
                #expect(reply.status == 200, "\(path): \(reply.text.prefix(300))")
            }
            // The server is still there.
            #expect(try await server.get("/ready").status == 200)
        }
    }
}

private func hex(_ byte: UInt8) -> String {
    let text = String(byte, radix: 16)
    return byte < 16 ? "0" + text : text
}
