import Bytes
import LogTestKit
import Testing

/// Kernels over sets of rows against loops that say what they mean.
@Suite struct RowBitsTests {
    private func bits(_ rows: Int, _ isSet: (Int) -> Bool) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: (rows + 63) / 64)
        for row in 0..<rows where isSet(row) { words[row >> 6] |= 1 << UInt64(row & 63) }
        return words
    }

    private func has(_ words: [UInt64], _ row: Int) -> Bool { words[row >> 6] >> UInt64(row & 63) & 1 == 1 }

    @Test(arguments: [0, 1, 63, 64, 65, 200, 1000]) func kernelsDoWhatTheySay(rows: Int) throws {
        var random = SeededRandom(UInt64(rows) + 5)
        for _ in 0..<20 {
            let width = 1 + random.below(9)
            let isRunny = random.chance(0.5)
            var last: UInt32 = 0
            let codes = (0..<rows).map { _ in
                if !isRunny || random.chance(0.1) { last = UInt32(random.below(width)) }
                return last
            }
            let byCode = try #require(RowBits.byCode(codes, width: width))
            let words = (rows + 63) / 64
            for code in 0..<width {
                #expect(Array(byCode[code * words..<(code + 1) * words]) == bits(rows) { codes[$0] == UInt32(code) })
            }
            if rows > 0, let most = codes.max() {
                #expect(RowBits.byCode(codes, width: Int(most)) == nil)
                #expect(RowBits.pick(codes, [UInt8](repeating: 1, count: Int(most))) == nil)
                #expect(RowCodes.narrowed(codes.map { Int64($0) }, limit: Int(most)) == nil)
                #expect(RowCodes.narrowed([-1], limit: 1000) == nil)
            }
            let wanted = (0..<width).map { _ in UInt8(random.below(2)) }
            #expect(RowBits.pick(codes, wanted) == bits(rows) { wanted[Int(codes[$0])] == 1 })
            #expect(RowCodes.narrowed(codes.map { Int64($0) }, limit: width) == codes)

            let numbers = (0..<rows).map { _ in random.chance(0.1) ? .nan : Double(random.below(5)) }
            #expect(RowBits.compare(numbers, .equal, 2) == bits(rows) { numbers[$0] == 2 })
            #expect(RowBits.compare(numbers, .notEqual, 2) == bits(rows) { numbers[$0] != 2 })
            #expect(RowBits.compare(numbers, .greater, 2) == bits(rows) { numbers[$0] > 2 })
            #expect(RowBits.compare(numbers, .greaterOrEqual, 2) == bits(rows) { numbers[$0] >= 2 })
            #expect(RowBits.compare(numbers, .less, 2) == bits(rows) { numbers[$0] < 2 })
            #expect(RowBits.compare(numbers, .lessOrEqual, 2) == bits(rows) { numbers[$0] <= 2 })

            let present = bits(rows) { _ in random.chance(0.7) }
            let places = (0..<rows).filter { has(present, $0) }
            let dense = bits(places.count) { _ in random.chance(0.5) }
            var spread = bits(rows) { _ in false }
            for (rank, row) in places.enumerated() where has(dense, rank) { spread[row >> 6] |= 1 << UInt64(row & 63) }
            #expect(RowBits.spread(dense, over: present) == spread)
            let values = places.map { UInt32($0 + 1) }
            let expanded = try #require(RowBits.expand(values, over: present, rows: rows))
            #expect((0..<rows).allSatisfy { expanded[$0] == (has(present, $0) ? UInt32($0 + 1) : 0) })
            #expect(RowBits.expand(values + [1], over: present, rows: rows) == nil)
            var combined = codes
            RowBits.combine(&combined, expanded, over: present, base: 3)
            #expect((0..<rows).allSatisfy { combined[$0] == codes[$0] + (has(present, $0) ? (expanded[$0] + 1) * 3 : 0) })

            var lists = RowLists()
            let low = random.below(rows + 1)
            let range = low..<low + random.below(rows - low + 1)
            lists.list(present, range)
            #expect(lists.rows == range.filter { has(present, $0) }.map { UInt32($0) })
            let sorted = lists.sort(present, range, by: codes, width: width)
            let groups = try #require(sorted)
            for group in groups {
                #expect(lists.rows[group.places].map { Int($0) } == range.filter { has(present, $0) && codes[$0] == UInt32(group.code) })
            }
            let some = lists.count(present, range, by: codes, width: width)
            let counted = try #require(some)
            #expect(counted.map(\.places.count) == groups.map(\.places.count) && counted.map(\.code) == groups.map(\.code))
        }
    }

    @Test func theSmallestOfSomeNumbers() {
        var random = SeededRandom(3)
        for _ in 0..<300 {
            var values = (0..<1 + random.below(40)).map { _ in random.chance(0.2) ? Double.nan : Double(random.below(9)) }
            let sorted = values.sorted { $0 < $1 || ($0.isNaN && !$1.isNaN) }
            let k = random.below(values.count)
            let (value, next) = Doubles.select(k, &values)
            let above = sorted[min(k + 1, sorted.count - 1)]
            #expect(value == sorted[k] || value.isNaN && sorted[k].isNaN)
            #expect(next == above || next.isNaN && above.isNaN)
        }
    }

    @Test func needlesInPackedIds() throws {
        var random = SeededRandom(8)
        let alphabets: [[UInt8]] = [Array("0123456789abcdef".utf8), Array("0123456789ABCDEF".utf8), Array("abcXYZ019-_".utf8)]
        for _ in 0..<200 {
            let alphabet = alphabets[random.below(3)]
            let length = 2 + random.below(40)
            let fixed = random.below(length)
            let values = (0..<1 + random.below(150)).map { _ in
                (0..<length).map { $0 < fixed / 2 ? UInt8(0x71) : alphabet[random.below(alphabet.count)] }
            }
            let list = ValueBuffer()
            for value in values { value.withView { list.append($0) } }
            guard let shape = TextShape(list.list) else { continue }
            let packed = ByteArena(capacity: 16)
            shape.pack(list.list, into: packed)
            for _ in 0..<20 {
                let from = values[random.below(values.count)]
                let low = random.below(length)
                var needle = Array(from[low..<low + 1 + random.below(length - low)])
                if random.chance(0.2) { needle[random.below(needle.count)] = UInt8(random.below(256)) }
                for place in [NeedlePlace.inside, .start, .end, .whole] {
                    let found = needle.withView { shape.match($0, place, in: packed.view, count: values.count) }
                    let expected = bits(values.count) { i in
                        values[i].withView { value in
                            needle.withView { needle in
                                switch place {
                                case .inside: value.contains(needle)
                                case .start: value.hasPrefix(needle)
                                case .end: value.hasSuffix(needle)
                                case .whole: value == needle
                                }
                            }
                        }
                    }
                    #expect(found == expected)
                }
            }
        }
    }

    @Test func searchesFindWhatIsThereFirst() {
        var random = SeededRandom(21)
        for _ in 0..<3000 {
            let text = (0..<random.below(200)).map { _ in UInt8(0x61 + random.below(3)) }
            let needle = (0..<1 + random.below(random.chance(0.2) ? 80 : 5)).map { _ in UInt8(0x61 + random.below(3)) }
            let expected = text.indices.first { $0 + needle.count <= text.count && Array(text[$0..<$0 + needle.count]) == needle }
            #expect(text.withView { text in needle.withView { text.firstRange(of: $0) } } == expected)
        }
    }
}
