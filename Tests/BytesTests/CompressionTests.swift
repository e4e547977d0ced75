import Bytes
import Testing

@Suite struct CompressionTests {
    static let text = ByteString(String(repeating: "the same words again and again, ", count: 2_000))

    @Test(arguments: Codec.allCases)
    func pagesComeBack(codec: Codec) throws {
        let pages = PageCodec()
        let packed = ByteArena()
        let unpacked = ByteArena()
        try Self.text.withView { page throws(DecodeError) in try pages.compress(page, codec: codec, level: 1, into: packed) }
        try pages.decompress(packed.view, codec: codec, size: Self.text.count, into: unpacked)
        #expect(unpacked.view.copy() == Self.text.bytes)
        #expect(throws: DecodeError.self) {
            try pages.decompress(packed.view, codec: codec, size: Self.text.count - 1, into: unpacked)
        }
        #expect(throws: DecodeError.self) { try pages.decompress(packed.view, codec: codec, size: 1 << 40, into: unpacked) }
    }

    @Test func damagedPagesAreErrors() throws {
        let pages = PageCodec()
        let packed = ByteArena()
        try Self.text.withView { page throws(DecodeError) in try pages.compress(page, codec: .zlib, level: 6, into: packed) }
        for cut in stride(from: 0, to: packed.count - 1, by: 7) {
            #expect(throws: DecodeError.self) {
                try pages.decompress(packed.view.prefix(cut), codec: .zlib, size: Self.text.count, into: ByteArena())
            }
        }
    }

    @Test func gzipAndItsCap() throws {
        let packed = ByteArena()
        let out = ByteArena()
        try Self.text.withView { body throws(InflateError) in try Compressor.gzip(body, into: packed) }
        try CappedReader.inflate(packed.view, .gzip, limit: Self.text.count, into: out)
        #expect(out.view.copy() == Self.text.bytes)
        #expect(throws: InflateError.tooLarge(limit: 1000)) {
            try CappedReader.inflate(packed.view, .gzip, limit: 1000, into: out)
        }
        #expect(out.count == Self.text.count, "a refused body leaves nothing behind")
        for cut in 0..<packed.count {
            #expect(throws: InflateError.self) {
                try CappedReader.inflate(packed.view.prefix(cut), .gzip, limit: 1 << 20, into: out)
            }
        }
        // Two members are one body; garbage behind the end is not.
        let two = ByteArena()
        two.append(packed.view)
        two.append(packed.view)
        out.reset()
        try CappedReader.inflate(two.view, .gzip, limit: 1 << 20, into: out)
        #expect(out.count == 2 * Self.text.count)
        packed.append("garbage")
        #expect(throws: InflateError.self) { try CappedReader.inflate(packed.view, .gzip, limit: 1 << 20, into: out) }
    }

    @Test func snappyAndItsCap() throws {
        let packed = ByteArena()
        let out = ByteArena()
        Self.text.withView { Compressor.snappy($0, into: packed) }
        try CappedReader.snappy(packed.view, limit: 1 << 20, into: out)
        #expect(out.view.copy() == Self.text.bytes)
        #expect(throws: InflateError.tooLarge(limit: 100)) { try CappedReader.snappy(packed.view, limit: 100, into: out) }
    }

    /// A body of seven bytes that promises 4 GiB once made Prometheus allocate them (CVE-2026-42154).
    @Test func lyingSnappyHeaderAllocatesNothing() {
        let out = ByteArena()
        let body: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x00, 0x61]
        body.withView { view in
            _ = #expect(throws: InflateError.self) { try CappedReader.snappy(view, limit: 256 << 20, into: out) }
        }
        let smaller: [UInt8] = [0xFF, 0xFF, 0xFF, 0x7F, 0x00, 0x61]
        smaller.withView { view in
            _ = #expect(throws: InflateError.self) { try CappedReader.snappy(view, limit: 1 << 30, into: out) }
        }
        #expect(out.footprint < 4096)
    }
}
