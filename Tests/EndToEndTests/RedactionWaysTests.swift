import Bytes
import Glibc
import LogModel
import LogService
import Testing

/// I6 by every way in: the same lines with planted secrets, pushed as JSON, as snappy protobuf and as OTLP, tailed and read from the journal.
/// Nothing of them is in an answer, in any file, or in what the server prints.
@Suite(.timeLimit(.minutes(5))) struct RedactionWaysTests {
    enum Way: String, CaseIterable, Sendable { case json, protobuf, otlp, file, journal }

    private static let count = 1_000

    @Test(arguments: Way.allCases) func leavesNothing(way: Way) throws {
        if way == .journal, access(JournalTests.converter, X_OK) != 0 {
            print("skipped: systemd-journal-remote is not installed")
            return
        }
        let folder = try Scratch()
        let (path, truth) = SamplesToQueryTests.samples(folder, lines: Self.count, secretShare: 0.5)
        let search = try SecretSearch(truth.secrets)
        let kinds = Set(truth.secrets.map(\.kind.rawValue))
        // The search proves itself where nothing is redacted.
        let plain = try bring(path, by: way, folder, redacts: false)
        #expect(try Set(search.found(in: decoded(plain))) == kinds)
        plain.stop()
        let server = try bring(path, by: way, folder, redacts: true)
        #expect(try search.found(in: decoded(server)) == [])
        try server.flush()
        server.stop()
        for file in Files.tree(server.data) { #expect(try search.found(in: Files.bytes(file)) == [], "in \(file)") }
        #expect(try search.found(in: Array(server.process.output.utf8)) == [])
    }

    private func bring(_ path: String, by way: Way, _ folder: Scratch, redacts: Bool) throws -> TailraceServer {
        let block = redacts ? "redaction: {}\n" : ""
        let server = try TailraceServer(
            folder, config: folder.write("serve-\(redacts).yaml", block + "limits: {reject_old_samples: false, max_line_size: 1mb}\n"))
        let lines = Files.read(path).split(separator: "\n")
        let start: Int64 = 1_793_491_200_000_000_000
        switch way {
        case .json:
            let values = lines.enumerated().map { #"["\#(start + Int64($0.offset))",\#(Self.quoted($0.element)),{"note":\#(Self.quoted($0.element))}]"# }
            let body = #"{"streams":[{"stream":{"job":"ways"},"values":[\#(values.joined(separator: ","))]}]}"#
            #expect(try HTTP.push(server.port, json: body).status == 204)
        case .otlp:
            let records = lines.enumerated().map { #"{"timeUnixNano":"\#(start + Int64($0.offset))","body":{"stringValue":\#(Self.quoted($0.element))}}"# }
            let body = #"""
                {"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"ways"}}]},
                "scopeLogs":[{"logRecords":[\#(records.joined(separator: ","))]}]}]}
                """#
            #expect(try HTTP.post(server.port, "/otlp/v1/logs", body: Array(body.utf8), type: "application/json").status == 204)
        case .protobuf, .file:
            // A collector that does not redact in front of a server that does, and the other way round.
            let inner = way == .file ? block : ""
            let target = way == .file ? "store: {}" : "clients: [{url: \(server.url)/loki/api/v1/push}]"
            let config = folder.write(
                "collect-\(redacts).yaml",
                """
                \(inner)
                positions: {filename: \(folder.path("positions-\(redacts)"))}
                \(target)
                scrape_configs:
                - job_name: ways
                  static_configs: [{targets: [x], labels: {job: ways, __path__: \(path)}}]
                  pipeline_stages:
                  - json: {expressions: {ts: timestamp}}
                  - timestamp: {source: ts, format: '2006-01-02T15:04:05.000000'}

                """)
            if way == .file {
                server.stop()
                #expect(try TailraceProcess.run(["collect", "--config", config, "--data", server.data, "--once"], in: folder).status == 0)
                return try TailraceServer(folder, data: server.data)
            }
            #expect(try TailraceProcess.run(["collect", "--config", config, "--once"], in: folder).status == 0)
        case .journal:
            let export = lines.enumerated().map { number, line in
                """
                __REALTIME_TIMESTAMP=\(1_793_491_200_000_000 + number)
                __MONOTONIC_TIMESTAMP=\(1_000_000 + number)
                _BOOT_ID=0123456789abcdef0123456789abcdef
                _SYSTEMD_UNIT=api.service
                MESSAGE=\(line)


                """
            }.joined()
            let directory = folder.path("journal")
            if access(directory, F_OK) != 0 { _ = try JournalTests.makeJournal(folder, export: folder.write("export", export)) }
            let config = folder.write(
                "journal-\(redacts).yaml",
                """
                \(block)
                store: {}
                scrape_configs:
                - job_name: ways
                  journal: {path: \(directory), max_age: 876000h, labels: {job: ways}, json: true}

                """)
            server.stop()
            #expect(try TailraceProcess.run(["collect", "--config", config, "--data", server.data, "--once"], in: folder).status == 0)
            return try TailraceServer(folder, data: server.data)
        }
        return server
    }

    /// All that a server answers of its lines, with JSON decoded.
    private func decoded(_ server: TailraceServer) throws -> [UInt8] {
        let lines = try server.lines(#"{service_name=~".+"}"#)
        #expect(lines.count == Self.count, "\(lines.count) lines")
        let out = ByteArena()
        var cursor = JSONCursor()
        for line in lines {
            out.append(line.labels.description)
            out.append("\n")
            line.text.withView { out.append($0) }
            out.append("\n")
            line.text.withView { view in
                guard (try? cursor.scan(view)) != nil else { return }
                let document = JSONDocument(cursor: cursor, text: view)
                for index in cursor.indices {
                    document.text(index).withView { out.append($0) }
                    out.append("\n")
                }
            }
        }
        return out.view.withUnsafeBytes { Array($0) }
    }

    private static func quoted(_ text: Substring) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    // MARK: What is in memory

    /// Buffers that were freed still hold what was received: a crash must not write them to the disk.
    @Test func aCrashLeavesNoImageOfMemory() throws {
        func crash(_ folder: Scratch, _ block: String) throws -> [String] {
            let directory = folder.path("crash")
            mkdir(directory, 0o755)
            let port = try FreePort.find()
            let config = folder.write("c.yaml", block + "limits: {reject_old_samples: false}\n")
            let process = try TailraceProcess(
                ["-c", "ulimit -c unlimited; cd \(directory) && exec \(TailraceProcess.binary) serve --config \(config) --data \(folder.path("data")) --listen 127.0.0.1:\(port)"],
                log: folder.path("crash.log"), environment: ["SWIFT_BACKTRACE=enable=no"], program: "/bin/sh")
            try waitUntil("the server is ready") { (try? HTTP.get(port, "/ready"))?.status == 200 }
            #expect(try HTTP.push(port, json: #"{"streams":[{"stream":{"job":"x"},"values":[["1793491200000000000","mail me at core@dump.example"]]}]}"#).status == 204)
            process.signal(SIGABRT)
            process.wait()
            return Files.list(directory)
        }
        let control = try Scratch()
        guard try !crash(control, "").isEmpty else {
            print("skipped: this system writes no core files here (kernel.core_pattern, or a limit)")
            return
        }
        #expect(try crash(try Scratch(), "redaction: {}\n") == [])
    }

    /// Neither the answer, which clients log, nor our own log quotes a body that cannot be read.
    @Test func refusalsQuoteNothing() throws {
        let folder = try Scratch()
        func answer(_ block: String) throws -> (HTTP.Answer, String) {
            let server = try TailraceServer(folder, config: folder.write("c.yaml", block))
            let body = #"{"streams":[{"stream":{"job":"x"},"values":[[17934912000,"core@dump.example"]]}]}"#
            let answer = try HTTP.push(server.port, json: body)
            server.stop()
            return (answer, server.process.output)
        }
        #expect(try answer("{}").0.text.contains("core@dump.example"), "as Loki does")
        let (refused, log) = try answer("redaction: {}")
        #expect(refused.status == 400 && !refused.text.contains("dump") && refused.text.contains("Value looks like Number"), "\(refused.text)")
        #expect(!log.contains("dump"))
    }
}
