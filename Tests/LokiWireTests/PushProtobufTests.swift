import Bytes
import LogModel
import LokiWire
import Testing

/// Protobuf by hand, so that tests can lie.
enum Wire {
    static func varint(_ value: UInt64) -> [UInt8] {
        let out = ByteArena()
        out.append(varint: value)
        return out.view.copy()
    }

    static func message(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
        varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
    }

    static func text(_ number: UInt64, _ text: String) -> [UInt8] { message(number, Array(text.utf8)) }
    static func integer(_ number: UInt64, _ value: UInt64) -> [UInt8] { varint(number << 3) + varint(value) }

    static func entry(_ seconds: UInt64, _ nanos: UInt64, _ line: String, _ metadata: [(String, String)] = []) -> [UInt8] {
        message(2, message(1, integer(1, seconds) + integer(2, nanos)) + text(2, line)
            + metadata.flatMap { message(3, text(1, $0.0) + text(2, $0.1)) })
    }

    static func snappy(_ bytes: [UInt8]) -> [UInt8] {
        let out = ByteArena()
        bytes.withView { Compressor.snappy($0, into: out) }
        return out.view.copy()
    }

    static func gzip(_ bytes: [UInt8]) throws -> [UInt8] {
        let out = ByteArena()
        try bytes.withView { try Compressor.gzip($0, into: out) }
        return out.view.copy()
    }
}

@Suite struct PushProtobufTests {
    typealias Entry = CollectingSink.Entry
    static let type = "application/x-protobuf"

    static let request = Wire.message(
        1,
        Wire.text(1, #"{app="api", env="prod"}"#) + Wire.entry(1_700_000_000, 1, "line")
            + Wire.entry(1_700_000_000, 2, "two", [("trace_id", "7f"), ("k", "v")]) + Wire.integer(3, 42))

    static let entries = [
        Entry(["app": "api", "env": "prod"], 1_700_000_000_000_000_001, "line"),
        Entry(
            ["app": "api", "env": "prod"], 1_700_000_000_000_000_002, "two", [Label("trace_id", "7f"), Label("k", "v")]),
    ]

    @Test func streamsEntriesAndMetadata() throws {
        #expect(try decode(Wire.snappy(Self.request), type: Self.type).entries == Self.entries)
    }

    /// Anything but JSON is taken for snappy protobuf; `snappy` as an encoding says nothing new, gzip wraps the block.
    @Test func headers() throws {
        let body = Wire.snappy(Self.request)
        #expect(try decode(body, type: "text/plain; x=y").entries == Self.entries)
        #expect(try decode(body, type: Self.type, encoding: "snappy").entries == Self.entries)
        #expect(try decode(try Wire.gzip(body), type: Self.type, encoding: "gzip").entries == Self.entries)
    }

    @Test func unknownFieldsAndOrderDoNotMatter() throws {
        let stream =
            Wire.entry(0, 7, "x") + Wire.integer(9, 1) + [0x51, 1, 2, 3, 4, 5, 6, 7, 8] + [0x5D, 1, 2, 3, 4]
            + Wire.text(1, #"{a="b"}"#)
        let body = Wire.text(2, "format") + Wire.message(1, stream) + Wire.integer(200, 5)
        #expect(try decode(Wire.snappy(body), type: Self.type).entries == [Entry(["a": "b"], 7, "x")])
    }

    @Test func negativeTimes() throws {
        let body = Wire.message(1, Wire.text(1, #"{a="b"}"#) + Wire.entry(UInt64(bitPattern: -2), 500_000_000, "x"))
        #expect(try decode(Wire.snappy(body), type: Self.type).entries.first?.timestamp == -1_500_000_000)
    }

    @Test func everyPrefixEndsInAnAnswer() {
        for end in 0..<Self.request.count {
            // An empty request is one without streams; every other prefix cuts a length short.
            #expect(throws: PushError.self, "prefix of \(end) bytes") {
                try decode(Wire.snappy(Array(Self.request[..<end])), type: Self.type)
            }
        }
    }

    @Test func everyBitFlipEndsInAnAnswer() {
        for at in Self.request.indices {
            for bit in 0..<8 {
                var changed = Self.request
                changed[at] ^= 1 << UInt8(bit)
                _ = try? decode(Wire.snappy(changed), type: Self.type)
                var packed = Wire.snappy(Self.request)
                if at < packed.count {
                    packed[at] ^= 1 << UInt8(bit)
                    _ = try? decode(packed, type: Self.type)
                }
            }
        }
    }

    @Test(arguments: [
        // A length of 2^63 and one of 2^32.
        [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x0A, 0x80, 0x80, 0x80, 0x80, 0x10],
        // A varint of 11 bytes, a tag of field 0, a group.
        [UInt8](repeating: 0x80, count: 11), [0x02, 0x00], [0x0B, 0x0C],
        // Labels that are an integer, a timestamp that is text.
        Wire.message(1, [0x08, 0x01]), Wire.message(1, Wire.text(1, "{}") + Wire.message(2, Wire.integer(1, 5))),
        // Years beyond the calendar, nanoseconds beyond a second.
        Wire.message(1, Wire.text(1, #"{a="b"}"#) + Wire.entry(1 << 62, 0, "x")),
        Wire.message(1, Wire.text(1, #"{a="b"}"#) + Wire.entry(1, 1 << 62, "x")),
    ] as [[UInt8]])
    func liesAreRefused(body: [UInt8]) {
        let error = #expect(throws: PushError.self) { try decode(Wire.snappy(body), type: Self.type) }
        #expect(error?.kind == .malformed)
    }

    @Test func labelsAreCheckedInTheWordsOfLoki() {
        let body = Wire.snappy(Wire.message(1, Wire.text(1, #"{a-b="pe"}"#) + Wire.entry(1, 1, "x")))
        #expect(
            throws: PushError(
                .malformed, "couldn't parse labels: 1:3: parse error: unexpected character inside braces: '-'")
        ) { try decode(body, type: Self.type) }
    }

    @Test func countsAreLimited() {
        var limits = PushLimits()
        limits.entriesMax = 1
        let error = #expect(throws: PushError.self) {
            try decode(Wire.snappy(Self.request), type: Self.type, limits: limits)
        }
        #expect(error?.kind == .tooLarge)
        limits = PushLimits()
        limits.pairsMax = 1
        #expect(throws: PushError.self) { try decode(Wire.snappy(Self.request), type: Self.type, limits: limits) }
    }
}
