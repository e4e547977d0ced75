import Bytes
import LogModel
import LokiWire
import Testing

@testable import LogServer

@Suite struct PushRouteTests {
    static let good = #"{"streams":[{"stream":{"app":"a"},"values":[["1794304800000000000","x"]]}]}"#

    @Test(arguments: [
        (#"{"streams":[]}"#, 422, "error at least one valid stream is required for ingestion"), ("", 400, "EOF"),
        (#"{"streams":[{"stream":{"a-b":"c"},"values":[["1","x"]]}]}"#, 400, "couldn't parse labels: 1:3: parse error: unexpected character inside braces: '-'"),
        (#"{"streams":[{"stream":{"a":"b"},"values":[["1","x",{"__":"v"}]]}]}"#, 500, #"normalization for label name "__" resulted in invalid name "_""#),
    ])
    func refusals(body: String, status: Int, message: String) async throws {
        try await withServer { server async throws in
            let reply = try await server.push(body)
            #expect(reply.status == status)
            #expect(reply.text == message + "\n")
            #expect(server.store.rows.isEmpty)
        }
    }

    @Test func protobufWithAndWithoutGzip() async throws {
        let encoder = PushEncoder()
        encoder.begin(stream: Labels(["app": "p"]))
        "x".withView { encoder.entry(timestamp: 5, line: $0, metadata: Labels(["k": "v"])) }
        let block = ByteArena()
        encoder.finish(into: block)
        let packed = ByteArena()
        try Compressor.gzip(block.view, into: packed)
        let (plain, zipped) = (block.view.copy(), packed.view.copy())
        try await withServer { server async throws in
            for (body, encoding) in [(plain, "snappy"), (plain, ""), (zipped, "gzip")] {
                let reply = try await server.ask(
                    "POST", "/loki/api/v1/push",
                    headers: [("Content-Type", "application/x-protobuf")] + (encoding.isEmpty ? [] : [("Content-Encoding", encoding)]),
                    body: body)
                #expect(reply.status == 204)
            }
            #expect(server.store.rows.map(\.line) == ["x", "x", "x"])
            #expect(server.store.rows.first?.metadata["k"] == "v")
        }
    }

    /// What is valid is stored although the answer says what was not.
    @Test func partialSuccess() async throws {
        try await withServer { server async throws in
            let long = String(repeating: "v", count: 3_000)
            let reply = try await server.push(
                #"{"streams":[{"stream":{"app":"good"},"values":[["1","x"]]},{"stream":{"app":"\#(long)"},"values":[["1","y"]]}]}"#)
            #expect(reply.status == 400)
            #expect(reply.text.contains("has label value too long"))
            #expect(server.store.rows.map(\.line) == ["x"])
        }
    }

    @Test func theStoreDecidesTheStatus() async throws {
        try await withServer { server async throws in
            server.store.refuse(with: StoreError(.retryLater, "disk full"))
            var reply = try await server.push(Self.good)
            #expect(reply.status == 503)
            #expect(reply["retry-after"] == "5")
            #expect(reply.text == "disk full\n")
            server.store.refuse(with: StoreError(.invalid, "no such thing"))
            #expect(try await server.push(Self.good).status == 400)
            server.store.refuse(with: StoreError(.system, "no permission"))
            #expect(try await server.push(Self.good).status == 500)
            server.store.refuse(with: nil)
            reply = try await server.push(Self.good)
            #expect(reply.status == 204)
        }
    }

    @Test func batchKeysReachTheStore() async throws {
        try await withServer { server async throws in
            #expect(try await server.push(Self.good).status == 204)
            #expect(try await server.push(Self.good, headers: [("X-Tailrace-Batch", "c/1/42")]).status == 204)
            #expect(server.store.keys == [nil, BatchKey(client: "c", epoch: 1, sequence: 42)])
            #expect(try await server.push(Self.good, headers: [("X-Tailrace-Batch", "nonsense")]).status == 400)
        }
    }

    @Test func bodiesOverTheCapAreRefusedUnread() async throws {
        var limits = openLimits()
        limits.maxPushBodySize = 1_000
        try await withServer(limits: limits) { server async throws in
            // The declared length alone: nothing of the body is ever sent.
            let reply = try await Blocking.run {
                let client = try server.client()
                try client.write("POST /loki/api/v1/push HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n")
                return try client.receive()
            }
            #expect(reply.status == 413)
            #expect(reply.text == "request body too large: message size too large than max (99999999999 vs 1000)\n")
            // No length declared: stopped when the cap is passed.
            let chunked = try await Blocking.run {
                let client = try server.client()
                try client.write("POST /loki/api/v1/push HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
                try client.write("800\r\n" + String(repeating: " ", count: 2_048) + "\r\n")
                let reply = try client.receive()
                try client.waitForClose()
                return reply
            }
            #expect(chunked.status == 413)
            #expect(try await server.push(Self.good).status == 204)
        }
    }

    @Test func bombsAreRefused() async throws {
        var limits = openLimits()
        limits.maxPushDecodedSize = 1 << 20
        let packed = ByteArena()
        try [UInt8](repeating: 0x20, count: 32 << 20).withView { try Compressor.gzip($0, into: packed) }
        let bomb = packed.view.copy()
        try await withServer(limits: limits) { server async throws in
            let reply = try await server.ask(
                "POST", "/loki/api/v1/push", headers: [("Content-Type", "application/json"), ("Content-Encoding", "gzip")],
                body: bomb)
            #expect(reply.status == 413)
        }
    }

    @Test func clientsThatWaitForPermissionGetIt() async throws {
        try await withServer { server async throws in
            let statuses = try await Blocking.run {
                let client = try server.client()
                try client.write(
                    "POST /loki/api/v1/push HTTP/1.1\r\nHost: t\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: \(Self.good.utf8.count)\r\n\r\n")
                let first = try client.receive()
                try client.write(Self.good)
                return [first.status, try client.receive().status]
            }
            #expect(statuses == [100, 204])
        }
    }

    @Test func tooManyBytesAtOnceAreSentAway() async throws {
        var settings = ServerSettings()
        settings.pushMemoryMax = 1_000
        try await withServer(settings: settings) { server async throws in
            let big = #"{"streams":[{"stream":{"app":"a"},"values":[["1","\#(String(repeating: "x", count: 5_000))"]]}]}"#
            let reply = try await server.push(big)
            #expect(reply.status == 503)
            #expect(reply["retry-after"] == "1")
            // What was taken has been given back.
            for _ in 0..<20 { #expect(try await server.push(Self.good).status == 204) }
        }
    }

    @Test("Over a rate: 429, and the reason; what is allowed beside it is stored")
    func rates() async throws {
        var limits = openLimits()
        limits.perStreamRateLimit = 1
        limits.perStreamRateLimitBurst = 10
        try await withServer(limits: limits) { server async throws in
            let reply = try await server.push(
                #"{"streams":[{"stream":{"app":"a"},"values":[["1","01234567890"]]},{"stream":{"app":"b"},"values":[["1","ok"]]}]}"#)
            #expect(reply.status == 429)
            #expect(reply.text.hasPrefix("entry with timestamp 1970-01-01 00:00:00.000000001 +0000 UTC ignored, reason: 'Per stream rate limit exceeded"))
            #expect(server.store.rows.map(\.line) == ["ok"])
        }
        limits.perStreamRateLimit = 0
        limits.ingestionRateMB = 1e-6
        limits.ingestionBurstSizeMB = 1e-6
        try await withServer(limits: limits) { server async throws in
            let reply = try await server.push(Self.good + "")
            #expect(reply.status == 204)
            // More than the burst, so that it is refused however long the first one took.
            let second = try await server.push(
                #"{"streams":[{"stream":{"app":"a"},"values":[["2","\#(String(repeating: "x", count: 1_000))"]]}]}"#)
            #expect(second.status == 429)
            #expect(second.text.hasPrefix("ingestion rate limit exceeded for user fake (limit: 1 bytes/sec)"))
            #expect(server.store.rows.count == 1)
        }
    }

    @Test("Content types with parameters, and the encodings of a push", arguments: ["", "identity", "gzip", "deflate"])
    func encodings(encoding: String) async throws {
        let packed = ByteArena()
        switch encoding {
        case "gzip": try Self.good.withView { try Compressor.gzip($0, into: packed) }
        case "deflate":
            // One stored block: raw DEFLATE, without zlib's frame.
            let count = Self.good.utf8.count
            packed.append([1, UInt8(count & 255), UInt8(count >> 8), UInt8(~count & 255), UInt8(~count >> 8 & 255)])
            packed.append(Self.good)
        default: packed.append(Self.good)
        }
        let body = withExtendedLifetime(packed) { packed.view.copy() }
        try await withServer { server async throws in
            for path in ["/loki/api/v1/push", "/api/prom/push"] {
                let reply = try await server.ask(
                    "POST", path,
                    headers: [("Content-Type", "application/json; charset=utf-8")] + (encoding.isEmpty ? [] : [("Content-Encoding", encoding)]),
                    body: body)
                #expect(reply.status == 204)
            }
            #expect(server.store.rows.map(\.line) == ["x", "x"])
        }
    }
}
