import Glibc
import LogService
import Synchronization
import Testing

/// Very many collectors and one server that dies under them. `TAILRACE_TORTURE=1`: 100 collectors, 20,000 lines a second, the server killed
/// every 30 s and once away for 60 s.
@Suite struct FleetTests {
    private static let collectors = Checkout.isTorture ? 100 : 4
    private static let perSecond = Checkout.isTorture ? 200 : 100
    private static let seconds = Checkout.isTorture ? 240.0 : 4.0
    private static let killEvery = Checkout.isTorture ? 30.0 : 1.5
    /// When the server is away for long, and how long.
    private static let outage = Checkout.isTorture ? (from: 100.0, length: 60.0) : (from: 2.5, length: 0.5)

    @Test(.timeLimit(.minutes(20))) func everyLineOnceThroughKillsAndAnOutage() throws {
        let folder = try Scratch()
        let port = try FreePort.find()
        let data = folder.path("data")
        func serve() throws -> TailraceProcess {
            try TailraceProcess(["serve", "--data", data, "--listen", "127.0.0.1:\(port)"], log: folder.path("serve.out"))
        }
        var server: TailraceProcess? = try serve()
        var processes: [TailraceProcess] = []
        for number in 0..<Self.collectors {
            // A directory each, as on hosts of their own: events of a hundred files in one would go to a hundred collectors.
            mkdir(folder.path("host\(number)"), 0o755)
            let config = folder.write(
                "c\(number).yaml",
                """
                server: {disable: true}
                positions: {filename: \(folder.path("p\(number).yaml"))}
                clients:
                - url: http://127.0.0.1:\(port)/loki/api/v1/push
                  batchwait: 500ms
                  external_labels: {host: h\(number)}
                scrape_configs:
                - job_name: fleet
                  static_configs: [{targets: [localhost], labels: {job: fleet, __path__: '\(folder.path("host\(number)/a.log"))'}}]
                  pipeline_stages: [{labeldrop: [filename]}]
                """)
            processes.append(try TailraceProcess(["collect", "--config", config], log: folder.path("c\(number).out")))
        }
        var lines = SequencedLines(sources: Self.collectors)
        let files = (0..<Self.collectors).map { AppendedFile(folder.path("host\($0)/a.log")) }
        let clock = ContinuousClock()
        let start = clock.now
        func now() -> Double { (clock.now - start) / .seconds(1) }
        var nextKill = Self.killEvery
        var isAway = false
        var hadOutage = false
        var upSince = 0.0
        var probes: [(number: Int, at: Double)] = []
        var latencies = Latencies()
        var probe = 0
        var behindAtEnd = 0
        var outageEnd = 0.0
        var backlog = 0
        /// When all but the newest two seconds' lines were there after the outage, and when that was asked last.
        var level: Double?
        var asked = 0.0
        let newest = 2 * Self.perSecond * Self.collectors
        while now() < Self.seconds {
            let due = now() * Double(Self.perSecond)
            for number in files.indices {
                let missing = Int(due) - lines.written[number]
                if missing > 0 { files[number].append(lines.next(number, missing)) }
            }
            if !hadOutage, now() > Self.outage.from {
                server?.signal(SIGKILL)
                server?.wait()
                server = nil
                (isAway, hadOutage) = (true, true)
            } else if isAway, now() > Self.outage.from + Self.outage.length {
                backlog = lines.total - behindAtEnd
                server = try serve()
                isAway = false
                outageEnd = now()
                upSince = now()
                nextKill = now() + Self.killEvery
            } else if !isAway, now() > nextKill {
                behindAtEnd = lines.total
                server?.signal(SIGKILL)
                server?.wait()
                server = try serve()
                upSince = now()
                nextKill += Self.killEvery
            }
            // A line whose way is followed, at times when the server has been there for a while and is going to be.
            if !isAway, now() - upSince > 5, nextKill - now() > 3, probes.isEmpty, hadOutage ? now() - outageEnd > 20 : Self.outage.from - now() > 3 {
                probe += 1
                files[probe % files.count].append("probe \(probe) here\n")
                probes.append((probe, now()))
            }
            if hadOutage, !isAway, level == nil, now() - asked > 1 {
                let written = lines.total
                asked = now()
                if let found = try? HTTP.count(port, #"sum(count_over_time({job="fleet"}[12h]))"#), found >= written - newest { level = now() }
            }
            if let one = probes.first {
                let found = try? HTTP.count(port, #"count_over_time({job="fleet", host="h\#(one.number % files.count)"} |= "probe \#(one.number) here" [5m])"#)
                if found == 1 {
                    latencies.add(now() - one.at)
                    probes = []
                }
            }
            usleep(50_000)
        }
        let total = lines.total
        let ended = now()
        try waitUntil("everything is delivered", seconds: 300) {
            ((try? HTTP.count(port, #"sum(count_over_time({job="fleet"} != "probe" [12h]))"#)) ?? 0) >= total
        }
        let took = now() - ended
        let memory = processes.map { ProcessFigures.peak($0.pid) }.max() ?? 0
        for process in processes { process.signal(SIGTERM) }
        for process in processes { #expect(process.wait() == 0, "\(process.output.suffix(1000))") }
        server?.signal(SIGTERM)
        server?.wait()
        let verdict = try lines.judge(store: data, folder)
        print(
            "fleet: \(Self.collectors) collectors, \(total) lines in \(Int(Self.seconds)) s; \(verdict); visible after \(latencies.percentile(0.5)) s at the median, "
                + "\(latencies.percentile(0.99)) s at the 99th percentile of \(latencies.count); the last line after the end: \(took) s; "
                + "backlog of the outage \(backlog) lines, made up for in \(level.map { "\($0 - outageEnd) s" } ?? "more than the rest of the run"); largest collector \(memory / 1024) MiB")
        #expect(verdict.lost == 0 && verdict.twice == 0 && verdict.altered == 0, "\(verdict)")
    }
}
