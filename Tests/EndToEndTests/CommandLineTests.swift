import Glibc
import LogService
import Testing

@Suite struct CommandLineTests {
    @Test func exitStatusesAreThoseOfGrep() throws {
        let folder = try Scratch()
        let server = try TailraceServer(folder)
        let now = "\(time(nil))000000000"
        #expect(try HTTP.push(server.port, json: #"{"streams":[{"stream":{"job":"x"},"values":[["\#(now)","hello world"]]}]}"#).status == 204)
        func query(_ words: String...) throws -> (status: Int32, output: String) {
            try TailraceProcess.run(["query"] + words + ["--addr", server.url], in: folder)
        }
        let found = try query(#"{job="x"}"#, "-o", "raw")
        #expect(found.status == 0 && found.output == "hello world\n")
        let object = try query(#"{job="x"}"#, "-o", "jsonl")
        #expect(object.output.hasPrefix(#"{"ts":"\#(now)","labels":{"#))
        #expect(try query(#"{job="x"} |= "absent""#).status == 1)
        let wrong = try query(#"{job="x"} |= "#)
        #expect(wrong.status == 2 && wrong.output.contains("parse error"))
        #expect(try query(#"{job="x"}"#, "--since", "soon").status == 2)
        #expect(try TailraceProcess.run(["query"], in: folder).status == 2)
        #expect(try TailraceProcess.run(["no-such-command"], in: folder).status == 2)
        #expect(try TailraceProcess.run(["--version"], in: folder).status == 0)
        let bare = try TailraceProcess.run(["query", #"{job="x"}"#, "--addr", "127.0.0.1:\(server.port)"], in: folder)
        #expect(bare.status == 0, "an address without a scheme is http: \(bare.output)")
        server.stop()
        let away = try query(#"{job="x"}"#)
        #expect(away.status == 2 && away.output.contains("connection refused by \(server.url). "), "\(away.output)")
    }

    @Test func aSecondProcessIsRefusedWithThePid() throws {
        let folder = try Scratch()
        let server = try TailraceServer(folder)
        let second = try TailraceProcess.run(["serve", "--data", server.data, "--listen", "127.0.0.1:\(try FreePort.find())"], in: folder)
        #expect(second.status == 2)
        #expect(second.output.contains("\(server.process.pid)"), "\(second.output)")
    }

    @Test func aBusyPortNamesItsHolder() throws {
        let folder = try Scratch()
        let server = try TailraceServer(folder)
        let second = try TailraceProcess.run(["serve", "--data", folder.path("other"), "--listen", "127.0.0.1:\(server.port)"], in: folder)
        #expect(second.status == 2)
        #expect(second.output.contains("\(server.process.pid)") && second.output.contains("--listen"), "\(second.output)")
    }

    @Test(arguments: [
        ("scrape_configs: ]\n", ":1:17"), ("unknown_key: 1\n", ":1:1"),
        ("scrape_configs:\n- job_name: a\n  static_configs: [{labels: {__path__: /x}}]\n  pipeline_stages:\n  - regex: {expression: '('}\n", ":5:"),
    ])
    func checkNamesThePlace(text: String, place: String) throws {
        let folder = try Scratch()
        let file = folder.write("bad.yaml", text)
        let check = try TailraceProcess.run(["check", file], in: folder)
        #expect(check.status == 2)
        #expect(check.output.contains("\(file)\(place)"), "\(check.output)")
        let serve = try TailraceProcess.run(["up", "--config", file, "--data", folder.path("data")], in: folder)
        #expect(serve.status == 2, "nothing is started")
    }

    @Test(arguments: [
        "llm-api", "journal", "vllm", "sglang", "llama-server", "ollama", "uvicorn", "nginx-json", "litellm", "tgi", "triton", "gpu-journal",
        "containers",
    ])
    func shippedPipelinesAreGood(name: String) throws {
        let check = try TailraceProcess.run(["check", "\(Checkout.root)/pipelines/\(name).yaml"], in: try Scratch())
        #expect(check.status == 0, "\(check.output)")
    }

    @Test func testsOfPipelines() throws {
        let folder = try Scratch()
        let good = try TailraceProcess.run(["test", "\(Checkout.root)/pipelines/vllm_test.yaml"], in: folder)
        #expect(good.status == 0 && good.output.contains("3 passed, 0 failed"), "\(good.output)")
        let file = folder.write(
            "bad.yaml",
            """
            store: {}
            scrape_configs:
            - job_name: a
              static_configs: [{targets: [x], labels: {job: a, __path__: /x}}]
            tests: [{name: t, input: [x], expect: {entries: [y]}}]
            """)
        let bad = try TailraceProcess.run(["test", file], in: folder)
        #expect(bad.status == 1 && bad.output.contains("0 passed, 1 failed"), "\(bad.output)")
    }

    @Test func inspectShowsTheWayOfALineAndNoSecret() throws {
        let folder = try Scratch()
        let file = folder.write(
            "p.yaml",
            """
            store: {}
            redaction: {}
            scrape_configs:
            - job_name: a
              static_configs: [{targets: [x], labels: {job: a, __path__: /x}}]
              pipeline_stages:
              - json: {expressions: {level: }}
              - labels: {level: }
              - drop: {source: level, value: debug}
            """)
        let lines = folder.write("lines", #"{"level":"info","mail":"eve@x.example"}"# + "\n" + #"{"level":"debug"}"# + "\n")
        let shown = try TailraceProcess.run(["inspect", "--config", file, lines], in: folder)
        #expect(shown.status == 0)
        #expect(!shown.output.contains("eve@") && shown.output.contains("[REDACTED:email]"), "\(shown.output)")
        #expect(shown.output.contains("[inspect: labels stage]") && shown.output.contains(#"{job="a", level="info"}"#), "\(shown.output)")
        #expect(shown.output.contains("line 2\n") && shown.output.contains("nothing yet: dropped, or held"), "\(shown.output)")
        #expect(try TailraceProcess.run(["inspect", "--config", file, "--job", "b", lines], in: folder).status == 2)
    }
}
