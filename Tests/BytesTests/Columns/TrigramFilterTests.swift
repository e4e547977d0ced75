import LogTestKit
import Testing

@testable import Bytes

@Suite struct TrigramFilterTests {
    private func make(_ values: [String]) -> OwnedBytes? {
        let buffer = ValueBuffer(capacity: 1024, values: values.count)
        for value in values { Array(value.utf8).withView { buffer.append($0) } }
        let out = ByteArena(capacity: 64)
        return TrigramFilter.append(buffer.list, to: out) ? out.take() : nil
    }

    private func mayHold(_ text: String, _ filter: OwnedBytes) -> Bool {
        Array(text.utf8).withView { TrigramFilter.mayHold($0, filter.view) }
    }

    @Test func whatStandsInAValueIsNeverRuledOut() throws {
        var random = SeededRandom(3)
        for size in [1, 30, 1000, 9000, 80_000] {
            let values = (0..<size).map { _ in
                String(decoding: (0..<random.below(40)).map { _ in UInt8(97 + random.below(20)) }, as: UTF8.self)
            }
            let filter = try #require(make(values))
            #expect(filter.view.count <= 32768 && filter.view.count.nonzeroBitCount == 1)
            for value in values {
                let from = random.below(value.count + 1)
                let part = String(value.dropFirst(from).prefix(random.below(value.count - from + 1)))
                #expect(mayHold(part, filter))
            }
        }
    }

    @Test func whatHasOtherLettersIsRuledOut() throws {
        let filter = try #require(make(["the quick brown fox", "jumps over the lazy dog"]))
        #expect(!mayHold("zzzNOTHERE", filter))
        #expect(!mayHold("req_b4b45c8fcdc4a403", filter))
        // Runs do not go on from one value to the next.
        #expect(!mayHold("foxjumps", filter))
        #expect(mayHold("zq", filter), "two bytes say nothing")
        #expect(filter.view.count == 64)
    }

    /// Prompts of 20 MB have more runs than half of 65,536 places: without a larger table each search read all of them.
    @Test func muchTextHasAFilterToo() throws {
        var random = SeededRandom(5)
        let letters = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ 0123456789".utf8)
        let values = (0..<30_000).map { _ in
            String(decoding: (0..<40).map { _ in letters[random.below(letters.count)] }, as: UTF8.self)
        }
        let filter = try #require(make(values))
        #expect(filter.view.count == 32768)
        #expect(values.allSatisfy { mayHold($0, filter) })
        #expect(!mayHold("((NOT))HERE", filter))
        #expect(make(Array(values.prefix(20_000))) == nil, "less than 1 MiB: 8 KiB at most, and they would be full")
    }

    /// Noise has every run of three bytes: a filter would be read and never say no.
    @Test func noiseGetsNoFilter() {
        var random = SeededRandom(4)
        let values = (0..<300).map { _ in
            String(decoding: (0..<1000).map { _ in UInt8(32 + random.below(95)) }, as: UTF8.self)
        }
        #expect(make(values) == nil)
    }
}
