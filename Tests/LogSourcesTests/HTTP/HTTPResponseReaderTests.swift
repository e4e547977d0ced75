import Bytes
import Testing

@testable import LogSources

@Suite struct HTTPResponseReaderTests {
    private func read(_ text: String, step: Int, closes: Bool = false) throws -> (status: Int?, body: String, isDone: Bool) {
        var reader = HTTPResponseReader()
        let body = ByteArena()
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: step) {
            try Array(bytes[start..<min(start + step, bytes.count)]).withView { try reader.feed($0, into: body) }
        }
        if closes { try reader.end() }
        return (reader.status, body.view.string, reader.isDone)
    }

    @Test(arguments: [1, 2, 7, 1000])
    func bodiesOfEveryKindInPieces(step: Int) throws {
        let counted = try read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more", step: step)
        #expect(counted == (200, "hello", true))
        let chunked = try read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\nA: b\r\n\r\n", step: step)
        #expect(chunked == (200, "hello world", true))
        let open = try read("HTTP/1.0 404 Not Found\r\nX: y\r\n\r\nto the end", step: step, closes: true)
        #expect(open == (404, "to the end", true))
        let continued = try read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", step: step)
        #expect(continued == (204, "", true))
    }

    @Test(arguments: [
        "nonsense\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffffff\r\n", "",
    ])
    func whatIsMalformedOrCutIsAFailure(text: String) {
        #expect(throws: HTTPFailure.self) { try read(text, step: 3, closes: true) }
    }

    @Test func headsAreBounded() {
        let long = "HTTP/1.1 200 OK\r\nX: " + String(repeating: "a", count: 70_000)
        #expect(throws: HTTPFailure.self) { try read(long, step: 4096) }
    }
}
