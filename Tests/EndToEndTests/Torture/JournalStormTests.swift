import Glibc
import LogService
import Testing

/// A journal that grows, is vacuumed and is damaged, while the process that reads it is killed. `TAILRACE_TORTURE=1`: 200 kills.
@Suite struct JournalStormTests {
    private static let kills = Checkout.isTorture ? 200 : 4
    private static let perFile = 200
    /// How long a journal file lives before it is vacuumed.
    private static let age = 6.0

    @Test(
        .timeLimit(.minutes(10)),
        .enabled(if: access(JournalTests.converter, X_OK) == 0, "systemd-journal-remote is not installed"))
    func everyEntryOnce() throws {
        let folder = try Scratch()
        let directory = folder.path("journal")
        mkdir(directory, 0o755)
        let config = JournalTests.config(folder, directory: directory)
        var lines = SequencedLines(sources: 1)
        func grow(_ number: Int) throws -> String {
            var export = ""
            let base = Int(time(nil)) * 1_000_000
            for entry in 0..<Self.perFile {
                export += """
                    __REALTIME_TIMESTAMP=\(base + number * 1_000 + entry)
                    __MONOTONIC_TIMESTAMP=\(1_000_000 + number * 100_000 + entry)
                    _BOOT_ID=0123456789abcdef0123456789abcdef
                    _SYSTEMD_UNIT=vllm.service
                    PRIORITY=6
                    MESSAGE=\(lines.next(0))

                    """
            }
            let file = folder.write("chunk.export", export)
            let path = "\(directory)/chunk\(number).journal"
            try #require(Shell.run(JournalTests.converter, ["-o", path, file]) == 0, "systemd-journal-remote failed")
            return path
        }
        var files: [(path: String, at: Double)] = []
        let clock = ContinuousClock()
        let start = clock.now
        func now() -> Double { (clock.now - start) / .seconds(1) }
        files.append((try grow(0), now()))
        let server = try TailraceServer(folder, command: "up", config: config)
        // Another program's file, cut short: said, and no reason to stop.
        Files.write("\(directory)/broken.journal", String(Files.read(files[0].path).prefix(4_000)))
        var killed = 0
        var number = 1
        var vacuumed = 0
        while killed < Self.kills {
            files.append((try grow(number), now()))
            number += 1
            if let child = Self.child(of: server.process.pid) {
                kill(child, SIGKILL)
                killed += 1
            }
            usleep(100_000)
            // What was there for a while was read: it may go, as journald's own vacuum has it.
            let stored = try server.vector(#"sum(count_over_time({job="journal"}[1h]))"#).values.first.map { Int($0) } ?? 0
            while let first = files.first, now() - first.at > Self.age, stored >= (vacuumed + 1) * Self.perFile {
                unlink(first.path)
                files.removeFirst()
                vacuumed += 1
            }
        }
        let total = lines.total
        try waitUntil("all entries are stored", seconds: 120) {
            Int(try server.vector(#"sum(count_over_time({job="journal"}[1h]))"#).values.first ?? 0) >= total
        }
        server.stop()
        let verdict = try lines.judge(store: server.data, folder)
        print("journal storm: \(killed) kills of the reader, \(vacuumed) of \(number) files vacuumed; \(total) entries; \(verdict)")
        #expect(verdict.lost == 0 && verdict.twice == 0 && verdict.altered == 0, "\(verdict)")
    }

    /// The process that reads the journal for `parent`.
    private static func child(of parent: pid_t) -> pid_t? {
        Files.read("/proc/\(parent)/task/\(parent)/children").split(separator: " ").compactMap { pid_t($0) }.first
            ?? Files.list("/proc").compactMap { pid_t($0) }.first { pid in
                let words = Files.read("/proc/\(pid)/stat").split(separator: ")").last?.split(separator: " ") ?? []
                return words.count > 1 && pid_t(words[1]) == parent
            }
    }
}
