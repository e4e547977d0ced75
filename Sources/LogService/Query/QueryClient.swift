import AsyncHTTPClient
import Bytes
import LogModel
import LogQL
import LogShipping
import NIOCore
import NIOHTTP1

/// Asks a Loki-compatible server and prints the answer page by page.
package struct QueryClient: Sendable {
    package struct Request: Sendable {
        package var query: String
        package var start: Timestamp
        package var end: Timestamp
        /// 0: all.
        package var limit: Int
        package var direction: Direction
        /// Nanoseconds between points of a metric query; 0: the server's choice.
        package var step: Int64
        /// Evaluate a metric query once, at `end`.
        package var instant: Bool

        package init(
            query: String, start: Timestamp, end: Timestamp, limit: Int, direction: Direction, step: Int64 = 0,
            instant: Bool = false
        ) {
            self.query = query
            self.start = start
            self.end = end
            self.limit = limit
            self.direction = direction
            self.step = step
            self.instant = instant
        }
    }

    /// What went wrong, in words for standard error.
    package struct Failure: Error, CustomStringConvertible {
        package var description: String
    }

    /// Loki refuses more entries in one answer; a larger limit is fetched in pages.
    static let pageSize = 5_000
    /// Largest answer read, bytes.
    static let answerMax = 1 << 30

    private let address: String
    private let tenant: String
    private let http: HTTPClient

    /// `http` must outlive the client, see `HTTPConnector`. `address`: a URL, or `host:port` for http.
    package init(address: String, tenant: String = "", http: HTTPClient) {
        self.http = http
        let url = address.contains("://") ? address : "http://\(address)"
        self.address = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.tenant = tenant
    }

    /// Prints everything that matches. Returns how many lines or points that were.
    package func run(_ request: Request, printer: inout LinePrinter) async throws(Failure) -> Int {
        let expression: LogQL.Expression
        // Whether a selector of everything is welcome is for the server to say.
        do { expression = try LogQL.parse(request.query, allowEmpty: true) } catch { throw Failure(description: error.message) }
        if case .metric = expression { return try await metric(request, &printer) }
        var printed = 0
        var range = (start: request.start, end: request.end)
        // Lines at the border of the last page: the next page begins with them again.
        var border: [LokiAnswer.Line] = []
        while !printer.failed {
            let left = request.limit == 0 ? Int.max : request.limit - printed
            if left <= 0 { break }
            let wanted = min(Self.pageSize, left == Int.max ? Self.pageSize : left + border.count)
            let lines = try await page(request, start: range.start, end: range.end, limit: wanted)
            var fresh = lines[...]
            for seen in border {
                guard fresh.first == seen else { break }
                fresh = fresh.dropFirst()
            }
            for line in fresh.prefix(left) { printer.print(line) }
            printed += min(fresh.count, left)
            guard lines.count == wanted, let last = lines.last else { break }
            if fresh.isEmpty {
                throw Failure(
                    description: "more than \(wanted) lines carry the time \(last.timestamp): narrow the query with a filter")
            }
            border = lines.filter { $0.timestamp == last.timestamp }
            if request.direction == .forward {
                range.start = Timestamp(nanoseconds: last.timestamp)
            } else {
                range.end = Timestamp(nanoseconds: last.timestamp).advanced(by: 1)
            }
        }
        printer.flush()
        return printed
    }

    private func page(
        _ request: Request, start: Timestamp, end: Timestamp, limit: Int
    ) async throws(Failure) -> [LokiAnswer.Line] {
        let parameters = [
            ("query", request.query), ("start", "\(start.nanoseconds)"), ("end", "\(end.nanoseconds)"),
            ("limit", "\(limit)"), ("direction", request.direction.rawValue),
        ]
        let body = try await get("/loki/api/v1/query_range", parameters)
        do {
            guard case .lines(let lines) = try LokiAnswer.parse(body.view, direction: request.direction).result else {
                throw Failure(description: "the server answered a log query with numbers")
            }
            return lines
        } catch let error as DecodeError {
            throw Failure(description: "\(address): \(error)")
        } catch let error as Failure {
            throw error
        } catch {
            throw Failure(description: "\(error)")
        }
    }

    private func metric(_ request: Request, _ printer: inout LinePrinter) async throws(Failure) -> Int {
        var parameters = [("query", request.query)]
        if request.instant {
            parameters.append(("time", "\(request.end.nanoseconds)"))
        } else {
            parameters += [("start", "\(request.start.nanoseconds)"), ("end", "\(request.end.nanoseconds)")]
            if request.step > 0 { parameters.append(("step", "\(Double(request.step) / 1e9)")) }
        }
        let body = try await get("/loki/api/v1/query\(request.instant ? "" : "_range")", parameters)
        let answer: LokiAnswer
        do { answer = try LokiAnswer.parse(body.view, direction: .forward) } catch {
            throw Failure(description: "\(address): \(error)")
        }
        guard case .series(let all) = answer.result else { return 0 }
        var printed = 0
        for series in all {
            printer.print(labels: series.labels, points: series.points)
            printed += series.points.count
        }
        printer.flush()
        return printed
    }

    func get(_ path: String, _ parameters: [(String, String)]) async throws(Failure) -> OwnedBytes {
        let query = parameters.map { "\($0.0)=\(PercentEncoding.encode($0.1))" }.joined(separator: "&")
        var request = HTTPClientRequest(url: "\(address)\(path)?\(query)")
        request.headers.add(name: "User-Agent", value: "tailrace-cli")
        if !tenant.isEmpty { request.headers.add(name: "X-Scope-OrgID", value: tenant) }
        do {
            let response = try await http.execute(request, timeout: .minutes(10))
            let body = try await response.body.collect(upTo: Self.answerMax)
            let bytes = body.withUnsafeReadableBytes { OwnedBytes(ByteView(unsafe: $0)) }
            guard (200..<300).contains(response.status.code) else {
                let words = bytes.view.trimmed.string
                throw Failure(
                    description: words.isEmpty ? "\(address) answered \(response.status.code) without a word" : words)
            }
            return bytes
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(
                description: HTTPConnector.words(error, origin: Destination.origin(of: address))
                    + ". Is the server running? Start one with `tailrace serve`, or name another with --addr."
            )
        }
    }
}

/// RFC 3986: everything but unreserved characters as %XX.
enum PercentEncoding {
    static func encode(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            if byte.isAlphanumeric || byte == 0x2D || byte == 0x2E || byte == 0x5F || byte == 0x7E {
                out.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                out += byte < 16 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return out
    }
}
