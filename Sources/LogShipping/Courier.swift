import AsyncHTTPClient
import Bytes
import LogModel
import Metrics
import NIOCore
import NIOHTTP1

/// Takes one encoded batch to its destination, however many attempts that needs.
struct Courier: Sendable {
    let settings: ClientSettings
    let http: HTTPClient
    let meter: ShippingMeter
    let report: @Sendable (String) -> Void

    func deliver(
        _ body: ByteBuffer, tenant: String, batchHeader: String, entries: Int, bytes: Int
    ) async -> ShippingClient.Outcome {
        var policy = RetryPolicy(settings)
        var random = SystemRandomNumberGenerator()
        while true {
            meter.encodedBytes.add(Double(body.readableBytes))
            let (attempt, words) = await send(body, tenant: tenant, batchHeader: batchHeader)
            // A broken attempt of a cancelled task is our own doing.
            if attempt == .connectionError, Task.isCancelled { return .undelivered("\(origin): stopped before it was delivered") }
            switch policy.judge(attempt, using: &random) {
            case .done:
                meter.sentEntries.add(Double(entries))
                meter.sentBytes.add(Double(bytes))
                return .accepted
            case .refused:
                meter.refusedEntries.add(Double(entries))
                return .refused(words)
            case .gaveUp:
                meter.droppedEntries.add(Double(entries))
                return .dropped("\(words), after \(policy.attempts) attempts (backoff_config.max_retries)")
            case .again(let wait):
                meter.retries.add()
                report("\(words); trying again in \(Self.text(wait))")
                do { try await Task.sleep(for: .nanoseconds(wait)) } catch {
                    return .undelivered("\(words); stopped before it was delivered")
                }
            }
        }
    }

    private var origin: String { Destination.origin(of: settings.url) }

    private static func text(_ wait: Int64) -> String {
        wait < 1_000_000_000 ? "\(wait / 1_000_000) ms" : "\((wait + 500_000_000) / 1_000_000_000) s"
    }

    /// One request: what came of it, and the words for the log.
    private func send(
        _ body: ByteBuffer, tenant: String, batchHeader: String
    ) async -> (RetryPolicy.Attempt, String) {
        var request = HTTPClientRequest(url: settings.url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-protobuf")
        request.headers.add(name: "User-Agent", value: "tailrace")
        request.headers.add(name: "X-Tailrace-Batch", value: batchHeader)
        if !tenant.isEmpty { request.headers.add(name: "X-Scope-OrgID", value: tenant) }
        switch settings.authorization {
        case .none: break
        case .basic(let username, let password):
            request.headers.add(name: "Authorization", value: "Basic \(Base64.encode("\(username):\(password.exposed)"))")
        case .header(let type, let credentials):
            request.headers.add(name: "Authorization", value: "\(type) \(credentials.exposed)")
        }
        for header in settings.headers where !request.headers.contains(name: header.name) {
            request.headers.add(name: header.name, value: header.value)
        }
        request.body = .bytes(body)
        do {
            let response = try await http.execute(request, timeout: .nanoseconds(settings.timeout))
            let status = Int(response.status.code)
            // Enough of the answer for a log line; the rest is read and dropped so that the connection can be reused.
            var text = ""
            for try await var part in response.body where text.utf8.count < 1024 {
                text += part.readString(length: min(part.readableBytes, 1024)) ?? ""
            }
            let firstLine = text.split(separator: "\n").first.map(String.init) ?? ""
            let retryAfter = response.headers.first(name: "Retry-After").flatMap { Int64($0) }
            return (
                .status(status, retryAfter: retryAfter.map { min(max($0, 0), 3_600) * 1_000_000_000 }),
                "\(origin) answered \(status)\(firstLine.isEmpty ? "" : ": \(firstLine)")"
            )
        } catch {
            return (.connectionError, HTTPConnector.words(error, origin: origin))
        }
    }
}

/// RFC 4648, for the Authorization header.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        out.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word = 0
            for (i, byte) in group.enumerated() { word |= Int(byte) << (16 - 8 * i) }
            for i in 0..<4 { out.append(i <= group.count ? alphabet[word >> (18 - 6 * i) & 63] : 0x3D) }
        }
        return String(decoding: out, as: UTF8.self)
    }
}
