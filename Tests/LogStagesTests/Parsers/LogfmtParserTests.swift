import Bytes
import Testing

@testable import LogStages

@Suite("logfmt")
struct LogfmtParserTests {
    private func run(_ line: String, strict: Bool = false, keepEmpty: Bool = false) -> [String: String] {
        StageBed().run([.logfmt(LogfmtParser(strict: strict, keepEmpty: keepEmpty))], line).labels
    }

    @Test(
        "Pairs",
        arguments: [
            ("a-b=1 9x=2 dup=first dup=second empty=", ["a_b": "1", "_9x": "2", "dup": "first"]),
            (
                #"key="quoted value" esc="a\tb\"c\" \u00e9" plain=x"#,
                ["key": "quoted value", "esc": "a\tb\"c\" é", "plain": "x"]
            ),
            ("tab\tsep=1\tnext=2", ["sep": "1", "next": "2"]), ("no pairs at all", [:]), ("", [:]),
            ("ünï=1 naïve=café 日本=東京", ["_n_": "1", "na_ve": "café", "__": "東京"]),
            (#"a="" b=1"#, ["b": "1"]), (#"a=1 "quoted"=x b=2"#, ["a": "1", "b": "2"]),
            ("k=a=b other=2", ["other": "2"]),
            ("url=http://x/y?z=1 next=2", ["next": "2"]), ("=x a=1", ["a": "1"]), ("===", [:]),
            (#"a=x"y b=1"#, ["b": "1"]), (#"a="un terminated"#, [:]), (#"a="bad \x" b=2"#, ["b": "2"]),
            ("crlf=1\r\n", ["crlf": "1"]), (#"q="it\'s""#, ["q": "it's"]),
        ]
    )
    func pairs(line: String, labels: [String: String]) {
        #expect(run(line) == labels)
    }

    @Test("keep-empty")
    func keepEmpty() {
        #expect(run("bare key= a=1", keepEmpty: true) == ["bare": "", "key": "", "a": "1"])
    }

    @Test(
        "Strict stops at the first fault",
        arguments: [
            ("good=1 k=a=b other=2", 11, "unexpected '='"), (#"good=1 k=a"b other=2"#, 11, "unexpected '\"'"),
            ("bare key2= =novalue", 12, "unexpected '='"),
            (#"good=1 bad="unterminated other=2"#, 33, "unterminated quoted value"),
            ("===", 1, "unexpected '='"), ("url=http://x/y?z=1 next=2", 17, "unexpected '='"),
            (#"good=1 "quoted"=x other=2"#, 8, "unexpected '\"'"),
        ]
    )
    func strict(line: String, position: Int, reason: String) {
        let labels = run(line, strict: true)
        #expect(labels["__error__"] == "LogfmtParserErr")
        #expect(labels["__error_details__"] == "logfmt syntax error at pos \(position) : \(reason)")
        #expect(labels["good"] == (line.hasPrefix("good") ? "1" : nil))
        #expect(labels["other"] == nil)
    }

    @Test("Bytes that are not UTF-8 become spaces")
    func invalidUTF8() {
        let outcome = StageBed().run([.logfmt(LogfmtParser())], bytes: Array("a=x".utf8) + [0xFF] + Array("y b=1".utf8))
        #expect(outcome.labels == ["a": "x y", "b": "1"])
    }

    @Test("With keys: all labels are there, the last of equal keys counts")
    func expressions() throws {
        func run(_ fields: [(String, String)], _ line: String, strict: Bool = false) throws -> [String: String] {
            let expressions = fields.map { FieldExpression(ByteString($0.0), ByteString($0.1)) }
            return StageBed(stream: ["host": "h1"]).run(
                [.logfmtExpressions(try LogfmtExpressionParser(expressions, strict: strict))],
                line
            ).labels
        }
        #expect(try run([("a", "b")], "b=2 a=1 c=3") == ["a": "1"])
        #expect(try run([("b", "b")], "b=first b=second") == ["b": "second"])
        #expect(try run([("name", "name"), ("code", "code")], "name= code=200") == ["name": "", "code": "200"])
        #expect(try run([("host", "host")], "x=1") == [:])
        #expect(try run([("host", "host")], "host=inner") == ["host_extracted": "inner"])
        #expect(try run([("x", "x")], "") == ["x": ""])
        #expect(
            try run([("good", "good"), ("other", "other")], "good=1 k=a=b other=2", strict: true) == [
                "good": "1", "other": "", "__error__": "LogfmtParserErr",
                "__error_details__": "logfmt syntax error at pos 11 : unexpected '='",
            ]
        )
        for path in ["", "ünï"] {
            #expect(
                message { _ = try run([("z", path)], "") }
                    == "cannot parse expression [\(path)]: syntax error: unexpected $end, expecting STRING or KEY"
            )
        }
    }

    @Test("Random text never traps", arguments: 0..<20)
    func random(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let keys = PipelineStage.logfmtExpressions(try LogfmtExpressionParser([FieldExpression("a", "b")]))
        for _ in 0..<400 {
            let line = random.text("ab=\"\\ 'u0é\t", most: 30)
            let loose = StageBed().run([.logfmt(LogfmtParser(keepEmpty: true))], bytes: line)
            let strict = StageBed().run([.logfmt(LogfmtParser(strict: true, keepEmpty: true))], bytes: line)
            #expect(loose["__error__"] == nil)
            // What strict finds in front of the fault, loose finds too.
            for (name, value) in strict.labels where !name.hasPrefix("__error") { #expect(loose[name] == value) }
            _ = StageBed().run([keys], bytes: line)
        }
    }
}
