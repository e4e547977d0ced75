import Bytes
import Glibc
import LogModel
import Testing

/// `tailrace store …` through the binary, beside a running server and without one.
@Suite struct StoreCommandTests {
    /// One in the afternoon of yesterday, so that all lines are of one day.
    private static let now = (Int64(time(nil)) / 86_400 * 86_400 - 39_600) * 1_000_000_000

    private static func push(_ server: TailraceServer, _ count: Int, from: Int = 0, app: String = "api") throws {
        let values = (from..<from + count).map { i in
            #"["\#(now - 3_600_000_000_000 + Int64(i) * 1_000_000)","{\"n\":\#(i),\"level\":\"\#(i % 5 == 0 ? "ERROR" : "INFO")\",\"id\":\"req_\#(i * 7919)\"}"]"#
        }.joined(separator: ",")
        let answer = try HTTP.push(server.port, json: #"{"streams":[{"stream":{"app":"\#(app)"},"values":[\#(values)]}]}"#)
        guard answer.status == 204 else { throw HarnessError(answer.text) }
    }

    private static func store(_ words: [String], _ folder: Scratch) throws -> (status: Int32, output: String) {
        try TailraceProcess.run(["store"] + words, in: folder)
    }

    private static func count(_ server: TailraceServer, _ query: String) throws -> Int {
        try server.lines(query, start: now - 7_200_000_000_000).count
    }

    @Test func infoAndVerifyBesideARunningServer() throws {
        let folder = try Scratch()
        let server = try TailraceServer(folder)
        try Self.push(server, 2_000)
        for isRunning in [true, false] {
            if !isRunning { server.stop() }
            let info = try Self.store(["info", server.data], folder)
            #expect(info.status == 0 && info.output.contains("stored bytes"), "\(info.output)")
            let json = try Self.store(["info", "--data", server.data, "--json", "--distinct"], folder)
            #expect(json.status == 0 && json.output.hasPrefix(#"{"directory":"#), "\(json.output)")
            let verify = try Self.store(["verify", server.data], folder)
            #expect(verify.status == 0 && verify.output.contains("2000 rows"), "\(verify.output)")
        }
        let json = try Self.store(["info", server.data, "--json"], folder).output
        #expect(json.contains(#""rows":2000"#) && json.contains(#""name":"level""#), "\(json)")
        // One byte of it changes.
        let name = try #require(Files.list(server.data).first { $0.hasPrefix("segment-") })
        let handle = open("\(server.data)/\(name)", O_RDWR)
        var byte: UInt8 = 0
        pread(handle, &byte, 1, 200)
        byte ^= 1
        pwrite(handle, &byte, 1, 200)
        close(handle)
        let verify = try Self.store(["verify", server.data], folder)
        #expect(verify.status == 1 && verify.output.contains(name) && verify.output.contains("damaged"), "\(verify.output)")
        #expect(try Self.store(["verify", server.data, "--json"], folder).output.contains(#""clean":false"#))
        #expect(try Self.store(["info", folder.path("nothing")], folder).status == 2)
        #expect(try Self.store(["info"], folder).status == 2)
        #expect(try Self.store(["no-such-verb"], folder).status == 2)
    }

    @Test func snapshotsAreServedAndCompactWorksBothWays() throws {
        let folder = try Scratch()
        let server = try TailraceServer(folder)
        for part in 0..<3 {
            try Self.push(server, 200, from: part * 200)
            _ = try HTTP.post(server.port, "/flush", body: [], type: "text/plain")
        }
        try Self.push(server, 100, from: 600)
        let copy = folder.path("copy")
        let made = try Self.store(["snapshot", "--data", server.data, copy], folder)
        #expect(made.status == 0 && made.output.contains(copy), "\(made.output)")
        #expect(try Self.store(["snapshot", "--data", server.data, copy], folder).status == 2, "there is something")
        let asked = try Self.store(["snapshot", "--addr", server.url], folder)
        #expect(asked.status == 0 && asked.output.hasPrefix("\(server.data)/snapshots/"), "\(asked.output)")
        let own = asked.output.split(separator: "\n").first.map(String.init) ?? ""
        #expect(try Self.store(["verify", own], folder).status == 0)
        #expect(try Self.store(["compact", "--addr", server.url], folder).status == 0)
        #expect(try Self.store(["compact", "--data", server.data], folder).status == 2, "it is in use")
        try Self.push(server, 50, from: 700)
        server.stop(SIGKILL)
        let compacted = try Self.store(["compact", "--data", server.data], folder)
        #expect(compacted.status == 0, "\(compacted.output)")
        #expect(Files.list(server.data).filter { $0.hasPrefix("segment-") }.count == 1)
        for path in [copy, own] {
            let restored = try TailraceServer(folder, data: path)
            #expect(try Self.count(restored, #"{app="api"}"#) == 700)
            restored.stop()
        }
        let original = try TailraceServer(folder, data: server.data)
        #expect(try Self.count(original, #"{app="api"}"#) == 750)
        original.stop()
    }

    @Test func anExportComesBackWholeAndOnlyOnce() throws {
        let folder = try Scratch()
        let server = try TailraceServer(folder)
        try Self.push(server, 300)
        try Self.push(server, 50, app: "other")
        // A line that is no UTF-8, from a file.
        let raw = folder.path("raw.log")
        let handle = open(raw, O_WRONLY | O_CREAT, 0o644)
        let bytes: [UInt8] = Array("raw ".utf8) + [0xFF, 0xC3] + Array(" end\n".utf8)
        _ = write(handle, bytes, bytes.count)
        close(handle)
        let config = folder.write(
            "collect.yaml",
            """
            store: {}
            scrape_configs:
            - job_name: raw
              static_configs: [{targets: [localhost], labels: {app: raw, __path__: \(raw)}}]
            """)
        let data = folder.path("raw-data")
        #expect(try TailraceProcess.run(["collect", "--config", config, "--data", data, "--once"], in: folder).status == 0)
        let (all, part) = (folder.path("all.jsonl"), folder.path("part.jsonl"))
        #expect(try Self.store(["export", "--data", server.data, "-o", all], folder).status == 0)
        #expect(Files.read(all).split(separator: "\n").count == 350)
        let some = try Self.store(["export", server.data, "-o", part, "--selector", #"{app="api"} |= "ERROR""#], folder)
        #expect(some.status == 0 && Files.read(part).split(separator: "\n").count == 60, "\(some.output)")
        let exported = try Self.store(["export", data], folder)
        #expect(exported.output.contains(#""line_base64":""#), "\(exported.output)")
        let file = folder.write("raw.jsonl", exported.output)

        // Into a data directory, twice, and into a server, twice.
        let target = folder.path("target")
        for round in 0..<2 {
            let imported = try Self.store(["import", all, "--data", target], folder)
            #expect(imported.status == 0, "\(imported.output)")
            #expect(imported.output.contains(round == 0 ? "350 rows stored, 0 were" : "0 rows stored, 350 were"), "\(imported.output)")
        }
        #expect(try TailraceProcess.run(["store", "import", "--data", target], in: folder, input: file).status == 0)
        let again = folder.path("again.jsonl")
        #expect(try Self.store(["export", target, "-o", again], folder).status == 0)
        #expect(Set(Files.read(again).split(separator: "\n")) == Set((Files.read(all) + Files.read(file)).split(separator: "\n")))
        let fresh = try TailraceServer(folder)
        for _ in 0..<2 {
            let imported = try Self.store(["import", all, "--addr", fresh.url], folder)
            #expect(imported.status == 0, "\(imported.output)")
            #expect(try Self.store(["import", file, "--addr", fresh.url], folder).status == 0)
        }
        fresh.stop()
        #expect(try Self.store(["export", fresh.data, "-o", again], folder).status == 0)
        #expect(Set(Files.read(again).split(separator: "\n")) == Set((Files.read(all) + Files.read(file)).split(separator: "\n")))
        #expect(Files.read(again).split(separator: "\n").count == 351)

        let bad = folder.write("bad.jsonl", "{\"nonsense\":1}\n\(exported.output)")
        let refused = try Self.store(["import", bad, "--data", target], folder)
        #expect(refused.status == 1 && refused.output.contains("line 1"), "\(refused.output)")
        #expect(try Self.store(["import", all], folder).status == 2)
        #expect(try Self.store(["import", folder.path("none"), "--data", target], folder).status == 2)
    }

    /// What redaction removes is never written, also on this way in (I6).
    @Test func importsAreRedacted() throws {
        let folder = try Scratch()
        let file = folder.write("in.jsonl", #"{"stream":{"app":"a"},"ts":"\#(Self.now)","line":"mail jane.doe@example.com now"}"# + "\n")
        let config = folder.write("serve.yaml", "redaction: {}\nstore: {}\n")
        let data = folder.path("data")
        #expect(try Self.store(["import", file, "--data", data, "--config", config], folder).status == 0)
        let exported = try Self.store(["export", data], folder)
        #expect(!exported.output.contains("jane.doe") && exported.output.contains("mail "), "\(exported.output)")
        for path in Files.tree(data) { #expect(!Files.read(path).contains("jane.doe")) }
    }

    @Test func forgottenLinesLeaveTheDisk() throws {
        let folder = try Scratch()
        // Nothing is packed, so that a file shows what is in it; requests cannot be taken back, and are done at once.
        let config = folder.write("serve.yaml", "store: {codec: none, delete_cancel_period: 0s, delete_within: 0s}\n")
        let server = try TailraceServer(folder, config: config)
        try Self.push(server, 100)
        let secret = #"{"streams":[{"stream":{"app":"api"},"values":[["\#(Self.now - 60_000_000_000)","forget-me-4711 please"]]}]}"#
        #expect(try HTTP.push(server.port, json: secret).status == 204)
        func isOnDisk() -> Bool { Files.tree(server.data).contains { Files.read($0).contains("forget-me-4711") } }
        _ = try HTTP.post(server.port, "/flush", body: [], type: "text/plain")
        let forgotten = try Self.store(["forget", #"{app="api"} |= "forget-me""#, "--addr", server.url], folder)
        #expect(forgotten.status == 0, "\(forgotten.output)")
        #expect(try Self.count(server, #"{app="api"}"#) == 100)
        #expect(try Self.store(["compact", "--addr", server.url], folder).status == 0)
        let list = try HTTP.get(server.port, "/loki/api/v1/delete").text
        #expect(list.contains(#""status":"processed""#), "\(list)")
        #expect(try HTTP.get(server.port, "/metrics").text.contains("tailrace_store_deleted_lines_total 1"))
        #expect(try Self.count(server, #"{app="api"}"#) == 100)
        server.stop()
        #expect(!isOnDisk())
        // Without a server.
        let exact = ["forget", #"{app="api"} | json | level="ERROR""#, "--data", server.data, "--config", config]
        let hidden = try Self.store(exact, folder)
        #expect(hidden.status == 0, "\(hidden.output)")
        #expect(try Self.store(["export", server.data], folder).output.split(separator: "\n").count == 80)
        #expect(try Self.store(["verify", server.data], folder).output.contains("100 rows"))
        let gone = try Self.store(exact + ["--now"], folder)
        #expect(gone.status == 0, "\(gone.output)")
        #expect(try Self.store(["verify", server.data], folder).output.contains(" 80 rows"))
        #expect(try Self.store(["forget", "{app=", "--data", server.data], folder).status == 2)
        #expect(try Self.store(["forget", "{app=\"x\"}"], folder).status == 2)
    }
}
