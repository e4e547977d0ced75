import Bytes
import LogModel
import Testing

@testable import LogSources

@Suite struct RelabelRuleTests {
    static let base = Labels(["__path__": "/var/log/app/x.log", "app": "Api", "env": "prod", "env2": "prod", "tmp_a": "1", "tmp_b": "2"])

    private func apply(_ rule: RelabelRule, _ labels: Labels = base) -> Labels? { RelabelRule.apply([rule], to: labels) }

    @Test func replace() throws {
        let labels = try #require(
            apply(try RelabelRule(sourceLabels: ["__path__"], regex: "/var/log/([^/]+)/(?P<file>.*)", targetLabel: "dir_$1", replacement: "${file}-$1-$$")))
        #expect(labels["dir_app"] == "x.log-app-$")
        // A name is as long as it can be.
        #expect(
            apply(try RelabelRule(sourceLabels: ["app"], targetLabel: "x", replacement: "$1abc"))?["x"] == nil)
        #expect(apply(try RelabelRule(sourceLabels: ["app", "env"], targetLabel: "x"))?["x"] == "Api;prod")
        #expect(apply(try RelabelRule(sourceLabels: ["app", "env"], separator: "", targetLabel: "x"))?["x"] == "Apiprod")
        // The whole value must match; no match changes nothing.
        #expect(apply(try RelabelRule(sourceLabels: ["app"], regex: "Ap", targetLabel: "env", replacement: "z"))?["env"] == "prod")
        // Empty deletes.
        #expect(apply(try RelabelRule(sourceLabels: ["missing"], targetLabel: "env"))?["env"] == nil)
        #expect(apply(try RelabelRule(targetLabel: "env", replacement: ""))?["env"] == nil)
        #expect(apply(try RelabelRule(targetLabel: "k", replacement: "const"))?["k"] == "const")
        // Dot matches newline.
        #expect(apply(try RelabelRule(sourceLabels: ["a"], regex: "x.y", targetLabel: "b", replacement: "hit"), Labels(["a": "x\ny"]))?["b"] == "hit")
    }

    @Test func filters() throws {
        #expect(apply(try RelabelRule(sourceLabels: ["env"], regex: "prod|dev", action: "keep")) != nil)
        #expect(apply(try RelabelRule(sourceLabels: ["env"], regex: "pro", action: "keep")) == nil)
        #expect(apply(try RelabelRule(sourceLabels: ["env"], regex: "prod", action: "DROP")) == nil)
        #expect(apply(try RelabelRule(sourceLabels: ["missing"], regex: "", action: "drop")) == nil)
        #expect(apply(try RelabelRule(sourceLabels: ["env"], targetLabel: "env2", action: "keepequal")) != nil)
        #expect(apply(try RelabelRule(sourceLabels: ["env"], targetLabel: "app", action: "keepequal")) == nil)
        #expect(apply(try RelabelRule(sourceLabels: ["env"], targetLabel: "env2", action: "dropequal")) == nil)
    }

    @Test func names() throws {
        let mapped = try #require(apply(try RelabelRule(regex: "tmp_(.*)", replacement: "new_$1", action: "labelmap")))
        #expect(mapped["new_a"] == "1" && mapped["new_b"] == "2" && mapped["tmp_a"] == "1")
        let dropped = try #require(apply(try RelabelRule(regex: "tmp_.*", action: "labeldrop")))
        #expect(dropped["tmp_a"] == nil && dropped["app"] != nil)
        let kept = try #require(apply(try RelabelRule(regex: "tmp_.*", action: "labelkeep")))
        #expect(kept.count == 2)
    }

    @Test func values() throws {
        #expect(apply(try RelabelRule(sourceLabels: ["app"], targetLabel: "app", action: "lowercase"))?["app"] == "api")
        #expect(apply(try RelabelRule(sourceLabels: ["app"], targetLabel: "app", action: "uppercase"))?["app"] == "API")
        // Reference values of Prometheus' relabelling tests.
        let c = Labels(["a": "foo", "b": "bar", "c": "baz"])
        #expect(apply(try RelabelRule(sourceLabels: ["c"], modulus: 1000, targetLabel: "d", action: "hashmod"), c)?["d"] == "976")
        let n = Labels(["a": "foo\nbar"])
        #expect(apply(try RelabelRule(sourceLabels: ["a"], modulus: 1000, targetLabel: "b", action: "hashmod"), n)?["b"] == "734")
    }

    @Test(arguments: [
        ("", "d41d8cd98f00b204e9800998ecf8427e"), ("abc", "900150983cd24fb0d6963f7d28e17f72"),
        ("12345678901234567890123456789012345678901234567890123456789012345678901234567890", "57edf4a22be3c955ac49da2e2107b67a"),
    ])
    func md5(_ text: String, _ digest: String) {
        let hex = MD5.digest(ByteString(text)).map { String($0 / 16, radix: 16) + String($0 % 16, radix: 16) }.joined()
        #expect(hex == digest)
    }

    @Test func mistakesAreRefused() {
        #expect(throws: RelabelError.self) { try RelabelRule(sourceLabels: ["a"], regex: "(", targetLabel: "b") }
        #expect(throws: RelabelError.self) { try RelabelRule(sourceLabels: ["a"]) }
        #expect(throws: RelabelError.self) { try RelabelRule(sourceLabels: ["a"], targetLabel: "b", action: "hashmod") }
        #expect(throws: RelabelError.self) { try RelabelRule(action: "explode") }
        #expect(throws: RelabelError.self) { try RelabelRule(sourceLabels: ["a"], regex: "x", action: "labeldrop") }
        #expect(throws: RelabelError.self) { try RelabelRule(sourceLabels: ["a"], regex: "x", targetLabel: "b", action: "keepequal") }
    }

    // MARK: Targets

    @Test func targetsAreResolved() throws {
        var failures: [String] = []
        let path = "/var/log/*.log"
        let targets = FileTarget.resolve(
            [
                FileTargetSettings(job: 0, jobName: "a", labels: Labels(["__path__": "/var/log/*.log", "job": "x", "__meta": "m", "empty": ""])),
                FileTargetSettings(job: 0, jobName: "a", labels: Labels(["__path__": "/var/log/*.log", "job": "x"])),
                FileTargetSettings(job: 1, jobName: "b", labels: Labels(["job": "x"])),
                FileTargetSettings(job: 1, jobName: "b", labels: Labels(["__path__": "/x", "__host__": "other"])),
                FileTargetSettings(job: 1, jobName: "b", labels: Labels(["__path__": "/x", "__host__": "me"])),
                FileTargetSettings(job: 2, jobName: "c", labels: Labels(["__path__": "/x/[", "job": "x"])),
                FileTargetSettings(
                    job: 3, jobName: "d", labels: Labels(["__path__": "/x", "job": "x"]),
                    relabel: [try RelabelRule(sourceLabels: ["job"], regex: "x", action: "drop")]),
            ], hostname: "me"
        ) { _, failure, _ in failures.append(failure.rawValue) }
        #expect(targets.map(\.path) == [path, "/x"])
        #expect(targets.first?.labels == Labels(["job": "x"]))
        #expect(failures == ["exists", "no_path", "wrong_host", "error", "dropped"])
    }
}
