import Bytes
import LogModel
import NIOCore
import Testing

@testable import LogShipping

@Suite struct DeliveryPartsTests {
    @Test(arguments: [
        ("3", 3), (" 0 ", 0), ("-5", 0), ("999999999", 3_600), ("Sun, 06 Nov 1994 08:49:47 GMT", 10),
        ("Sun, 06 Nov 1994 08:49:00 GMT", 0),
    ])
    func retryAfterIsSecondsOrADate(text: String, seconds: Int64) {
        // 1994-11-06 08:49:37
        #expect(RetryAfter.nanoseconds(text, now: 784_111_777_000_000_000) == seconds * 1_000_000_000)
    }

    @Test(arguments: ["", "soon", "Sun, 99 Nov 1994 08:49:47 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"])
    func anythingElseIsNoRetryAfter(text: String) { #expect(RetryAfter.nanoseconds(text) == nil) }

    @Test(arguments: [
        ("http://logs.example.com:3100/push", "example.com", true), ("http://logs.example.com/push", ".example.com", true),
        ("http://example.com/push", ".example.com", false), ("http://example.com/push", "*.example.com", false),
        ("http://example.com:80/push", "other, example.com:80", true), ("http://example.com:81/push", "example.com:80", false),
        ("http://notexample.com/push", "example.com", false), ("https://a/push", "*", true), ("https://a/push", "", false),
        ("http://10.1.2.3:3100/push", "10.0.0.0/8", true), ("http://11.1.2.3/push", "10.0.0.0/8,::/0", false),
        ("http://host/push", "10.0.0.0/8, 0.0.0.0/0", false), ("http://10.1.2.3/push", "10.1.2.3", true),
    ])
    func noProxyFollowsGo(url: String, list: String, isException: Bool) {
        #expect(ProxyChoice.isException(url, list) == isException)
    }

    @Test func theProxyComesFromWhereItIsSaid() {
        var settings = ProxySettings()
        #expect(ProxyChoice.proxy(for: "http://a/", settings, environment: { _ in "http://p:1" }) == nil)
        settings.isFromEnvironment = true
        let names = ["HTTPS_PROXY": "http://secure:3128", "http_proxy": "plain"]
        #expect(ProxyChoice.proxy(for: "https://a/", settings, environment: { names[$0] })?.host == "secure")
        let plain = ProxyChoice.proxy(for: "http://a/", settings, environment: { names[$0] })
        #expect(plain?.host == "plain" && plain?.port == 80)
        settings.isFromEnvironment = false
        settings.url = "http://me:se%63ret@proxy:3128"
        let own = ProxyChoice.proxy(for: "http://a/", settings, environment: { _ in nil })
        #expect(own?.host == "proxy" && own?.port == 3128 && own?.authorization == "Basic bWU6c2VjcmV0")
        #expect(ProxyChoice.proxy(for: "http://localhost/", settings, environment: { _ in nil }) != nil)
        settings.exceptions = "elsewhere"
        #expect(ProxyChoice.proxy(for: "http://127.0.0.1:3100/", settings, environment: { _ in nil }) == nil, "as in Go")
    }

    @Test func aStreamHasOneShardForEver() {
        let labels = (0..<100).map { Labels([Label("s", ByteString("\($0)"))]) }
        let shards = labels.map { StreamShards.shard(of: $0, count: 4) }
        #expect(Set(shards) == [0, 1, 2, 3])
        #expect(shards.prefix(6) == labels.prefix(6).map { StreamShards.shard(of: $0, count: 4) }.prefix(6))
        var batch = WriteBatch(tenant: .fake)
        for (time, label) in (labels + labels).enumerated() {
            let stream = batch.stream(label)
            let text: StaticString = "x"
            batch.add(timestamp: Int64(time), stream: stream, line: ByteView(text))
        }
        let parts = StreamShards.of(batch, count: 4)
        #expect(parts.reduce(0) { $0 + $1.batch.rows.count } == 200)
        for (shard, part) in parts {
            #expect(part.streams.allSatisfy { StreamShards.shard(of: $0, count: 4) == shard })
            #expect(zip(part.rows, part.rows.dropFirst()).allSatisfy { $0.timestamp < $1.timestamp })
        }
    }

    @Test func aRequestIsTakenApartAndPutTogether() throws {
        var batch = WriteBatch(tenant: .fake)
        let metadata = batch.metadataSet(Labels([Label("k", "v")]))
        for (time, name) in ["a", "b", "a", "c", "a"].enumerated() {
            let stream = batch.stream(Labels([Label("s", ByteString(name))]))
            let line = ByteString("line \(time)")
            line.withView {
                batch.add(timestamp: 1_700_000_000_000_000_005 + Int64(time), stream: stream, metadata: metadata, line: $0)
            }
        }
        let whole = PushBody(externalLabels: Labels([Label("x", "y")])).snappy(batch)
        let pieces = try #require(PushPieces(whole))
        #expect(pieces.count == 5)
        #expect(pieces.isOneStream(0..<3) && !pieces.isOneStream(0..<4))
        #expect(pieces.cut(0..<5) == 3 && pieces.cut(3..<5) == 4 && pieces.cut(0..<3) == 1)
        let part = try #require(PushPieces(pieces.body(1..<4)))
        let letters = (0..<part.count).map { part.letter($0) }
        #expect(letters.map { $0.line.string } == ["line 2", "line 4", "line 1"])
        #expect(letters.map { $0.time % 10 } == [7, 9, 6])
        #expect(letters.map { "\($0.labels)" }.last == #"{s="b", x="y"}"#)
        #expect(letters.allSatisfy { $0.metadata == [Label("k", "v")] })
        #expect(pieces.body(0..<5) == whole, "all of it is what it was")
        #expect(PushPieces(ByteBuffer(string: "nothing of the kind")) == nil)
    }

    @Test func deadLettersAreBounded() throws {
        let folder = try Scratch()
        var settings = DeadLetterSettings(path: folder.path("letters"))
        settings.sizeMax = 1_000
        let letters = DeadLetterFile(settings)
        let out = ByteArena()
        let line: StaticString = "a \"quoted\" line\u{1}"
        for number in 0..<50 {
            out.reset()
            letters.write(
                labels: Labels([Label("s", "1")]), time: 0, line: ByteView(line), metadata: [], tenant: "t", status: 400,
                reason: "no \(number)", into: out)
            #expect(letters.append(out.view) == nil)
        }
        #expect(folder.read("letters").utf8.count <= 1_000 && folder.read("letters.1").utf8.count <= 1_000)
        #expect(folder.mode("letters") == 0o600 && folder.mode("letters.1") == 0o600)
        #expect(
            folder.read("letters").hasSuffix(
                #"{"time":"1970-01-01T00:00:00Z","labels":{"s":"1"},"line":"a \"quoted\" line\u0001","tenant":"t","status":400,"reason":"no 49"}"#
                    + "\n"))
        // One letter alone does not burst the bound: 90 MB of NUL bytes became 540 MB.
        out.reset()
        let zeros = ByteString([UInt8](repeating: 0, count: 90_000))
        zeros.withView { line in
            letters.write(
                labels: Labels([Label("s", "1")]), time: 0, line: line, metadata: [], tenant: "", status: 400,
                reason: "long", into: out)
        }
        #expect(out.count < 2_000 && out.view.string.contains("\"bytes\":90000"))
        var nowhere = settings
        nowhere.path = folder.path("missing/letters")
        #expect(DeadLetterFile(nowhere).append(out.view)?.contains("are not kept") == true)
    }
}
