import Testing

/// Recorded answers of Grafana Loki, where they are at hand.
@Suite struct ConformanceTests {
    /// Share of the cases that must pass: what has been reached, so that it cannot fall unnoticed.
    static let floor = 0.60

    @Test(.enabled(if: Checkout.shared != nil, "the recorded answers are not beside this checkout"), .timeLimit(.minutes(10)))
    func recordedAnswersOfLoki() throws {
        let folder = try Scratch()
        let shared = try #require(Checkout.shared)
        let server = try TailraceServer(folder)
        let report = folder.path("report.txt")
        _ = try Shell.run(
            "/bin/sh",
            ["-c", "python3 '\(shared)/conformance/check.py' --url \(server.url) --push --cases '\(shared)/conformance/cases-open.jsonl' > '\(report)' 2>&1"])
        let last = Files.read(report).split(separator: "\n").last { $0.contains(" passed, ") }
        let numbers = (last ?? "").split { !$0.isNumber }.compactMap { Int($0) }
        try #require(numbers.count >= 2, "\(Files.read(report).suffix(500))")
        #expect(Double(numbers[0]) >= Self.floor * Double(numbers[0] + numbers[1]), "\(last ?? "")")
    }
}
