import LogTestKit
import Testing

@testable import LogQuery

@Suite struct ValueBagTests {
    /// Values as logs have them, and as they should not.
    private static func values(_ kind: Int, _ count: Int, _ random: inout SeededRandom) -> [Double] {
        (0..<count).map { i in
            switch kind {
            case 0: Double(random.below(30_000))
            case 1: Double(random.below(90)) - 45
            case 2: Double(random.below(1 << 40)) / 1000
            case 3: i % 50 == 0 ? Double(random.below(2_000_000_000)) : Double(random.below(4000))
            case 4: [Double.nan, .infinity, -.infinity, -0.0, 0, 1e300, 3][random.below(7)]
            default: random.chance(0.5) ? Double(random.below(100_000)) : Double(random.below(1000)) / 8
            }
        }
    }

    @Test(arguments: 0..<6) func quantilesAreThoseOfAllValues(kind: Int) {
        var random = SeededRandom(UInt64(kind) + 1)
        for count in [1, 2, 7, 1000, 70_000] {
            let all = Self.values(kind, count, &random)
            // In one bag, and in three that are put together.
            var whole = ValueBag()
            whole.add(all[...])
            var parts = [ValueBag(), ValueBag(), ValueBag()]
            for (i, value) in all.enumerated() { parts[i * 3 / count].add(value) }
            for part in parts.dropFirst() { parts[0].absorb(part) }
            #expect(whole.count == count && parts[0].count == count)
            for q in [-1, 0, 0.01, 0.5, 0.95, 0.99, 1, 2] {
                var plain = all
                let expected = Quantile.of(q, &plain)
                for found in [whole.quantile(q), parts[0].quantile(q)] {
                    #expect(found == expected || (found.isNaN && expected.isNaN), "q \(q) of \(count)")
                }
            }
            var back: [Double] = []
            parts[0].append(to: &back)
            #expect(back.map(\.bitPattern).sorted() == all.map(\.bitPattern).sorted())
        }
    }

    /// 95th percentiles over ten gigabytes were refused: every duration took twelve bytes.
    @Test func manyWholeNumbersOfASmallSpanTakeLittle() {
        var random = SeededRandom(9)
        var bag = ValueBag()
        for _ in 0..<3_000_000 { bag.add(Double(random.below(60_000))) }
        #expect(bag.footprint < 600_000)
        var few = ValueBag()
        for _ in 0..<100_000 { few.add(Double(random.below(1 << 30))) }
        #expect(few.footprint < 1_300_000)
    }
}
