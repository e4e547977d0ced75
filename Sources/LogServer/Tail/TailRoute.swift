import Bytes
import HTTPTypes
import Hummingbird
import HummingbirdCore
import LogModel
import LogQuery
import LokiWire
import NIOCore
import NIOHTTP1
import NIOWebSocket

/// `tail` and `/api/prom/tail`: as WebSocket for who asks for one, else as lines of JSON in an answer without end.
extension LogServer {
    /// Everything that can be refused is refused here, in plain text; the history is read before the answer begins.
    func tail(
        _ request: LokiRequest, _ http: HTTPRequest, channel: any Channel, connection: ConnectionState?
    ) async throws -> Reply {
        let socket = try await handshake(http, channel)
        let tail = try await openTail(request, socket != nil, channel)
        connection?.whenOver { tail.finish($0) }
        let format = format(request, socket != nil)
        var reply = Reply(status: 200, contentType: Self.linesType)
        if let socket {
            reply.status = 101
            reply.takeover = { await serve(tail, channel, socket, format) }
        } else {
            // Pulled: the next message is asked for when the one before has been taken.
            reply.stream = AsyncStream { await tail.next().map { encode($0, format) } }
        }
        return reply
    }

    private static var linesType: String { "application/x-ndjson" }

    // MARK: Before

    /// The header fields of a WebSocket's answer; nil for who wants none.
    private func handshake(_ http: HTTPRequest, _ channel: any Channel) async throws -> HTTPHeaders? {
        let headers = http.headerFields
        guard TailSocket.isAsked(connection: headers[.connection], upgrade: headers[.upgrade]) else { return nil }
        // Browsers keep foreign pages from reading answers, but not from opening sockets: that is up to us.
        if let origin = headers[.origin], !TailSocket.isOwn(origin: origin, host: http.authority) {
            throw Refusal(403, "websocket: request origin not allowed by Upgrader.CheckOrigin")
        }
        let fields = headers.map { (name: $0.name.rawName, value: $0.value) }
        guard let answer = await TailSocket.handshake(fields, on: channel) else {
            throw Refusal(
                400, "websocket: not a websocket handshake: it needs 'Sec-WebSocket-Key' and 'Sec-WebSocket-Version: 13'")
        }
        return answer
    }

    private func openTail(_ request: LokiRequest, _ isSocket: Bool, _ channel: any Channel) async throws -> Tail {
        guard !request.tenant.isFederated else { throw Refusal(400, "multiple org IDs present") }
        let format = format(request, isSocket)
        let categorized = if case .message(let flags) = format { flags.contains(QueryResponse.categorizeLabels) } else { false }
        let text = try Parameters.logQuery(request.form, allowEmpty: parts.querySettings.allowAllStreams)
        let query = try LiveQuery(text, settings: parts.querySettings, categorized: categorized)
        let bounds = try request.bounds
        let limit = try Parameters.limit(request.form)
        var settings = parts.tailSettings
        settings.delay = try Parameters.delay(request.form)
        settings.durationMax = request.limits.tailMaxDuration
        let tail = Tail(query, tenant: request.tenant, hub: parts.tails, loop: channel.eventLoop, settings: settings)
        let most = request.limits.maxConcurrentTailRequests
        guard parts.tails.add(tail, limit: most) else {
            throw Refusal(400, "max concurrent tail requests limit exceeded, count > limit (\(most + 1) > \(most))")
        }
        do {
            let timeout = request.limits.queryTimeout > 0 ? request.limits.queryTimeout : nil
            let past = try await queries.run(timeout: timeout, cancel: request.cancel, loop: channel.eventLoop) {
                try history(request, text, from: bounds.start, limit, categorized)
            }
            tail.begin(past)
        } catch {
            tail.finish(.stopping)
            throw error
        }
        return tail
    }

    /// The newest entries, oldest first. Entries ahead of the clock belong to it as well: nobody sends them again.
    private func history(
        _ request: LokiRequest, _ query: String, from start: Int64, _ limit: Int, _ categorized: Bool
    ) throws -> [LiveQuery.Entry] {
        let ahead = request.limits.creationGracePeriod > 0 ? request.limits.creationGracePeriod : 3_600_000_000_000
        let from = Timestamp(nanoseconds: start)
        var end = max(Timestamp(nanoseconds: request.now).advanced(by: ahead), from)
        // Not so far ahead that the range is refused for its length, unless it would be without that too.
        let longest = request.limits.maxQueryLength
        if longest > 0 { end = max(min(end, from.advanced(by: longest)), min(end, Timestamp(nanoseconds: request.now))) }
        var asked = engineRequest(
            request, .range(start: from, end: end, step: 1_000_000_000, interval: 0), limit: limit, direction: .backward,
            query: query)
        asked.categorized = categorized
        guard case .streams(let streams) = try parts.engine.answer(asked).result else {
            throw Refusal(400, "only log selector is supported")
        }
        var entries: [LiveQuery.Entry] = []
        for stream in streams { for entry in stream.entries.reversed() { entries.append((stream.labels, entry)) } }
        // Swift's sort keeps the order of equal elements in practice but does not promise it: the index decides.
        return entries.indices.sorted { a, b in
            (entries[a].entry.timestamp, a) < (entries[b].entry.timestamp, b)
        }.map { entries[$0] }
    }

    private func format(_ request: LokiRequest, _ isSocket: Bool) -> TailAnswer.Format {
        if !isSocket { return .lines }
        return request.route == .legacyTail ? .legacy : .message(flags: request.encodingFlags)
    }

    // MARK: While

    private func serve(_ tail: Tail, _ channel: any Channel, _ headers: HTTPHeaders, _ format: TailAnswer.Format) async {
        defer { tail.finish(.clientLeft) }
        guard let socket = try? await TailSocket.open(channel, headers: headers, onLeave: { tail.finish(.clientLeft) })
        else { return }
        do {
            while let message = await tail.next() { try await socket.send(encode(message, format)) }
        } catch {
            tail.finish(.clientLeft)
        }
        switch tail.end {
        case .tooLong?:
            await socket.close(.unexpectedServerError, "reached tail max duration limit")
        default:
            // A server that stops leaves without a word too: stock clients come back only after that (code 1006).
            await socket.drop()
        }
    }

    private func encode(_ message: TailAnswer, _ format: TailAnswer.Format) -> ByteBuffer {
        let out = ByteArena(capacity: 4_096)
        message.write(format, into: out)
        return out.view.withUnsafeBytes { ByteBuffer(bytes: $0) }
    }
}

extension Parameters {
    /// `delay_for`: whole seconds up to five; nanoseconds.
    static func delay(_ form: Form) throws(Refusal) -> Int64 {
        if form["delay_for"].isEmpty { return 0 }
        let seconds = try inRange(try integer(form["delay_for"]), "delay_for")
        guard seconds <= 5 else { throw Refusal(400, "delay_for can't be greater than 5") }
        return Int64(seconds) * 1_000_000_000
    }
}
