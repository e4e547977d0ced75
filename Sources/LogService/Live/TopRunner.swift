import AsyncHTTPClient
import Bytes
import Glibc
import LogModel
import LogShipping
import NIOCore
import NIOHTTP1

/// `tailrace top`: live rates of a running collector or server.
package enum TopRunner {
    /// `count`: how often it shows them; 0: until it is interrupted. Exit status: 0 ended as asked, 2 trouble.
    package static func run(address given: String?, interval: Double, count: Int) async -> CommandOutcome {
        guard interval >= 0.1, interval <= 3600 else { return CommandOutcome(2, "--interval is a number of seconds, 0.1 to 3600") }
        let address = LiveAddress.url(given)
        let http = HTTPConnector.make()
        let outcome = await watch(address, interval, count, http)
        try? await http.shutdown()
        return outcome
    }

    private static func watch(_ address: String, _ interval: Double, _ count: Int, _ http: HTTPClient) async -> CommandOutcome {
        let isTerminal = isatty(1) == 1
        do {
            var before = try await look(address, http)
            var shown = 0
            while count == 0 || shown < count {
                try await Task.sleep(for: .seconds(interval))
                let now = try await look(address, http)
                let text = TopTable.text(before, now)
                // A terminal is wiped, so that the numbers stand still; a pipe gets one table after the other.
                print(isTerminal ? "\u{1B}[H\u{1B}[2J\(address)\n\(text)" : text + "\n", terminator: "")
                fflush(nil)
                before = now
                shown += 1
            }
            return CommandOutcome(0)
        } catch let failure as QueryClient.Failure {
            return CommandOutcome(2, failure.description)
        } catch {
            return CommandOutcome(2, LiveAddress.words(error, address))
        }
    }

    private static func look(_ address: String, _ http: HTTPClient) async throws -> TopTable.Look {
        let metrics = try await get(address + "/metrics", http)
        let targets = try await get(address + "/api/v1/targets", http)
        let time = ContinuousClock.now - start
        return TopTable.Look(
            time: Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18, targets: parse(targets),
            metrics: MetricsText(metrics))
    }

    private static let start = ContinuousClock.now

    private static func get(_ url: String, _ http: HTTPClient) async throws -> String {
        let response = try await http.execute(HTTPClientRequest(url: url), timeout: .seconds(10))
        let body = String(buffer: try await response.body.collect(upTo: 64 << 20))
        guard response.status == .ok else {
            throw QueryClient.Failure(description: "\(url) answered \(response.status.code): \(body.prefix(200))")
        }
        return body
    }

    static func parse(_ text: String) -> [TopTable.Target] {
        Array(text.utf8).withView { view in
            var cursor = JSONCursor(capacity: 4096)
            guard (try? cursor.scan(view)) != nil else { return [] }
            let document = JSONDocument(cursor: cursor, text: view)
            func word(_ key: String, _ object: Int) -> String { document.member(key, of: object).map { document.text($0).string } ?? "" }
            guard let data = document.member("data", of: 0), let list = document.member("activeTargets", of: data) else { return [] }
            return document.items(of: list).map { target in
                let files = document.member("files", of: target).map { document.items(of: $0) } ?? []
                let sum: (String) -> Int64 = { key in files.reduce(0) { $0 &+ (Int64(word(key, $1)) ?? 0) } }
                return TopTable.Target(
                    job: word("scrapePool", target), type: word("type", target),
                    labels: document.member("labels", of: target).map { document.labels($0).description } ?? "",
                    isReady: word("health", target) == "up", files: files.count, offset: sum("offset"), size: sum("size"))
            }
        }
    }
}
