import Bytes
import LogModel
import LokiWire
import Testing

@Suite struct PushJSONTests {
    typealias Entry = CollectingSink.Entry

    @Test func streamsEntriesAndMetadata() throws {
        let sink = try decode(
            json: """
                {"streams":[{"stream":{"app":"api","env":"prod"},"values":[["1700000000000000000","line"],
                ["1700000000000000001","line2",{"trace_id":"7f","k":"v"}]]},
                {"stream":{"app":"other"},"values":[["-5","x"]]}]}
                """)
        #expect(
            sink.entries == [
                Entry(["app": "api", "env": "prod"], 1_700_000_000_000_000_000, "line"),
                Entry(
                    ["app": "api", "env": "prod"], 1_700_000_000_000_000_001, "line2",
                    [Label("trace_id", "7f"), Label("k", "v")]),
                Entry(["app": "other"], -5, "x"),
            ])
    }

    @Test func escapesOfLinesAndMetadataAreResolved() throws {
        let sink = try decode(
            json: #"{"streams":[{"stream":{"a\u0062":"\"q\" \u00e9"},"values":[["1","a\tb\\n\ud83d\ude00\/",{"k\"":"\u0041"}]]}]}"#)
        #expect(sink.entries == [Entry(["ab": "\"q\" é"], 1, "a\tb\\n😀/", [Label("k\"", "A")])])
    }

    @Test func linesKeepBytesThatAreNoText() throws {
        let body = Array(#"{"streams":[{"stream":{"a":"b"},"values":[["1","x"#.utf8) + [0xFF, 0xFE] + Array(#""]]}]}"#.utf8)
        #expect(try decode(body).entries.first?.line.bytes == [0x78, 0xFF, 0xFE])
    }

    @Test(arguments: [
        // Values in front of the labels.
        #"{"streams":[{"values":[["1","x"]],"stream":{"a":"b"}}]}"#,
        // Unknown keys of every kind, nested.
        #"{"z":[1,{"a":[[],{}]},null,true,-1.5e3,"\""],"streams":[{"q":{"x":{"y":"]}"}},"stream":{"a":"b"},"values":[["1","x",{},5,null]],"w":0}],"k":{}}"#,
        // White space everywhere.
        " {\n\t\"streams\" : [ { \"stream\" : { \"a\" : \"b\" } , \"values\" : [ [ \"1\" , \"x\" ] ] } ] } \r\n",
        // No metadata, told so.
        #"{"streams":[{"stream":{"a":"b"},"values":[["1","x",null]]}]}"#,
        // The legacy form.
        #"{"streams":[{"labels":"{a=\"b\"}","entries":[{"ts":"1970-01-01T00:00:00.000000001Z","line":"x"}]}]}"#,
    ])
    func tolerated(json: String) throws { #expect(try decode(json: json).entries == [Entry(["a": "b"], 1, "x")]) }

    @Test func labelsThatAreNoStringsAreTakenAsWritten() throws {
        let sink = try decode(json: #"{"streams":[{"stream":{"a":5,"b":null,"c":[1]},"values":[["1","x"]]}]}"#)
        #expect(sink.entries == [Entry(["a": "5", "b": "null", "c": "[1]"], 1, "x")])
    }

    @Test(arguments: [
        #"{"streams":[{"stream":{},"values":[["1","x"]]}]}"#, #"{"streams":[{"values":[["1","x"]]}]}"#,
        #"{"streams":[{"stream":null,"values":[["1","x"]]}]}"#,
    ])
    func streamsWithoutLabels(json: String) throws { #expect(try decode(json: json).entries == [Entry([:], 1, "x")]) }

    @Test func entryWithoutALineIsEmpty() throws {
        #expect(try decode(json: #"{"streams":[{"stream":{"a":"b"},"values":[["1"]]}]}"#).entries == [Entry(["a": "b"], 1, "")])
    }

    @Test func valuesMayBeNull() throws {
        let sink = try decode(json: #"{"streams": [{"stream": {"app": "pe"}, "values": null}]}"#)
        #expect(sink.entries.isEmpty)
    }

    static let unmarshal = "loghttp.PushRequest.Streams: []loghttp.LogProtoStream: unmarshalerDecoder: "
    static let number = "Value looks like Number/Boolean/None, but can't find its end: ',' or '}' symbol"
    static let string = "Value is string, but can't find closing '\"' symbol"

    /// Recorded answers of Loki.
    @Test(arguments: [
        ("", "EOF"),
        (
            #"{"streams": [{"stream": {"app": "pe"}, "values": [[1794315540000000000, "x"]]}]}"#,
            unmarshal + number
                + #", error found in #10 byte of ...|00, "x"]]}]}|..., bigger context ...|p": "pe"}, "values": [[1794315540000000000, "x"]]}]}|..."#
        ),
        (
            #"{"streams": [{"stream": {"app": "pe"}, "values": [["1794315540000000000", 5]]}]}"#,
            unmarshal + string
                + #", error found in #10 byte of ...|000", 5]]}]}|..., bigger context ...|p": "pe"}, "values": [["1794315540000000000", 5]]}]}|..."#
        ),
        (
            #"{"streams": [{"stream": {"app": "pe"}, "values": [["1794315540000000000", "x", {"n": 5}]]}]}"#,
            unmarshal + string
                + #", error found in #10 byte of ...|"n": 5}]]}]}|..., bigger context ...|values": [["1794315540000000000", "x", {"n": 5}]]}]}|..."#
        ),
        (
            #"{"streams": [{"stream": {"app": "pe"}, "values": [["1794315540000000000", "x", "y"]]}]}"#,
            unmarshal + "Value looks like object, but can't find closing '}' symbol"
                + #", error found in #10 byte of ...|x", "y"]]}]}|..., bigger context ...|"}, "values": [["1794315540000000000", "x", "y"]]}]}|..."#
        ),
        (
            #"{"streams": [{"stream": {"app": "pe"}, "values": [["abc", "x"]]}]}"#,
            unmarshal + number
                + #", error found in #10 byte of ...|c", "x"]]}]}|..., bigger context ...|"stream": {"app": "pe"}, "values": [["abc", "x"]]}]}|..."#
        ),
        (
            #"{"streams": "x"}"#,
            #"loghttp.PushRequest.Streams: []loghttp.LogProtoStream: decode slice: expect [ or n, but found ", error found in #10 byte of ...|treams": "x"}|..., bigger context ...|{"streams": "x"}|..."#
        ),
        (
            #"{"streams": [{"stream": {"a-b": "pe"}, "values": [["1794315540000000000", "x"]]}]}"#,
            "couldn't parse labels: 1:3: parse error: unexpected character inside braces: '-'"
        ),
    ])
    func refusesInTheWordsOfLoki(json: String, message: String) {
        let error = #expect(throws: PushError.self) { try decode(json: json) }
        #expect(error?.kind == .malformed && error?.description == message)
        #expect(!(error?.message.contains("\"pe") ?? true) || !message.contains("|"), "what the body holds is apart")
    }

    @Test(arguments: ["{}", #"{"streams":[]}"#, #"{"streams":null}"#, #"{"other":[1,2]}"#])
    func withoutStreamsItIsEmpty(json: String) {
        #expect(throws: PushError.noStreams) { try decode(json: json) }
    }

    @Test(arguments: [
        "x", "[]", "null", "{", #"{"streams":"#, #"{"streams":[{"stream":{"a":"b"},"values":[["1","x"]]}]}{"#,
        #"{"streams":[{"stream":{"a":"b"},"values":[["1","x"]]}]"#, #"{"streams":[{"stream":{"a":"b"},"values":{"1":"x"}}]}"#,
        #"{"streams":[{"stream":{"a":"b"},"values":[[]]}]}"#, #"{"streams":[{"stream":{"a":"b"},"values":["1"]}]}"#,
        #"{"streams":[{"stream":"{a=1}","values":[["1","x"]]}]}"#, #"{"streams":[5]}"#,
        #"{"streams":[{"stream":{"a":"b"},"values":[["1","\q"]]}]}"#, #"{"streams":[{"stream":{"a":"b"},"values":[["9223372036854775808","x"]]}]}"#,
        #"{"streams":[{"stream":{"a":"b"},"values":[["1","x",{"a":{"b":"c"}}]]}]}"#, #"{"streams":[{"stream":{"a":"b"},"values":[["1.5","x"]]}]}"#,
        #"{"streams":[{"stream":{"a":"b"},"x":[1}]}"#, #"{"streams":[{"stream":{"a":"b"},"values":[["1","x"],]}]}"#,
        #"{"streams":[{"stream":{"a":"b"},"x":tru}]}"#,
    ])
    func malformed(json: String) {
        let error = #expect(throws: PushError.self) { try decode(json: json) }
        #expect(error?.kind == .malformed)
    }

    @Test func everyPrefixIsRefused() {
        let body = Array(
            #"{"streams":[{"x":[{}],"stream":{"app":"a\"b"},"values":[["1","l\n",{"k":"v"}],["2","m"]]}]}"#.utf8)
        for end in 0..<body.count {
            #expect(throws: PushError.self, "prefix of \(end) bytes") { try decode(Array(body[..<end])) }
        }
    }

    @Test func everySingleByteChangeEndsInAnAnswer() {
        let body = Array(#"{"streams":[{"stream":{"app":"a\"b"},"values":[["1","l\n",{"k":"v"}]]}]}"#.utf8)
        for at in body.indices {
            for byte: UInt8 in [0x00, 0x22, 0x2C, 0x5B, 0x5C, 0x5D, 0x7B, 0x7D, 0x80, 0xFF] {
                var changed = body
                changed[at] = byte
                _ = try? decode(changed)
            }
        }
    }

    @Test(arguments: ["[", #"{"a":"#])
    func nestingIsBounded(open: String) {
        let json = #"{"x":"# + String(repeating: open, count: 200_000)
        #expect(throws: PushError.self) { try decode(json: json) }
    }

    @Test func nestingOfUnknownKeysIsReadToTheLimit() throws {
        let deep = String(repeating: #"[{"a":"#, count: 60) + "1" + String(repeating: "}]", count: 60)
        let sink = try decode(json: #"{"x":\#(deep),"streams":[{"stream":{"a":"b"},"values":[["1","x"]]}]}"#)
        #expect(sink.entries.count == 1)
    }

    @Test func countsAreLimited() {
        var limits = PushLimits()
        limits.entriesMax = 2
        #expect(throws: PushError(.tooLarge, "more than 2 entries in one push: split it")) {
            try decode(json: #"{"streams":[{"stream":{"a":"b"},"values":[["1","x"],["2","y"],["3","z"]]}]}"#, limits: limits)
        }
        limits = PushLimits()
        limits.streamsMax = 1
        #expect(throws: PushError(.tooLarge, "more than 1 streams in one push: split it")) {
            try decode(json: #"{"streams":[{"stream":{"a":"b"},"values":[]},{"stream":{"a":"c"},"values":[]}]}"#, limits: limits)
        }
        limits = PushLimits()
        limits.pairsMax = 1
        let error = #expect(throws: PushError.self) {
            try decode(json: #"{"streams":[{"stream":{"a":"b"},"values":[["1","x",{"k":"v","l":"w"}]]}]}"#, limits: limits)
        }
        #expect(error?.message == "more than 1 pairs of structured metadata in one entry")
    }
}
