import Glibc
import LogService
import Testing

/// kill -9 of a shipping collector and of the server that it ships to, in turn, under load with rotation. `TAILRACE_TORTURE=1`: 500 kills.
@Suite(.serialized) struct CollectorKillTests {
    private static let kills = Checkout.isTorture ? 500 : 6

    @Test(.timeLimit(.minutes(30))) func nothingLostNothingTwice() throws {
        let folder = try Scratch()
        let port = try FreePort.find()
        let data = folder.path("data")
        let config = folder.write(
            "collect.yaml",
            """
            server: {disable: true}
            positions: {filename: \(folder.path("positions.yaml"))}
            clients:
            - url: http://127.0.0.1:\(port)/loki/api/v1/push
              batchwait: 50ms
              backoff_config: {min_period: 20ms, max_period: 200ms}
              queue: {dir: '\(folder.path("spool"))', max_bytes: 200MB}
            scrape_configs:
            - job_name: kill
              static_configs: [{targets: [localhost], labels: {job: kill, __path__: '\(folder.path("*.log"))'}}]
            """)
        func serve() throws -> TailraceProcess {
            let server = try TailraceProcess(
                ["serve", "--data", data, "--listen", "127.0.0.1:\(port)"], log: folder.path("serve.out"))
            return server
        }
        func collect() throws -> TailraceProcess {
            try TailraceProcess(["collect", "--config", config], log: folder.path("collect.out"))
        }
        var lines = SequencedLines(sources: 4)
        let files = (0..<4).map { AppendedFile(folder.path("f\($0).log")) }
        var random = SeededRandom(seed: 23)
        var server = try serve()
        var collector = try collect()
        let clock = ContinuousClock()
        for kill in 0..<Self.kills {
            let end = clock.now + .milliseconds(100 + Int(random.next() % 500))
            while clock.now < end {
                for number in files.indices { files[number].append(lines.next(number, 3)) }
                if random.next() % 60 == 0 {
                    let file = files[Int(random.next() % 4)]
                    rename(file.path, file.path + ".\(lines.total)")
                    file.reopen()
                }
                usleep(5_000)
            }
            if kill % 2 == 0 {
                collector.signal(SIGKILL)
                collector.wait()
                collector = try collect()
            } else {
                server.signal(SIGKILL)
                server.wait()
                server = try serve()
            }
        }
        let total = lines.total
        try waitUntil("everything is delivered", seconds: 120) {
            let answer = try? HTTP.get(port, "/loki/api/v1/query", [("query", #"sum(count_over_time({job="kill"}[12h]))"#)])
            return (try? HTTP.count(port, #"sum(count_over_time({job="kill"}[12h]))"#)).map { $0 >= total } ?? false && answer?.status == 200
        }
        collector.signal(SIGTERM)
        #expect(collector.wait() == 0, "\(collector.output.suffix(2000))")
        server.signal(SIGTERM)
        server.wait()
        let verdict = try lines.judge(store: data, folder)
        print("kill -9 of collector and server, \(Self.kills) times: \(total) lines written; \(verdict)")
        #expect(verdict.lost == 0 && verdict.twice == 0 && verdict.altered == 0, "\(verdict)")
        #expect(Files.read(folder.path("positions.yaml")).hasPrefix("positions:"))
    }
}
