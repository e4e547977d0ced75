import Bytes
import Testing

@testable import LogStages

@Suite("regexp, pattern, unpack")
struct TextParsersTests {
    @Test("regexp: named groups of the first match")
    func regexp() throws {
        func run(_ pattern: String, _ line: String) throws -> [String: String] {
            StageBed(stream: ["app": "x"]).run([.regexp(try RegexpParser(ByteString(pattern)))], line).labels
        }
        #expect(try run(#"(?P<verb>GET|POST) (?P<path>\S+)"#, "GET /api 200") == ["verb": "GET", "path": "/api"])
        #expect(try run(#"(?P<verb>GET) (?P<path>\S+)"#, "nothing") == [:])
        #expect(try run(#"^(?P<a>\w+)( (?P<c>\d+))?$"#, "foo") == ["a": "foo", "c": ""])
        #expect(try run("(?P<app>foo)", "a foo") == ["app_extracted": "foo"])
        #expect(try run("(?P<x>z*)", "abc") == ["x": ""])
    }

    @Test(
        "regexp: faults",
        arguments: [
            ("a(b)c", "invalid regexp parser: at least one named capture must be supplied"),
            ("(?P<x>", "invalid regexp parser: error parsing regexp: missing closing ): `(?P<x>`"),
        ]
    )
    func regexpFaults(pattern: String, text: String) {
        #expect(message { _ = try RegexpParser(ByteString(pattern)) } == text)
    }

    @Test(
        "pattern",
        arguments: [
            ("foo <x>", "foo bar x bar", ["x": "bar x bar"]), ("foo <x>", "xx foo bar", [:]),
            ("<_> bar<rest>", "foo bar x bar", ["rest": " x bar"]), ("<_> bar<rest>", "foo bar", ["rest": ""]),
            ("<a>|<b>|<c>", "x|y|z", ["a": "x", "b": "y", "c": "z"]), ("<a>|<b>|<c>", "x|y", ["a": "x", "b": "y"]),
            ("<a>|<b>", "plain", ["a": "plain"]), ("<x>", "", [:]), ("<x>", "all", ["x": "all"]),
            ("<app>: <msg>", "Error: failed", ["app_extracted": "Error", "msg": "failed"]),
            ("<ip> - <_> [<_>] \"<m> <_>\"", "1.2.3.4 - - [now] \"GET /\"", ["ip": "1.2.3.4", "m": "GET"]),
            ("<a>日本<b>", "x日本y", ["a": "x", "b": "y"]), ("<a>,<a2>", ",", ["a": "", "a2": ""]),
        ]
    )
    func pattern(pattern: String, line: String, labels: [String: String]) throws {
        #expect(StageBed().run([.pattern(try PatternParser(ByteString(pattern)))], line).labels == labels)
    }

    @Test(
        "pattern: faults",
        arguments: [
            ("foo", "at least one capture is required"), ("<_> x", "at least one capture is required"),
            ("<a> <a>", "duplicate capture name (a): invalid expression"),
            ("<a><b>", "found consecutive capture '<a><b>': invalid expression"),
            ("", "parse error at line 1, col 1: syntax error: unexpected $end, expecting IDENTIFIER or LITERAL"),
        ]
    )
    func patternFaults(pattern: String, text: String) {
        #expect(message { _ = try PatternParser(ByteString(pattern)) } == "invalid pattern parser: \(text)")
    }

    @Test("unpack")
    func unpack() {
        func run(_ line: String, _ bed: StageBed = StageBed(stream: ["app": "x"])) -> Outcome {
            bed.run([.unpack(UnpackParser())], line)
        }
        let packed = run(#"{"container":"c1","app":"inner","n":5,"o":{"x":"y"},"_entry":"{\"k\":\"v\"}"}"#)
        #expect(packed.line == #"{"k":"v"}"#)
        #expect(packed.labels == ["container": "c1", "app_extracted": "inner"])
        let plain = #"{"pod":"a","b":"c"}"#
        #expect(run(plain) == Outcome(kept: true, line: plain, labels: [:]))
        #expect(run("").labels == [:])
        #expect(run("not packed")["__error_details__"] == "expecting json object(6), but it is not")
        let broken = run(#"{"a":"b","broken":"#)
        #expect(broken.labels == ["__error__": "JSONParserErr", "__error_details__": "Malformed JSON error"])
        // Later filters look at the line, even where no label is needed.
        let quiet = run(#"{"a":"b","_entry":"x"}"#, StageBed(hints: .nothing))
        #expect(quiet.line == "x")
        #expect(quiet.labels == [:])
        #expect(run("no", StageBed(hints: .nothing)).labels == [:])
    }

    @Test("unpack, then parse what was packed")
    func unpackAndParse() throws {
        let stages: [PipelineStage] = [
            .unpack(UnpackParser()), .logfmt(LogfmtParser()), try lineFormat("{{.msg}}/{{.pod}}"),
        ]
        let outcome = StageBed().run(stages, #"{"pod":"p","_entry":"msg=\"a b\" n=3"}"#)
        #expect(outcome.line == "a b/p")
        #expect(outcome["n"] == "3")
    }

    @Test("Random text never traps", arguments: 0..<12)
    func random(seed: UInt64) throws {
        var random = SeededRandom(seed)
        for _ in 0..<300 {
            let line = random.text(#"{}"_entryab:,\ <>é"#, most: 40)
            _ = StageBed().run([.unpack(UnpackParser())], bytes: line)
            if let parser = try? PatternParser(ByteString(random.text("<>ab_ é", most: 12))) {
                _ = StageBed().run([.pattern(parser)], bytes: line)
            }
            if let filter = try? LineFilter(.pattern, [.text(ByteString(random.text("<>ab_ ", most: 12)))]) {
                _ = StageBed().run([.lineFilter(filter)], bytes: line)
            }
        }
    }
}
