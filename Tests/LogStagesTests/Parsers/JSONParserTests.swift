import Bytes
import Testing

@testable import LogStages

@Suite("json")
struct JSONParserTests {
    private func run(_ line: String, _ bed: StageBed = StageBed()) -> [String: String] {
        bed.run([.json(JSONParser())], line).labels
    }

    @Test(
        "Labels of an object",
        arguments: [
            (
                #"{"a":1,"b":"two","c":true,"d":false,"e":null,"f":[1,2,3],"g":{}}"#,
                ["a": "1", "b": "two", "c": "true", "d": "false"]
            ),
            (#"{"n1":1.0,"n2":1e3,"n3":-0,"n4":1E-2}"#, ["n1": "1.0", "n2": "1e3", "n3": "-0", "n4": "1E-2"]),
            (#"{"dup":"first","dup":"second"}"#, ["dup": "first"]),
            (
                #"{"a.b":"dot","a_b":"under","my-key":"dash","1st":"digit","é":"accent","with space":"sp","":"none"}"#,
                ["a_b": "dot", "my_key": "dash", "_1st": "digit", "_": "accent", "with_space": "sp"]
            ),
            (
                #"{"outer":{"inner":{"deep":"x"},"1":2,"arr":[{"k":"v"}]},"sib":"y"}"#,
                ["outer_inner_deep": "x", "outer_1": "2", "sib": "y"]
            ),
            (
                #"{"uni":"\u00e9\u4e2d","esc":"tab\there \"q\"","sur":"\ud83d\ude00"}"#,
                ["uni": "é中", "esc": "tab\there \"q\"", "sur": "😀"]
            ),
            (#"  {"lead":"spaces"}  "#, ["lead": "spaces"]),
            (#"{"empty":"","space":" "}"#, ["empty": "", "space": " "]),
            ("{}", [:]), (#"{" pad ":1}"#, ["pad": "1"]), (#"{"a":{" ":{"b":1}}}"#, ["a_b": "1"]),
            (#"{"a":{"":1}}"#, ["a": "1"]), (#"{"a\u002eb":1}"#, ["a_b": "1"]), (#"{"half":"\ud83d x"}"#, ["half": ""]),
            (#"{"__error__":"user"}"#, ["__error__": "user"]),
        ]
    )
    func labels(line: String, labels: [String: String]) {
        #expect(run(line) == labels)
    }

    @Test("Names of the stream and the metadata get a suffix, on the whole flattened name")
    func collisions() {
        let bed = StageBed(stream: ["app": "x", "a_b": "y"], metadata: ["t": "1"], hidesStream: false)
        #expect(
            run(#"{"app":"in","a":{"b":2},"t":3}"#, bed) == [
                "app": "x", "a_b": "y", "t": "1", "app_extracted": "in", "a_b_extracted": "2", "t_extracted": "3",
            ]
        )
    }

    @Test(
        "What is not strict JSON, but fine",
        arguments: [
            (#"{"a":1} trailing text"#, ["a": "1"]), (#"{"a":1}{"b":2}"#, ["a": "1"]),
            (#"{"a":1,"b":2,}"#, ["a": "1", "b": "2"]),
            (#"{"a":01}"#, ["a": "01"]), (#"{"a":"bad \x escape","b":2}"#, ["a": "", "b": "2"]),
            (#"{"a":"bad \u12 escape","b":2}"#, ["a": "", "b": "2"]), ("{\"a\":\"x\u{1}y\"}", ["a": "x\u{1}y"]),
        ]
    )
    func tolerated(line: String, labels: [String: String]) {
        #expect(run(line) == labels)
    }

    @Test(
        "Faults keep the labels in front of them",
        arguments: [
            (#"{"a":1,"b":"#, "Malformed JSON error", ["a": "1"]),
            (#"{"a":1,"b":"unterminated"#, "Value is string, but can't find closing '\"' symbol", ["a": "1"]),
            ("not json at all", "Value looks like object, but can't find closing '}' symbol", [:]),
            ("", "Value looks like object, but can't find closing '}' symbol", [:]),
            ("   ", "Value looks like object, but can't find closing '}' symbol", [:]),
            ("[1,2,3]", "Value looks like object, but can't find closing '}' symbol", [:]),
            ("42", "Value looks like object, but can't find closing '}' symbol", [:]),
            ("{", "Malformed JSON error", [:]), (#"{"a":nul,"b":2}"#, "Unknown value type", [:]),
            (#"{"good":"before","a":tru}"#, "Unknown value type", ["good": "before"]),
            ("{'a':1}", "Value looks like object, but can't find closing '}' symbol", [:]),
            ("{a:1}", "Value looks like object, but can't find closing '}' symbol", [:]),
            (#"{"a":[1,2,"b":2}"#, "Value is array, but can't find closing ']' symbol", [:]),
            (#"{"a":{"b":1,"c":2}"#, "Value is array, but can't find closing ']' symbol", ["a_b": "1", "a_c": "2"]),
            (#"{"good":"x" "a":1}"#, "Value looks like object, but can't find closing '}' symbol", ["good": "x"]),
            (#"{"a":1,"b\x":2}"#, "Encountered an invalid escape sequence in a string", ["a": "1"]),
            (#"{"a":{"b":1"#, "Value looks like object, but can't find closing '}' symbol", [:]),
        ]
    )
    func faults(line: String, details: String, labels: [String: String]) {
        var expected = labels
        expected["__error__"] = "JSONParserErr"
        expected["__error_details__"] = details
        #expect(run(line) == expected)
    }

    @Test("Bytes that are not UTF-8 become spaces")
    func invalidUTF8() {
        let line = Array(#"{"a":"x"#.utf8) + [0xFF, 0xC3] + Array(#"y","b":"é"}"#.utf8)
        let outcome = StageBed().run([.json(JSONParser())], bytes: line)
        #expect(outcome.labels == ["a": "x  y", "b": "é"])
        #expect(run("{\"a\":\"x\u{FFFD}y\"}") == ["a": "x y"])
    }

    /// The value was cleaned in the buffer that held the keys around it: the labels behind it had the value in their names,
    /// and where it was shorter than those keys the process stopped. Found by the fuzzer.
    @Test("A value that is decoded and cleaned leaves the names alone", arguments: ["", " x"])
    func cleanedValuesAndNames(tail: String) {
        let inner = #"{"outer":{"inner":{"a":"\"\ufffd"},"b":1},"c":"\t\ufffdlong value","":2,"d":3}"#
        #expect(
            run(inner + tail) == ["outer_inner_a": "\" ", "outer_b": "1", "c": "\t long value", "d": "3"])
    }

    @Test("Deep nesting, strict and not, neither traps nor takes for ever")
    func deepNesting() {
        for depth in [10, 63, 64, 65, 300, 100_000] {
            let open = String(repeating: #"{"a":"#, count: depth)
            let strict = run(open + "1" + String(repeating: "}", count: depth))
            #expect(strict.count == (depth <= JSONParser.depthMax ? 1 : 0))
            _ = run(open + "1")
            _ = run(String(repeating: "[", count: depth))
        }
    }

    @Test("Random text never traps, and a strict line gives the same both ways", arguments: 0..<30)
    func random(seed: UInt64) {
        var random = SeededRandom(seed)
        for _ in 0..<400 {
            let line = random.text(#"{}[]",:abtruefalsn01-.\u é"#, most: 40)
            let outcome = StageBed().run([.json(JSONParser())], bytes: line)
            #expect(outcome.kept)
            // Text behind the object sends the same object through the tolerant scanner.
            var cursor = JSONCursor()
            let isStrict = line.withView { view in (try? cursor.scan(view)) != nil }
            if isStrict, cursor.count > 0, cursor[0].type == .object {
                let tolerant = StageBed().run([.json(JSONParser())], bytes: line + Array(" x".utf8))
                #expect(tolerant.labels == outcome.labels, "\(String(decoding: line, as: UTF8.self))")
            }
        }
    }
}
