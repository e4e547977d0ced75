import Glibc
import LogService
import Testing

@Suite struct DiffCommandTests {
    /// Four hours of a service whose second half has a new error, pushed to a server: asked through the server and, once it
    /// has ended, in its directory.
    @Test func aDeployIsComparedThroughAServerAndOffline() throws {
        let folder = try Scratch()
        let server = try TailraceServer(folder)
        let start = (time(nil) - 4 * 3_600) / 60 * 60
        var values: [String] = []
        for i in 0..<400 {
            let line = i >= 200 && i % 2 == 0 ? "disk \(i) is full" : "job \(i) done"
            values.append(#"["\#(start + i * 36)000000000","{\"level\":\"info\",\"id\":\"r\#(i)\",\"msg\":\"\#(line)\"}"]"#)
        }
        for host in ["a", "b"] {
            let body = #"{"streams":[{"stream":{"job":"x","host":"\#(host)"},"values":[\#(values.joined(separator: ","))]}]}"#
            #expect(try HTTP.push(server.port, json: body).status == 204)
        }
        func diff(_ words: String...) throws -> (status: Int32, output: String) {
            try TailraceProcess.run(["diff"] + words, in: folder)
        }
        let windows = ["\(start)..\(start + 7_200)", "\(start + 7_200)..\(start + 14_400)"]
        let online = try diff("--before", windows[0], "--after", windows[1], "--by", "host", "--addr", server.url)
        #expect(online.status == 1)
        #expect(online.output.contains("new         0    200           msg: disk <_> is full"), "\(online.output)")
        let json = try diff("--deploy", "\(start + 7_200)", "--window", "2h", "--json", "--addr", server.url, #"{host="a"}"#)
        #expect(json.status == 1 && json.output.hasPrefix(#"{"before":{"start":"\#(start)000000000""#), "\(json.output)")
        let same = try diff(
            "--before", "\(start)..\(start + 3_600)", "--after", "\(start + 3_600)..\(start + 7_200)", "--addr", server.url)
        #expect(same.status == 0 && same.output.contains("no change in "), "\(same.output)")
        let wrong = try diff("--before", windows[0], "--after", windows[1], "--addr", server.url, "{job=")
        #expect(wrong.status == 2 && wrong.output.contains("parse error"), "\(wrong.output)")
        #expect(try diff("--before", "1h").status == 2)
        server.stop()
        let away = try diff("--before", windows[0], "--after", windows[1], "--addr", server.url)
        #expect(away.status == 2)
        let offline = try diff("--before", windows[0], "--after", windows[1], "--by", "host", "--data", server.data)
        #expect(offline.status == 1 && offline.output == online.output, "\(offline.output)")
        #expect(try diff("--before", windows[0], "--after", windows[1], "--data", folder.path("none")).status == 2)
    }
}
