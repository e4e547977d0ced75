import Bytes
import Glibc
import LogModel
import LogService
import Testing

/// A collector with a spool in front of a Tailrace server: kill -9 of the one, the other or both at random moments, and every
/// line is stored once.
@Suite(.serialized) struct SpoolKillTests {
    static let cycles = Checkout.isTorture ? 250 : 6

    @Test(.timeLimit(.minutes(30)))
    func everyLineArrivesOnceThroughKillsOfBothEnds() throws {
        let folder = try Scratch()
        let log = folder.path("app.log")
        let data = folder.path("data")
        var written = 0
        var random = SeededRandom(seed: 23)
        Files.write(log, "")
        func config(_ port: Int) -> String {
            folder.write(
                "collect-\(Scratch.number()).yaml",
                """
                positions: {filename: \(folder.path("positions.yaml"))}
                clients:
                - url: http://127.0.0.1:\(port)/loki/api/v1/push
                  batchwait: 20ms
                  backoff_config: {min_period: 5ms, max_period: 50ms}
                  queue: {dir: \(folder.path("queue")), max_bytes: 64mb}
                scrape_configs:
                - job_name: app
                  static_configs: [{targets: [localhost], labels: {job: spool, __path__: \(folder.path("app*.log"))}}]
                """)
        }
        for cycle in 0..<Self.cycles {
            let server = try TailraceServer(folder, data: data)
            let collector = try TailraceProcess(
                ["collect", "--config", config(server.port)], log: folder.path("collect-\(cycle).log"))
            let serverDies = random.next() % 2 == 0
            let end = ContinuousClock.now + .milliseconds(100 + Int(random.next() % 500))
            let half = ContinuousClock.now + .milliseconds(80)
            var isDead = false
            while ContinuousClock.now < end {
                var text = ""
                for _ in 0..<20 {
                    text += KillTests.line(written) + "\n"
                    written += 1
                }
                Files.write(log, text, append: true)
                if random.next() % 40 == 0 {
                    rename(log, folder.path("app-\(cycle)-\(written).log"))
                    Files.write(log, "")
                }
                if serverDies, !isDead, ContinuousClock.now > half {
                    isDead = true
                    server.stop(SIGKILL)
                }
                usleep(2_000)
            }
            collector.signal(SIGKILL)
            collector.wait()
            if !isDead { server.stop(SIGKILL) }
        }
        let server = try TailraceServer(folder, data: data)
        let last = try TailraceProcess.run(["collect", "--config", config(server.port), "--once"], in: folder)
        #expect(last.status == 0, "\(last.output)")
        let numbers = try server.lines(#"{job="spool"}"#, start: Timestamp.now().nanoseconds - 86_400_000_000_000)
            .compactMap { line -> Int? in
                let number = Int(line.text.string.dropFirst(4).prefix { $0.isNumber })
                if let number { #expect(KillTests.line(number) == line.text.string) }
                return number
            }
        #expect(Set(numbers).count == numbers.count, "twice: \(numbers.count - Set(numbers).count)")
        #expect(Set(numbers) == Set(0..<written), "lost: \(written - Set(numbers).count)")
        #expect(!Files.list(folder.path("queue")).contains { $0.hasSuffix(".damaged") })
    }

    /// With its destination away a collector goes on reading, up to the bound of its spool, and a later run delivers it all.
    @Test func anOutageIsKeptOnDisk() throws {
        let folder = try Scratch()
        Files.write(folder.path("a.log"), (0..<5_000).map { "line \($0)\n" }.joined())
        func config(_ url: String) -> String {
            ShippingTests.config(folder, url: url, client: "queue: {dir: \(folder.path("queue"))}")
        }
        let away = config("http://127.0.0.1:\(try FreePort.find())/loki/api/v1/push")
        let first = try TailraceProcess.run(["collect", "--config", away, "--once", "--timeout", "1"], in: folder)
        #expect(first.status == 3, "\(first.output)")
        #expect(Files.read(folder.path("positions.yaml")).contains("a.log: \"\(Files.read(folder.path("a.log")).utf8.count)\""))
        unlink(folder.path("a.log"))
        let loki = try FakeLoki()
        let second = try TailraceProcess.run(["collect", "--config", config(loki.url), "--once"], in: folder)
        #expect(second.status == 0, "\(second.output)")
        #expect(!loki.accepted.isEmpty)
        let third = try TailraceProcess.run(["collect", "--config", config(loki.url), "--once"], in: folder)
        #expect(third.status == 0 && loki.accepted.count == loki.all.count)
        #expect(Files.list(folder.path("queue")).filter { $0.hasPrefix("part-") }.count <= 1, "\(Files.list(folder.path("queue")))")
    }
}
