import Bytes
import LogModel
import LokiWire
import Metrics
import NIOCore
import NIOHTTP1
import Synchronization

/// Takes one encoded batch to its destination, however many attempts that needs.
///
/// A batch that is refused for what is in it (400, 413) is sent again in parts, streams apart first, then halves, down to
/// one line, so that one bad line costs one line. The parts have no number of their own: servers of this API leave out
/// what they hold already, and some keep the good lines of a batch that they refuse.
struct Courier: Sendable {
    let settings: ClientSettings
    let transport: Transport
    let tokens: TokenSource?
    let letters: DeadLetterFile?
    let meter: ShippingMeter
    let report: @Sendable (String) -> Void

    /// Requests that one stream may cost in vain before the rest of its refused parts is given up unhalved.
    private static let fruitlessMax = 24
    /// Parts that one stream is cut into at most.
    private static let cutsMax = 128

    func deliver(_ parcel: Parcel) async -> ShippingClient.Outcome {
        let result = await send(
            parcel.body, tenant: parcel.tenant, batchHeader: parcel.batchHeader, entries: parcel.entries)
        switch result {
        case .accepted:
            meter.sent(entries: parcel.entries, bytes: parcel.bytes)
            return .accepted
        case .undelivered(let words): return .undelivered(words)
        case .gaveUp(let words, let reason):
            meter.dropped(entries: parcel.entries, bytes: parcel.bytes, tenant: parcel.tenant, reason: reason)
            if let pieces = letters == nil ? nil : PushPieces(parcel.body) {
                await keep(pieces, 0..<pieces.count, parcel.tenant, status: 0, words)
            }
            return .dropped(words)
        case .limited(let words):
            meter.dropped(entries: parcel.entries, bytes: parcel.bytes, tenant: parcel.tenant, reason: "rate_limited")
            return .refused(words)
        case .refused(let status, let words):
            guard let pieces = PushPieces(parcel.body), pieces.count > 0 else {
                meter.refused(entries: parcel.entries, bytes: parcel.bytes, tenant: parcel.tenant)
                return .refused(words)
            }
            if status == 400 || status == 413, pieces.count > 1 { return await halve(parcel, pieces, words) }
            meter.refused(entries: parcel.entries, bytes: parcel.bytes, tenant: parcel.tenant)
            await keep(pieces, 0..<pieces.count, parcel.tenant, status: status, words)
            return .refused(words)
        }
    }

    // MARK: Parts

    /// The parts of a refused batch, in order: the later half waits until all of the earlier one has an outcome.
    private func halve(_ parcel: Parcel, _ pieces: PushPieces, _ first: String) async -> ShippingClient.Outcome {
        var stack: [Range<Int>] = []
        func push(_ range: Range<Int>) {
            let cut = pieces.cut(range)
            stack.append(cut..<range.upperBound)
            stack.append(range.lowerBound..<cut)
        }
        push(0..<pieces.count)
        var refused = 0
        var words = first
        var stream = -1
        var fruitless = 0
        var cuts = 0
        let share = parcel.bytes / max(pieces.count, 1)
        while let range = stack.popLast() {
            let isOneStream = pieces.isOneStream(range)
            if isOneStream, pieces.stream(at: range.lowerBound) != stream {
                stream = pieces.stream(at: range.lowerBound)
                fruitless = 0
                cuts = 0
            }
            let result = await send(pieces.body(range), tenant: parcel.tenant, batchHeader: nil, entries: range.count)
            switch result {
            case .accepted:
                fruitless = 0
                meter.sent(entries: range.count, bytes: share * range.count)
            // What was taken before is taken again as a repetition.
            case .undelivered(let words): return .undelivered(words)
            case .gaveUp(let words, let reason):
                // Parts are taken in order, so all behind this one is untried.
                let rest = range.lowerBound..<pieces.count
                meter.dropped(entries: rest.count, bytes: share * rest.count, tenant: parcel.tenant, reason: reason)
                await keep(pieces, rest, parcel.tenant, status: 0, words)
                return .dropped(words)
            case .limited(let words):
                let rest = range.lowerBound..<pieces.count
                meter.dropped(entries: rest.count, bytes: share * rest.count, tenant: parcel.tenant, reason: "rate_limited")
                return .refused(words)
            case .refused(let status, let why):
                fruitless += 1
                let isHopeless = isOneStream && (fruitless > Self.fruitlessMax || cuts >= Self.cutsMax)
                if range.count > 1, status == 400 || status == 413, !isHopeless {
                    if isOneStream { cuts += 1 }
                    push(range)
                    continue
                }
                words = why
                refused += range.count
                meter.refused(entries: range.count, bytes: share * range.count, tenant: parcel.tenant)
                await keep(pieces, range, parcel.tenant, status: status, why)
            }
        }
        // A server that counts a batch by its size takes the halves: nothing is lost then.
        guard refused > 0 else { return .accepted }
        return .refused("\(refused) of \(pieces.count) lines: \(words)")
    }

    /// Writes dead letters, on a thread that may wait for the disk.
    private func keep(_ pieces: PushPieces, _ range: Range<Int>, _ tenant: String, status: Int, _ words: String) async {
        guard let letters else { return }
        var sheets: [OwnedBytes] = []
        let out = ByteArena(capacity: 1 << 12)
        for index in range {
            let letter = pieces.letter(index)
            letters.write(
                labels: letter.labels, time: letter.time, line: letter.line, metadata: letter.metadata, tenant: tenant,
                status: status, reason: words, into: out)
            if out.count >= letters.pieceSize || index == range.upperBound - 1 { sheets.append(out.take()) }
        }
        let all = sheets
        let failure: String? = await Blocking.run { all.lazy.compactMap { letters.append($0.view) }.first }
        if let failure { report(failure) } else { meter.letters.add(Double(range.count)) }
    }

    // MARK: Requests

    private enum Sent {
        case accepted
        case refused(status: Int, String)
        /// 429, and the configuration says to drop then.
        case limited(String)
        case gaveUp(String, reason: String)
        case undelivered(String)
    }

    /// One request, until the retry policy has an answer.
    private func send(_ body: ByteBuffer, tenant: String, batchHeader: String?, entries: Int) async -> Sent {
        var policy = RetryPolicy(settings)
        var random = SystemRandomNumberGenerator()
        while true {
            meter.encoded(body.readableBytes)
            let (attempt, words) = await once(body, tenant: tenant, batchHeader: batchHeader)
            // A broken attempt of a cancelled task is our own doing.
            if attempt == .connectionError || attempt == .unreachable, Task.isCancelled { return .undelivered("\(origin): stopped before it was delivered") }
            switch policy.judge(attempt, using: &random) {
            case .done: return .accepted
            case .refused(let reason):
                if reason == "rate_limited" { return .limited(words) }
                guard case .status(let status, _) = attempt else { return .refused(status: 0, words) }
                return .refused(status: status, words)
            case .gaveUp(let reason):
                return .gaveUp("\(words), after \(policy.attempts) attempts (backoff_config.max_retries)", reason: reason)
            case .again(let wait):
                meter.retried(tenant: tenant)
                if !policy.isKnocking { report("\(words); trying again in \(Self.text(wait))") }
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
    private func once(
        _ body: ByteBuffer, tenant: String, batchHeader: String?
    ) async -> (RetryPolicy.Attempt, String) {
        let start = ContinuousClock.now
        do throws(RequestFailure) {
            let headers = try await headers(tenant: tenant, batchHeader: batchHeader)
            let answer = try await transport.post(headers, body)
            meter.answered(status: answer.status, after: ContinuousClock.now - start)
            if answer.status == 401 { await tokens?.forget() }
            let firstLine = answer.text.split(separator: "\n").first.map(String.init) ?? ""
            return (
                .status(answer.status, retryAfter: answer.retryAfter),
                "\(origin) answered \(answer.status)\(firstLine.isEmpty ? "" : ": \(firstLine)")"
            )
        } catch {
            meter.answered(status: -1, after: ContinuousClock.now - start)
            return (error.isUnreachable ? .unreachable : .connectionError, error.words)
        }
    }

    private func headers(tenant: String, batchHeader: String?) async throws(RequestFailure) -> HTTPHeaders {
        var headers: HTTPHeaders = ["Content-Type": "application/x-protobuf", "User-Agent": "tailrace"]
        if let batchHeader { headers.add(name: "X-Tailrace-Batch", value: batchHeader) }
        if !tenant.isEmpty { headers.add(name: "X-Scope-OrgID", value: tenant) }
        switch settings.authorization {
        case .none: break
        case .basic(let username, let password):
            headers.add(
                name: "Authorization", value: "Basic \(Base64.encode("\(try username.read()):\(try password.read())"))")
        case .header(let type, let credentials):
            headers.add(name: "Authorization", value: "\(type) \(try Self.clean(credentials))")
        case .oauth2:
            if let tokens { headers.add(name: "Authorization", value: try await tokens.header()) }
        }
        // One name may have several values.
        let own = headers
        for header in settings.headers where !own.contains(name: header.name) {
            headers.add(name: header.name, value: try Self.clean(header.value))
        }
        return headers
    }

    /// What stands in a file may be anything; in a header it must be one line.
    private static func clean(_ source: SecretSource) throws(RequestFailure) -> String {
        let text = try source.read()
        guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw RequestFailure(words: "a token or header from a file holds a line break")
        }
        return text
    }
}
