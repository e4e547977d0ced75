import Glibc
import LogTestKit
import Testing

@testable import LogQuery

@Suite struct RateTestTests {
    private let even = RateTest([], rows: (1_000, 1_000))

    @Test func scoresAreTheLikelihoodRatio() {
        // 2 (100 ln(100/150) + 200 ln(200/150))
        #expect(abs(even.score(100, 200) - 33.98) < 0.01)
        #expect(abs(even.score(200, 100) + 33.98) < 0.01)
        #expect(even.score(50, 50) == 0)
        // 2 · 20 ln 2
        #expect(abs(even.score(0, 20) - 27.73) < 0.01)
        #expect(even.score(0, 0) == 0)
        #expect(abs(RateTest.chance(3.841) - 0.05) < 0.001)
    }

    @Test func theScaleIsThatOfMostThings() {
        // A hundred things doubled, three exploded.
        let pairs = (0..<100).map { (before: 20 + $0, after: 2 * (20 + $0)) } + [(10, 90_000), (5, 80_000), (8, 70_000)]
        let test = RateTest(pairs, rows: (8_000, 250_000))
        #expect(abs(test.scale - 2) < 1e-9)
        #expect(test.drift == 0)
        #expect(abs(test.score(100, 200)) < 1e-9)
    }

    /// What drifts as everything here does is no finding; what is new is one all the same.
    @Test func usualDriftIsDiscounted() {
        var random = SeededRandom(4)
        let pairs = (0..<400).map { _ -> (before: Int, after: Int) in
            let before = 5_000 + random.below(20_000)
            return (before, Int(Double(before) * exp((Double(random.below(1000)) / 500 - 1) * 0.5)))
        }
        let test = RateTest(pairs, rows: (1, 1))
        #expect(test.drift > 0.03)
        let calm = RateTest([], rows: (1, 1))
        #expect(RateTest.chance(calm.score(10_000, 14_000)) < 1e-9)
        #expect(RateTest.chance(test.score(10_000, 14_000)) > 0.01)
        #expect(test.score(0, 50) > 0.9 * calm.score(0, 50))
    }

    @Test func falseDiscoveriesStayRare() {
        #expect(FalseDiscovery.threshold([0.5, 0.9, 0.2], rate: 0.01) == -1)
        #expect(FalseDiscovery.threshold([0.001, 0.9, 0.004, 0.5], rate: 0.01) == 0.004)
        #expect(FalseDiscovery.threshold([], rate: 0.01) == -1)
        // Ten thousand counts of the same rate.
        var random = SeededRandom(9)
        let chances = (0..<10_000).map { _ -> Double in
            var counts = (0, 0)
            for _ in 0..<40 { if random.chance(0.5) { counts.0 += 1 } else { counts.1 += 1 } }
            return RateTest.chance(even.score(counts.0, counts.1))
        }
        let threshold = FalseDiscovery.threshold(chances, rate: 0.01)
        #expect(chances.count { $0 <= threshold } <= 3)
    }
}
