import Bytes
import Glibc
import LogModel
import LogService
import Testing

/// `tailrace audit`: what was stored before there were rules is found, counted, never shown, and mended.
@Suite struct AuditTests {
    private static let now = Int64(time(nil)) * 1_000_000_000

    private static func push(_ server: TailraceServer) throws {
        let lines = (0..<500).map { number in
            let text = number % 10 == 0 ? "user jane\(number)@audit.example pays with 4111 1111 1111 1111" : "request \(number) done"
            return #"["\#(now - 1_000_000_000 + Int64(number))","\#(text)",{"mail":"\#(number % 50 == 0 ? "m\(number)@audit.example" : "none")"}]"#
        }
        let streams = [
            #"{"stream":{"app":"api"},"values":[\#(lines.joined(separator: ","))]}"#,
            #"{"stream":{"app":"web","user":"label@audit.example"},"values":[["\#(now)","one"],["\#(now + 1)","two x@audit.example"]]}"#,
        ]
        try #require(try HTTP.push(server.port, json: #"{"streams":[\#(streams.joined(separator: ","))]}"#).status == 204)
    }

    private static func texts(_ server: TailraceServer) throws -> [String] {
        try server.lines(#"{app=~".+"}"#, start: now - 10_000_000_000).map { "\($0.labels) \($0.text.string)" }
    }

    @Test func findsCountsAndMends() throws {
        let folder = try Scratch()
        let server = try TailraceServer(folder)
        try Self.push(server)
        let config = folder.write("rules.yaml", "redaction: {}\nstore: {}\n")
        func audit(_ words: String...) throws -> (status: Int32, output: String) { try TailraceProcess.run(["audit", server.data] + words, in: folder) }
        for isRunning in [true, false] {
            if !isRunning { server.stop() }
            let found = try audit("--json")
            #expect(found.status == 1)
            #expect(found.output.contains(#""rows":502"#) && found.output.contains(#""rows_found":52"#), "\(found.output)")
            // 50 lines, 10 of metadata, one line of the stream whose label counts for each of its two rows.
            #expect(found.output.contains(#""findings":{"card":50,"email":63}"#), "\(found.output)")
            #expect(!found.output.contains("audit.example") && !found.output.contains("4111"), "never the values")
            let text = try audit("--config", config, "--selector", #"{app="api"} |= "pays""#)
            #expect(text.status == 1 && text.output.contains("50 of 50 rows hold"), "\(text.output)")
            #expect(!text.output.contains("audit.example"))
            if isRunning {
                let refused = try audit("--fix", "--config", config)
                #expect(refused.status == 2 && refused.output.contains("in use"), "\(refused.output)")
            }
        }
        let fixed = try audit("--fix", "--config", config)
        #expect(fixed.status == 0 && fixed.output.contains("nothing found"), "\(fixed.output)")
        for file in Files.tree(server.data) { #expect(!String(decoding: Files.bytes(file), as: UTF8.self).contains("audit.example"), "\(file)") }
        let again = try TailraceServer(folder, data: server.data)
        let lines = try Self.texts(again)
        #expect(lines.count == 502, "no line is lost, none comes twice")
        #expect(lines.count { $0.contains("[REDACTED:email] pays with [REDACTED:card]") } == 50)
        #expect(lines.count { $0.contains("[REDACTED:email]") && $0.contains("web") } == 2)
        #expect(!lines.contains { $0.contains("audit.example") || $0.contains("4111") })
        again.stop()
        #expect(try audit("--fix", "--config", config).output.contains("0 rows changed, 0 dropped or moved, in 0 segments"))
        #expect(try TailraceProcess.run(["store", "verify", server.data], in: folder).status == 0)
    }

    @Test func refusesWhatCannotBeMeant() throws {
        let folder = try Scratch()
        let server = try TailraceServer(folder)
        server.stop()
        func audit(_ words: String...) throws -> (status: Int32, output: String) { try TailraceProcess.run(["audit"] + words, in: folder) }
        #expect(try audit(server.data).status == 0, "an empty store")
        #expect(try audit().status == 2)
        #expect(try audit(folder.path("nothing")).status == 2)
        #expect(try audit(server.data, "--config", folder.write("none.yaml", "store: {}\n")).output.contains("no `redaction:` block"))
        #expect(try audit(server.data, "--fix", "--from", "now-1h").status == 2)
        let detect = folder.write("detect.yaml", "redaction: {mode: detect}\n")
        #expect(try audit(server.data, "--fix", "--config", detect).output.contains("nothing to fix"))
    }
}
