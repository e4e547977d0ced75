import AsyncHTTPClient
import Bytes
import Glibc
import LogModel
import LogShipping
import NIOCore
import NIOHTTP1

/// The arguments of `tailrace tap` as typed.
package struct TapWords: Sendable {
    package var address: String?
    /// Name of a scrape configuration; nil: all.
    package var job: String?
    /// Lines, then it ends; 0: for ever.
    package var limit: Int
    package var output: String

    package init(address: String?, job: String?, limit: Int, output: String) {
        self.address = address
        self.job = job
        self.limit = limit
        self.output = output
    }
}

/// `tailrace tap`: lines of a running collector as they leave it, redacted.
package enum TapRunner {
    /// Longest line of an answer, bytes.
    private static let lineMax = 8 << 20

    /// Exit status: 0 ended as asked, 2 trouble.
    package static func run(_ words: TapWords) async -> CommandOutcome {
        guard let format = OutputFormat(rawValue: words.output) else {
            return CommandOutcome(2, "--output is one of pretty, raw and jsonl, not \(words.output)")
        }
        guard words.limit >= 0 else { return CommandOutcome(2, "--limit is a number of lines, or 0 for no end") }
        let address = LiveAddress.url(words.address)
        let http = HTTPConnector.make()
        let job = words.job.map { "/" + PercentEncoding.encode($0) } ?? ""
        let outcome = await follow(address + CollectorRoutes.tapPath + job, address, format, words.limit, http)
        try? await http.shutdown()
        return outcome
    }

    private static func follow(
        _ url: String, _ address: String, _ format: OutputFormat, _ limit: Int, _ http: HTTPClient
    ) async -> CommandOutcome {
        var printer = LinePrinter(format: format)
        var printed = 0
        do {
            let response = try await http.execute(HTTPClientRequest(url: url), deadline: .distantFuture)
            guard response.status == .ok else {
                let words = try await response.body.collect(upTo: 1 << 16)
                return CommandOutcome(2, "\(address) answered \(response.status.code): \(String(buffer: words))")
            }
            var rest: [UInt8] = []
            for try await piece in response.body {
                rest += Array(piece.readableBytesView)
                while let newline = rest.firstIndex(of: 0x0A) {
                    let line = Array(rest[..<newline])
                    rest.removeFirst(newline + 1)
                    guard show(line, &printer) else { continue }
                    printed += 1
                    if limit > 0, printed == limit {
                        printer.flush()
                        return CommandOutcome(0)
                    }
                }
                if rest.count > lineMax { return CommandOutcome(2, "\(address) sends a line without end") }
                printer.flush()
                if printer.failed { return CommandOutcome(printer.failure == nil ? 0 : 2, printer.failure) }
            }
            return CommandOutcome(2, "the collector at \(address) has ended")
        } catch {
            printer.flush()
            return CommandOutcome(2, LiveAddress.words(error, address))
        }
    }

    /// Whether it was a line of a log.
    private static func show(_ bytes: [UInt8], _ printer: inout LinePrinter) -> Bool {
        bytes.withView { view in
            var cursor = JSONCursor(capacity: 64)
            guard !view.isEmpty, (try? cursor.scan(view)) != nil else { return false }
            let document = JSONDocument(cursor: cursor, text: view)
            if let missed = document.member("missed", of: 0) {
                printer.flush()
                let words = "tailrace: \(document.text(missed).string) lines are missing here: they came faster than they could be shown\n"
                _ = words.withCString { write(2, $0, strlen($0)) }
                return false
            }
            guard let time = document.member("ts", of: 0).flatMap({ Int64(document.text($0).string) }),
                let labels = document.member("labels", of: 0), let line = document.member("line", of: 0)
            else { return false }
            printer.print(LokiAnswer.Line(timestamp: time, labels: document.labels(labels), text: document.text(line)))
            return true
        }
    }
}

/// The address of a running process, for commands that look at it.
enum LiveAddress {
    static func url(_ given: String?) -> String {
        let named = getenv("LOKI_ADDR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 }
        let address = given ?? named ?? "http://127.0.0.1:3100"
        let url = address.contains("://") ? address : "http://\(address)"
        return url.hasSuffix("/") ? String(url.dropLast()) : url
    }

    static func words(_ error: any Error, _ address: String) -> String {
        HTTPConnector.words(error, origin: Destination.origin(of: address))
            + ". Name the collector's address with --addr: it listens where its file has a `server:` block."
    }
}
