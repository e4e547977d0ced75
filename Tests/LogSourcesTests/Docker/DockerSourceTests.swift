import Bytes
import Disk
import LogModel
import Testing

@testable import FakeServers
@testable import LogSources

@Suite struct DockerSourceTests {
    typealias Line = FakeDocker.Line
    private let noon = FakeDocker.noon

    private func settings(_ docker: FakeDocker, _ change: (inout DockerSettings) -> Void = { _ in }) throws -> DockerSettings {
        var settings = DockerSettings(job: 0, jobName: "docker", address: docker.address)
        settings.relabel = [
            try RelabelRule(sourceLabels: ["__meta_docker_container_name"], regex: "/(.*)", targetLabel: "container"),
            try RelabelRule(sourceLabels: ["__meta_docker_container_log_stream"], targetLabel: "stream"),
        ]
        change(&settings)
        return settings
    }

    private func run(
        _ docker: FakeDocker, _ sink: RecordingSink, once: Bool = false, _ change: (inout DockerSettings) -> Void = { _ in },
        _ body: () throws -> Void
    ) throws {
        let source = try DockerSource(try settings(docker, change), sink: sink, once: once, events: sink.events)
        let failure = Monitor<String?>(nil)
        let worker = Worker("test-docker") {
            do { try source.run() } catch { failure.change { $0 = "\(error)" } }
        }
        defer {
            if !once { source.stop() }
            worker?.join()
        }
        try body()
    }

    /// A daemon on a Unix socket that is gone with the test.
    private func withDocker(_ body: (FakeDocker) throws -> Void) throws {
        let directory = TemporaryDirectory()
        let docker = FakeDocker(path: directory("docker.sock"))
        defer { docker.stop() }
        try body(docker)
    }

    @Test func runningContainersAreFollowedWithTheirLabels() throws {
        try withDocker { docker in
            docker.run(
                FakeDocker.Container(
                    id: "aa11", name: "web", labels: ["com.docker.compose.service": "web"],
                    lines: [Line(time: noon, text: "old"), Line(time: noon + 1, text: "oops", stream: 2)]))
            let sink = RecordingSink()
            try run(docker, sink) {
                $0.relabel.append(try! RelabelRule(regex: "__meta_docker_(.+)", replacement: "m_$1", action: "labelmap"))
                $0.relabel.append(try! RelabelRule(sourceLabels: ["__address__"], targetLabel: "address"))
            } _: {
                #expect(sink.wait(lines: 2))
                docker.write("aa11", Line(time: noon + 5_000_000_000, text: "new"))
                #expect(sink.wait(lines: 3))
            }
            #expect(sink.lines == ["old", "oops", "new"])
            #expect(sink.all.map(\.timestamp) == [noon, noon + 1, noon + 5_000_000_000])
            #expect(
                sink.all[1].labels
                    == Labels([
                        "address": "172.18.0.7:8080", "container": "web", "m_container_id": "aa11",
                        "m_container_label_com_docker_compose_service": "web", "m_container_log_stream": "stderr",
                        "m_container_name": "/web", "m_container_network_mode": "app_default", "m_network_id": "9a1f",
                        "m_network_ingress": "false", "m_network_internal": "false", "m_network_ip": "172.18.0.7",
                        "m_network_label_com_docker_compose_network": "default", "m_network_name": "app_default",
                        "m_network_scope": "local", "m_port_private": "8080", "m_port_public": "18080", "m_port_public_ip": "0.0.0.0",
                        "stream": "stderr",
                    ]))
            #expect(sink.problems.isEmpty)
            #expect(docker.requests[0] == "/version")
            #expect(docker.requests.dropFirst().allSatisfy { $0.hasPrefix("/v1.47/") })
        }
    }

    /// Started, stopped and removed between two lists.
    @Test func shortLivedContainersAreReadToTheirEnd() throws {
        try withDocker { docker in
            let sink = RecordingSink()
            try run(docker, sink) {
                #expect(docker.wait(for: "/containers/json"))
                for i in 0..<5 {
                    docker.run(FakeDocker.Container(id: "b\(i)", name: "job\(i)", lines: [Line(time: noon, text: "one \(i)")]))
                    #expect(docker.waitForLog(of: "b\(i)"))
                    docker.write("b\(i)", Line(time: noon + 1, text: "two \(i)"))
                    docker.end("b\(i)", removed: true)
                }
                #expect(sink.wait(lines: 10))
            }
            #expect(sink.lines.sorted() == (0..<5).flatMap { ["one \($0)", "two \($0)"] }.sorted())
        }
    }

    @Test func restartedContainersGoOnWhereTheyWere() throws {
        try withDocker { docker in
            docker.run(FakeDocker.Container(id: "cc", name: "c", lines: [Line(time: noon, text: "first")]))
            let sink = RecordingSink()
            try run(docker, sink) {
                #expect(sink.wait(lines: 1))
                docker.write("cc", Line(time: noon + 10, text: "last words"))
                docker.end("cc")
                #expect(sink.wait(lines: 2))
                docker.write("cc", Line(time: noon + 20, text: "again"))
                docker.restart("cc")
                #expect(sink.wait(lines: 3))
                docker.write("cc", Line(time: noon + 30, text: "and on"))
                #expect(sink.wait(lines: 4))
            }
            #expect(sink.lines == ["first", "last words", "again", "and on"])
            #expect(sink.problems.isEmpty)
        }
    }

    /// Promtail goes on by whole seconds and delivers that second again.
    @Test func aRestartOfTheCollectorDeliversNothingTwice() throws {
        try withDocker { docker in
            docker.run(
                FakeDocker.Container(
                    id: "dd", name: "d", lines: [Line(time: noon, text: "same"), Line(time: noon, text: "same"), Line(time: noon + 1, text: "b")]))
            let sink = RecordingSink()
            try run(docker, sink) { #expect(sink.wait(lines: 3)) }
            // The same nanosecond, and one that the other writer had before.
            docker.write("dd", Line(time: noon + 1, text: "b"), Line(time: noon, text: "late", stream: 2), Line(time: noon + 9, text: "c"))
            try run(docker, sink) { #expect(sink.wait(lines: 6)) }
            #expect(sink.lines == ["same", "same", "b", "b", "late", "c"])
            #expect(sink.problems.isEmpty)
            #expect(docker.requests.contains { $0.contains("since=\(FakeDocker.day + 43_199).000000001") })
        }
    }

    /// What is delivered after a crash is what was not committed before it.
    @Test func aCrashInTheMiddleLosesNothing() throws {
        try withDocker { docker in
            docker.run(FakeDocker.Container(id: "ee", name: "e", lines: (0..<100).map { Line(time: noon + $0, text: "line \($0)") }))
            let sink = RecordingSink()
            sink.state.change { $0.linesLeft = 0 }
            let source = try DockerSource(try settings(docker), sink: sink, events: sink.events)
            #expect(throws: SinkClosed.self) { try source.run() }
            sink.state.change { $0.linesLeft = .max }
            try run(docker, sink) { #expect(sink.wait(lines: 100)) }
            #expect(sink.lines == (0..<100).map { "line \($0)" })
        }
    }

    @Test func theDaemonGoesAwayAndComesBack() throws {
        try withDocker { docker in
            docker.run(FakeDocker.Container(id: "ff", name: "f", lines: [Line(time: noon, text: "before")]))
            let sink = RecordingSink()
            try run(docker, sink) {
                #expect(sink.wait(lines: 1))
                docker.stop()
                docker.write("ff", Line(time: noon + 1, text: "meanwhile"))
                #expect(sink.wait { $0.counters[.dockerReconnects] ?? 0 > 0 })
                docker.start()
                #expect(sink.wait(lines: 2))
            }
            #expect(sink.lines == ["before", "meanwhile"])
            #expect(sink.state.withLock { $0.reports.map(\.message) }.contains { $0.hasSuffix("answers again") })
        }
    }

    @Test func aLogThatBreaksOffIsReadOn() throws {
        try withDocker { docker in
            docker.run(FakeDocker.Container(id: "a1", name: "a", lines: (0..<3).map { Line(time: noon + $0, text: "line \($0)") }))
            // In the middle of the second frame.
            docker.state.change { $0.breakLogsAfter = 60 }
            let sink = RecordingSink()
            try run(docker, sink) { #expect(sink.wait(lines: 3)) }
            #expect(sink.lines == ["line 0", "line 1", "line 2"])
        }
    }

    /// Docker cuts lines at 16 KiB; the parts of two outputs may come in turn.
    @Test(arguments: [false, true])
    func longLinesAreJoined(isTerminal: Bool) throws {
        try withDocker { docker in
            let part = String(repeating: "x", count: 16 << 10)
            var lines = [Line(time: noon, text: part, isPart: true), Line(time: noon, text: part, isPart: true)]
            if !isTerminal { lines.append(Line(time: noon + 1, text: "between", stream: 2)) }
            lines += [Line(time: noon, text: "end"), Line(time: noon + 2, text: "next")]
            docker.run(FakeDocker.Container(id: "a2", name: "a", isTerminal: isTerminal, lines: lines))
            let sink = RecordingSink()
            try run(docker, sink) { #expect(sink.wait(lines: isTerminal ? 2 : 3)) }
            #expect(sink.lines.filter { $0 != "between" } == [part + part + "end", "next"])
            let short = RecordingSink()
            try run(docker, short) { $0.maxLineBytes = 20_000 } _: { #expect(short.wait(lines: isTerminal ? 2 : 3)) }
            #expect(short.lines.filter { $0 != "between" }.map(\.utf8.count) == [20_000, 4])
            #expect(short.counter(.linesCut) == 1)
            if !isTerminal { #expect(short.counter(.bytesCut) == UInt64(2 * (16 << 10) + 3 - 20_000)) }
        }
    }

    @Test func openLogsAreTargets() throws {
        try withDocker { docker in
            docker.run(FakeDocker.Container(id: "d1", name: "d", lines: [Line(time: noon, text: "one")]))
            let sink = RecordingSink()
            let source = try DockerSource(try settings(docker), sink: sink, events: sink.events)
            let worker = Worker("test-docker") { try? source.run() }
            #expect(docker.wait(for: "/containers/d1/logs"))
            #expect(sink.wait(lines: 1))
            #expect(source.targetStatus().map(\.labels.description) == [#"{container="d", stream="stdout"}"#, #"{container="d", stream="stderr"}"#])
            #expect(source.targetStatus().first?.discovered["__meta_docker_container_id"] == "d1")
            source.stop()
            worker?.join()
        }
    }

    @Test func onceReadsWhatIsThereAndEnds() throws {
        try withDocker { docker in
            docker.run(FakeDocker.Container(id: "a3", name: "a", isTerminal: true, lines: [Line(time: noon, text: "one"), Line(time: noon + 1, text: "two")]))
            docker.run(FakeDocker.Container(id: "a4", name: "stopped", isRunning: false, lines: [Line(time: noon, text: "old")]))
            let sink = RecordingSink()
            try run(docker, sink, once: true) {}
            #expect(sink.lines == ["one", "two"])
        }
    }

    /// Containers that came and went while nobody looked are read; those of before the first run are not.
    @Test func stoppedContainersOfTheTimeBetween() throws {
        try withDocker { docker in
            docker.run(FakeDocker.Container(id: "a5", name: "old", isRunning: false, lines: [Line(time: noon, text: "old")]))
            docker.run(FakeDocker.Container(id: "a6", name: "on", lines: [Line(time: noon, text: "on")]))
            let sink = RecordingSink()
            try run(docker, sink) { #expect(sink.wait(lines: 1)) }
            docker.run(
                FakeDocker.Container(
                    id: "a7", name: "between", isRunning: false, created: FakeDocker.day + 43_260, lines: [Line(time: noon + 60_000_000_000, text: "between")]))
            try run(docker, sink) { #expect(sink.wait(lines: 2)) }
            #expect(sink.lines == ["on", "between"])
        }
    }

    @Test func filtersAndDroppedOutputs() throws {
        try withDocker { docker in
            let lines = [Line(time: noon, text: "out"), Line(time: noon + 1, text: "err", stream: 2)]
            docker.run(FakeDocker.Container(id: "a8", name: "yes", labels: ["logging": "on"], lines: lines))
            docker.run(FakeDocker.Container(id: "a9", name: "no", lines: lines))
            let sink = RecordingSink()
            try run(docker, sink) {
                $0.filters = [DockerSettings.Filter(name: "label", values: ["logging=on"])]
                $0.relabel.append(try! RelabelRule(sourceLabels: ["stream"], regex: "stderr", action: "drop"))
            } _: {
                #expect(sink.wait(lines: 1))
                docker.run(FakeDocker.Container(id: "b1", name: "no2", lines: lines))
                docker.run(FakeDocker.Container(id: "b2", name: "yes2", labels: ["logging": "on"], lines: lines))
                #expect(sink.wait(lines: 2))
            }
            #expect(sink.all.map(\.labels) == [Labels(["container": "yes", "stream": "stdout"]), Labels(["container": "yes2", "stream": "stdout"])])
        }
    }

    @Test func thePositionOfPromtailIsTakenOver() throws {
        try withDocker { docker in
            docker.run(FakeDocker.Container(id: "c1", name: "c", lines: [Line(time: noon, text: "known"), Line(time: noon + 7_000_000_000, text: "new")]))
            let sink = RecordingSink()
            sink.state.change { $0.imported["cursor-c1"] = UInt64(FakeDocker.day + 43_205) }
            try run(docker, sink) { #expect(sink.wait(lines: 1)) }
            #expect(sink.lines == ["new"])
        }
    }

    @Test func aSocketThatIsNotThereIsSaidOnce() throws {
        let directory = TemporaryDirectory()
        let sink = RecordingSink()
        let address = HTTPServerAddress(.unix(path: directory("docker.sock")))
        let source = try DockerSource(DockerSettings(job: 0, jobName: "docker", address: address), sink: sink, events: sink.events)
        let worker = Worker("test-docker") { try? source.run() }
        #expect(sink.wait { $0.counters[.dockerReconnects] ?? 0 > 1 })
        source.stop()
        worker?.join()
        let said = sink.state.withLock { $0.reports }
        #expect(said.count == 1)
        #expect(said.first?.message.contains("docker.sock is not there: is the daemon running") ?? false)
    }

    @Test(arguments: [("1.41", "1.12", "/v1.41"), ("1.51", "1.24", "/v1.51"), ("1.60", "1.44", "/v1.51"), ("1.70", "1.60", "/v1.60")])
    func versions(theirs: String, least: String, chosen: String) throws {
        let text = "{\"ApiVersion\":\"\(theirs)\",\"MinAPIVersion\":\"\(least)\"}"
        let tree = try #require(text.withView { JSONTree($0) })
        #expect(try DockerSession.version(tree) == chosen)
    }
}
