import Bytes
import LogModel
import LogQuery
import Synchronization
import Testing

@testable import LogServer

/// Live tails over real sockets, as Grafana, logcli and curl open them.
@Suite struct TailRouteTests {
    static let tail = "/loki/api/v1/tail?query=%7Bapp%3D%22a%22%7D"

    static func body(_ lines: [(Int64, String)], app: String = "a") -> String {
        let values = lines.map { "[\"\($0.0)\",\"\($0.1)\"]" }.joined(separator: ",")
        return "{\"streams\":[{\"stream\":{\"app\":\"\(app)\"},\"values\":[\(values)]}]}"
    }

    @Test(.timeLimit(.minutes(1))) func historyComesFirstThenWhatIsStored() async throws {
        let now = Timestamp.now().nanoseconds
        try await withServer { server async throws in
            let old = (0..<5).map { (now - 50 + Int64($0), "old \($0)") }
            #expect(try await server.push(Self.body(old)).status == 204)
            let socket = try await Blocking.run { try WebSocketClient(try server.client(), Self.tail + "&limit=3") }
            #expect(socket.answer.status == 101)
            #expect(socket.answer["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
            // The newest three, oldest first, each with a stream object of its own.
            let first = try await Blocking.run { try socket.text() }
            let stream = #"{"app":"a","detected_level":"unknown","service_name":"a"}"#
            let objects = (2..<5).map { #"{"stream":\#(stream),"values":[["\#(now - 50 + Int64($0))","old \#($0)"]]}"# }
            #expect(first == #"{"streams":[\#(objects.joined(separator: ","))]}"#)

            #expect(try await server.push(Self.body([(now, "other")], app: "b")).status == 204)
            #expect(try await server.push(Self.body([(now + 2, "second"), (now + 1, "first <&>")])).status == 204)
            let live = try await Blocking.run { try socket.text() }
            #expect(
                live
                    == #"{"streams":[{"stream":\#(stream),"values":[["\#(now + 1)","first \u003c\u0026\u003e"]]},{"stream":\#(stream),"values":[["\#(now + 2)","second"]]}]}"#)
        }
    }

    @Test(.timeLimit(.minutes(1))) func labelsComeApartForWhoAsks() async throws {
        let now = Timestamp.now().nanoseconds
        try await withServer { server async throws in
            let socket = try await Blocking.run {
                try WebSocketClient(
                    try server.client(), Self.tail + "%20%7C%20json", headers: [("X-Loki-Response-Encoding-Flags", "categorize-labels")])
            }
            #expect(try await server.push(Self.body([(now, #"{\"level\":\"warn\"}"#), (now + 1, "plain")])).status == 204)
            let text = try await Blocking.run { try socket.text() }
            #expect(
                text
                    == #"{"streams":[{"stream":{"app":"a","service_name":"a"},"values":[["\#(now)","{\"level\":\"warn\"}",{"structuredMetadata":{"detected_level":"warn"},"parsed":{"level":"warn"}}]]},{"stream":{"app":"a","service_name":"a"},"values":[["\#(now + 1)","plain",{"structuredMetadata":{"detected_level":"unknown"},"parsed":{"__error__":"JSONParserErr","__error_details__":"Value looks like object, but can't find closing '}' symbol"}}]]}],"encodingFlags":["categorize-labels"]}"#
                    || JSONValue.parse(text ?? "")?["encodingFlags"] == .array([.string("categorize-labels")]))
            let values = JSONValue.parse(text ?? "")?["streams"]?.items.compactMap { $0["values"]?.items.first?.items }
            #expect(values?.allSatisfy { $0.count == 3 } == true)
            #expect(values?.first?[2]["parsed"]?["level"] == .string("warn"))
        }
    }

    /// How far a reader is, for a writer that must not run away from it.
    private final class Progress: Sendable {
        let seen = Atomic<Int>(0)
        /// Bytes that waited at most, as far as was looked.
        let waiting = Atomic<Int>(0)
    }

    /// The promise: cut as often as you like, a client that comes back with the time of its last line misses nothing
    /// and is told nothing twice but that last moment.
    @Test(.timeLimit(.minutes(2))) func tenThousandLinesSurviveFiveCuts() async throws {
        let start = Timestamp.now().nanoseconds
        let total = 10_000
        try await withServer { server async throws in
            let progress = Progress()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { () async throws -> Void in
                    for first in stride(from: 0, to: total, by: 50) {
                        // No further ahead of the reader than a history reaches back.
                        while first > progress.seen.load(ordering: .relaxed) + 4_000 { await Task.yield() }
                        let lines = (first..<first + 50).map { (start + Int64($0), "line \($0)") }
                        #expect(try await server.push(Self.body(lines)).status == 204)
                    }
                }
                group.addTask { () async throws -> Void in
                    let lines = try await Blocking.apart {
                        var lines: [Int64: String] = [:]
                        var last = start
                        for cut in 1...6 {
                            let socket = try WebSocketClient(try server.client(), Self.tail + "&limit=5000&start=\(last)")
                            #expect(socket.answer.status == 101)
                            var fresh: Set<Int64> = []
                            while lines.count < (cut == 6 ? total : cut * 1_500), let text = try socket.text() {
                                let message = TailLine.parse(text)
                                #expect(message.dropped.isEmpty)
                                for line in message.lines {
                                    #expect(fresh.insert(line.timestamp).inserted, "\(line.line) came twice on one connection")
                                    #expect(lines[line.timestamp] == nil || line.timestamp <= last)
                                    lines[line.timestamp] = line.line
                                }
                                progress.seen.store(lines.count, ordering: .relaxed)
                            }
                            last = fresh.max() ?? last
                            socket.connection.close()
                        }
                        return lines
                    }
                    #expect(lines.count == total)
                    #expect(lines == Dictionary(uniqueKeysWithValues: (0..<total).map { (start + Int64($0), "line \($0)") }))
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func aSlowReaderIsToldWhatItMissed() async throws {
        var settings = Tail.Settings()
        settings.messagesMax = 2
        settings.pendingMax = 64 << 10
        let now = Timestamp.now().nanoseconds
        try await withServer(tails: settings) { server async throws in
            let connection = try TestClient(port: server.port, receiveBuffer: 4_096)
            let socket = try await Blocking.run { try WebSocketClient(connection, Self.tail) }
            let text = String(repeating: "x", count: 100_000)
            let total = 300
            for i in 0..<total { #expect(try await server.push(Self.body([(now + Int64(i), text)])).status == 204) }
            let (shown, missed) = try await Blocking.run {
                var shown: Set<Int64> = []
                var missed: Set<Int64> = []
                while shown.count + missed.count < total, let text = try socket.text() {
                    let message = TailLine.parse(text)
                    for line in message.lines { shown.insert(line.timestamp) }
                    for entry in message.dropped {
                        #expect(entry.labels == ["app": "a", "service_name": "a"])
                        missed.insert(entry.timestamp)
                    }
                }
                return (shown, missed)
            }
            #expect(!missed.isEmpty)
            #expect(shown.isDisjoint(with: missed))
            #expect(shown.union(missed) == Set((0..<total).map { now + Int64($0) }))
        }
    }

    /// A dashboard whose tab sleeps: eleven panels follow, the twelfth reads nothing. What waits for it stays within bounds,
    /// nobody else waits, and when it wakes it is told what it missed.
    @Test(.timeLimit(.minutes(2))) func twelvePanelsOfWhichOneSleeps() async throws {
        let (panels, total, push) = (11, 10_000, 50)
        var tight = Tail.Settings()
        tight.messagesMax = 4
        tight.messageBytesMax = 64 << 10
        tight.pendingMax = 1 << 20
        let settings = tight
        var limits = openLimits()
        limits.maxConcurrentTailRequests = panels + 1
        let start = Timestamp.now().nanoseconds
        try await withServer(limits: limits, tails: settings) { server async throws in
            let sleeping = try TestClient(port: server.port, receiveBuffer: 4_096)
            let sleeper = try await Blocking.run { try WebSocketClient(sleeping, Self.tail) }
            #expect(sleeper.answer.status == 101)
            let awake = try await Blocking.run {
                // They see the same lines, cut short: what is slow here must be the sleeper, not this test.
                let target = Self.tail + "%20%7C%20line_format%20%60%7B%7Btrunc%2010%20__line__%7D%7D%60"
                return try (0..<panels).map { _ in try WebSocketClient(try server.client(), target) }
            }
            #expect(awake.allSatisfy { $0.answer.status == 101 })
            let progress = Progress()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { () async throws -> Void in
                    let lines = try await Blocking.apart {
                        var lines = [[String]](repeating: [], count: panels)
                        // In turn: what one panel gets, the others get without waiting for it to be read.
                        for goal in stride(from: push, through: total, by: push) {
                            for (i, socket) in awake.enumerated() {
                                while lines[i].count < goal, let text = try socket.text() {
                                    let message = TailLine.parse(text)
                                    #expect(message.dropped.isEmpty)
                                    lines[i] += message.lines.map(\.line)
                                }
                            }
                            progress.seen.store(goal, ordering: .relaxed)
                        }
                        return lines
                    }
                    let wanted = (0..<total).map { "line \(10_000 + $0)" }
                    for panel in lines { #expect(panel == wanted) }
                }
                group.addTask { () async throws -> Void in
                    let padding = String(repeating: "x", count: 2_000)
                    for first in stride(from: 0, to: total, by: push) {
                        // The awake ones must not fall behind for want of processors.
                        while first > progress.seen.load(ordering: .relaxed) + 2 * push { await Task.yield() }
                        let lines = (first..<first + push).map { (start + Int64($0), "line \(10_000 + $0) \(padding)") }
                        #expect(try await server.push(Self.body(lines)).status == 204)
                        let waiting = try await server.metric("tailrace_tail_waiting_bytes")
                        progress.waiting.max(waiting, ordering: .relaxed)
                    }
                }
                try await group.waitForAll()
            }
            // Of one tail at most: what waits to be looked at, the messages made of it, and a batch more of each.
            let bound = settings.pendingMax + settings.messagesMax * settings.messageBytesMax + 2 * push * 2_200
            let most = progress.waiting.load(ordering: .relaxed)
            #expect(most > settings.pendingMax / 2)
            #expect(most <= bound + panels * 2 * push * 2_200)
            let missed = try await server.metric("tailrace_tail_dropped_lines_total")
            #expect(missed > 0)
            let (shown, told) = try await Blocking.run {
                var shown: [Int64] = []
                var told: [Int64] = []
                while shown.count + missed < total, let text = try sleeper.text() {
                    let message = TailLine.parse(text)
                    shown += message.lines.map(\.timestamp)
                    told += message.dropped.map(\.timestamp)
                }
                return (shown, told)
            }
            // Everything was either shown or left out; of the latter a thousand at least are named.
            #expect(shown.count == total - missed)
            #expect(shown == shown.sorted())
            #expect(told.count >= min(missed, settings.droppedMax) && told.count <= missed)
            #expect(Set(told).isDisjoint(with: shown))
        }
    }

    @Test(.timeLimit(.minutes(1))) func allStreamsWhereThatIsAllowed() async throws {
        let everything = "/loki/api/v1/tail?query=%7B%7D"
        try await withServer { server async throws in
            #expect(try await Blocking.run { try WebSocketClient(try server.client(), everything).answer.status } == 400)
        }
        var settings = QuerySettings()
        settings.allowAllStreams = true
        let allowing = settings
        try await withServer(parts: {
            $0.querySettings = allowing
            $0.engine = QueryEngine(store: $0.reader, settings: allowing)
        }) { server async throws in
            let now = Timestamp.now().nanoseconds
            let socket = try await Blocking.run { try WebSocketClient(try server.client(), everything) }
            #expect(socket.answer.status == 101)
            #expect(try await server.push(Self.body([(now, "of a")])).status == 204)
            #expect(try await server.push(Self.body([(now + 1, "of b")], app: "b")).status == 204)
            #expect(try await Blocking.run { try socket.lines(2).map(\.line) } == ["of a", "of b"])
            let pretty = try await server.get("/loki/api/v1/format_query?query=%7B%7D")
            #expect(pretty.text.contains(#""data":"{}""#))
            // What a client demands of its queries holds for such a one as well.
            let demand = [("X-Loki-Query-Limits", #"{"requiredLabels":["app"]}"#)]
            #expect(try await server.get("/loki/api/v1/query_range?query=%7B%7D", headers: demand).status == 400)
        }
    }

    /// Loki's words, in plain text and before the upgrade.
    @Test(arguments: [
        ("query=%7Bapp%3D%22a%22%7D&delay_for=6", "delay_for can't be greater than 5"),
        ("query=%7Bapp%3D%22a%22%7D&delay_for=x", #"strconv.Atoi: parsing "x": invalid syntax"#),
        ("query=%7Bapp%3D%22a%22%7D&limit=0", "limit must be a positive value"),
        ("query=%7Bapp%3D%22a%22%7D&limit=5001", "max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)"),
        ("query=rate(%7Bapp%3D%22a%22%7D%5B1m%5D)", "only log selector is supported"),
        ("query=", "parse error : syntax error: unexpected $end"),
        ("query=%7Bapp%3D%22a%22%7D&start=1", nil),
    ])
    func refusalsComeBeforeTheUpgrade(parameters: String, message: String?) async throws {
        try await withServer { server async throws in
            for upgrades in [true, false] {
                let reply = try await Blocking.run {
                    let target = "/loki/api/v1/tail?" + parameters
                    let client = try server.client()
                    if upgrades { return try WebSocketClient(client, target).answer }
                    try client.send("GET", target)
                    return try client.receive()
                }
                #expect(reply.status == 400)
                #expect(reply["content-type"] == "text/plain; charset=utf-8")
                if let message { #expect(reply.text == message + "\n") }
                // NIO reads nothing behind a request that asked for an upgrade.
                #expect(reply["connection"] == (upgrades ? "close" : nil))
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func tailsOfATenantAreCounted() async throws {
        var limits = openLimits()
        limits.maxConcurrentTailRequests = 2
        try await withServer(limits: limits) { server async throws in
            let open = try await Blocking.run {
                try (0..<2).map { _ in try WebSocketClient(try server.client(), Self.tail) }
            }
            #expect(open.map(\.answer.status) == [101, 101])
            let refused = try await Blocking.run { try WebSocketClient(try server.client(), Self.tail).answer }
            #expect(refused.status == 400)
            #expect(refused.text == "max concurrent tail requests limit exceeded, count > limit (3 > 2)\n")
            // A goodbye is answered with the client's own code, and makes room.
            let goodbye = try await Blocking.run {
                try open[0].send(8, [0x03, 0xE8])
                // A ping may have been under way.
                while let frame = try open[0].frame() {
                    if frame.opcode != 9 { return WebSocketClient.Frame?.some(frame) }
                }
                return nil
            }
            #expect(goodbye?.close?.code == 1_000)
            // So does leaving without one.
            open[1].connection.close()
            var statuses: [Int] = []
            var kept: [WebSocketClient] = []
            while statuses.filter({ $0 == 101 }).count < 2 {
                let next = try await Blocking.run { try WebSocketClient(try server.client(), Self.tail) }
                statuses.append(next.answer.status)
                kept.append(next)
            }
        }
    }

    @Test(.timeLimit(.minutes(1))) func pingsComeAndGo() async throws {
        try await withServer { server async throws in
            let opcodes = try await Blocking.run {
                let socket = try WebSocketClient(try server.client(), Self.tail)
                // A text of the client is ignored, its ping answered.
                try socket.send(1, Array("hello".utf8))
                try socket.send(9, [1, 2])
                let pong = try socket.frame()
                #expect(pong?.payload == [1, 2])
                return [pong?.opcode, try socket.frame()?.opcode]
            }
            #expect(opcodes == [10, 9])
        }
    }

    @Test(.timeLimit(.minutes(1))) func aTailEndsAtItsLongest() async throws {
        var limits = openLimits()
        limits.tailMaxDuration = 50_000_000
        try await withServer(limits: limits) { server async throws in
            let frames = try await Blocking.run {
                let socket = try WebSocketClient(try server.client(), Self.tail)
                return [try socket.frame(), try socket.frame()]
            }
            #expect(frames[0]?.close?.code == 1_011)
            #expect(frames[0]?.close?.reason == "reached tail max duration limit")
            #expect(frames[1] == nil)
        }
    }

    /// Go's HTTP client, and so Grafana's proxy, sends an upgrade on whatever connection is idle.
    @Test(.timeLimit(.minutes(1))) func aUsedConnectionCanBecomeATail() async throws {
        let now = Timestamp.now().nanoseconds
        try await withServer { server async throws in
            let client = try server.client()
            let socket = try await Blocking.run {
                try client.send("GET", "/ready")
                #expect(try client.receive().status == 200)
                return try WebSocketClient(client, Self.tail)
            }
            #expect(socket.answer.status == 101)
            #expect(try await server.push(Self.body([(now, "x")])).status == 204)
            #expect(try await Blocking.run { try socket.lines(1).map(\.line) } == ["x"])
        }
    }

    @Test func handshakesThatAreNone() async throws {
        try await withServer { server async throws in
            let upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
            let key = [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]
            #expect(try await server.get(Self.tail, headers: upgrade + key).status == 400)
            #expect(try await server.get(Self.tail, headers: upgrade + [("Sec-WebSocket-Version", "13")]).status == 400)
            // A page of another site must not read logs through its visitor's browser.
            let all = upgrade + key + [("Sec-WebSocket-Version", "13")]
            #expect(try await server.get(Self.tail, headers: all + [("Origin", "http://evil.example")]).status == 403)
            #expect(try await server.get(Self.tail, headers: all + [("Origin", "http://test")]).status == 101)
            #expect(try await server.ask("POST", Self.tail).status == 405)
        }
    }

    /// `curl -N`: an entry a line.
    @Test(.timeLimit(.minutes(1))) func withoutUpgradeThereAreLinesOfJSON() async throws {
        let now = Timestamp.now().nanoseconds
        try await withServer { server async throws in
            #expect(try await server.push(Self.body([(now - 1, "old")])).status == 204)
            let client = try server.client()
            let head = try await Blocking.run {
                try client.send("GET", Self.tail)
                return try client.receive(hasBody: false)
            }
            #expect(head.status == 200)
            #expect(head["content-type"] == "application/x-ndjson")
            let labels = #"{"app":"a","detected_level":"unknown","service_name":"a"}"#
            #expect(try await Blocking.run { try client.line() } == #"{"ts":"\#(now - 1)","labels":\#(labels),"line":"old"}"#)
            #expect(try await server.push(Self.body([(now, "new")])).status == 204)
            #expect(try await Blocking.run { try client.line() } == #"{"ts":"\#(now)","labels":\#(labels),"line":"new"}"#)
        }
    }

    @Test(.timeLimit(.minutes(1))) func theLegacyPathHasItsOwnShape() async throws {
        try await withServer { server async throws in
            let socket = try await Blocking.run {
                try WebSocketClient(try server.client(), "/api/prom/tail?query=%7Bapp%3D%22a%22%7D")
            }
            #expect(try await server.push(Self.body([(1_794_304_800_000_000_001, "x")])).status == 204)
            #expect(
                try await Blocking.run { try socket.text() }
                    == #"{"streams":[{"labels":"{app=\"a\", detected_level=\"unknown\", service_name=\"a\"}","entries":[{"ts":"2026-11-10T10:00:00.000000001Z","line":"x"}]}]}"#)
        }
    }

    /// Stock clients come back only where a connection ends without a close frame.
    @Test(.timeLimit(.minutes(1))) func aServerThatStopsLeavesWithoutAWord() async throws {
        let open = Mutex<[WebSocketClient]>([])
        try await withServer { server async throws in
            let socket = try await Blocking.run { try WebSocketClient(try server.client(), Self.tail) }
            #expect(socket.answer.status == 101)
            open.withLock { $0.append(socket) }
        }
        let last = try await Blocking.run {
            var last: WebSocketClient.Frame?
            while let socket = open.withLock({ $0.first }), let frame = try socket.frame() { last = frame }
            return last
        }
        #expect(last?.opcode != 8)
    }
}
