import Bytes
import LogModel
import LogService
import Testing

/// From a log file to an answer: the generator's lines through collector, store and query.
@Suite struct SamplesToQueryTests {
    /// Lines in a file, and the truth about them. Times begin at 2026-11-01.
    static func samples(_ folder: Scratch, lines: Int, secretShare: Double = 0.1) -> (path: String, truth: SampleGenerator.Truth) {
        var options = SampleGenerator.Options(start: Timestamp(nanoseconds: 1_793_491_200_000_000_000))
        options.lines = lines
        options.secretShare = secretShare
        options.interval = 100_000_000
        var generator = SampleGenerator(options)
        let all = ByteArena()
        for _ in 0..<lines {
            generator.next(into: all)
            all.append("\n")
        }
        let path = folder.path("llm-api.log")
        Files.write(path, all.view.string)
        return (path, generator.truth)
    }

    static func promtail(_ folder: Scratch, path: String, url: String?, stages: String = "", top: String = "") -> String {
        folder.write(
            "promtail-\(Scratch.number()).yaml",
            """
            positions: {filename: \(folder.path("positions.yaml"))}
            \(url.map { "clients: [{url: \($0)/loki/api/v1/push}]" } ?? "store: {}")
            \(top)
            scrape_configs:
            - job_name: api
              static_configs: [{targets: [localhost], labels: {job: llm-api, __path__: \(path)}}]
              pipeline_stages:
              - json: {expressions: {level: level, model: model, status: status, ts: timestamp}}
              - timestamp: {source: ts, format: '2006-01-02T15:04:05.000000'}
              - labels: {level: , model: }
            \(stages)
            """)
    }

    static func compare(_ server: TailraceServer, _ truth: SampleGenerator.Truth) throws {
        let end = truth.last.nanoseconds + 1_000_000_000
        func by(_ name: ByteString, _ query: String) throws -> [String: Int] {
            Dictionary(uniqueKeysWithValues: try server.vector(query, at: end).map { (($0.key[name] ?? "").string, Int($0.value)) })
        }
        #expect(try by("level", #"sum by (level) (count_over_time({job="llm-api"}[7d]))"#) == truth.byLevel)
        #expect(try by("model", #"sum by (model) (count_over_time({job="llm-api"}[7d]))"#) == truth.byModel)
        #expect(
            try by("status", #"sum by (status) (count_over_time({job="llm-api"} | json [7d]))"#)
                == Dictionary(uniqueKeysWithValues: truth.byStatus.map { ("\($0.key)", $0.value) }))
        #expect(
            try by("model", #"sum by (model) (sum_over_time({job="llm-api"} | json | unwrap tokens [7d]))"#) == truth.tokensByModel)
        #expect(
            try server.vector(#"sum(count_over_time({job="llm-api"} | json | duration_ms > 5000 [7d]))"#, at: end)
                == [Labels(): Double(truth.slowRequests)])
    }

    @Test func collectOnceIntoAServer() throws {
        let folder = try Scratch()
        let (path, truth) = Self.samples(folder, lines: 3_000)
        let server = try TailraceServer(folder)
        let config = Self.promtail(folder, path: path, url: server.url)
        let first = try TailraceProcess.run(["collect", "--config", config, "--once"], in: folder)
        #expect(first.status == 0, "\(first.output)")
        try Self.compare(server, truth)
        // The second run finds its positions and delivers nothing.
        let second = try TailraceProcess.run(["collect", "--config", config, "--once"], in: folder)
        #expect(second.status == 0, "\(second.output)")
        try Self.compare(server, truth)
        // The same from segments, after a restart.
        try server.flush()
        server.stop()
        let again = try TailraceServer(folder, data: server.data)
        try Self.compare(again, truth)
    }

    @Test func collectOnceIntoTheEmbeddedStore() throws {
        let folder = try Scratch()
        let (path, truth) = Self.samples(folder, lines: 3_000)
        let config = Self.promtail(folder, path: path, url: nil)
        let data = folder.path("data")
        for _ in 0..<2 {
            let run = try TailraceProcess.run(["collect", "--config", config, "--data", data, "--once"], in: folder)
            #expect(run.status == 0, "\(run.output)")
        }
        try Self.compare(try TailraceServer(folder, data: data), truth)
    }

    /// I1 and I6: with redaction, secrets are in no line, label, metadata or file on disk; without, lines are as written.
    @Test func redactionLeavesNothingAndChangesNothingElse() throws {
        let folder = try Scratch()
        let (path, truth) = Self.samples(folder, lines: 2_000, secretShare: 0.5)
        try #require(truth.secrets.count > 500)
        let plain = try TailraceServer(folder)
        #expect(try TailraceProcess.run(["collect", "--config", Self.promtail(folder, path: path, url: plain.url), "--once"], in: folder).status == 0)
        let stored = try plain.lines(#"{job="llm-api"}"#).map { $0.text.string }
        let written = Files.read(path).split(separator: "\n").map(String.init)
        #expect(stored == written, "lines come back byte for byte")

        Files.removeTree(folder.path("positions.yaml"))
        let data = folder.path("redacted")
        let config = Self.promtail(folder, path: path, url: nil, top: "redaction: {}")
        let run = try TailraceProcess.run(["collect", "--config", config, "--data", data, "--once"], in: folder)
        #expect(run.status == 0, "\(run.output)")
        let server = try TailraceServer(folder, data: data)
        let lines = try server.lines(#"{job="llm-api"}"#)
        #expect(lines.count == truth.lines)
        let decoded = ByteArena()
        var cursor = JSONCursor()
        for line in lines {
            decoded.append(line.labels.description)
            try line.text.withView { view throws(JSONCursor.Failure) in
                try cursor.scan(view)
                let document = JSONDocument(cursor: cursor, text: view)
                for index in cursor.indices {
                    document.text(index).withView { decoded.append($0) }
                    decoded.append("\n")
                }
            }
        }
        let search = try SecretSearch(truth.secrets)
        #expect(try search.found(in: Files.bytes(path)).count > 400, "the search finds what is there")
        #expect(try search.found(in: decoded.view.withUnsafeBytes { Array($0) }) == [])
        for file in Files.tree(data) {
            let found = try search.found(in: Files.bytes(file))
            #expect(found == [], "in \(file)")
        }
    }

    /// The five queries that the project's users begin with.
    @Test(arguments: [
        #"{job="llm-api"} |= "ERROR" | json"#, #"{job="llm-api"} | json | duration_ms > 5000"#,
        #"sum by (model) (rate({job="llm-api"} | json | unwrap tokens [5m]))"#,
        #"sum(rate({job="llm-api"} |= "ERROR" [5m])) / sum(rate({job="llm-api"} [5m]))"#,
    ])
    func firstQueriesAnswer(query: String) throws {
        let folder = try Scratch()
        let (path, truth) = Self.samples(folder, lines: 3_000)
        let server = try TailraceServer(folder)
        #expect(try TailraceProcess.run(["collect", "--config", Self.promtail(folder, path: path, url: server.url), "--once"], in: folder).status == 0)
        let answer = try HTTP.get(
            server.port, "/loki/api/v1/query_range",
            [("query", query), ("start", "1793491200000000000"), ("end", "\(truth.last.nanoseconds)"), ("step", "60")])
        #expect(answer.status == 200)
        #expect(answer.text.contains(#""values":[["#) || answer.text.contains(#""values":[[1"#), "\(answer.text.prefix(300))")
        // And the one that depends on the data: a user who is there.
        let user = try #require(
            Files.read(path).split(separator: "\n").first.flatMap { line in
                line.range(of: "\"user_id\": \"").map { String(line[$0.upperBound...].prefix(8)) }
            })
        #expect(try !server.lines(#"{job="llm-api"} | json | user_id="\#(user)""#).isEmpty)
    }
}

/// All planted secrets in one pass over the bytes.
struct SecretSearch {
    private let secrets: [PlantedSecret]
    private let scanner: LiteralScanner

    init(_ secrets: [PlantedSecret]) throws {
        self.secrets = secrets
        scanner = try LiteralScanner(
            secrets.enumerated().map { LiteralScanner.Pattern(id: UInt32($0.offset), text: $0.element.value) })
    }

    /// The kinds of those that stand in `bytes` as they are, sorted.
    func found(in bytes: [UInt8]) throws -> [String] {
        if bytes.isEmpty { return [] }
        let scratch = try LiteralScanner.Scratch(for: scanner)
        #expect(bytes.withView { scanner.scan($0, scratch) })
        return Set(scratch.hits.map { Int($0.id) }).map { secrets[$0].kind.rawValue }.sorted()
    }
}

extension StringProtocol {
    /// Foundation's `range(of:)`, for ASCII needles.
    func range(of needle: String) -> Range<Index>? {
        var at = startIndex
        while at < endIndex {
            if self[at...].hasPrefix(needle) { return at..<index(at, offsetBy: needle.count) }
            at = index(after: at)
        }
        return nil
    }
}
