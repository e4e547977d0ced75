import Bytes
import Testing

@Suite struct JSONCursorTests {
    @Test func tapeInDocumentOrder() throws {
        var cursor = JSONCursor(capacity: 16)
        try ByteString(#" {"a": [1, {"b": "x\n"}], "c": null, "d": -1.5e3} "#).withView { text in
            try cursor.scan(text)
            let kinds = cursor.indices.map { cursor[$0].type }
            #expect(
                kinds == [
                    .object, .string, .array, .number, .object, .string, .string, .string, .null, .string, .number,
                ])
            #expect(cursor.indices.filter { cursor[$0].isKey }.map { JSONCursor.raw(cursor[$0], in: text).string } == ["a", "b", "c", "d"])
            #expect(cursor[6].isEscaped)
            #expect(cursor[2].next == 7)
            #expect(cursor[0].next == cursor.count)
            #expect(JSONCursor.raw(cursor[2], in: text).string == #"[1, {"b": "x\n"}]"#)
        }
    }

    @Test(arguments: [
        "", " ", "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1,]", "[1 2]", "01", "1.", ".5", "+1", "1e", "-", "tru",
        "nul", "\"", "\"\\x\"", "\"\\u12\"", "\"\u{1}\"", "{a:1}", "[", "{\"a\":1", "'a'", "NaN",
    ])
    func refuses(_ text: String) {
        var cursor = JSONCursor()
        #expect(throws: JSONCursor.Failure.self) { try text.withView { view throws(JSONCursor.Failure) in try cursor.scan(view) } }
        #expect(cursor.count == 0)
    }

    @Test func trailingBytesAreTold() {
        var cursor = JSONCursor()
        #expect(throws: JSONCursor.Failure.trailing(at: 3)) {
            try "{} x".withView { view throws(JSONCursor.Failure) in try cursor.scan(view) }
        }
    }

    @Test func deepNestingIsRefusedAndManyTokensAreNot() throws {
        var cursor = JSONCursor(capacity: 16)
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONCursor.Failure.self) { try deep.withView { view throws(JSONCursor.Failure) in try cursor.scan(view) } }
        let wide = "[" + String(repeating: "1,", count: 50_000) + "1]"
        try wide.withView { view throws(JSONCursor.Failure) in try cursor.scan(view) }
        #expect(cursor.count == 50_002)
    }

    @Test(arguments: [
        (#"a\"b\\c\/\b\f\n\r\t"#, "a\"b\\c/\u{8}\u{C}\n\r\t"), (#"\u0041\u00e9\u20AC"#, "Aé€"),
        (#"\ud83d\ude00!"#, "😀!"), (#"\ud83d x"#, "\u{FFFD} x"), (#"\ude00"#, "\u{FFFD}"), ("plain é", "plain é"),
    ])
    func unescapes(raw: String, text: String) {
        let out = ByteArena()
        #expect(raw.withView { JSONText.unescape($0, into: out) })
        #expect(out.view.string == text)
    }

    @Test(arguments: [#"\q"#, #"\u12g4"#, #"x\"#])
    func badEscapesAppendNothing(raw: String) {
        let out = ByteArena()
        out.append("kept")
        #expect(!raw.withView { JSONText.unescape($0, into: out) })
        #expect(out.view.string == "kept")
    }

    @Test func escapes() {
        let out = ByteArena()
        JSONText.escape(ByteView("a\"\\\n\r\t\u{1}<é>"), into: out)
        #expect(out.view.string == #"a\"\\\n\r\t\u0001<é>"#)
        out.reset()
        JSONText.escape(ByteView("<&>\u{2028}é"), into: out, html: true)
        #expect(out.view.string == #"\u003c\u0026\u003e\u2028é"#)
        out.reset()
        [0x61, 0xFF, 0xC3, 0xA9, 0xC3].withView { JSONText.escape($0, into: out) }
        #expect(out.view.string == "a\u{FFFD}é\u{FFFD}")
    }

    /// Anything cut or changed at random is accepted or refused, never a trap, and what is accepted covers the text.
    @Test func mutationsNeverTrap() throws {
        let seed = Array(#"{"a":[1,2.5,{"b":"x\u00e9\"y"}],"c":true,"d":null,"e":{}}"#.utf8)
        var random = SplitMix(state: 42)
        var cursor = JSONCursor(capacity: 16)
        var accepted = 0
        for _ in 0..<20_000 {
            var text = seed
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                text[Int.random(in: text.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            text.removeLast(Int.random(in: 0...2, using: &random))
            text.withView { view in
                do {
                    try cursor.scan(view)
                    accepted += 1
                    for i in cursor.indices { _ = JSONCursor.raw(cursor[i], in: view) }
                } catch {}
            }
        }
        #expect(accepted > 0)
    }
}

struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
