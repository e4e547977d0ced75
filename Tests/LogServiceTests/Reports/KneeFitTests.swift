import LogModel
import Testing

@testable import LogService

@Suite struct KneeFitTests {
    /// Minutes of a service with loads from 1 to 10 and a latency by load, times noise that is heavy above.
    private func minutes(
        _ count: Int = 400, seed: UInt64 = 1, highest: Double = 10, noise: Double = 0.3, _ latency: (Double) -> Double
    ) -> [KneeFit.Point] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { _ in
            let load = 1 + (highest - 1) * random.fraction()
            // Products of uniforms: skewed to the right, as latencies are.
            let wobble = 1 + noise * (random.fraction() + random.fraction() * random.fraction() * 2 - 1)
            return KneeFit.Point(load: load, latency: latency(load) * wobble)
        }
    }

    @Test(arguments: 1...10)
    func aKneeIsFoundAndItsIntervalHoldsIt(seed: Int) throws {
        let fit = try KneeFit.fit(minutes(seed: UInt64(seed)) { 400 + 10 * $0 + 900 * max(0, $0 - 6) })
        #expect(abs(fit.knee - 6) < 0.6, "\(fit)")
        #expect(fit.low <= fit.knee && fit.knee <= fit.high && fit.low > 4.5 && fit.high < 7.5, "\(fit)")
        #expect(fit.slopeBehind > 10 * max(fit.slopeBefore, 1), "\(fit)")
        #expect(abs(fit.predicted(fit.knee) - fit.latency) < 1e-9)
    }

    /// Five bad minutes in a hundred, at any load, are no saturation and do not move it.
    @Test func burstsOfTimeoutsMoveNothing() throws {
        var bursty = minutes { 400 + 10 * $0 + 900 * max(0, $0 - 6) }
        for i in stride(from: 0, to: bursty.count, by: 20) { bursty[i].latency = 120_000 }
        #expect(abs(try KneeFit.fit(bursty).knee - 6) < 0.8)
        var flat = minutes { 400 + 10 * $0 }
        for i in stride(from: 0, to: flat.count, by: 20) { flat[i].latency = 120_000 }
        #expect(throws: KneeFit.Refusal.self) { try KneeFit.fit(flat) }
    }

    /// Where nothing bends, a knee is claimed in one of a hundred cases or so.
    @Test func whatNeverSaturatesIsRefused() {
        var claims = 0
        for seed in 1...200 {
            for slope in [0.0, 40] {
                if (try? KneeFit.fit(minutes(300, seed: UInt64(seed), noise: 0.8) { 400 + slope * $0 })) != nil { claims += 1 }
            }
        }
        #expect(claims <= 8, "\(claims) of 400")
    }

    @Test func whyIsSaid() {
        func refusal(_ points: [KneeFit.Point]) -> KneeFit.Refusal? {
            do throws(KneeFit.Refusal) { _ = try KneeFit.fit(points) } catch { return error }
            return nil
        }
        #expect(refusal([]) == .tooFew(minutes: 0, needed: 60))
        #expect(refusal(minutes(59) { $0 }) == .tooFew(minutes: 59, needed: 60))
        let steady = refusal(minutes(highest: 1.1) { _ in 400 })
        guard case .steadyLoad = steady else { Issue.record("\(String(describing: steady))"); return }
        let falling = refusal(minutes { 5_000 - 300 * $0 })
        guard case .neverSaturates = falling else { Issue.record("\(String(describing: falling))"); return }
        let identical = refusal([KneeFit.Point](repeating: .init(load: 2, latency: 5), count: 100))
        guard case .steadyLoad = identical else { Issue.record("\(String(describing: identical))"); return }
        for one in [steady, falling].compactMap({ $0 }) + [.tooFew(minutes: 3, needed: 60), .unclear(low: 1, high: 2)] {
            #expect(CapacityReport.words(one, "requests a second").hasPrefix("Capacity cannot be told"))
        }
    }

    @Test func studentIsCloseToTheTable() {
        for (degrees, value) in [(5.0, 2.571), (10, 2.228), (30, 2.042), (100, 1.984)] {
            #expect(abs(KneeFit.student975(degrees) - value) < 0.03, "\(degrees)")
        }
    }
}

@Suite struct StabilityIndexTests {
    @Test func theIndexIsTheSumOverBuckets() throws {
        let index = StabilityIndex([500_000, 500_000], against: [600_000, 400_000])
        // (0.5 − 0.6) ln(0.5/0.6) + (0.5 − 0.4) ln(0.5/0.4)
        #expect(abs(try #require(index.value) - 0.040546) < 1e-4)
        #expect(index.verdict == .stable)
        #expect(StabilityIndex([500_000, 500_000], against: [800_000, 200_000]).verdict == .large)
        #expect(StabilityIndex([500_000, 500_000], against: [670_000, 330_000]).verdict == .moderate)
        #expect(abs(try #require(StabilityIndex([7_000, 3_000], against: [7_000, 3_000]).value)) < 1e-12)
    }

    @Test func anEmptyBucketIsNoInfinity() throws {
        let index = StabilityIndex([10_000, 0], against: [5_000, 5_000])
        #expect(try #require(index.value).isFinite && index.verdict == .large)
    }

    @Test func tooFewAreRefused() {
        let few = StabilityIndex([10, 20, 30], against: [30, 20, 10])
        #expect(few.value == nil && few.verdict == .tooFew && few.noise != nil)
        #expect(StabilityIndex([], against: []).verdict == .tooFew)
        #expect(StabilityIndex([0, 0], against: [5, 5]).verdict == .tooFew)
    }

    /// Two samples of one distribution: the index stays below what is said of chance nineteen times in twenty.
    @Test func chanceIsToldRight() throws {
        var random = SeededRandom(seed: 5)
        var above = 0
        for _ in 0..<400 {
            func sample() -> [Int] {
                var counts = [Int](repeating: 0, count: 8)
                for _ in 0..<2_000 { counts[min(7, Int(random.fraction() * random.fraction() * 12))] += 1 }
                return counts
            }
            let index = StabilityIndex(sample(), against: sample())
            if try #require(index.value) > (try #require(index.noise)) { above += 1 }
        }
        #expect((5...40).contains(above), "\(above) of 400")
    }

    @Test func chiSquareIsCloseToTheTable() {
        for (degrees, value) in [(2, 5.991), (5, 11.070), (12, 21.026)] {
            #expect(abs(StabilityIndex.chiSquare95(degrees) - value) < 0.06, "\(degrees)")
        }
    }

    @Test func bucketsFollowFromCountsBelowEdges() {
        let buckets = LengthBuckets(edges: [16, 32])
        #expect(buckets.counts(atMost: [3, 10], total: 12) == [3, 7, 2] && buckets.names == ["–16", "17–32", "33–"])
        #expect(LengthBuckets.doubling.edges.first == 16 && LengthBuckets.doubling.edges.last == 32_768)
    }

    @Test func aBaselineIsReadBackAndChecked() throws {
        var one = LengthBaseline(
            from: .init(nanoseconds: 5), to: .init(nanoseconds: 1_793_491_200_000_000_000), buckets: LengthBuckets(edges: [16, 32]))
        one.models = ["a \"b\"": [.prompt: [1, 2, 3], .completion: [0, 0, 9]], "": [.prompt: [4, 5, 6]]]
        #expect(try LengthBaseline.parse(Array(one.text.utf8), file: "b.json") == one)
        #expect(one.requests(of: "a \"b\"") == 9 && one.requests(of: "none") == 0)
        for bad in [
            "", "[]", "{\"tailrace_baseline\":2}", one.text.replacingFirst("[16, 32]", "[32, 16]"),
            one.text.replacingFirst("[1, 2, 3]", "[1, 2]"), one.text.replacingFirst("[1, 2, 3]", "[1, 2, -3]"),
        ] {
            #expect(throws: ReportFailure.self, "\(bad)") { try LengthBaseline.parse(Array(bad.utf8), file: "b.json") }
        }
    }
}

extension String {
    fileprivate func replacingFirst(_ old: String, _ new: String) -> String {
        var at = startIndex
        while at < endIndex {
            if self[at...].hasPrefix(old) { return self[..<at] + new + self[index(at, offsetBy: old.count)...] }
            at = index(after: at)
        }
        return self
    }
}
