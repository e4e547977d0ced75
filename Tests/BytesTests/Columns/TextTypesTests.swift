import LogTestKit
import Testing

@testable import Bytes

@Suite struct TextTypesTests {
    private func roundTrip(_ values: [String], typesMax: Int = 1000) throws -> Int? {
        let source = list(values)
        let splitter = TextSplitter()
        guard let types = splitter.split(source.list, typesMax: typesMax) else { return nil }
        let spellings = ValueBuffer()
        var slots: [[Int64]] = []
        var first: [UInt32] = [0]
        for type in 0..<splitter.typeCount {
            let (spelling, count) = splitter.type(type)
            #expect(TextJoiner.slots(in: spelling) == count)
            spellings.append(spelling)
            for slot in 0..<count { slots.append(splitter.numbers(type: type, slot: slot)) }
            first.append(UInt32(slots.count))
        }
        let joiner = TextJoiner(types: spellings, slots: slots, firstSlot: first)
        let back = try joiner.join(types[...], before: [UInt32](repeating: 0, count: splitter.typeCount))
        #expect(strings(back.list) == values)
        return splitter.typeCount
    }

    @Test func linesThatDifferInNumbersAreOneType() throws {
        let values = (0..<60).map {
            "INFO 07-15 10:\($0 < 10 ? "0" : "")\($0):45 metrics.py:123] Avg throughput: \($0 * 37).\($0 % 10) tokens/s"
        }
        #expect(try roundTrip(values) == 1)
        #expect(try roundTrip((0..<300).map { "10.0.\($0 % 256).\($0 / 2) - - [\($0)]" }) == 1)
    }

    @Test func whateverStandsInAValueComesBack() throws {
        let odd = [
            "", "0", "00", "007", "1.50", "1.5", "12.05.2", "-5", "a\u{1}b", "\u{1}\u{2}\u{3}", "\u{2}!5", "9" + String(repeating: "9", count: 30),
            "000000000000000000", "0000000000000000000", "1,234,567", "3.14.15", "é1ü2", "2026-11-01T08:09:10.123456789Z",
            "999999999999999999", "1000000000000000000",
        ]
        #expect(try roundTrip(odd) != nil)
        var random = SeededRandom(21)
        let alphabet = Array("0123456789.,:-/T a\u{1}\u{2}\u{3}\u{20}\u{33}")
        for _ in 0..<200 {
            let values = (0..<20).map { _ in
                String((0..<random.below(24)).map { _ in alphabet[random.below(alphabet.count)] })
            }
            #expect(try roundTrip(values) != nil)
        }
    }

    @Test func tooManyTypesAreRefused() throws {
        #expect(try roundTrip((0..<500).map { String(repeating: "x", count: $0) }, typesMax: 10) == nil)
    }

    @Test func damagedSlotsAreRefused() {
        let types = ValueBuffer()
        "a\u{1}b".withView { types.append($0) }
        let joiner = TextJoiner(types: types, slots: [[7]], firstSlot: [0, 1])
        #expect(throws: DecodeError.self) { try joiner.join([0, 0][...], before: [0]) }
        #expect(throws: DecodeError.self) { try joiner.join([1][...], before: [0]) }
        #expect(TextJoiner.slots(in: ByteView("a\u{2}")) == nil)
        #expect(TextJoiner.slots(in: ByteView("\u{3}")) == nil)
    }

    /// A type says no only where none of its values has the needle.
    @Test func typesThatLeaveRoomForANeedle() throws {
        var random = SeededRandom(77)
        for _ in 0..<60 {
            let values = (0..<40).map { _ in
                (0..<1 + random.below(6)).map { _ in
                    random.chance(0.5) ? String(random.below(2000) - 100) : ["a", "req_", ":", "00", "\u{1}", "\u{3}x", "-"][random.below(7)]
                }.joined()
            }
            let list = ValueBuffer()
            for value in values { value.withView { list.append($0) } }
            let splitter = TextSplitter()
            guard let types = splitter.split(list.list, typesMax: 100) else { continue }
            for _ in 0..<60 {
                let from = Array(values[random.below(values.count)].utf8)
                if from.isEmpty { continue }
                let low = random.below(from.count)
                var needle = Array(from[low..<low + 1 + random.below(from.count - low)])
                if random.chance(0.3) { needle[random.below(needle.count)] = UInt8(0x30 + random.below(60)) }
                let search = try #require(needle.withView { TextJoiner.Search($0) })
                for (value, type) in zip(values, types) where !search.mayHold(splitter.type(Int(type)).spelling) {
                    #expect(!value.withView { value in needle.withView { value.contains($0) } })
                }
            }
        }
        #expect(TextJoiner.Search(ByteView("")) == nil && TextJoiner.Search(ByteView("z"))?.mayHold(ByteView("a\u{1}")) == false)
    }
}
