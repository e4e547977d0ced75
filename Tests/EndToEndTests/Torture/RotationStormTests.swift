import Glibc
import LogService
import Testing

/// Files that are rotated all the time, by each of the ways that logrotate has. `TAILRACE_TORTURE=1`: 20 rotations a second over 100
/// files for a minute.
@Suite(.serialized) struct RotationStormTests {
    enum Way: String, CaseIterable, Sendable { case rename, create, copytruncate }

    private static let seconds = Checkout.isTorture ? 60 : 2
    private static let files = Checkout.isTorture ? 100 : 20

    @Test(.timeLimit(.minutes(5)), arguments: Way.allCases) func everyLineOnce(_ way: Way) throws {
        let folder = try Scratch()
        let config = folder.write(
            "up.yaml",
            """
            store: {}
            scrape_configs:
            - job_name: storm
              static_configs: [{targets: [localhost], labels: {job: storm, __path__: '\(folder.path("*.log"))'}}]
            """)
        let server = try TailraceServer(folder, command: "up", config: config)
        var lines = SequencedLines(sources: Self.files)
        let open = (0..<Self.files).map { AppendedFile(folder.path("f\($0).log")) }
        var random = SeededRandom(seed: 5)
        let clock = ContinuousClock()
        let start = clock.now
        var rotations = 0
        var turn = 0
        while clock.now - start < .seconds(Self.seconds) {
            for _ in 0..<10 {
                open[turn % Self.files].append(lines.next(turn % Self.files, 1 + turn % 3))
                turn += 1
            }
            if Double((clock.now - start) / .milliseconds(50)) > Double(rotations) {
                let number = Int(random.next() % UInt64(Self.files))
                rotate(open[number], way) { open[number].append(lines.next(number, 2)) }
                rotations += 1
            }
            usleep(2_000)
        }
        // The last lines are there when no file is behind.
        try waitUntil("everything is read") {
            let text = try HTTP.get(server.port, "/metrics").text
            let rows = try server.vector(#"sum(count_over_time({job="storm"}[1h]))"#).values.first ?? 0
            return Int(rows) >= lines.total || (way == .copytruncate && Self.quiet(server, text))
        }
        let metrics = try HTTP.get(server.port, "/metrics").text
        let lostBytes = Self.metric(metrics, "tailrace_bytes_lost_total")
        let copies = Self.metric(metrics, "tailrace_file_copies_read_total")
        server.stop()
        let verdict = try lines.judge(store: server.data, folder)
        print("rotation storm, \(way.rawValue): \(rotations) rotations, \(lines.total) lines written; \(verdict); bytes counted as lost: \(Int(lostBytes)); copies read: \(Int(copies))")
        #expect(verdict.twice == 0 && verdict.altered == 0, "\(verdict)")
        if way == .copytruncate {
            // This writer writes nothing between the copy and the cut, so that everything is somewhere.
            #expect(verdict.lost == 0, "\(verdict)")
        } else {
            #expect(verdict.lost == 0, "\(verdict)")
        }
    }

    /// Keeps three generations, as most configurations do.
    private func rotate(_ file: AppendedFile, _ way: Way, _ more: () -> Void) {
        for generation in stride(from: 3, to: 0, by: -1) { _ = Glibc.rename("\(file.path).\(generation)", "\(file.path).\(generation + 1)") }
        unlink("\(file.path).4")
        switch way {
        case .rename:
            _ = Glibc.rename(file.path, "\(file.path).1")
            // The program does not know yet.
            more()
            file.reopen()
        case .create:
            _ = Glibc.rename(file.path, "\(file.path).1")
            close(Glibc.open(file.path, O_WRONLY | O_CREAT, 0o644))
            more()
            file.reopen()
        case .copytruncate:
            Files.write("\(file.path).1", Files.read(file.path))
            file.truncate()
            more()
        }
    }

    /// Two looks in a row show the same.
    private static func quiet(_ server: TailraceServer, _ text: String) -> Bool {
        let before = metric(text, "tailrace_read_lines_total")
        usleep(500_000)
        return (try? HTTP.get(server.port, "/metrics").text).map { metric($0, "tailrace_read_lines_total") } == before
    }

    static func metric(_ text: String, _ name: String) -> Double {
        text.split(separator: "\n").filter { $0.hasPrefix(name) && !$0.hasPrefix("#") }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }.reduce(0, +)
    }
}
