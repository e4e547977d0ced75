import Bytes
import Glibc
import LogModel
import LogService
import Testing

/// A real journal file, made by systemd-journal-remote, entry by entry, once.
@Suite struct JournalTests {
    static let converter = "/lib/systemd/systemd-journal-remote"

    static func makeJournal(_ folder: Scratch, export: String) throws -> String {
        let directory = folder.path("journal")
        mkdir(directory, 0o755)
        let made = try Shell.run(converter, ["-o", "\(directory)/test.journal", export])
        try #require(made == 0, "systemd-journal-remote failed")
        return directory
    }

    static func config(_ folder: Scratch, directory: String) -> String {
        folder.write(
            "journal.yaml",
            """
            store: {}
            scrape_configs:
            - job_name: journal
              journal:
                path: \(directory)
                max_age: 876000h
                labels: {job: journal}
              relabel_configs:
              - {source_labels: [__journal__systemd_unit], target_label: unit}
              - {source_labels: [__journal_priority_keyword], target_label: priority}
            """)
    }

    @Test(.enabled(if: access(converter, X_OK) == 0, "systemd-journal-remote is not installed"))
    func entriesArriveOnceInOrder() throws {
        let folder = try Scratch()
        let base = 1_793_491_200_000_000
        let export = (0..<500).map { number in
            """
            __REALTIME_TIMESTAMP=\(base + number * 1000)
            __MONOTONIC_TIMESTAMP=\(1_000_000 + number * 1000)
            _BOOT_ID=0123456789abcdef0123456789abcdef
            _SYSTEMD_UNIT=\(number % 2 == 0 ? "vllm.service" : "nginx.service")
            PRIORITY=\(number % 8)
            MESSAGE=entry \(number)


            """
        }.joined()
        let directory = try Self.makeJournal(folder, export: folder.write("test.export", export))
        let config = Self.config(folder, directory: directory)
        let data = folder.path("data")
        for _ in 0..<2 {
            let run = try TailraceProcess.run(["collect", "--config", config, "--data", data, "--once"], in: folder)
            #expect(run.status == 0, "\(run.output)")
        }
        let server = try TailraceServer(folder, data: data)
        let lines = try server.lines(#"{job="journal"}"#)
        #expect(lines.map { $0.text.string } == (0..<500).map { "entry \($0)" })
        #expect(lines.map(\.timestamp) == (0..<500).map { Int64(base + $0 * 1000) * 1000 })
        #expect(try server.lines(#"{unit="vllm.service"}"#).count == 250)
        #expect(try server.lines(#"{priority="error"}"#).count == 63)
    }

    @Test(
        .enabled(if: access(converter, X_OK) == 0, "systemd-journal-remote is not installed"),
        .enabled(if: Checkout.shared != nil, "the shared material is not beside this checkout"))
    func theSampleJournalOfGPUHosts() throws {
        let folder = try Scratch()
        let shared = try #require(Checkout.shared)
        let export = "\(shared)/corpora/samples/gpu-hosts-2k.export"
        let entries = Files.bytes(export).withView { view in
            var count = 0
            var at = 0
            while let hit = view.firstRange(of: ByteView("__CURSOR="), from: at) {
                if hit == 0 || view[hit - 1] == 0x0A { count += 1 }
                at = hit + 1
            }
            return count
        }
        let directory = try Self.makeJournal(folder, export: export)
        let data = folder.path("data")
        for _ in 0..<2 {
            let run = try TailraceProcess.run(["collect", "--config", Self.config(folder, directory: directory), "--data", data, "--once"], in: folder)
            #expect(run.status == 0, "\(run.output)")
        }
        let server = try TailraceServer(folder, data: data)
        #expect(try server.lines(#"{job="journal"}"#).count == entries)
    }
}

enum Shell {
    static func run(_ path: String, _ arguments: [String]) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child: pid_t = 0
        guard posix_spawn(&child, path, &actions, nil, &words, environ) == 0 else { throw HarnessError("cannot start \(path)") }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128
    }
}
