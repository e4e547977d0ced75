import Bytes
import LogModel
import LokiWire
import Testing

@Suite struct LabelTextTests {
    struct Good: CustomTestStringConvertible, Sendable {
        var text: String
        var labels: [(String, String)]
        var testDescription: String { text }

        init(_ text: String, _ labels: (String, String)...) {
            self.text = text
            self.labels = labels
        }
    }

    @Test(arguments: [
        Good("{}"),
        Good("{ }"),
        Good(#"{app="api"}"#, ("app", "api")),
        Good(#"{app="api", env="prod"}"#, ("app", "api"), ("env", "prod")),
        Good(#" { env = "prod" ,app="api" , } "#, ("app", "api"), ("env", "prod")),
        Good(#"{a='it',b=`raw\n"x`}"#, ("a", "it"), ("b", #"raw\n"x"#)),
        Good(#"{a="q\"b\\n\n\t\x41\u00e9\U0001F600\101"}"#, ("a", "q\"b\\n\n\tAé😀A")),
        Good(#"{city="Zürich 日本"}"#, ("city", "Zürich 日本")),
        Good(#"up{a="b"}"#, ("__name__", "up"), ("a", "b")),
        Good(#"{empty=""}"#, ("empty", "")),
        Good(#"{_x9="1",A="2"}"#, ("A", "2"), ("_x9", "1")),
    ])
    func reads(good: Good) throws {
        let labels = try good.text.withView { try LabelText.parse($0) }
        #expect(labels == Labels(good.labels.map { Label(ByteString($0.0), ByteString($0.1)) }))
    }

    @Test(arguments: [
        (#"{a-b="pe"}"#, "1:3: parse error: unexpected character inside braces: '-'"),
        (#"{"#, "1:2: parse error: unexpected end of input inside braces"),
        (#"{a"#, "1:3: parse error: unexpected end of input inside braces"),
        (#"{a="x"#, "1:4: parse error: unterminated quoted string"),
        (#"{a="x" b="y"}"#, "1:8: parse error: unexpected character inside braces: 'b'"),
        (#"{a="x"} tail"#, "1:9: parse error: unexpected character: 't'"),
        (#"{9a="x"}"#, "1:2: parse error: unexpected character inside braces: '9'"),
        (#"{a="x",a="y"}"#, "1:1: parse error: duplicate label name"),
        (#"{a="\q"}"#, "1:5: parse error: unknown escape sequence"),
        (#"{a="\ud800"}"#, "1:11: parse error: escape sequence is an invalid Unicode code point"),
        (#"{a=b}"#, "1:4: parse error: unexpected character inside braces: 'b'"),
        ("", "1:1: parse error: unexpected end of input"),
        ("[]", "1:1: parse error: unexpected character: '['"),
    ])
    func refuses(text: String, message: String) {
        let error = #expect(throws: LabelTextError.self) { try text.withView { try LabelText.parse($0) } }
        #expect(error?.description == message)
    }

    @Test func everyPrefixOfATextIsRefusedOrShorter() throws {
        let text = Array(#"{app="a\"b\\\u00e9", env='x', raw=`y`}"#.utf8)
        for end in 0..<text.count {
            #expect(throws: LabelTextError.self, "prefix of \(end) bytes") {
                try Array(text[..<end]).withView { try LabelText.parse($0) }
            }
        }
    }

    @Test(arguments: [
        [UInt8]("plain".utf8), Array("q\"uote \\ and \n\r\t\u{7}\u{7f}".utf8), Array("Zürich 日本 \u{A0}\u{200B}".utf8),
        [0xFF, 0x41, 0xC3, 0x28, 0xE6, 0x97], [0x00, 0x1F], [],
    ])
    func whatIsWrittenIsReadBack(value: [UInt8]) throws {
        let labels = Labels([Label("k", ByteString(value)), Label("other", "x")])
        let out = ByteArena()
        LabelText.write(labels, into: out)
        #expect(try LabelText.parse(out.view) == labels)
    }

    @Test func labelsBeyondTheLimitAreRefused() {
        let text = "{" + (0..<20).map { "l\($0)=\"x\"" }.joined(separator: ",") + "}"
        #expect(throws: LabelTextError.self) { try text.withView { try LabelText.parse($0, labelsMax: 10) } }
        #expect(throws: Never.self) { try text.withView { try LabelText.parse($0, labelsMax: 20) } }
    }

    @Test func cacheParsesATextOnceAndForgetsWhenFull() throws {
        let cache = LabelCache(bytesMax: 2_000)
        var parsed = 0
        for _ in 0..<3 {
            _ = "{a=\"b\"}".withView { cache.labels($0) { _ in parsed += 1; return Labels(["a": "b"]) } }
        }
        #expect(parsed == 1)
        for i in 0..<100 { _ = "{a=\"\(i)\"}".withView { cache.labels($0) { _ in Labels() } } }
        #expect(cache.count < 20)
    }
}
