import Testing

@testable import Bytes

/// Frames that the `lz4` command made.
@Suite struct LZ4FrameTests {
    private func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
        return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    private func unpack(_ body: [UInt8], limit: Int = 1 << 20) throws -> String {
        let out = ByteArena()
        out.append("before ")
        do {
            try body.withView { try CappedReader.lz4($0, limit: limit, into: out) }
        } catch {
            #expect(out.count == 7, "a refused body leaves nothing behind")
            throw error
        }
        return out.view[7..<out.count].string
    }

    static let hello = "04224d186440a70500008068656c6c6f00000000f97700fb"
    static let words =
        "04224d186440a729000000356162630300f5062074686520717569636b2062726f776e20666f78201e000f2100215020666f7820000000"
        + "0096ce5313"
    static let checkedBlocks =
        "04224d187040ad29000000356162630300f5062074686520717569636b2062726f776e20666f78201e000f2100215020666f78204f5f60"
        + "c800000000"

    @Test func smallFrames() throws {
        let words = String(repeating: "abcabcabcabc the quick brown fox ", count: 3)
        #expect(try unpack(bytes(Self.hello)) == "hello")
        #expect(try unpack(bytes("04224d186440a700000000055dcc02")).isEmpty)
        #expect(try unpack(bytes(Self.words)) == words)
        #expect(try unpack(bytes(Self.checkedBlocks)) == words)
        // Frames in a row, and one in between that is to be skipped.
        #expect(try unpack(bytes(Self.hello + "5a2a4d1803000000" + "ffffff" + Self.hello)) == "hellohello")
    }

    /// Two blocks of 64 KiB at most, the second of which copies from the first; checks of both, and a content size.
    @Test func linkedBlocks() throws {
        let text = (0..<10_000).map { "line \($0 % 13)\n" }.joined()
        #expect(try unpack(bytes(Self.linked)) == text)
    }

    @Test func theCapIsExact() throws {
        let body = bytes(Self.linked)
        #expect(try unpack(body, limit: 72307).utf8.count == 72307)
        for limit in [0, 1, 65_536, 72306] {
            #expect(throws: InflateError.tooLarge(limit: limit)) { try unpack(body, limit: limit) }
        }
    }

    /// Every frame cut anywhere, and with any byte changed, is refused or harmless; nothing traps.
    @Test func damage() throws {
        for hex in [Self.hello, Self.words, Self.checkedBlocks] {
            let good = bytes(hex)
            let text = try unpack(good)
            for cut in 0..<good.count { #expect(throws: InflateError.self) { try unpack(Array(good[..<cut])) } }
            for at in good.indices {
                for flip: UInt8 in [1, 0x10, 0x80, 0xFF] {
                    var bad = good
                    bad[at] ^= flip
                    // A frame that became a skippable one holds nothing. Without a check of the content, the bit that says
                    // that a block is stored as it is may be wrong unnoticed.
                    if let read = try? unpack(bad), hex != Self.checkedBlocks { #expect(read == text || read.isEmpty) }
                }
            }
        }
        let refusals: [(String, String)] = [
            ("", "lz4: the stream ends early"), ("28b52ffd00000000", "lz4: not a frame"),
            ("04224d186540a7", "lz4: the frame needs a dictionary"), ("04224d186440a8", "lz4: the head is damaged"),
            ("04224d182440a7", "lz4: unknown kind of frame"),
            // 4 bytes from 9 before the beginning.
            ("04224d186040820400000010610900" + "00000000", "lz4: a copy of what is not there"),
        ]
        for (hex, message) in refusals {
            #expect(throws: InflateError.damaged(message), "\(hex)") { try unpack(bytes(hex)) }
        }
    }

    @Test func hashes() {
        func hash(_ text: String) -> UInt32 { text.withView { XXH32.of($0) } }
        #expect(hash("") == 0x02CC_5D05)
        #expect(hash("a") == 0x550D_7456)
        #expect(hash("abc") == 0x32D1_53FF)
        #expect(hash("Nobody inspects the spammish repetition") == 0xE229_3B2F)
    }

    static let linked =
        "04224d185c40731a0100000000001641010000716c696e6520300a07001231070012320700123307001234070012350700123607"
        + "00123707001238070013393f000447000348003f31320a5e00ffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        + "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        + "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        + "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        + "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        + "ffffffffffffffffffffffffffffffffffffffffff8a500a6c696e657411deeb240000000f5e00ffffffffffffffffffffffffff"
        + "ffffffffffffffffffffffffff75506e6520320a447f6f4d0000000022877811"
}
