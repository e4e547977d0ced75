import Bytes
import Disk
import Glibc
import LogModel
import LogTestKit
import Metrics
import Synchronization
import Testing

@testable import LogShipping

/// Clients in front of servers that time out, hang, refuse and break off: nothing is lost, nothing comes twice to a server
/// that keeps the numbers of batches, and one destination is no matter of another.
@Suite(.timeLimit(.minutes(2))) struct DeliveryTests {
    /// `isPatient`: a machine that is busy is no server that is silent.
    static func settings(_ server: FaultServer, isPatient: Bool = true) -> ClientSettings {
        var settings = ClientSettings(url: server.url)
        settings.timeout = isPatient ? 60_000_000_000 : 250_000_000
        settings.backoffMin = 1_000_000
        settings.backoffMax = 4_000_000
        return settings
    }

    static func batch(_ rows: [(stream: String, line: String)]) -> WriteBatch {
        var batch = WriteBatch(tenant: .fake)
        for (index, row) in rows.enumerated() {
            let stream = batch.stream(Labels([Label("s", ByteString(row.stream))]))
            let line = ByteString(row.line)
            line.withView { batch.add(timestamp: 1_000 + Int64(index), stream: stream, line: $0) }
        }
        return batch
    }

    static func client(
        _ settings: ClientSettings, spool: Spool? = nil, registry: Registry = Registry(), promtailNames: Bool = false
    ) -> ShippingClient {
        ShippingClient(
            settings, registry: registry, identity: "test", spool: spool, promtailNames: promtailNames, report: { _ in })
    }

    /// `submit` blocks, so it may not run on Swift's own threads.
    static func submit(_ client: ShippingClient, _ batches: [WriteBatch]) async -> [ShippingClient.Outcome] {
        let seen = Seen()
        await Blocking.run { for batch in batches { client.submit(batch) { seen.add($0) } } }
        return seen.all
    }

    static func lines(_ range: Range<Int>, stream: String = "a") -> [(stream: String, line: String)] {
        range.map { (stream, "line \($0)") }
    }

    static func shown(_ range: Range<Int>, stream: String = "a") -> [String] { range.map { #"{s="\#(stream)"} line \#($0)"# } }

    /// Each of the faults once, in one life of a client: the server has every line once, in order.
    @Test func everyFaultIsSurvived() async {
        let server = FaultServer { request in
            switch request.number {
            case 0: .takenAndSilent
            case 1: .status(429, headers: ["Retry-After: 0"])
            case 3: .status(500, text: "no\n")
            case 4: .reset
            case 6: .silent
            case 7: .halfAnswer
            case 8: .status(503)
            case 10: .status(401)
            case 12: .status(403)
            default: .status(204)
            }
        }
        defer { server.stop() }
        let client = Self.client(Self.settings(server, isPatient: false))
        let seen = Seen()
        await Blocking.run {
            for number in 0..<6 { client.submit(Self.batch(Self.lines(number * 10..<number * 10 + 10))) { seen.add($0) } }
        }
        await client.close()
        #expect(seen.all == [ShippingClient.Outcome](repeating: .accepted, count: 6))
        #expect(server.taken == Self.shown(0..<60))
        let headers = server.requests.map { $0.batch ?? "" }
        #expect(headers[0] == headers[1] && headers[1] == headers[2], "the same content under the same number")
        #expect(Set(headers).count == 6)
    }

    /// 400 for one line dropped the whole batch.
    @Test func oneBadLineCostsOneLine() async throws {
        let server = FaultServer { request in
            request.lines.contains { $0.contains("line 37") } ? .status(400, text: "line 37 is bad") : .status(204)
        }
        defer { server.stop() }
        let folder = try Scratch()
        var settings = Self.settings(server)
        settings.deadLetters = DeadLetterSettings(path: folder.path("letters.jsonl"))
        let registry = Registry()
        let client = Self.client(settings, registry: registry)
        let seen = Seen()
        await Blocking.run { client.submit(Self.batch(Self.lines(0..<100))) { seen.add($0) } }
        await client.close()
        #expect(Set(server.taken) == Set(Self.shown(0..<100)).subtracting(Self.shown(37..<38)))
        #expect(server.taken == Self.shown(0..<37) + Self.shown(38..<100), "and the others in their order")
        guard case .refused(let words)? = seen.all.first else {
            Issue.record("\(seen.all)")
            return
        }
        #expect(words.hasPrefix("1 of 100 lines: ") && words.contains("line 37 is bad"))
        let letters = folder.read("letters.jsonl")
        #expect(letters.contains(#""labels":{"s":"a"},"line":"line 37","status":400,"reason":"#), "\(letters)")
        #expect(letters.split(separator: "\n").count == 1)
        #expect(folder.mode("letters.jsonl") == 0o600)
        #expect(registry.value("tailrace_shipping_dead_letters_total", ["host": "127.0.0.1:\(server.port)"]) == 1)
        #expect(server.requests.count < 20)
        // Parts have no number: servers leave out what they hold already.
        #expect(server.requests.dropFirst().allSatisfy { $0.batch == nil })
    }

    /// A stream that a server never takes is no reason to ask for each of its lines.
    @Test func aRefusedStreamCostsFewRequests() async throws {
        let server = FaultServer { request in
            request.lines.contains { $0.hasPrefix(#"{s="bad"}"#) } ? .status(400, text: "no such stream") : .status(204)
        }
        defer { server.stop() }
        let folder = try Scratch()
        var settings = Self.settings(server)
        settings.deadLetters = DeadLetterSettings(path: folder.path("letters.jsonl"))
        let client = Self.client(settings)
        let rows = Self.lines(0..<300) + Self.lines(0..<400, stream: "bad") + Self.lines(0..<300, stream: "z")
        await Blocking.run { client.submit(Self.batch(rows)) { _ in } }
        await client.close()
        #expect(server.taken == Self.shown(0..<300) + Self.shown(0..<300, stream: "z"))
        #expect(folder.read("letters.jsonl").split(separator: "\n").count == 400)
        #expect(server.requests.count < 60, "\(server.requests.count)")
    }

    @Test func tooLargeABatchIsHalvedUntilItFits() async {
        let server = FaultServer { $0.lines.count > 30 ? .status(413) : .status(204) }
        defer { server.stop() }
        let client = Self.client(Self.settings(server))
        let seen = Seen()
        await Blocking.run { client.submit(Self.batch(Self.lines(0..<100))) { seen.add($0) } }
        await client.close()
        #expect(seen.all == [.accepted])
        #expect(server.taken == Self.shown(0..<100))
    }

    @Test func tokensThatAreNeverGoodEndInDeadLetters() async throws {
        let server = FaultServer { _ in .status(401) }
        defer { server.stop() }
        let folder = try Scratch()
        var settings = Self.settings(server)
        settings.deadLetters = DeadLetterSettings(path: folder.path("letters.jsonl"))
        let client = Self.client(settings)
        await Blocking.run { client.submit(Self.batch(Self.lines(0..<3))) { _ in } }
        await client.close()
        #expect(server.requests.count == RetryPolicy.deniedMax)
        #expect(folder.read("letters.jsonl").split(separator: "\n").count == 3)
    }

    /// A token was read once, at start; it ended an hour later, and so did delivery.
    @Test func aTokenIsReadForEveryRequest() async throws {
        let folder = try Scratch()
        folder.write("token", "old\n")
        let path = folder.path("token")
        let server = FaultServer { request in
            if request.headers["authorization"] == "Bearer new" { return .status(204) }
            try? PosixDisk().atomicReplace(path, with: ByteView("new\n"))
            return .status(401)
        }
        defer { server.stop() }
        var settings = Self.settings(server)
        settings.authorization = .header(type: "Bearer", credentials: .file(path))
        settings.headers = [ClientSettings.Header("X-More", SecretSource("yes"))]
        let client = Self.client(settings)
        await Blocking.run { client.submit(Self.batch(Self.lines(0..<3))) { _ in } }
        await client.close()
        #expect(server.taken == Self.shown(0..<3))
        #expect(server.requests.allSatisfy { $0.headers["x-more"] == "yes" })
    }

    @Test func tokensOfOAuthAreFetchedKeptAndRenewed() async {
        let tokens = FaultServer { request in
            .status(200, text: #"{"access_token":"t\#(request.number)","token_type":"bearer","expires_in":3600}"#)
        }
        let server = FaultServer { request in
            request.number == 2 ? .status(401) : request.headers["authorization"] == nil ? .status(400) : .status(204)
        }
        defer {
            tokens.stop()
            server.stop()
        }
        var settings = Self.settings(server)
        settings.authorization = .oauth2(
            OAuth2Settings(clientID: "me", clientSecret: SecretSource("s"), tokenURL: "http://127.0.0.1:\(tokens.port)/token"))
        let client = Self.client(settings)
        await Blocking.run { for n in 0..<3 { client.submit(Self.batch(Self.lines(n..<n + 1))) { _ in } } }
        await client.close()
        #expect(server.taken == Self.shown(0..<3))
        #expect(server.requests.map { $0.headers["authorization"] ?? "" } == ["Bearer t0", "Bearer t0", "Bearer t0", "Bearer t1"])
        #expect(tokens.requests.count == 2)
    }

    /// A client that hangs held back all others.
    @Test func aDestinationThatIsNotRequiredHoldsNobodyBack() async {
        let silent = FaultServer { _ in .silent }
        let server = FaultServer()
        defer {
            silent.stop()
            server.stop()
        }
        var optional = Self.settings(silent)
        optional.isRequired = false
        let registry = Registry()
        let stuck = Self.client(optional, registry: registry)
        let good = Self.client(Self.settings(server))
        await Blocking.run {
            for number in 0..<50 {
                stuck.submit(Self.batch(Self.lines(number..<number + 1))) { _ in }
                good.submit(Self.batch(Self.lines(number..<number + 1))) { _ in }
            }
        }
        await good.close()
        #expect(server.taken == Self.shown(0..<50))
        stuck.giveUp()
        await stuck.close()
        #expect(stuck.hasLost)
        #expect(
            registry.value("tailrace_shipping_dropped_entries_total", ["host": "127.0.0.1:\(silent.port)"]) == 50,
            "each line that it did not get is counted")
    }

    /// `collect --once` waited for ever for a destination that nothing depends on: it saw nothing under way.
    @Test func whatIsUnderWayToAnOptionalClientCounts() async {
        let server = FaultServer { $0.number == 0 ? .silent : .status(400) }
        defer { server.stop() }
        var settings = Self.settings(server)
        settings.isRequired = false
        let client = Self.client(settings)
        let seen = Seen()
        await Blocking.run { client.submit(Self.batch(Self.lines(0..<10))) { seen.add($0) } }
        #expect(client.backlog == 10 && !client.hasLost)
        client.giveUp()
        await client.close()
        #expect(client.backlog == 0 && client.hasLost && seen.all.count == 1)
        // And one that refuses has lost them, whoever waits for it or not.
        let refusing = Self.client(settings)
        await Blocking.run { refusing.submit(Self.batch(Self.lines(0..<1))) { _ in } }
        await refusing.close()
        #expect(refusing.hasLost)
    }

    @Test func aStreamKeepsItsOrderWhateverGoesWrong() async {
        let server = FaultServer { request in
            request.number % 3 == 1 ? .status(500) : request.number % 7 == 2 ? .reset : .status(204)
        }
        defer { server.stop() }
        var settings = Self.settings(server)
        settings.parallel = 4
        let client = Self.client(settings)
        await Blocking.run {
            for round in 0..<20 {
                let rows = (0..<10).flatMap { stream in
                    (0..<3).map { (stream: "s\(stream)", line: "line \(round * 3 + $0)") }
                }
                client.submit(Self.batch(rows)) { _ in }
            }
        }
        await client.close()
        for stream in 0..<10 {
            let own = server.taken.filter { $0.hasPrefix(#"{s="s\#(stream)"}"#) }
            #expect(own == Self.shown(0..<60, stream: "s\(stream)"))
        }
    }

    @Test func promtailsNamesAreServedToo() async {
        let server = FaultServer { $0.number == 0 ? .status(500) : $0.number == 1 ? .status(204) : .status(404) }
        defer { server.stop() }
        let registry = Registry()
        let client = Self.client(Self.settings(server), registry: registry, promtailNames: true)
        let host = "127.0.0.1:\(server.port)"
        #expect(
            registry.value("promtail_dropped_entries_total", ["host": host, "tenant": "", "reason": "rate_limited"]) == 0,
            "there from the start, so that rates are")
        await Blocking.run { for n in 0..<2 { client.submit(Self.batch(Self.lines(n..<n + 1))) { _ in } } }
        await client.close()
        #expect(registry.value("promtail_sent_entries_total", ["host": host]) == 1)
        #expect(registry.value("promtail_batch_retries_total", ["host": host, "tenant": ""]) == 1)
        #expect(registry.value("promtail_dropped_entries_total", ["host": host, "tenant": "", "reason": "ingester_error"]) == 1)
        #expect(registry.value("promtail_request_duration_seconds", ["status_code": "500", "host": host]) == 1)
        #expect(registry.value("promtail_request_duration_seconds", ["status_code": "404", "host": host]) == 1)
    }

    // MARK: With a spool

    @Test func whatIsSpooledIsSentByALaterRunUnderItsNumbers() async throws {
        let disk = SimDisk()
        let down = FaultServer { _ in .takenAndSilent }
        var settings = Self.settings(down)
        settings.spool = SpoolSettings(directory: "/spool")
        let first = try Spool(SpoolSettings(directory: "/spool"), disk: disk, report: { _ in })
        var client = Self.client(settings, spool: first)
        let outcomes = await Self.submit(client, (0..<5).map { Self.batch(Self.lines($0 * 10..<$0 * 10 + 10)) })
        #expect(outcomes == [ShippingClient.Outcome](repeating: .accepted, count: 5), "on disk is enough")
        client.giveUp()
        await client.close()
        down.stop()

        let server = FaultServer()
        defer { server.stop() }
        settings.url = server.url
        let second = try Spool(SpoolSettings(directory: "/spool"), disk: disk, report: { _ in })
        #expect(second.summary.entries == 50)
        client = Self.client(settings, spool: second)
        await client.close()
        #expect(server.taken == Self.shown(0..<50))
        if let sent = down.requests.first?.batch { #expect(server.requests.first?.batch == sent) }
        let third = try Spool(SpoolSettings(directory: "/spool"), disk: disk, report: { _ in })
        #expect(third.summary.entries == 0)
    }

    /// A batch went past a full disk and was not acknowledged yet when there was room again: the next one was spooled with
    /// its position, and after a kill the one that was under way would have been passed over.
    @Test func nothingIsSpooledBehindWhatPassesTheSpoolBy() async throws {
        let disk = SimDisk()
        let server = FaultServer { _ in .silent }
        defer { server.stop() }
        var settings = Self.settings(server, isPatient: false)
        settings.spool = SpoolSettings(directory: "/spool")
        let spool = try Spool(SpoolSettings(directory: "/spool"), disk: disk, report: { _ in })
        disk.setCapacity(disk.used + 100)
        let failed = Mutex<CheckedContinuation<Void, Never>?>(nil)
        let client = ShippingClient(
            settings, registry: Registry(), identity: "test", spool: spool,
            report: { words in
                guard words.contains("trying again") else { return }
                failed.withLock { waiting in
                    waiting?.resume()
                    waiting = nil
                }
            })
        let seen = Seen()
        let advance: @Sendable (UInt64) -> [Spool.Advance] = { offset in
            [Spool.Advance(source: "file:1", path: "/a.log", to: SourcePosition(offset: offset, detail: ""))]
        }
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            failed.withLock { $0 = continuation }
            _ = Worker("submit") {
                client.submit(Self.batch(Self.lines(0..<10)), advances: advance(100)) { seen.add($0) }
                disk.setCapacity(1 << 30)
                client.submit(Self.batch(Self.lines(10..<20)), advances: advance(200)) { seen.add($0) }
                client.submit(WriteBatch(tenant: .fake), advances: advance(300)) { seen.add($0) }
            }
        }
        client.giveUp()
        await client.close()
        for outcome in seen.all {
            guard case .undelivered = outcome else {
                Issue.record("\(outcome)")
                continue
            }
        }
        #expect(try Spool(SpoolSettings(directory: "/spool"), disk: disk, report: { _ in }).advances.isEmpty)
    }

    /// Attempts ran out in the middle of a batch that went in parts: the lines behind were neither counted nor kept.
    @Test func whatIsLeftOfABatchInPartsIsCountedToo() async throws {
        let server = FaultServer { request in
            if request.lines.count == 100 { return .status(400) }
            return request.lines.first?.hasSuffix(" 0") ?? false ? .status(204) : .status(503)
        }
        defer { server.stop() }
        let folder = try Scratch()
        var settings = Self.settings(server)
        settings.maxRetries = 2
        settings.deadLetters = DeadLetterSettings(path: folder.path("letters.jsonl"))
        let registry = Registry()
        let client = Self.client(settings, registry: registry)
        let batch = Self.batch(Self.lines(0..<100, stream: "b"))
        await Blocking.run { client.submit(batch) { _ in } }
        await client.close()
        #expect(server.taken == Self.shown(0..<50, stream: "b"))
        let host = "127.0.0.1:\(server.port)"
        #expect(registry.value("tailrace_shipping_dropped_entries_total", ["host": host]) == 50)
        #expect(folder.read("letters.jsonl").split(separator: "\n").count == 50)
    }

    /// One batch took more than half of the spool. Its part was the one being written, so it never went, and the next batch
    /// waited for ever.
    @Test func batchesThatFillASpoolAloneFollowOneAnother() async throws {
        let disk = SimDisk()
        let server = FaultServer()
        defer { server.stop() }
        var queue = SpoolSettings(directory: "/spool")
        queue.sizeMax = 4 << 20
        let client = Self.client(Self.settings(server), spool: try Spool(queue, disk: disk, report: { _ in }))
        let seen = Seen()
        await Blocking.run {
            var random = SystemRandomNumberGenerator()
            for number in 0..<3 {
                // Nothing that snappy could make smaller.
                let noise = (0..<200_000).map { _ in String(random.next(), radix: 36) }.joined()
                client.submit(Self.batch([("a", "\(number) \(noise)")])) { seen.add($0) }
            }
        }
        await client.close()
        #expect(seen.all == [ShippingClient.Outcome](repeating: .accepted, count: 3))
        #expect(server.taken.map { $0.prefix(9) } == (0..<3).map { "{s=\"a\"} \($0)".prefix(9) })
    }

    /// Where a server sent elsewhere, the lines were asked for with GET there, and the page that came counted as taken.
    @Test func aRedirectTakesTheLinesAlong() async {
        let server = FaultServer()
        let sending = FaultServer { request in
            request.number == 0
                ? .status(302, headers: ["Location: \(server.url)"]) : .status(303, headers: ["Location: \(server.url)"])
        }
        defer {
            server.stop()
            sending.stop()
        }
        let client = Self.client(Self.settings(sending))
        let seen = Seen()
        await Blocking.run { for n in 0..<2 { client.submit(Self.batch(Self.lines(n..<n + 1))) { seen.add($0) } } }
        await client.close()
        #expect(server.taken == Self.shown(0..<1))
        guard case .accepted? = seen.all.first, case .refused(let words)? = seen.all.last, words.contains("303") else {
            Issue.record("\(seen.all)")
            return
        }
        var settings = Self.settings(sending)
        settings.followsRedirects = false
        let stubborn = Self.client(settings)
        let outcomes = Seen()
        await Blocking.run { stubborn.submit(Self.batch(Self.lines(0..<1))) { outcomes.add($0) } }
        await stubborn.close()
        guard case .refused? = outcomes.all.first else {
            Issue.record("\(outcomes.all)")
            return
        }
    }

    /// A reload that failed had opened the spool, and the configuration before could not have it back.
    @Test func aClientThatIsAbandonedLetsGoOfItsSpool() async throws {
        let disk = SimDisk()
        let server = FaultServer { _ in .silent }
        defer { server.stop() }
        let settings = SpoolSettings(directory: "/spool")
        let first = try Spool(settings, disk: disk, report: { _ in })
        let before = Self.client(Self.settings(server), spool: first)
        await Blocking.run { before.submit(Self.batch(Self.lines(0..<10))) { _ in } }
        before.giveUp()
        await before.close()
        let client = Self.client(Self.settings(server), spool: try Spool(settings, disk: disk, report: { _ in }))
        await Blocking.run { client.abandon() }
        #expect(try Spool(settings, disk: disk, report: { _ in }).summary.entries == 10)
    }

    /// A full disk is back-pressure, not the end.
    @Test func aFullDiskIsPassedBy() async throws {
        let disk = SimDisk()
        let server = FaultServer()
        defer { server.stop() }
        var settings = Self.settings(server)
        settings.spool = SpoolSettings(directory: "/spool")
        let spool = try Spool(SpoolSettings(directory: "/spool"), disk: disk, report: { _ in })
        disk.setCapacity(disk.used + 100)
        let client = Self.client(settings, spool: spool)
        let seen = Seen()
        await Blocking.run { for n in 0..<5 { client.submit(Self.batch(Self.lines(n * 10..<n * 10 + 10))) { seen.add($0) } } }
        await client.close()
        #expect(seen.all == [ShippingClient.Outcome](repeating: .accepted, count: 5))
        #expect(server.taken == Self.shown(0..<50))
    }
}
