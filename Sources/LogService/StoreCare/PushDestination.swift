import AsyncHTTPClient
import Bytes
import LogModel
import LogShipping
import LokiWire
import NIOCore
import NIOHTTP1

/// Into a server, through its push endpoint: protobuf, snappy. Any server of Loki's API will do; one that leaves out
/// what it has already, as Tailrace and Loki do, may be given the same rows twice.
struct PushDestination: ImportDestination {
    static let tellsKnown = false
    let address: String
    let http: HTTPClient
    private let encoder = PushEncoder()
    /// About a minute in all.
    private static let attemptsMax = 8

    static func makeClient() -> HTTPClient { HTTPConnector.make() }

    init(address: String, http: HTTPClient) {
        self.address = ServerAddress.url(address)
        self.http = http
    }

    mutating func take(_ batch: ImportBatch) async throws -> ImportTally {
        // Streams one after the other, rows of each in their order.
        var order: [Labels] = []
        var rows: [Labels: [Int]] = [:]
        for (i, row) in batch.rows.enumerated() {
            if rows[row.labels] == nil { order.append(row.labels) }
            rows[row.labels, default: []].append(i)
        }
        for labels in order {
            encoder.begin(stream: labels)
            for i in rows[labels] ?? [] {
                let row = batch.rows[i]
                row.line.withView { encoder.entry(timestamp: row.timestamp, line: $0, metadata: row.metadata) }
            }
        }
        let packed = ByteArena(capacity: 1 << 16)
        encoder.finish(into: packed)
        let body = packed.view.withUnsafeBytes { ByteBuffer(bytes: $0) }
        return try await send(body, batch)
    }

    private func send(_ body: ByteBuffer, _ batch: ImportBatch) async throws -> ImportTally {
        var request = HTTPClientRequest(url: "\(address)/loki/api/v1/push")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-protobuf")
        request.headers.add(name: "User-Agent", value: "tailrace-cli")
        request.headers.add(name: "X-Scope-OrgID", value: batch.tenant.name)
        request.body = .bytes(body)
        var wait: Int64 = 250_000_000
        for attempt in 1...Self.attemptsMax {
            var words: String
            var status: UInt = 0
            do {
                let response = try await http.execute(request, timeout: .minutes(2))
                status = response.status.code
                if (200..<300).contains(status) { return ImportTally(stored: batch.rows.count) }
                let answer = try await response.body.collect(upTo: 1 << 20)
                words = String(buffer: answer)
                if let seconds = response.headers.first(name: "Retry-After").flatMap({ Int64($0) }), seconds < 60 {
                    wait = max(wait, seconds * 1_000_000_000)
                }
            } catch {
                words = HTTPConnector.words(error, origin: Destination.origin(of: address))
            }
            while words.hasSuffix("\n") { words.removeLast() }
            // Some rows refused for good; the others are stored. The server does not say how many of them.
            if status == 400 { return ImportTally(refused: batch.rows.count, reasons: [words]) }
            guard status == 0 || status == 429 || status >= 500, attempt < Self.attemptsMax else {
                throw CommandFailure(description: words.isEmpty ? "\(address) answered \(status)" : words)
            }
            try await Task.sleep(for: .nanoseconds(wait))
            wait *= 2
        }
        throw CommandFailure(description: "\(address) does not take what is sent")
    }
}

enum ServerAddress {
    /// A URL without a slash at its end; an address without a scheme is http.
    static func url(_ address: String) -> String {
        let url = address.contains("://") ? address : "http://\(address)"
        return url.hasSuffix("/") ? String(url.dropLast()) : url
    }
}
