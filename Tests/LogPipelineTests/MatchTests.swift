import Bytes
import LogModel
import Metrics
import Testing

@testable import LogPipeline

@Suite("match and template")
struct MatchTests {
    private func match(
        _ selector: String, _ stages: [StageKind] = [], drop: Bool = false, reason: String? = nil
    ) -> StageKind {
        .match(
            MatchStageOptions(
                selector: selector, stages: stages.map { StageSpec($0) }, action: drop ? .drop : .keep,
                dropCounterReason: reason))
    }

    @Test(
        "Selectors",
        arguments: [
            (#"{job="j"}"#, true), (#"{job="k"}"#, false), (#"{job=~"j|k"}"#, true), (#"{job=~".*"}"#, true), (#"{job!="k"}"#, true),
            (#"{none=""}"#, true), (#"{job="j"} |= "lo w""#, true), (#"{job="j"} |= "nope""#, false), (#"{job="j"} != "nope""#, true),
            (#"{job="j"} |~ "l+o""#, true), (#"{job="j"} !~ "l+o""#, false), (#"{job="j"} |= "hello" |= "world""#, true),
            (#"{job="j", x!~"y.*"} |~ "(?i)WORLD$""#, true),
        ])
    func selectors(selector: String, expected: Bool) throws {
        let bench = try Bench([match(selector, [.staticLabels([StageMapping("hit", "1")])])])
        #expect(bench.run(["hello world"])[0].labels.contains("hit") == expected)
    }

    @Test("keep runs stages on what matches and lets the rest pass; drop drops and counts")
    func keepAndDrop() throws {
        let keep = try Bench([
            match(#"{job="j"} |= "a""#, [.staticLabels([StageMapping("in", "1")])]), .staticLabels([StageMapping("after", "1")]),
        ])
        #expect(keep.run(["a", "b"]).map(\.labels) == [#"{after="1", in="1", job="j"}"#, #"{after="1", job="j"}"#])
        let drop = try Bench([match(#"{job="j"} |= "a""#, drop: true, reason: "as")])
        #expect(drop.run(["a", "b"]).map(\.line) == ["b"])
        #expect(drop.registry.value("logentry_dropped_lines_total", ["reason": "as"]) == 1)
    }

    @Test("A match sees labels that stages before it have set, and nests")
    func nesting() throws {
        let bench = try Bench([
            .json(JSONStageOptions(expressions: [StageMapping("l")])), .labels([StageMapping("l")]),
            match(#"{l="x"}"#, [match(#"{job="j"} |= "deep""#, [.staticLabels([StageMapping("d", "1")])]), .staticLabels([StageMapping("o", "1")])]),
        ])
        let out = bench.run([#"{"l":"x","m":"deep"}"#, #"{"l":"x"}"#, #"{"l":"y","m":"deep"}"#])
        #expect(out.map(\.labels) == [#"{d="1", job="j", l="x", o="1"}"#, #"{job="j", l="x", o="1"}"#, #"{job="j", l="y"}"#])
    }

    @Test(
        "Mistakes",
        arguments: [
            ("{}", "`{}`"), ("{", "parse error"), (#"{job="j"} | json"#, "more than label conditions"), ("rate({a=\"b\"}[1m])", "only log selector"),
            (#"{job="j"} |= ip("1.1.1.1")"#, "more than label conditions"), (#"{job="j"} |> "<_>a""#, "patterns cannot"),
        ])
    func mistakes(selector: String, words: String) throws {
        let stage = StageSpec(match(selector, [.decolorize]), at: StageLocation(line: 2, column: 1))
        do {
            _ = try Pipeline.build([stage], environment: PipelineEnvironment())
            Issue.record("accepted \(selector)")
        } catch { #expect(error.description.contains(words), "\(error)") }
    }

    @Test("drop with stages, keep without, and a mistake inside, with the stages around it")
    func shapes() {
        func message(_ kind: StageKind) -> String {
            do {
                _ = try Pipeline.build([StageSpec(kind)], environment: PipelineEnvironment())
                return "none"
            } catch { return error.description }
        }
        #expect(message(match(#"{a="b"}"#, [.decolorize], drop: true)).contains("`action: drop` with `stages`"))
        #expect(message(match(#"{a="b"}"#)).contains("no `stages`"))
        #expect(message(match(#"{a="b"}"#, [match(#"{a="b"}"#, [.output(source: "")])])).contains("match.match.output stage"))
    }

    // MARK: template

    @Test(
        "template: values, missing keys, line, empty results",
        arguments: [
            ("{{ .Value }}!", "abc!"), ("{{ .level }}-{{ .n }}", "INFO-1.5"), ("{{ .missing }}", "<no value>"), ("{{ .job }}", "j"),
            ("{{ ToLower .level }}", "info"), (#"{{ if eq .Value "abc" }}yes{{ else }}no{{ end }}"#, "yes"), ("{{ trunc 2 .Value }}", "ab"),
            (#"{{ .missing | default "d" }}"#, "d"), ("{{ len .Entry }}", "35"), (#"{{ index . "v" }}"#, "abc"),
        ])
    func templates(template: String, expected: String) throws {
        let bench = try Bench([
            .json(JSONStageOptions(expressions: [StageMapping("v"), StageMapping("level"), StageMapping("n")])),
            .template(source: "v", template: template), .output(source: "v"),
        ])
        #expect(bench.run([#"{"v":"abc","level":"INFO","n":1.5 }"#]).map(\.line) == [expected])
    }

    @Test("template: an empty result deletes the value; a source need not be there; mistakes at build")
    func templateEdges() throws {
        let bench = try Bench([
            .json(JSONStageOptions(expressions: [StageMapping("v")])), .template(source: "v", template: "{{ if false }}x{{ end }}"),
            .template(source: "new", template: "made"), .labels([StageMapping("v"), StageMapping("new")]),
        ])
        #expect(bench.run([#"{"v":"abc"}"#])[0].labels == #"{job="j", new="made"}"#)
        for wrong in ["{{ nofunction . }}", "{{ .a", ""] where !wrong.isEmpty {
            #expect(throws: PipelineError.self) {
                try Pipeline.build([StageSpec(.template(source: "a", template: wrong))], environment: PipelineEnvironment())
            }
        }
    }

    @Test("replace with a template")
    func replaceTemplate() throws {
        let bench = try Bench([
            .replace(ReplaceStageOptions(expression: #"status=(\d+)"#, replace: #"{{ if eq .Value "200" }}ok{{ else }}{{ .Value }}!{{ end }}"#))
        ])
        #expect(bench.run(["status=200 status=500"]).map(\.line) == ["status=ok status=500!"])
    }
}
