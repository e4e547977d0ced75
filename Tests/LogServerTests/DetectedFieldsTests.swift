import Bytes
import LogModel
import LogQuery
import LokiWire
import Testing

@testable import LogServer

@Suite struct FieldTypeTests {
    @Test(arguments: [
        ("5", FieldType.int), ("-12", .int), ("1", .int), ("2.75", .float), ("1e3", .float), ("NaN", .float),
        ("true", .boolean), ("T", .boolean), ("1m30s", .duration), ("-1.5s", .duration), ("250ms", .duration),
        ("3µs", .duration), ("10KB", .bytes), ("1.5 MiB", .bytes), ("3MB", .bytes), ("", .string), ("1d", .string),
        ("big", .string), ("2024-02-29", .string), ("1.2.3", .string), ("ms", .string), ("-", .string), (".", .string),
        ("a b", .string), ("10 furlongs", .string),
    ])
    func detects(value: String, type: FieldType) { #expect(FieldType(of: ByteString(value)) == type) }
}

@Suite struct LineFieldsTests {
    static func fields(_ line: String, stream: Labels = Labels(["app": "x"])) -> (String, [String: String], [String: [String]]) {
        let found = line.withView { LineFields($0, stream: stream) }
        var values: [String: String] = [:]
        var paths: [String: [String]] = [:]
        for field in found.fields {
            values[field.name.string] = field.value.string
            if !field.path.isEmpty { paths[field.name.string] = field.path.map(\.string) }
        }
        return (found.parser, values, paths)
    }

    @Test func json() {
        let (parser, values, paths) = Self.fields(
            #"{"a":1,"user":{"id":7,"q":{"x y":"\u00e9"}},"list":[{"no":1}],"nothing":null,"9":true,"app":"in","a":2,"a.b":{"c":""},"e":{}}"#)
        #expect(parser == "json")
        #expect(
            values == [
                "a": "1", "user_id": "7", "user_q_x_y": "é", "_9": "true", "app_extracted": "in", "a_b_c": "",
            ])
        #expect(paths["user_q_x_y"] == ["user", "q", "x y"])
        #expect(paths["a_b_c"] == ["a.b", "c"])
        #expect(paths["app_extracted"] == ["app"])
    }

    /// What follows a whole object does not make it another kind of line.
    @Test func jsonWithATail() { #expect(Self.fields(#"{"a":"1"} tail b=2"#).1 == ["a": "1"]) }

    @Test(arguments: [
        (#"{"a":1,"b":2,}"#, ["a": "1", "b": "2"]), (#"{"a":01,"b":2}"#, ["a": "01", "b": "2"]),
        (#"{"a":"bad \x escape","b":2}"#, ["a": "", "b": "2"]), (#"  {"a":-1.5e3}{"b":2}"#, ["a": "-1.5e3"]),
        (#"{"a":[1,{"b":"]"},[2]],"c":true}"#, ["c": "true"]), ("{}", [:]),
    ] as [(String, [String: String])])
    func tolerantJSON(line: String, expected: [String: String]) {
        let (parser, values, _) = Self.fields(line)
        #expect(parser == "json")
        #expect(values == expected)
    }

    @Test(arguments: [
        #"{"a":nul,"b":2}"#, #"{"a":[1,2,"b":2}"#, "{a:1}", #"{"a":{"b":1}"#, #"{"a":1 "b":2}"#, #"{"a":"x"#, #"{"a""#, "[1]", "42",
        #""text""#, "null", "{",
    ])
    func whatIsNoObjectIsLogfmt(line: String) { #expect(Self.fields(line).0 == "logfmt") }

    @Test(arguments: [
        ("level=info msg=\"a b\\tc\" n=3", ["level": "info", "msg": "a b\tc", "n": "3"]),
        ("bare key2= =novalue key3=v3", ["key3": "v3"]), ("good=1 bad=\"unterminated other=2", ["good": "1"]),
        ("good=1 k=a=b other=2", ["good": "1", "other": "2"]), ("good=1 k=a\"b other=2", ["good": "1", "other": "2"]),
        ("good=1 \"quoted\"=x other=2", ["good": "1", "other": "2"]), ("a-b=1 9x=2 dup=first dup=second empty=", ["a_b": "1", "_9x": "2", "dup": "first"]),
        ("app=inner ünï=1 日本=東京", ["app_extracted": "inner", "_n_": "1", "__": "東京"]), (#"{"n":6,"bad":"#, [:]),
        ("", [:]), ("plain text", [:]),
    ] as [(String, [String: String])])
    func logfmt(line: String, expected: [String: String]) {
        let (parser, values, paths) = Self.fields(line)
        #expect(parser == "logfmt")
        #expect(values == expected)
        #expect(paths.isEmpty)
    }

    @Test func hostileLinesEnd() {
        for line in [
            String(repeating: "{\"a\":", count: 100_000), String(repeating: "[", count: 100_000),
            String(repeating: "a=\"", count: 50_000), String(repeating: "{\"a\":{", count: 100) + String(repeating: "}}", count: 100),
            "{\"a\":\"\\ud800\"}", "{}", "[1]", "5", "=", "\"",
        ] { _ = Self.fields(line) }
        let wide = "{" + (0..<5_000).map { "\"k\($0)\":1" }.joined(separator: ",") + "}"
        #expect(Self.fields(wide).1.count == 2_000)
    }
}

@Suite struct DetectedFieldRouteTests {
    static let push = """
        {"streams":[{"stream":{"app":"x"},"values":[["1794304800000000000","{\\"user\\":{\\"id\\":1},\\"app\\":\\"y\\"}",{"trace_id":"t1"}],
        ["1794304800000000001","took=5ms trace_id=t2"],["1794304800000000002","took=7ms"]]}]}
        """
    static let range = "start=1794304800&end=1794304801"

    @Test func fieldsOfASample() async throws {
        try await withServer { server async throws in
            #expect(try await server.push(Self.push).status == 204)
            var reply = try await server.get("/loki/api/v1/detected_fields?query=%7Bapp%3D%22x%22%7D&\(Self.range)")
            #expect(
                reply.text == """
                    {"fields":[{"label":"app_extracted","type":"string","cardinality":1,"parsers":["json"],"jsonPath":["app"]},\
                    {"label":"detected_level","type":"string","cardinality":1,"parsers":null},\
                    {"label":"took","type":"duration","cardinality":2,"parsers":["logfmt"]},\
                    {"label":"trace_id","type":"string","cardinality":2,"parsers":["logfmt"]},\
                    {"label":"user_id","type":"int","cardinality":1,"parsers":["json"],"jsonPath":["user","id"]}],"limit":1000}

                    """)
            reply = try await server.get("/loki/api/v1/detected_fields?query=%7Bapp%3D%22x%22%7D&\(Self.range)&line_limit=1&field_limit=7")
            #expect(reply.text.hasSuffix(#"{"label":"took","type":"duration","cardinality":1,"parsers":["logfmt"]}],"limit":7}"# + "\n"))
            reply = try await server.get("/loki/api/v1/detected_field/took/values?query=%7Bapp%3D%22x%22%7D&\(Self.range)")
            #expect(reply.text == #"{"values":["5ms","7ms"],"limit":1000}"# + "\n")
            reply = try await server.get("/loki/api/v1/detected_field/nosuch/values?query=%7Bapp%3D%22x%22%7D&\(Self.range)")
            #expect(reply.text == "{}\n")
            reply = try await server.get("/loki/api/v1/detected_field/x/values?query=%7B&\(Self.range)")
            #expect(reply.status == 400)
        }
    }
}
