import Bytes
import Glibc
import LogModel
import LogService
import Testing

/// kill -9 while `multiline` holds the last entry of each file: everything that was sent before was read again under another name, or,
/// of archives, what was held was never read.
@Suite(.serialized) struct HeldLinesKillTests {
    private static func config(_ folder: Scratch, clients: String) -> String {
        folder.write(
            "collect-\(Scratch.number()).yaml",
            """
            \(clients)
            scrape_configs:
            - job_name: blocks
              static_configs: [{targets: [localhost], labels: {job: held, __path__: '\(folder.path("a.log"))'}}]
              pipeline_stages: [{multiline: {firstline: '^START', max_wait_time: 1h}}]
            - job_name: archives
              decompression: {enabled: true, format: gz}
              static_configs: [{targets: [localhost], labels: {job: held, __path__: '\(folder.path("b.gz"))'}}]
              pipeline_stages: [{multiline: {firstline: '^START', max_wait_time: 1h}}]
            """)
    }

    private static func fill(_ folder: Scratch, file blocks: Range<Int>) {
        Files.write(folder.path("a.log"), blocks.map { "START file \($0)\n  more\n" }.joined(), append: true)
    }

    private static let archived = (0..<50).map { "START archive \($0)\n  more" }

    private static func put(archiveIn folder: Scratch) throws {
        let text = folder.write("text", archived.joined(separator: "\n") + "\n")
        var child: pid_t = 0
        let command = ["sh", "-c", "gzip -c '\(text)' > '\(folder.path("b.gz"))'"]
        var words: [UnsafeMutablePointer<CChar>?] = command.map { (word: String) in strdup(word) } + [nil]
        defer { for word in words { free(word) } }
        guard posix_spawn(&child, "/bin/sh", nil, nil, &words, environ) == 0 else { throw HarnessError("no shell") }
        var status: Int32 = 0
        waitpid(child, &status, 0)
        #expect(status == 0)
    }

    private static func check(_ found: [String]) {
        let expected = (0..<61).map { "START file \($0)\n  more" } + archived
        #expect(Set(found) == Set(expected), "missing \(Set(expected).subtracting(found).sorted().prefix(3)), odd \(Set(found).subtracting(expected).sorted().prefix(3))")
        #expect(found.count == expected.count, "twice: \(found.count - Set(found).count)")
    }

    private static func stored(_ server: TailraceServer) throws -> [String] {
        try server.lines(#"{job="held"}"#, start: Timestamp.now().nanoseconds - 86_400_000_000_000).map(\.text.string)
    }

    @Test(.timeLimit(.minutes(5))) func intoTheStoreOfThisProcess() throws {
        let folder = try Scratch()
        let data = folder.path("data")
        let config = Self.config(folder, clients: "store: {}")
        try Self.put(archiveIn: folder)
        // Each kill comes when all but the last entry of each is stored, so that the position that counts is behind it.
        for kill in 0..<3 {
            Self.fill(folder, file: kill * 20..<kill * 20 + 20)
            let server = try TailraceServer(folder, data: data, command: "up", config: config)
            try waitUntil("all but the last entries are stored") { try Self.stored(server).count == 49 + kill * 20 + 19 }
            server.stop(SIGKILL)
        }
        Self.fill(folder, file: 60..<61)
        // What is held at the end is let go of by an orderly stop.
        let last = try TailraceServer(folder, data: data, command: "up", config: config)
        try waitUntil("the next entry has come") { try Self.stored(last).count == 49 + 60 }
        last.stop()
        let server = try TailraceServer(folder, data: data)
        Self.check(try Self.stored(server))
    }

    @Test(.timeLimit(.minutes(5))) func toAServer() throws {
        let folder = try Scratch()
        let server = try TailraceServer(folder)
        let config = Self.config(
            folder,
            clients: """
                server: {disable: true}
                positions: {filename: \(folder.path("positions.yaml")), sync_period: 50ms}
                clients: [{url: '\(server.url)/loki/api/v1/push', batchwait: 20ms}]
                """)
        try Self.put(archiveIn: folder)
        for kill in 0..<3 {
            Self.fill(folder, file: kill * 20..<kill * 20 + 20)
            let collector = try TailraceProcess(["collect", "--config", config], log: folder.path("collect-\(kill).log"))
            try waitUntil("all but the last entries are stored") { try Self.stored(server).count == 49 + kill * 20 + 19 }
            // The position of what the server has: without it any collector would send it again.
            let reached = Files.read(folder.path("a.log")).utf8.count - "START file 00\n  more\n".utf8.count
            try waitUntil("positions are saved") {
                let yaml = Files.read(folder.path("positions.yaml"))
                return yaml.contains("a.log: \"\(reached)\"") && yaml.contains("b.gz: \"98\"")
            }
            collector.signal(SIGKILL)
            collector.wait()
        }
        Self.fill(folder, file: 60..<61)
        let last = try TailraceProcess.run(["collect", "--config", config, "--once"], in: folder)
        #expect(last.status == 0, "\(last.output)")
        Self.check(try Self.stored(server))
    }
}
