import Glibc
import LogService
import Testing

/// A host with very many files. `TAILRACE_TORTURE=1`: 10,000 of them, 200 active.
@Suite struct ManyFilesTests {
    private static let files = Checkout.isTorture ? 10_000 : 500
    private static let active = Checkout.isTorture ? 200 : 20
    private static let seconds = Checkout.isTorture ? 30.0 : 1.0
    private static let probes = Checkout.isTorture ? 200 : 10

    @Test(.timeLimit(.minutes(10))) func memoryIdleTimeAndLatency() throws {
        let folder = try Scratch()
        mkdir(folder.path("logs"), 0o755)
        for number in 0..<Self.files { Files.write(folder.path("logs/f\(number).log"), "first line of \(number)\n") }
        let config = folder.write(
            "up.yaml",
            """
            store: {}
            scrape_configs:
            - job_name: many
              static_configs: [{targets: [localhost], labels: {job: many, __path__: '\(folder.path("logs/*.log"))'}}]
              pipeline_stages: [{labeldrop: [filename]}]
            """)
        let server = try TailraceServer(folder, command: "up", config: config)
        let pid = server.process.pid
        func count() throws -> Int { Int(try server.vector(#"sum(count_over_time({job="many"}[1h]))"#).values.first ?? 0) }
        try waitUntil("the first lines are there", seconds: 120) { try count() == Self.files }
        // Files that were read just now are looked at for a few seconds more.
        usleep(Checkout.isTorture ? 8_000_000 : 500_000)
        let clock = ContinuousClock()
        func share(_ body: () throws -> Void) rethrows -> Double {
            let (cpu, start) = (ProcessFigures.cpu(pid), clock.now)
            try body()
            return (ProcessFigures.cpu(pid) - cpu) / ((clock.now - start) / .seconds(1))
        }
        let idle = share { usleep(useconds_t(Self.seconds * 1_000_000)) }
        var written = Self.files
        var latencies = Latencies()
        let busy = try share {
            for probe in 0..<Self.probes {
                // Traffic in the active ones, and one line whose way is followed.
                for number in 0..<Self.active { Files.write(folder.path("logs/f\(number).log"), "traffic \(probe)\n", append: true) }
                written += Self.active
                let file = (probe * 7_919) % Self.files
                let start = clock.now
                Files.write(folder.path("logs/f\(file).log"), "probe \(probe) here\n", append: true)
                written += 1
                try waitUntil("probe \(probe) is visible") {
                    Int(try server.vector(#"sum(count_over_time({job="many"} |= "probe \#(probe) here" [1h]))"#).values.first ?? 0) == 1
                }
                latencies.add((clock.now - start) / .seconds(1))
            }
        }
        try waitUntil("all lines are there") { try count() == written }
        let peak = ProcessFigures.peak(pid) / 1024
        print(
            "many files: \(Self.files), \(Self.active) active: peak \(peak) MiB, \(idle * 100) % of a core idle, \(busy * 100) % busy and asked, a line visible after "
                + "\(latencies.percentile(0.5)) s at the median, \(latencies.percentile(0.99)) s at the 99th percentile of \(latencies.count)")
        #expect(peak <= 250)
        server.stop()
    }
}
