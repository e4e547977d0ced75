import Bytes
import LogModel
import LokiWire
import Testing

@Suite struct PushDecoderTests {
    static let json = Array(#"{"streams": [{"stream": {"app": "pe"}, "values": [["1794315540000000000", "x"]]}]}"#.utf8)

    @Test func sizesAreGuessedFromWhatBodiesSay() {
        func guess(_ bytes: [UInt8], _ type: String?, _ encoding: String?) -> Int {
            bytes.withView { PushDecoder.sizeGuess($0, contentType: type, contentEncoding: encoding) }
        }
        let trailer: [UInt8] = [UInt8](repeating: 0, count: 16) + [0x00, 0x00, 0x00, 0x10]
        #expect(guess(trailer, "application/json", "gzip") == 0x1000_0000)
        #expect(guess([0x1F, 0x8B], "application/json", "gzip") == 2)
        #expect(guess([0xFF, 0x01, 0, 0], "application/x-protobuf", nil) == 255)
        #expect(guess([0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], nil, "") == 1 << 32)
        #expect(guess([0x7B, 0x7D], "application/json", nil) == 2)
        #expect(guess([], nil, nil) == 0)
    }

    @Test(arguments: [
        (nil, "mime: no media type"), ("", "mime: no media type"), (" ; charset=utf-8", "mime: no media type"),
        ("application/", "mime: expected token after slash"),
    ] as [(String?, String)])
    func contentTypeIsNeeded(type: String?, message: String) {
        #expect(throws: PushError(.malformed, message)) { try decode(Self.json, type: type) }
    }

    @Test(arguments: ["application/json", "Application/JSON; charset=utf-8", " application/json "])
    func jsonTypes(type: String) throws { #expect(try decode(Self.json, type: type).entries.count == 1) }

    @Test func encodings() throws {
        #expect(try decode(try Wire.gzip(Self.json), encoding: "gzip").entries.count == 1)
        #expect(try decode(Self.json, encoding: "snappy").entries.count == 1)
        // Raw DEFLATE: what is between gzip's header of 10 bytes and its trailer of 8.
        let packed = try Wire.gzip(Self.json)
        #expect(try decode(Array(packed[10..<(packed.count - 8)]), encoding: "deflate").entries.count == 1)
    }

    @Test(arguments: [
        ("br", "Content-Encoding \"br\" not supported"), ("gzip", "gzip: invalid header"),
    ])
    func badEncodings(encoding: String, message: String) {
        #expect(throws: PushError(.malformed, message)) { try decode(Self.json, encoding: encoding) }
    }

    @Test func bombsStopAtTheCap() throws {
        var limits = PushLimits()
        limits.decodedSizeMax = 1 << 20
        let bomb = try Wire.gzip([UInt8](repeating: 0x20, count: 16 << 20))
        #expect(bomb.count < 100_000)
        let error = #expect(throws: PushError.self) { try decode(bomb, encoding: "gzip", limits: limits) }
        #expect(error?.kind == .tooLarge)
        let snappyBomb = Wire.snappy([UInt8](repeating: 0x20, count: 16 << 20))
        let other = #expect(throws: PushError.self) {
            try decode(snappyBomb, type: "application/x-protobuf", limits: limits)
        }
        #expect(other?.kind == .tooLarge)
        // Seven bytes that promise 4 GiB.
        #expect(throws: PushError.self) {
            try decode([0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00, 0x61], type: "application/x-protobuf")
        }
        limits.decodedSizeMax = Self.json.count - 1
        #expect(throws: PushError.self) { try decode(Self.json, limits: limits) }
    }

    @Test func truncatedGzipIsRefused() throws {
        let packed = try Wire.gzip(Self.json)
        for end in 0..<packed.count {
            #expect(throws: PushError.self) { try decode(Array(packed[..<end]), encoding: "gzip") }
        }
    }

    /// A decoder is used again after a failure, with nothing left of it.
    @Test func decodersAreReusable() throws {
        let decoder = PushDecoder()
        for round in 0..<3 {
            var sink = CollectingSink()
            #expect(throws: PushError.self) {
                try Array(Self.json.dropLast()).withView {
                    _ = try decoder.decode($0, contentType: "application/json", contentEncoding: nil, into: &sink)
                }
            }
            sink = CollectingSink()
            let outcome = try Self.json.withView {
                try decoder.decode($0, contentType: "application/json", contentEncoding: nil, into: &sink)
            }
            #expect(outcome.streams == 1 && outcome.entries == 1, "round \(round)")
            #expect(outcome.decodedSize == Self.json.count)
            #expect(sink.entries.count == 1)
        }
    }

    @Test(arguments: [
        ("", []), ("\n\r\n", []), ("a", ["a"]), ("a\n", ["a"]), ("\na\r\r\n b \r\nc\rd", ["a", " b ", "c\rd"]),
    ] as [(String, [String])])
    func linesAlone(text: String, lines: [String]) throws {
        func decoded(_ body: [UInt8], _ encoding: String?) throws -> CollectingSink {
            var sink = CollectingSink()
            let count = try body.withView {
                try PushDecoder().decodeLines($0, contentEncoding: encoding, now: 5, into: &sink)
            }
            #expect(count == sink.entries.count)
            return sink
        }
        let expected = lines.map { CollectingSink.Entry([:], 5, $0) }
        #expect(try decoded(Array(text.utf8), nil).entries == expected)
        #expect(try decoded(try Wire.gzip(Array(text.utf8)), "gzip").entries == expected)
        #expect(try decoded(Array(text.utf8), nil).streams.count == (lines.isEmpty ? 0 : 1))
    }
}
