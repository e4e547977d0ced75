import Testing

@testable import LogService

@Suite struct ErrorBudgetTests {
    @Test func aBudgetIsWhatTheTargetLeaves() throws {
        let budget = ErrorBudget(target: 99.9, good: 9_995, total: 10_000)
        #expect(abs(try #require(budget.actual) - 99.95) < 1e-9)
        #expect(abs(try #require(budget.burn) - 0.5) < 1e-9)
        #expect(abs(try #require(budget.remaining) - 0.5) < 1e-9)
        #expect(budget.isMet == true)
        let overdrawn = ErrorBudget(target: 99.9, good: 9_970, total: 10_000)
        #expect(abs(try #require(overdrawn.remaining) + 2) < 1e-9 && overdrawn.isMet == false)
    }

    /// A report once printed the burn rate as "hours": 14.4 times as fast as allowed uses thirty days up in 50 hours.
    @Test func hoursToExhaustionAreTheWindowOverTheBurnRate() throws {
        let budget = ErrorBudget(target: 99.9, good: 100_000 - 1_440, total: 100_000)
        #expect(abs(try #require(budget.burn) - 14.4) < 1e-9)
        #expect(abs(try #require(budget.hoursToExhaustion(window: 720)) - 50) < 1e-9)
        #expect(ErrorBudget(target: 99.9, good: 10, total: 10).hoursToExhaustion(window: 720) == nil)
    }

    /// "Throughput, target 100" divided by 100 − 100.
    @Test func aTargetOf100LeavesNoBudgetAndDividesByNothing() {
        for good in [0, 99, 100] {
            let budget = ErrorBudget(target: 100, good: good, total: 100)
            #expect(budget.burn == nil && budget.remaining == nil && budget.hoursToExhaustion(window: 720) == nil)
            #expect(budget.actual == Double(good) && budget.isMet == (good == 100))
        }
    }

    @Test func noRequestsAreNot100Percent() {
        let budget = ErrorBudget(target: 99.9, good: 0, total: 0)
        #expect(budget.actual == nil && budget.burn == nil && budget.remaining == nil && budget.isMet == nil)
    }

    @Test func alertsNeedBothWindows() {
        #expect(BurnRule.all.map { ($0.threshold(window: 720) * 1_000).rounded() / 1_000 } == [14.4, 6, 1])
        let fast = BurnRule.all[0]
        #expect(fast.verdict(long: 20, short: 20, window: 720) == .page)
        #expect(fast.verdict(long: 20, short: 1, window: 720) == .quiet)
        #expect(fast.verdict(long: 14.4, short: 20, window: 720) == .quiet)
        #expect(fast.verdict(long: nil, short: 20, window: 720) == .unknown)
        #expect(BurnRule.all[2].verdict(long: 1.1, short: 1.1, window: 720) == .ticket)
    }

    @Test(arguments: [
        ("200", RequestOutcome.success), ("304", .success), ("500", .failure), ("404", .failure), ("429", .excluded), ("499", .excluded),
        ("success", .success), ("OK", .success), ("error", .failure), ("0", .failure), ("whatever", .failure),
    ])
    func statusesAreJudged(status: String, outcome: RequestOutcome) {
        #expect(RequestOutcome.of(status, excluding: ["400", "429", "499"]) == outcome)
        if outcome == .excluded { #expect(RequestOutcome.of(status, excluding: []) == .failure) }
    }
}

@Suite struct TokenCostTests {
    private var list: PriceList {
        var list = PriceList()
        list.models = ["small": .init(input: 0.0001, output: 0.0001), "split": .init(input: 0.001, output: 0.003)]
        list.instances = ["g5.xlarge": 1.006]
        list.hosts = ["gpu-01": "g5.xlarge", "gpu-02": "unheard"]
        return list
    }

    @Test func tokensCostByDirection() throws {
        #expect(abs(try #require(list.cost("split", TokenUsage(input: 2_000, output: 1_000))) - 0.005) < 1e-12)
        #expect(abs(try #require(list.cost("small", TokenUsage(input: 500, output: 400, unsplit: 100))) - 0.0001) < 1e-12)
        // Who does not tell prompts from completions cannot be priced where they differ.
        #expect(list.cost("split", TokenUsage(unsplit: 1)) == nil)
    }

    /// A tracker once priced every unknown model like the smallest.
    @Test func unknownModelsHaveNoPrice() {
        #expect(list.cost("large", TokenUsage(input: 1)) == nil && list.cost("", TokenUsage(input: 1)) == nil)
        #expect(list.hourly("gpu-01") == 1.006 && list.hourly("gpu-02") == nil && list.hourly("gpu-03") == nil)
    }

    @Test func pricesAreReadWithTheirMistakes() throws {
        let good = """
            currency: EUR
            per_tokens: 1000000
            models: {a: 1.5, b: {input: 1, output: 2}}
            instances: {big: 3}
            hosts: {h1: big}
            """
        let list = try SettingsText.parse(Array(good.utf8), file: "prices.yaml", PriceFile.decode)
        #expect(list.currency == "EUR" && list.per == 1_000_000 && list.models["a"] == .init(input: 1.5, output: 1.5))
        #expect(list.models["b"] == .init(input: 1, output: 2) && list.hourly("h1") == 3)
        let bad = "models:\n  a: cheap\n  b: {input: 1}\n  c: -1\nprices: {}\n"
        let failure = #expect(throws: ReportFailure.self) {
            try SettingsText.parse(Array(bad.utf8), file: "prices.yaml", PriceFile.decode)
        }
        let words = try #require(failure).description
        for place in ["prices.yaml:2:6", "prices.yaml:3:3", "prices.yaml:4:6", "prices.yaml:5:1"] { #expect(words.contains(place), "\(words)") }
    }

    @Test func objectivesAreReadAndTheCommandLineWins() throws {
        let text = "availability: 99\nlatency_under: 500ms\nwindow: 7d\nexclude_status: [429, 404]\n"
        let read = try SettingsText.parse(Array(text.utf8), file: "slo.yaml", Objectives.decode)
        #expect(read.availability == 99 && read.latencyUnder == 500_000_000 && read.windowHours == 168)
        #expect(read.latencyShare == 95 && read.excludedStatuses == ["429", "404"])
        var words = ReportWords(kind: .slo)
        words.availability = 99.5
        words.excludedStatuses = ["none"]
        words.latencyUnder = "3s"
        let made = try Objectives.make(words)
        #expect(made.availability == 99.5 && made.excludedStatuses == [] && made.latencyUnder == 3_000_000_000)
        words.availability = 101
        #expect(throws: ReportFailure.self) { try Objectives.make(words) }
        #expect(throws: ReportFailure.self) {
            try SettingsText.parse(Array("availability: high\nlatencyunder: 2s".utf8), file: "slo.yaml", Objectives.decode)
        }
    }
}
