import Bytes
import HTTPTypes
import Hummingbird
import HummingbirdCore
import LogModel
import Logging
import LokiWire
import Metrics
import NIOCore

/// The connection of a request.
struct ConnectionContext: InitializableFromSource {
    let channel: any Channel

    init(source: ApplicationRequestContextSource) { channel = source.channel }
}

/// From a request's head to its answer: route, method, tenant, body; then the route's own work on its lane.
struct LokiResponder: HTTPResponder {
    let server: LogServer

    func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        let clock = ContinuousClock()
        let start = clock.now
        let connection = server.table.state(of: context.channel)
        connection?.phase = .body
        defer {
            connection?.unwatch()
            connection?.phase = .idle
        }
        var route = Route.other
        var reply: Reply
        do {
            reply = try await answer(request, context, connection, &route)
        } catch let refusal as Refusal {
            reply = Reply(refusal)
        } catch let error as QueryError {
            reply = Reply(Refusal(error))
        } catch let error as StoreError {
            reply = Reply(Refusal(error))
        } catch is CancellationError {
            reply = Reply(.cancelled)
        } catch {
            server.parts.logger.error("\(route.rawValue) failed: \(error)")
            reply = Reply(Refusal(500, "\(error)"))
        }
        // Behind a request that asks to change the protocol NIO reads no other: a client must not wait for its next answer.
        if reply.takeover == nil, request.headers[.upgrade] != nil { reply.closes = true }
        let elapsed = start.duration(to: clock.now).components
        server.metrics.observe(
            route, status: reply.status, seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18)
        if let takeover = reply.takeover {
            await takeover()
            // The connection is gone; nobody reads this.
            return Response(status: .ok)
        }
        if reply.closes {
            // Time for the answer to arrive before the connection is torn down under unread data.
            let channel = context.channel
            channel.eventLoop.scheduleTask(in: .seconds(1)) { channel.close(promise: nil) }
        }
        return reply.response(withBody: request.method != .head)
    }

    private func answer(
        _ request: Request, _ context: ConnectionContext, _ connection: ConnectionState?, _ route: inout Route
    ) async throws -> Reply {
        let target = Array((request.head.path ?? "/").utf8)
        let mark = target.firstIndex(of: 0x3F) ?? target.count
        let path = ByteString(Array(target[..<mark]))
        let found = try path.withView { view throws(Refusal) in try Route.of(path: view) }
        route = found.route
        if route == .other {
            guard let reply = await server.parts.hooks.extra(request.method.rawValue, path.string) else { throw Refusal.notFound }
            return reply
        }
        let isPost = request.method == .post
        guard route.allows(request.method) else { return Reply(status: 405) }
        if route == .ruler { throw Refusal.notFound }
        let headers = request.headers
        let tenant =
            route.needsTenant
            ? try RequestHeaders.tenant(headers[.scopeOrgID],
                multiTenant: server.settings.multiTenant,
                federates: server.settings.multiTenantQueries && !route.writes) : .fake
        if headers[.expect]?.lowercased() == "100-continue" {
            context.channel.triggerUserOutboundEvent(ConnectionGuard.Continue(), promise: nil)
        }
        if route == .push || route == .legacyPush {
            return try await server.push(request, context, connection, tenant: tenant)
        }
        if route == .otlpLogs { return await server.otlpLogs(request, context, connection, tenant: tenant) }

        var form = Form()
        // Parameters of a deletion are taken from the URL alone, as Loki does.
        if isPost, route != .delete, isForm(headers[.contentType]) {
            let body = try await collect(request, context, limit: server.settings.formSizeMax)
            try body.withView { view throws(Refusal) in try form.append(encoded: view) }
        }
        if mark < target.count {
            let query = ByteString(Array(target[(mark + 1)...].prefix { $0 != 0x23 }))
            try query.withView { view throws(Refusal) in try form.append(encoded: view) }
        }
        var limits =
            tenant.isFederated ? Limits.smallest(tenant.members.map(server.parts.limits)) : server.parts.limits(tenant)
        if let lower = QueryLimitsHeader(headers[.queryLimits]) {
            limits = lower.lowering(limits)
            if route.runsQuery { try lower.check(form["query"]) }
        }
        if let tags = headers[.queryTags] {
            server.parts.logger.debug("\(route.rawValue) tags=\(RequestHeaders.cleanTags(tags))")
        }
        let asked = LokiRequest(
            route: route, method: request.method, argument: found.argument, tenant: tenant, form: form, limits: limits,
            now: Timestamp.now().nanoseconds, encodingFlags: QueryResponse.flags(header: headers[.encodingFlags]),
            allowsPartialSeries: RequestHeaders.allowsPartialSeries(headers[.queryTags]),
            gzipFrom: RequestHeaders.acceptsGzip(headers[.acceptEncoding]) ? server.settings.gzipFrom : nil,
            cancel: CancelFlag())
        connection?.phase = .answering
        connection?.watch(asked.cancel)
        if route == .tail || route == .legacyTail {
            return try await server.tail(asked, request.head, channel: context.channel, connection: connection)
        }
        return try await server.answer(
            asked, loop: context.channel.eventLoop, metricsFormat: ExpositionFormat(accept: headers[.accept]))
    }

    private func isForm(_ contentType: String?) -> Bool {
        contentType?.lowercased().hasPrefix("application/x-www-form-urlencoded") ?? false
    }

    private func collect(_ request: Request, _ context: ConnectionContext, limit: Int) async throws -> [UInt8] {
        do {
            let buffer = try await request.body.collect(upTo: limit)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw Refusal(413, "request body too large: more than \(limit) bytes")
        }
    }
}
