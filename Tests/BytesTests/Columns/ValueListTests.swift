import LogTestKit
import Testing

@testable import Bytes

/// Values in memory, as the shredder leaves them.
func list(_ values: [String]) -> ValueBuffer {
    let buffer = ValueBuffer()
    for value in values { value.withView { buffer.append($0) } }
    return buffer
}

func strings(_ list: ValueList) -> [String] { (0..<list.count).map { list[$0].string } }

@Suite struct ValueListTests {
    @Test(arguments: [
        ["0"], ["7", "-7", "10"], ["999999999999999999", "-999999999999999999"], ["1", "2", "3", "500"],
    ])
    func canonicalIntegersComeBack(values: [String]) throws {
        let source = list(values)
        let numbers = try #require(source.list.integers())
        let out = ValueBuffer()
        out.append(integers: numbers)
        #expect(strings(out.list) == values)
    }

    @Test(arguments: ["", "-", "-0", "00", "01", "+1", "1.0", "1e5", " 1", "1234567890123456789", "0x1", "٣"])
    func otherSpellingsAreNoIntegers(value: String) {
        let source = list(["1", value])
        #expect(source.list.integers() == nil)
    }

    @Test(arguments: [
        (["1.5", "2.5"], DecimalFormat.Style.fixed), (["1.50", "2.25"], .fixed), (["0.5", "2.25", "3.0"], .point),
        (["0.5", "2", "-3.125"], .short), (["-0.5", "-10.25"], .point), (["0.001", "12.5", "7.0"], .point),
        (["0.0", "0.25"], .point),
    ])
    func decimalsComeBackInTheirStyle(values: [String], style: DecimalFormat.Style) throws {
        let source = list(values)
        let (numbers, format) = try #require(source.list.decimals())
        #expect(format.style == style || Set(values.map { $0.split(separator: ".").last?.count }).count == 1)
        let out = ValueBuffer()
        out.append(decimals: numbers, format)
        #expect(strings(out.list) == values)
    }

    @Test(arguments: [
        ["1.", "2.5"], [".5", "1.5"], ["1.50", "2.5", "3"], ["-0.0", "1.5"], ["1.5e3", "2.5"], ["00.5", "1.5"],
        ["1.5", "1.2.3"], ["1.5", "a.b"], ["123456789012345678.5", "1.25"], ["-", "1.5"], ["1.5", "NaN"],
    ])
    func otherSpellingsAreNoDecimals(values: [String]) {
        let source = list(values)
        #expect(source.list.decimals() == nil)
    }

    @Test(arguments: [
        ["2026-11-01T00:00:10.894285", "2026-11-01T00:00:10.906211"],
        ["2026-11-01T00:00:10Z", "1999-12-31T23:59:59Z"],
        ["2024-02-29 23:59:59,123", "2023-03-01 00:00:00,000"],
        ["1969-12-31T23:59:59.5+02:00", "1970-01-01T00:00:00.0+02:00"],
        ["2026-11-01T00:00:10.123456789Z", "2100-03-01T00:00:00.000000000Z"],
    ])
    func timesComeBack(values: [String]) throws {
        let source = list(values)
        let (numbers, pattern) = try #require(source.list.times())
        let out = ValueBuffer()
        out.append(times: numbers, pattern)
        #expect(strings(out.list) == values)
    }

    @Test(arguments: [
        ["2023-02-29T00:00:00"], ["2026-13-01T00:00:00"], ["2026-11-31T00:00:00"], ["2026-11-01T24:00:00"],
        ["2026-11-01T00:60:00"], ["2026-11-01T00:00:60"], ["2026-11-01X00:00:00"], ["2026-1-01T00:00:000"],
        ["2026-11-01T00:00:00Z", "2026-11-01T00:00:00.5Z"], ["2026-11-01T00:00:00Z", "2026-11-01T00:00:00+"],
        ["0001-01-01T00:00:00Z"], ["9999-01-01T00:00:00Z"],
    ])
    func whatIsNoTimeIsNotTakenForOne(values: [String]) {
        let source = list(values)
        #expect(source.list.times() == nil)
    }

    @Test func shapesComeBack() throws {
        var random = SeededRandom(3)
        let alphabets = ["0123456789abcdef", "0123456789ABCDEF", "0123456789abcdefghijklmnopqrstuvwxyzABCDEF-_"]
        for alphabet in alphabets.map({ Array($0) }) {
            for length in [1, 7, 16, 31, 100] {
                let values = (0..<50).map { _ in
                    "req-" + String((0..<length).map { _ in alphabet[random.below(alphabet.count)] }) + "/x"
                }
                let source = list(values)
                let shape = try #require(TextShape(source.list))
                let packed = ByteArena()
                shape.pack(source.list, into: packed)
                #expect(packed.count == shape.stride * values.count)
                let head = ByteArena()
                shape.encode(into: head)
                var reader = ByteReader(head.view)
                let read = try TextShape(decoding: &reader)
                let back = try #require(read.unpack(packed.view, count: values.count))
                #expect(strings(back.list) == values)
                #expect(values.allSatisfy { value in value.withView { shape.charset.isSuperset(of: ByteSet($0)) } })
            }
        }
        #expect(TextShape(list(["ab", "a"]).list) == nil)
        let odd = list(["a b", "a.b"])
        #expect(TextShape(odd.list) == nil)
    }

    @Test func blocksOfIntegersComeBackInAnyStretch() throws {
        var random = SeededRandom(9)
        for round in 0..<60 {
            let count = [1, 2, 1023, 1024, 1025, 5000][random.below(6)]
            var values: [Int64] = []
            var last: Int64 = 0
            for _ in 0..<count {
                switch round % 6 {
                case 0: last = Int64(random.below(100))
                case 1: last &+= Int64(random.below(1000))
                case 2: last = Int64(bitPattern: random.next())
                case 3: last = random.chance(0.5) ? .min : .max
                case 4: last = 42
                default: last = -Int64(random.below(1 << 40))
                }
                values.append(last)
            }
            let out = ByteArena()
            IntegerBlocks.pack(values, into: out)
            #expect(try IntegerBlocks.unpack(out.view, count: count, range: 0..<count) == values)
            let low = random.below(count)
            let high = low + random.below(count - low + 1)
            #expect(try IntegerBlocks.unpack(out.view, count: count, range: low..<high) == Array(values[low..<high]))
            let cut = ByteArena()
            cut.append(out.view.prefix(out.count - 1))
            #expect(throws: DecodeError.self) { try IntegerBlocks.unpack(cut.view, count: count, range: 0..<count) }
        }
    }

    @Test func damagedBlocksOfIntegersAreRefusedOrReadButNeverTrap() {
        var random = SeededRandom(10)
        for _ in 0..<2000 {
            let out = ByteArena()
            for _ in 0..<random.below(60) { out.append(UInt8(truncatingIfNeeded: random.next())) }
            _ = try? IntegerBlocks.unpack(out.view, count: 3000, range: 100..<2000)
        }
    }

    @Test func dictionariesNumberValuesByFirstSightAndForgetWhatDidNotFit() throws {
        let dictionary = ValueDictionary(entriesMax: 3, bytesMax: 100)
        let source = list(["b", "a", "b", "b", ""])
        #expect(dictionary.encode(source.list, freshMax: 10) == [0, 1, 0, 0, 2])
        let more = list(["a", "c"])
        #expect(dictionary.encode(more.list, freshMax: 10) == nil)
        #expect(dictionary.count == 3)
        let known = list(["", "b"])
        #expect(dictionary.encode(known.list, freshMax: 0) == [2, 0])
        #expect(strings(dictionary.entries) == ["b", "a", ""])
    }

    @Test func aDictionaryOfManyComesBack() throws {
        var random = SeededRandom(12)
        let values = (0..<20_000).map { _ in "v\(random.below(3000))" }
        let source = list(values)
        let dictionary = ValueDictionary(entriesMax: 65_536, bytesMax: 1 << 20)
        let codes = try #require(dictionary.encode(source.list, freshMax: 20_000))
        let entries = strings(dictionary.entries)
        #expect(codes.map { entries[Int($0)] } == values)
        #expect(Set(entries).count == entries.count)
    }

    @Test func needlesAreFoundWhereAsked() {
        let source = list(["timeout", "time", "out", "", "xtime", "timeoutx"])
        func hits(_ needle: String, _ place: NeedlePlace) -> [Int] {
            var bits: [UInt64] = [0]
            needle.withView { source.list.match($0, place, into: &bits) }
            return (0..<6).filter { bits[0] >> UInt64($0) & 1 == 1 }
        }
        #expect(hits("time", .inside) == [0, 1, 4, 5])
        #expect(hits("time", .start) == [0, 1, 5])
        #expect(hits("time", .end) == [1, 4])
        #expect(hits("time", .whole) == [1])
        #expect(hits("timeoutxx", .inside).isEmpty)
    }
}
