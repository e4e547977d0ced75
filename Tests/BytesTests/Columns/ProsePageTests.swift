import Bytes
import LogTestKit
import Testing

@Suite struct ProsePageTests {
    private func text(_ random: inout SeededRandom) -> [UInt8] {
        let vocabulary = (0..<1 + random.below(900)).map { _ in
            (0..<1 + random.below(20)).map { _ in UInt8(0x61 + random.below(26)) }
        }
        var out: [UInt8] = []
        while out.count < 200 + random.below(20_000) {
            switch random.below(12) {
            case 0: out += Array(String(random.below(100_000)).utf8)
            case 1: out.append(UInt8(random.below(random.chance(0.1) ? 256 : 128)))
            case 2: out += [0x20, 0x20]
            default:
                out.append(0x20)
                out += vocabulary[random.below(vocabulary.count)]
            }
        }
        return out
    }

    private func packed(_ text: [UInt8]) -> [UInt8] {
        let page = ByteArena(capacity: 16)
        text.withView { ProsePage.pack($0, into: page) }
        return page.view.indices.map { page.view[$0] }
    }

    private func unpacked(_ page: [UInt8], limit: Int = 1 << 20) throws -> [UInt8] {
        let out = ByteArena(capacity: 16)
        let result: Result<Void, DecodeError> = page.withView { page in
            do throws(DecodeError) { return .success(try ProsePage.unpack(page, limit: limit, into: out)) } catch {
                return .failure(error)
            }
        }
        try result.get()
        return out.view.indices.map { out.view[$0] }
    }

    @Test(arguments: 0..<60) func whatGoesInComesOut(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let text = text(&random)
        let page = packed(text)
        #expect(try unpacked(page) == text)
        #expect(throws: DecodeError.self) { try unpacked(page.first == 1 ? page : [9], limit: 10) }
    }

    @Test func wordsAreWorthIt() throws {
        var random = SeededRandom(1)
        let words = ["throughput", "latency", "request", "the", "of", "token", "cache"]
        let text = (0..<2_000).map { _ in words[random.below(words.count)] }.joined(separator: " ")
        #expect(packed(Array(text.utf8)).count * 4 < text.utf8.count)
        // Short text, and text that has no words, stay what they are.
        for plain in ["", "a", "short text", String(repeating: "0123456789", count: 100)] {
            #expect(packed(Array(plain.utf8)) == [0] + Array(plain.utf8))
        }
        // Where every byte is used none is left for a word.
        let everything = Array(text.utf8) + (0...255).map { UInt8($0) }
        #expect(packed(everything) == [0] + everything)
    }

    /// Bytes from a disk: an error or some text, never a trap.
    @Test(arguments: 0..<40) func damageIsAnErrorOrOtherText(seed: UInt64) {
        var random = SeededRandom(seed + 7)
        let page = packed(text(&random))
        for _ in 0..<300 {
            var damaged = page
            switch random.below(3) {
            case 0: damaged = Array(damaged.prefix(random.below(damaged.count)))
            case 1: for _ in 0..<1 + random.below(4) { damaged[random.below(min(64, damaged.count))] = UInt8(random.below(256)) }
            default: damaged[random.below(damaged.count)] = UInt8(random.below(256))
            }
            _ = try? unpacked(damaged)
        }
        _ = try? unpacked([])
    }
}
