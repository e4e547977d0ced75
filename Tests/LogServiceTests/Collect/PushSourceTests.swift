import Bytes
import Disk
import Glibc
import LogConfig
import LogModel
import LogServer
import LogSources
import LokiWire
import Testing

@testable import LogService

/// Real sockets on loopback against the real listener.
@Suite struct PushSourceTests {
    struct Line: Equatable {
        var text: String
        var labels: String
        var time: Int64
        var metadata: String
        var keepsTime = false
    }

    final class Sink: LineSink {
        let lines = Monitor<[Line]>([])
        /// Deliveries wait while this holds.
        let isStalled = Monitor(false)
        let isClosed = Monitor(false)
        let waiting = Monitor(0)

        func deliver(_ batch: LineBatch) throws {
            waiting.change { $0 += 1 }
            _ = isStalled.wait { $0 ? nil : true }
            if isClosed.withLock({ $0 }) { throw CollectorSink.Closed() }
            lines.change { lines in
                for i in batch.lines.indices {
                    let line = batch.lines[i]
                    lines.append(
                        Line(
                            text: batch.line(i).string, labels: batch.labelSets[Int(line.labels)].description,
                            time: line.timestamp,
                            metadata: line.metadata == 0 ? "" : batch.metadataSets[Int(line.metadata)].description,
                            keepsTime: batch.keepsTimes))
                }
            }
        }

        func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] { [] }
        func importedOffset(path: String) -> UInt64? { nil }

        var texts: [String] { lines.withLock { $0.map(\.text) } }
        var labels: [String] { lines.withLock { $0.map(\.labels) } }
    }

    private func run(
        _ sink: Sink, events: SourceEvents = SourceEvents(), rules: [RelabelRule] = [],
        _ change: (inout PushTargetSettings) -> Void = { _ in }, _ body: (PushSource) async throws -> Void
    ) async throws {
        var settings = PushTargetSettings(job: 0, jobName: "p")
        settings.server.host = "127.0.0.1"
        settings.server.port = 0
        // Other tests may keep all of this process's threads busy for a while.
        settings.server.headerTimeout = 600_000_000_000
        settings.server.stallTimeout = 600_000_000_000
        settings.server.idleTimeout = 600_000_000_000
        settings.labels = Labels(["job": "p"])
        settings.relabel = rules
        change(&settings)
        let source = try await PushSource.open(settings, sink: sink, events: events)
        let worker = Worker("test-push") { try? source.run() }
        var failure: (any Error)?
        do {
            // Pushes are taken once `run` has begun.
            while try await ask(source, "GET", "/ready").status != 200 { await Task.yield() }
            try await body(source)
        } catch { failure = error }
        sink.isStalled.change { $0 = false }
        source.stop()
        try await blocking { worker?.join() }
        if let failure { throw failure }
    }

    /// Blocks a thread of its own: the server needs those of tasks.
    private func blocking<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        let result = Monitor<Result<R, any Error>?>(nil)
        await onThread {
            let made = Result { try body() }
            result.change { $0 = made }
        }
        return try #require(result.withLock { $0 }).get()
    }

    struct NoAnswer: Error { var text: String }

    struct Answer: Equatable {
        var status: Int
        var body: String
    }

    private func ask(
        _ source: PushSource, _ method: String, _ path: String, _ headers: [String] = [], _ body: [UInt8] = []
    ) async throws -> Answer {
        try await blocking {
            let file = try open(source, method, path, headers, body)
            defer { close(file) }
            return try answer(file)
        }
    }

    private func open(
        _ source: PushSource, _ method: String, _ path: String, _ headers: [String] = [], _ body: [UInt8] = []
    ) throws -> Int32 {
        let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(source.port).bigEndian)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw NoAnswer(text: "errno \(errno)") }
        var head = "\(method) \(path) HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
        for header in headers { head += header + "\r\n" }
        if !headers.contains(where: { $0.hasPrefix("Content-Length") }) { head += "Content-Length: \(body.count)\r\n" }
        var bytes = Array((head + "\r\n").utf8) + body
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { break }
            bytes.removeFirst(count)
        }
        return file
    }

    private func answer(_ file: Int32) throws -> Answer {
        var got: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(file, &chunk, chunk.count)
            if count <= 0 { break }
            got += chunk[..<count]
        }
        let text = String(decoding: got, as: UTF8.self)
        let parts = text.split(separator: " ", maxSplits: 2)
        // A test's own words do not count on other threads.
        guard parts.count > 1, let status = Int(parts[1]) else { throw NoAnswer(text: text) }
        var lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
        if let blank = lines.firstIndex(of: "") { lines.removeFirst(blank + 1) }
        return Answer(status: status, body: lines.joined(separator: "\r\n"))
    }

    private static let json = ["Content-Type: application/json"]
    private static let push = "/loki/api/v1/push"
    private static let raw = "/promtail/api/v1/raw"

    private static func body(_ streams: String) -> [UInt8] { Array("{\"streams\": [\(streams)]}".utf8) }

    private func rule(_ source: String, regex: String, action: String, target: String? = nil) throws -> RelabelRule {
        try RelabelRule(sourceLabels: [source], regex: regex, targetLabel: target, action: action)
    }

    @Test func takesJSONAndProtobuf() async throws {
        let sink = Sink()
        try await run(sink, { $0.usesIncomingTimestamp = true }) { source async throws in
            let body = Self.body(
                #"{"stream": {"app": "a", "job": "theirs"}, "values": [["7", "one", {"trace_id": "t"}], ["8", "two"]]}"#)
            #expect(try await ask(source, "POST", Self.push, Self.json, body) == Answer(status: 204, body: ""))
            let encoder = PushEncoder()
            encoder.begin(stream: Labels(["app": "b"]))
            "three".withView { encoder.entry(timestamp: 9, line: $0) }
            let packed = ByteArena()
            encoder.finish(into: packed)
            let type = ["Content-Type: application/x-protobuf"]
            #expect(try await ask(source, "POST", Self.push, type, packed.view.copy()).status == 204)
            // Labels of the configuration go over those that came.
            let expected = [
                Line(text: "one", labels: #"{app="a", job="p"}"#, time: 7, metadata: #"{trace_id="t"}"#, keepsTime: true),
                Line(text: "two", labels: #"{app="a", job="p"}"#, time: 8, metadata: "", keepsTime: true),
                Line(text: "three", labels: #"{app="b", job="p"}"#, time: 9, metadata: "", keepsTime: true),
            ]
            #expect(sink.lines.withLock { $0 } == expected)
            // Bare lines have no times to keep: the pipeline sets them apart.
            #expect(try await ask(source, "POST", Self.raw, [], Array("four".utf8)).status == 204)
            let last = try #require(sink.lines.withLock { $0.last })
            #expect(last.text == "four" && !last.keepsTime && last.time > 9)
        }
    }

    @Test func timesAreThoseOfArrivalUnlessConfigured() async throws {
        let sink = Sink()
        let before = Timestamp.now().nanoseconds
        try await run(sink) { source async throws in
            #expect(
                try await ask(source, "POST", Self.push, Self.json, Self.body(#"{"stream": {"a": "b"}, "values": [["7", "x"]]}"#)).status
                    == 204)
            let time = try #require(sink.lines.withLock { $0.first?.time })
            #expect(time >= before)
        }
    }

    @Test func rawLinesPlainAndPacked() async throws {
        let sink = Sink()
        let rules = [try RelabelRule(targetLabel: "env", replacement: "test")]
        try await run(sink, rules: rules) { source async throws in
            #expect(try await ask(source, "POST", Self.raw, [], Array("one\r\n\n  two\nthree".utf8)).status == 204)
            let packed = ByteArena()
            try "four\nfive\n".withView { try Compressor.gzip($0, into: packed) }
            #expect(try await ask(source, "POST", Self.raw, ["Content-Encoding: gzip"], packed.view.copy()).status == 204)
            #expect(try await ask(source, "POST", Self.raw).status == 204)
            #expect(sink.texts == ["one", "  two", "three", "four", "five"])
            #expect(Set(sink.labels) == [#"{env="test", job="p"}"#])
        }
    }

    /// Promtail answers at the first stream that a rule drops, and the streams behind it are lost.
    @Test func aDroppedStreamDropsOnlyItself() async throws {
        let sink = Sink()
        let dropped = Monitor<UInt64>(0)
        let events = SourceEvents(count: { counter, amount in if counter == .pushDropped { dropped.change { $0 += amount } } })
        try await run(sink, events: events, rules: [try rule("app", regex: "a", action: "drop")]) { source async throws in
            let body = Self.body(
                #"{"stream": {"app": "a"}, "values": [["1", "x"], ["2", "y"]]}, {"stream": {"app": "b"}, "values": [["1", "z"]]}"#)
            #expect(try await ask(source, "POST", Self.push, Self.json, body).status == 204)
            #expect(sink.texts == ["z"])
            #expect(dropped.withLock { $0 } == 2)
        }
    }

    /// Whose lines they are says the header alone; a rule may take it away.
    @Test func theSendersTenantIsCarriedOver() async throws {
        let sink = Sink()
        let body = Self.body(#"{"stream": {"__tenant_id__": "forged", "__secret": "x"}, "values": [["1", "x"]]}"#)
        try await run(sink) { source async throws in
            #expect(try await ask(source, "POST", Self.push, Self.json + ["X-Scope-OrgID: team-a"], body).status == 204)
            #expect(try await ask(source, "POST", Self.push, Self.json, body).status == 204)
            #expect(try await ask(source, "POST", Self.raw, ["X-Scope-OrgID: team-b"], Array("r".utf8)).status == 204)
            #expect(sink.labels == [#"{__tenant_id__="team-a", job="p"}"#, #"{job="p"}"#, #"{__tenant_id__="team-b", job="p"}"#])
            let bad = try await ask(source, "POST", Self.push, Self.json + ["X-Scope-OrgID: a|b"], body)
            #expect(bad == Answer(status: 400, body: "multiple org IDs present\n"))
        }
    }

    /// A stream without a label would be refused by every server.
    @Test func streamsWithoutLabelsGetTheJobsName() async throws {
        let sink = Sink()
        try await run(sink, { $0.labels = Labels() }) { source async throws in
            #expect(try await ask(source, "POST", Self.raw, ["X-Scope-OrgID: t"], Array("x".utf8)).status == 204)
            #expect(sink.labels == [#"{__tenant_id__="t", job="p"}"#])
        }
    }

    @Test func badBodiesAreToldWhy() async throws {
        let sink = Sink()
        let refused = Monitor<UInt64>(0)
        let events = SourceEvents(count: { counter, amount in if counter == .pushRefused { refused.change { $0 += amount } } })
        try await run(sink, events: events, { $0.sizeMax = 4096 }) { source async throws in
            func expect(
                _ status: Int, _ words: String, _ headers: [String], _ body: String, path: String = Self.push
            ) async throws {
                let answer = try await ask(source, "POST", path, headers, Array(body.utf8))
                #expect(answer.status == status && answer.body.contains(words), "\(answer)")
            }
            try await expect(400, "mime: no media type", [], "{}")
            try await expect(400, "", Self.json, #"{"streams": [{"stream": {"a": "b"}, "values": [["1", "good"]]}, {"stream""#)
            try await expect(400, "gzip: invalid header", Self.json + ["Content-Encoding: gzip"], "{}")
            try await expect(400, "\"br\" not supported", ["Content-Encoding: br"], "x", path: Self.raw)
            try await expect(400, "label name is empty", Self.json, #"{"streams": [{"stream": {"a": "b"}, "values": [["1", "x", {"": "v"}]]}]}"#)
            try await expect(422, "at least one valid stream", Self.json, #"{"streams": []}"#)
            try await expect(413, "too large", Self.json, String(repeating: " ", count: 5000))
            try await expect(413, "too large", Self.json + ["Content-Length: 1000000000"], "")
            let bomb = ByteArena()
            let zeros = [UInt8](repeating: 0x0A, count: 1 << 20)
            try zeros.withView { try Compressor.gzip($0, into: bomb) }
            #expect(try await ask(source, "POST", Self.raw, ["Content-Encoding: gzip"], bomb.view.copy()).status == 413)
            #expect(try await ask(source, "GET", Self.push).status == 405)
            #expect(try await ask(source, "POST", "/loki/api/v1/query").status == 404)
            #expect(sink.texts == [])
            #expect(refused.withLock { $0 } == 11)
        }
    }

    /// The answer comes when the sink has taken the lines, and not before; who has left while waiting for a turn is
    /// forgotten, since the same lines will come again.
    @Test func answersWaitForTheSink() async throws {
        let sink = Sink()
        try await run(sink) { source async throws in
            sink.isStalled.change { $0 = true }
            // Two threads take pushes.
            let first = try open(source, "POST", Self.raw, [], Array("one".utf8))
            _ = try await blocking { sink.waiting.wait { $0 == 1 ? true : nil } }
            let second = try open(source, "POST", Self.raw, [], Array("two".utf8))
            _ = try await blocking { sink.waiting.wait { $0 == 2 ? true : nil } }
            var poll = pollfd(fd: first, events: Int16(POLLIN), revents: 0)
            #expect(Glibc.poll(&poll, 1, 0) == 0)
            sink.isStalled.change { $0 = false }
            let firstAnswer = try await blocking { try answer(first) }
            #expect(firstAnswer.status == 204)
            let secondAnswer = try await blocking { try answer(second) }
            #expect(secondAnswer.status == 204)
            #expect(sink.texts.sorted() == ["one", "two"])
            close(first)
            close(second)
        }
    }

    @Test func aClosingSinkIsNoSuccess() async throws {
        let sink = Sink()
        try await run(sink) { source async throws in
            sink.isClosed.change { $0 = true }
            let answer = try await ask(source, "POST", Self.raw, [], Array("one".utf8))
            #expect(answer == Answer(status: 503, body: "the collector is stopping\n"))
        }
    }

    /// What has come in is answered before the port goes.
    @Test func stoppingAnswersFirst() async throws {
        let sink = Sink()
        try await run(sink) { source async throws in
            sink.isStalled.change { $0 = true }
            let file = try open(source, "POST", Self.raw, [], Array("one".utf8))
            _ = try await blocking { sink.waiting.wait { $0 == 1 ? true : nil } }
            source.stop()
            sink.isStalled.change { $0 = false }
            let fileAnswer = try await blocking { try answer(file) }
            #expect(fileAnswer.status == 204)
            close(file)
        }
    }

    @Test func busyPortsAreToldAtOnce() async throws {
        let sink = Sink()
        var settings = PushTargetSettings(job: 0, jobName: "t")
        settings.server.host = "127.0.0.1"
        settings.server.port = 0
        let first = try await PushSource.open(settings, sink: sink, events: SourceEvents())
        settings.server.port = first.port
        let error = await #expect(throws: StoreError.self) {
            _ = try await PushSource.open(settings, sink: sink, events: SourceEvents())
        }
        #expect(error?.message.contains("loki_push_api.server.http_listen_port of job t: ") == true, "\(String(describing: error))")
        first.stop()
    }
}
