import Bytes
import Testing

@testable import LogStages

@Suite("json with paths")
struct JSONExpressionParserTests {
    private static let document =
        #"{"servers":[{"name":"s0","ports":[80, 443]},{"name":"s1"}],"a.b":{"c":"dotted"},"matrix":[[1,2],[3,4]],"e":null,"esc":"t\tab","a":1,"a":2,"deep":{"x":{"y":true}}}"#

    private func run(_ paths: [(String, String)], _ line: String, _ bed: StageBed = StageBed()) throws -> [String:
        String]
    {
        let expressions = paths.map { FieldExpression(ByteString($0.0), ByteString($0.1)) }
        return bed.run([.jsonExpressions(try JSONExpressionParser(expressions))], line).labels
    }

    @Test(
        "Paths, on strict and on broken lines",
        arguments: [
            ("servers[0].name", "s0"), ("servers[1].name", "s1"), (#"["a.b"].c"#, "dotted"), ("matrix[1][0]", "3"),
            ("servers[0].ports[1]", "443"), ("servers[0].ports", "[80, 443]"), ("e", ""), ("esc", "t\tab"), ("a", "1"),
            ("deep", #"{"x":{"y":true}}"#), ("deep.x.y", "true"), ("nope", ""), ("servers[7].name", ""),
            ("deep.nope", ""), ("a.b", ""), ("servers.name", ""),
        ]
    )
    func paths(path: String, value: String) throws {
        #expect(try run([("v", path)], Self.document) == ["v": value])
        #expect(try run([("v", path)], Self.document + " and more") == ["v": value])
    }

    @Test("All listed labels are there, but those of the stream")
    func missing() throws {
        #expect(try run([("a", "x"), ("b", "y")], #"{"x":1}"#) == ["a": "1", "b": ""])
        let bed = StageBed(stream: ["app": "s"])
        #expect(try run([("app", "app")], #"{"app":"in"}"#, bed) == ["app_extracted": "in"])
        #expect(try run([("app", "app")], #"{"b":1}"#, bed) == [:])
    }

    @Test(
        "Lines that cannot be JSON have an error without details and no labels",
        arguments: ["plain", "42", "null", " {\"a\":1}", "   "]
    )
    func notJSON(line: String) throws {
        #expect(try run([("a", "a")], line) == ["__error__": "JSONParserErr"])
    }

    @Test("An empty line is left alone")
    func emptyLine() throws { #expect(try run([("a", "a")], "") == [:]) }

    @Test(
        "Broken lines",
        arguments: [
            (#"{"a":1}{"b":2}"#, ["a": "1", "b": "2"]), (#"{"good":"x" "a":1}"#, ["a": "1", "b": ""]),
            (#"{"a":{"b":1,"c":2}"#, ["a": #"{"b":1,"c":2}"#, "b": ""]), ("[1,2,3]", ["a": "", "b": ""]),
            (#""just a string""#, ["a": "", "b": ""]), ("{a:1}", ["a": "", "b": ""]),
            (#"{"a":"bad \x escape","b":2}"#, ["a": "", "b": "2"]),
        ]
    )
    func broken(line: String, labels: [String: String]) throws {
        var labels = labels
        if line.hasPrefix(#"{"good""#) { labels = ["a": "1", "b": ""] }
        #expect(try run([("a", "a"), ("b", "b")], line) == labels)
    }

    @Test("Values that have to be passed are looked at")
    func faultsOnTheWay() throws {
        #expect(
            try run([("a", "a")], #"{"a":nul,"b":2}"#)
                == ["a": "", "__error__": "JSONParserErr", "__error_details__": "Unknown value type"]
        )
        #expect(
            try run([("a", "a")], #"{"a":[1,2,"b":2}"#) == [
                "a": "", "__error__": "JSONParserErr",
                "__error_details__": "Value is array, but can't find closing ']' symbol",
            ]
        )
    }

    @Test(
        "Faulty paths",
        arguments: [
            (
                "servers[",
                "cannot parse expression [servers[]: syntax error: unexpected $end, expecting STRING or INDEX"
            ),
            ("a..b", "cannot parse expression [a..b]: syntax error: unexpected DOT, expecting FIELD"),
            ("a[b]", "cannot parse expression [a[b]]: syntax error: unexpected FIELD, expecting STRING or INDEX"),
            (
                ".user.name",
                "cannot parse expression [.user.name]: syntax error: unexpected DOT, expecting LSB or FIELD"
            ),
            ("", "cannot parse expression []: syntax error: unexpected $end, expecting LSB or FIELD"),
            ("a[0", "cannot parse expression [a[0]: syntax error: unexpected $end, expecting RSB"),
        ]
    )
    func faultyPaths(path: String, text: String) {
        #expect(message { _ = try run([("x", path)], "{}") } == text)
    }

    @Test("Random text never traps", arguments: 0..<20)
    func random(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let stage = PipelineStage.jsonExpressions(
            try JSONExpressionParser([
                FieldExpression("a", "a"), FieldExpression("b", "b.c[1].d"), FieldExpression("c", "[0]"),
            ])
        )
        for _ in 0..<400 {
            _ = StageBed().run([stage], bytes: random.text(#"{}[]",:abcdtrue01\"#, most: 40))
            _ = try? JSONPath(ByteString(random.text(#"ab.[]"01"#, most: 10)))
        }
    }
}
