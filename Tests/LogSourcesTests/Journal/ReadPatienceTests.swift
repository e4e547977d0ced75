import Testing

@testable import LogSources

/// An entry was read without its message, while its file was being written: one of 40,800 in a storm of kills.
@Suite struct ReadPatienceTests {
    @Test func aReadThatFailsIsTriedAgain() {
        var patience = ReadPatience()
        var tries = 0
        #expect(patience.wait { tries += 1; return tries == 5 })
        #expect(tries == 5)
    }

    @Test func damageCostsLessEachTimeAndSuccessBringsPatienceBack() {
        var patience = ReadPatience()
        func triesInVain() -> Int {
            var tries = 0
            #expect(!patience.wait { tries += 1; return false })
            return tries
        }
        #expect((0..<7).map { _ in triesInVain() } == [33, 17, 9, 5, 3, 2, 1])
        for _ in 0..<10 { #expect(patience.wait { true }) }
        #expect(triesInVain() == 5, "good reads bring back some of it")
        var tries = 0
        #expect(patience.wait { tries += 1; return tries == 2 })
        #expect(triesInVain() == 33, "and one that had to be waited for all of it")
    }
}
