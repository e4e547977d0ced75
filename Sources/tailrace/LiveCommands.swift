import ArgumentParser
import LogService

struct Top: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Live rates of a running collector: by target, stage and destination.")

    @Option(name: .long, help: "Its address. Default: LOKI_ADDR, or http://127.0.0.1:3100.") var addr: String?
    @Option(name: .long, help: "Seconds between two looks.") var interval = 2.0
    @Option(name: .long, help: "How often to show them; 0: until interrupted.") var count = 0

    func run() async throws {
        let outcome = await TopRunner.run(address: addr, interval: interval, count: count)
        if let message = outcome.message { StandardError.write("tailrace: \(message)") }
        throw ExitStatus(outcome.status)
    }
}

struct Tap: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Live lines of a running collector as they leave it: behind stages and redaction.")

    @Option(name: .long, help: "Its address. Default: LOKI_ADDR, or http://127.0.0.1:3100.") var addr: String?
    @Option(name: .long, help: "Only this scrape configuration.") var job: String?
    @Option(name: .long, help: "End after so many lines; 0: never.") var limit = 0
    @Option(name: [.short, .customLong("output")], help: "pretty, raw or jsonl.") var output = "pretty"

    func run() async throws {
        let outcome = await TapRunner.run(TapWords(address: addr, job: job, limit: limit, output: output))
        if let message = outcome.message { StandardError.write("tailrace: \(message)") }
        throw ExitStatus(outcome.status)
    }
}
