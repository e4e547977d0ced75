import Bytes
import LogModel
import LokiWire
import Testing

@Suite struct PushEncoderTests {
    typealias Entry = CollectingSink.Entry

    @Test func whatIsWrittenIsReadBack() throws {
        let encoder = PushEncoder()
        let labels = Labels(["app": "a\"b\\c\né", "env": ""])
        let times: [Int64] = [0, 1, -1, 1_700_000_000_123_456_789, .max, .min, 1_000_000_000, 127_000_000_000]
        var expected: [Entry] = []
        encoder.begin(stream: labels)
        for (i, time) in times.enumerated() {
            let line = ByteString([UInt8](repeating: UInt8(i + 0x61), count: i * 67))
            let metadata = i % 2 == 0 ? Labels() : Labels(["k": String(repeating: "v", count: 200), "l": ""])
            line.withView { encoder.entry(timestamp: time, line: $0, metadata: metadata) }
            expected.append(Entry(labels, time, line, metadata.pairs))
        }
        let out = ByteArena()
        encoder.finish(into: out)
        #expect(try decode(out.view.copy(), type: "application/x-protobuf").entries == expected)
        #expect(encoder.isEmpty)
    }

    @Test func batchesAreGroupedByStreamInOrder() throws {
        var batch = WriteBatch(tenant: .fake)
        let a = batch.stream(Labels(["app": "a"]))
        let unused = batch.stream(Labels(["app": "unused"]))
        let b = batch.stream(Labels(["app": "b"]))
        #expect(unused == 1)
        let set = batch.metadataSet(Labels(["k": "v"]))
        for (i, stream) in [b, a, b, a].enumerated() {
            "line \(i)".withView { batch.add(timestamp: Int64(i), stream: stream, metadata: i == 2 ? set : 0, line: $0) }
        }
        let encoder = PushEncoder()
        encoder.add(batch)
        let out = ByteArena()
        encoder.finish(into: out)
        #expect(
            try decode(out.view.copy(), type: "application/x-protobuf").entries == [
                Entry(["app": "a"], 1, "line 1"), Entry(["app": "a"], 3, "line 3"), Entry(["app": "b"], 0, "line 0"),
                Entry(["app": "b"], 2, "line 2", [Label("k", "v")]),
            ])
    }

    /// The bytes that other implementations of the schema write for the same request.
    @Test func bytesOfASmallRequest() {
        let encoder = PushEncoder()
        encoder.begin(stream: Labels(["a": "b"]))
        "x".withView { encoder.entry(timestamp: 1_000_000_002, line: $0, metadata: Labels(["k": "v"])) }
        let out = ByteArena()
        encoder.finishPlain(into: out)
        let entry: [UInt8] = [0x0A, 0x04, 0x08, 0x01, 0x10, 0x02, 0x12, 0x01, 0x78, 0x1A, 0x06, 0x0A, 0x01, 0x6B, 0x12, 0x01, 0x76]
        let stream = [0x0A, 0x07] + Array(#"{a="b"}"#.utf8) + [0x12, UInt8(entry.count)] + entry
        #expect(out.view.copy() == [0x0A, UInt8(stream.count)] + stream)
    }

    @Test func aBatchWithoutRowsIsEmpty() {
        let encoder = PushEncoder()
        encoder.add(WriteBatch(tenant: .fake))
        #expect(encoder.isEmpty)
    }
}
