import Bytes
import HTTPTypes
import Hummingbird
import HummingbirdCore
import LogModel
import Logging
import LokiWire
import NIOCore

/// Where a `PushListener` puts what it has decoded.
package protocol PushTaker: Sendable {
    associatedtype Sink: PushSink

    /// Whether pushes are taken yet.
    var isOpen: Bool { get }
    /// For one request. `tenant`: what its header says; nil: it says nothing. `hasTimes`: whether its lines come with times
    /// of their own.
    func makeSink(tenant: Tenant?, hasTimes: Bool) -> Sink
    /// Called when the whole body was good, on a thread that may block. There was room for all of it when this returns;
    /// when it throws, the sender is told to try again.
    func take(_ sink: Sink) throws
    /// A request that was not answered with success.
    func refused(status: Int)
}

/// Takes pushes for a collector, on a port of its own: `/loki/api/v1/push`, `/promtail/api/v1/raw` (lines and nothing
/// else) and `/ready`.
///
/// Bodies are received by NIO's threads, which never block; decoding and handing on is done by two threads of their own,
/// and while these wait for room, so do the senders. Bodies in memory are bounded (`ServerSettings.pushMemoryMax`), as are
/// connections, headers, and the patience with senders that hardly move.
package struct PushListener<Taker: PushTaker>: Sendable {
    private let settings: ServerSettings
    private let taker: Taker
    /// Where the port is configured, for messages.
    private let place: String
    private let limits: PushLimits
    private let table = ConnectionTable()
    private let gate: ByteGate
    private let caches = PushDecoder.Caches()
    private let decoders = PushDecoderPool()

    /// Requests that wait for their turn; more are refused, and tried again by their senders.
    private static var waitingMax: Int { 512 }

    /// `sizeMax`: bytes of a body, as it comes and unpacked. `place`: which key holds the port, for messages.
    package init(settings: ServerSettings, sizeMax: Int, place: String, taker: Taker) {
        self.settings = settings
        self.taker = taker
        self.place = place
        var limits = PushLimits()
        limits.decodedSizeMax = sizeMax
        // A line costs some 60 bytes beside its text: a body of nothing but short ones would cost a multiple of its size.
        limits.entriesMax = 1_000_000
        self.limits = limits
        gate = ByteGate(limit: settings.pushMemoryMax)
    }

    /// Serves until its task is cancelled, or the surrounding service group shuts down gracefully: then open requests are
    /// finished first. `onListening` hears the port once it is open. Throws `ServerError` where it cannot be opened.
    package func run(onListening: @escaping @Sendable (Int) -> Void = { _ in }) async throws {
        let lane = WorkLane(threads: 2, waitingMax: Self.waitingMax)
        defer {
            table.cancelAll()
            lane.stop()
        }
        var quiet = Logger(label: "tailrace.push")
        quiet.logLevel = .critical
        let responder = CallbackResponder { (request: Request, context: ConnectionContext) in
            await respond(request, context, lane)
        }
        let application = settings.application(responder, table: table, logger: quiet, onListening: onListening)
        do {
            try await application.run()
        } catch {
            let place = place
            throw ListenFailure.explained(error, settings) { _, port in "\(place): \(port)" }
        }
    }

    private func respond(_ request: Request, _ context: ConnectionContext, _ lane: WorkLane) async -> Response {
        let connection = table.state(of: context.channel)
        connection?.phase = .body
        defer {
            connection?.unwatch()
            connection?.phase = .idle
        }
        var reply: Reply
        do {
            reply = try await answer(request, context, connection, lane)
        } catch let refusal as Refusal {
            reply = Reply(refusal)
        } catch let error as PushError {
            // Nothing has been redacted here, and this collector may be the first to do it.
            reply = Reply(Refusal(error, quotes: false))
        } catch is CancellationError {
            reply = Reply(.cancelled)
        } catch {
            // The taker is closing. Another one will be here soon, or the sender goes elsewhere.
            reply = Reply(Refusal(503, "the collector is stopping", retryAfter: 5))
        }
        if reply.status >= 400 { taker.refused(status: reply.status) }
        // Behind a request that asks to change the protocol NIO reads no other.
        if request.headers[.upgrade] != nil { reply.closes = true }
        if reply.closes {
            let channel = context.channel
            channel.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
        }
        return reply.response(withBody: request.method != .head)
    }

    private func answer(
        _ request: Request, _ context: ConnectionContext, _ connection: ConnectionState?, _ lane: WorkLane
    ) async throws -> Reply {
        let isRaw: Bool
        switch request.uri.path {
        case "/ready":
            guard request.method == .get || request.method == .head else { return Reply(status: 405) }
            return taker.isOpen ? .text("ready\n") : .text("the collector is starting\n", status: 503)
        case "/loki/api/v1/push": isRaw = false
        case "/promtail/api/v1/raw": isRaw = true
        default:
            throw Refusal(404, "404 page not found: here are /loki/api/v1/push, /promtail/api/v1/raw and /ready")
        }
        guard request.method == .post else { return Reply(status: 405) }
        guard taker.isOpen else { throw Refusal(503, "the collector is starting", retryAfter: 1, closes: true) }
        let headers = request.headers
        let tenant = try headers[.scopeOrgID].flatMap { name throws(Refusal) in
            name.isEmpty ? nil : try RequestHeaders.tenant(name, multiTenant: true)
        }
        if headers[.expect]?.lowercased() == "100-continue" {
            context.channel.triggerUserOutboundEvent(ConnectionGuard.Continue(), promise: nil)
        }
        var held = 0
        defer { gate.give(held) }
        let body = try await PushBody.receive(request, sizeMax: limits.decodedSizeMax, gate: gate, &held)
        connection?.phase = .answering
        let (type, encoding) = (headers[.contentType], headers[.contentEncoding])
        // Unpacked, and once more as the lines that are handed on.
        let unpacked = body.withUnsafeReadableBytes {
            PushDecoder.sizeGuess(
                ByteView(unsafe: $0), contentType: isRaw ? "text/plain" : type, contentEncoding: encoding)
        }
        let expected = 2 * min(unpacked, limits.decodedSizeMax)
        guard gate.take(expected, beside: held) else {
            throw Refusal(503, "too many pushes at once: try again", retryAfter: 1)
        }
        held += expected
        // Who gives up while waiting for a turn will send the same again: then this request's turn never comes.
        let cancel = CancelFlag()
        connection?.watch(cancel)
        try await lane.run(timeout: nil, cancel: cancel, loop: context.channel.eventLoop) {
            try take(body, isRaw: isRaw, type, encoding, tenant)
        }
        return .noContent
    }

    private func take(
        _ body: ByteBuffer, isRaw: Bool, _ contentType: String?, _ encoding: String?, _ tenant: Tenant?
    ) throws {
        var sink = taker.makeSink(tenant: tenant, hasTimes: !isRaw)
        try body.withUnsafeReadableBytes { bytes in
            let view = ByteView(unsafe: bytes)
            try decoders.with(limits, caches) { decoder in
                if isRaw {
                    _ = try decoder.decodeLines(
                        view, contentEncoding: encoding, now: Timestamp.now().nanoseconds, into: &sink)
                } else {
                    _ = try decoder.decode(view, contentType: contentType, contentEncoding: encoding, into: &sink)
                }
            }
        }
        try taker.take(sink)
    }
}
