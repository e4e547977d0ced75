import Bytes
import LogModel
import LokiWire
import Testing

@Suite struct OTLPJSONTests {
    @Test func camelCase() throws {
        let sink = try decodeOTLP(
            json: #"""
                {"resourceLogs":[{"resource":{"attributes":[
                   {"key":"service.name","value":{"stringValue":"api"}},{"key":"host.name","value":{"stringValue":"h\n1"}}]},
                  "scopeLogs":[{"scope":{"name":"lib","version":"1","droppedAttributesCount":2,"attributes":[]},"logRecords":[
                   {"timeUnixNano":"5","observedTimeUnixNano":6,"severityNumber":9,"severityText":"Info","body":{"stringValue":"a\tb"},
                    "attributes":[{"key":"n","value":{"intValue":"12"}},{"key":"d","value":{"doubleValue":0.5}},
                                  {"key":"b","value":{"boolValue":true}},{"key":"y","value":{"bytesValue":"AP8Q"}},
                                  {"key":"m","value":{"kvlistValue":{"values":[{"key":"i","value":{"intValue":3}}]}}},
                                  {"key":"l","value":{"arrayValue":{"values":[{"stringValue":"q"},{}]}}}],
                    "droppedAttributesCount":1,"flags":1,"traceId":"0102030405060708090A0B0C0D0E0F10","spanId":"0102030405060708",
                    "eventName":"ev","unknown":{"deep":[1,2,{"a":null}]}}]}],"schemaUrl":"x"}]}
                """#)
        #expect(sink.streams == [Labels(["service_name": "api"])])
        let entry = try #require(sink.entries.first)
        #expect(entry.timestamp == 5)
        #expect(entry.line == "a\tb")
        #expect(
            entry.metadataText
                == "host.name=h\n1 scope_name=lib scope_version=1 scope_dropped_attributes_count=2 n=12 d=0.5 b=true y=AP8Q "
                + "m_i=3 l=[\"q\",null] observed_timestamp=6 severity_number=9 severity_text=Info dropped_attributes_count=1 "
                + "flags=1 trace_id=0102030405060708090a0b0c0d0e0f10 span_id=0102030405060708 event_name=ev")
    }

    @Test("Snake case, names of severities, identities in base64, nulls, members in any order")
    func otherSpellings() throws {
        let sink = try decodeOTLP(
            json: #"""
                {"resource_logs":[{"scope_logs":[{"log_records":[
                   {"time_unix_nano":7,"severity_number":"SEVERITY_NUMBER_WARN2","severity_text":null,"body":{"string_value":"x"},
                    "attributes":null,"trace_id":"AQIDBAUGBwgJCgsMDQ4PEA==","span_id":"AQIDBAUGBwg=","flags":null},
                   {"observed_time_unix_nano":"8","severity_number":"NOTHING","body":null}],"scope":{"name":"late"}}],
                  "resource":{"attributes":[{"value":{"string_value":"api"},"key":"service.name"}]}}]}
                """#)
        #expect(sink.streams == [Labels(["service_name": "api"])])
        #expect(sink.entries.map(\.timestamp) == [7, 8])
        #expect(
            sink.entries.map(\.metadataText) == [
                "scope_name=late severity_number=14 trace_id=0102030405060708090a0b0c0d0e0f10 span_id=0102030405060708",
                "scope_name=late",
            ])
    }

    @Test(
        "Bodies",
        arguments: [
            (#"{"kvlistValue":{"values":[{"key":"b","value":{"intValue":"1"}},{"key":"a","value":{"stringValue":"\u00e9<"}}]}}"#, #"{"a":"é\u003c","b":1}"#),
            (#"{"doubleValue":"NaN"}"#, "null"), (#"{"doubleValue":3}"#, "3"), (#"{"intValue":"-9223372036854775808"}"#, "-9223372036854775808"),
            (#"{"boolValue":false}"#, "false"), (#"{}"#, ""), (#"{"stringValue":null}"#, ""), (#"{"intValue":1e3}"#, "1000"),
        ])
    func bodies(value: String, line: String) throws {
        let sink = try decodeOTLP(json: #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":\#(value)}]}]}]}"#)
        #expect(sink.entries.map(\.line) == [ByteString(line)])
    }

    @Test(
        "Faults",
        arguments: [
            "", "[]", "{", #"{"resourceLogs":{}}"#, #"{"resourceLogs":[5]}"#, #"{} x"#,
            #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":"text"}]}]}]}"#,
            #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"xyz"}]}]}]}"#,
            #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"soon"}]}]}]}"#,
            #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"bytesValue":"*"}}]}]}]}"#,
        ])
    func faults(body: String) { #expect(throws: PushError.self) { try decodeOTLP(json: body) } }

    @Test("Nesting is bounded")
    func depth() {
        let deep = String(repeating: #"{"arrayValue":{"values":["#, count: 2_000)
        #expect(throws: PushError.self) {
            try decodeOTLP(json: #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":\#(deep)"#)
        }
    }

    @Test func emptyRequests() throws {
        for body in ["{}", #"{"resourceLogs":null}"#, #"{"resourceLogs":[]}"#, #"{"resourceLogs":[{}]}"#] {
            #expect(try decodeOTLP(json: body).entries.isEmpty)
        }
    }
}

@Suite struct OTLPDecoderTests {
    @Test("Content encodings", arguments: ["gzip", "zstd", "identity", ""])
    func encodings(encoding: String) throws {
        let body = OTLPWire.request(records: [OTLPWire.bytes(5, OTLPWire.text(1, "x"))])
        let packed = ByteArena()
        switch encoding {
        case "gzip": try body.withView { try Compressor.gzip($0, into: packed) }
        case "zstd": try body.withView { try Compressor.zstd($0, into: packed) }
        default: packed.append(body)
        }
        let bytes = withExtendedLifetime(packed) { packed.view.copy() }
        #expect(try decodeOTLP(bytes, encoding: encoding).entries.map(\.line) == ["x"])
    }

    @Test("Bombs are refused at the cap", arguments: ["gzip", "zstd"])
    func bombs(encoding: String) throws {
        let body = [UInt8](repeating: 0, count: 1 << 20)
        let packed = ByteArena()
        if encoding == "gzip" {
            try body.withView { try Compressor.gzip($0, into: packed) }
        } else {
            try body.withView { try Compressor.zstd($0, into: packed) }
        }
        let bytes = withExtendedLifetime(packed) { packed.view.copy() }
        var limits = PushLimits()
        limits.decodedSizeMax = 1 << 16
        let error = #expect(throws: PushError.self) { try decodeOTLP(bytes, encoding: encoding, limits: limits) }
        #expect(error?.kind == .tooLarge)
    }

    @Test("Headers that say something else", arguments: [
        ("text/plain", "", "content type: text/plain is not supported"), (nil, "", "content type:  is not supported"),
        ("application/json", "br", "Content-Encoding \"br\" not supported: gzip, deflate, lz4 and zstd are"),
    ] as [(String?, String, String)])
    func headers(type: String?, encoding: String, message: String) {
        #expect(throws: PushError(.malformed, message)) {
            try decodeOTLP(Array("{}".utf8), type: type, encoding: encoding)
        }
    }

    /// `{}` by the `lz4` command.
    @Test("A body in LZ4 frames")
    func lz4() throws {
        let frame: [UInt8] = [
            0x04, 0x22, 0x4D, 0x18, 0x64, 0x40, 0xA7, 0x02, 0x00, 0x00, 0x80, 0x7B,
            0x7D, 0x00, 0x00, 0x00, 0x00, 0x89, 0x34, 0x47, 0x18,
        ]
        #expect(try decodeOTLP(frame, type: "application/json", encoding: "lz4").entries.isEmpty)
        for cut in 0..<frame.count {
            #expect(throws: PushError.self) {
                try decodeOTLP(Array(frame[..<cut]), type: "application/json", encoding: "lz4")
            }
        }
        var limits = PushLimits()
        limits.decodedSizeMax = 1
        let error = #expect(throws: PushError.self) {
            try decodeOTLP(frame, type: "application/json", encoding: "lz4", limits: limits)
        }
        #expect(error?.kind == .tooLarge)
    }

    @Test("Parameters of a content type do not matter")
    func parameters() throws {
        #expect(try decodeOTLP(Array("{}".utf8), type: "application/json; charset=utf-8").entries.isEmpty)
    }

    @Test("A damaged zstd body is refused", arguments: [0, 3, 10])
    func damagedZstd(length: Int) throws {
        let packed = ByteArena()
        try OTLPWire.request(records: [OTLPWire.bytes(5, OTLPWire.text(1, "some text"))]).withView { try Compressor.zstd($0, into: packed) }
        let bytes = Array(withExtendedLifetime(packed) { packed.view.copy() }.prefix(length))
        #expect(throws: PushError.self) { try decodeOTLP(bytes + (length == 0 ? [1, 2, 3, 4, 5] : []), encoding: "zstd") }
    }
}
