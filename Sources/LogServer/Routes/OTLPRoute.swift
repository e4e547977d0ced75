import Bytes
import HTTPTypes
import Hummingbird
import HummingbirdCore
import LogModel
import Logging
import LokiWire
import NIOCore
import Synchronization

extension LogServer {
    /// `otlp/v1/logs`: as a push, but what goes wrong is told as a `google.rpc.Status` in the form of the request.
    func otlpLogs(
        _ request: Request, _ context: ConnectionContext, _ connection: ConnectionState?, tenant: Tenant
    ) async -> Reply {
        let form = OTLPDecoder.Form(contentType: request.headers[.contentType])
        do {
            return try await push(request, context, connection, tenant: tenant, form: .otlp)
        } catch let refusal as Refusal {
            return Self.status(refusal, form)
        } catch let error as StoreError {
            return Self.status(Refusal(error), form)
        } catch is CancellationError {
            return Self.status(.cancelled, form)
        } catch {
            parts.logger.error("otlp_logs failed: \(error)")
            return Self.status(Refusal(500, "\(error)"), form)
        }
    }

    /// A 500 becomes a 503, which is the one of the two that OTLP's clients try again after.
    private static func status(_ refusal: Refusal, _ form: OTLPDecoder.Form?) -> Reply {
        let form = form ?? .protobuf
        let out = ByteArena()
        OTLPAnswer.status(refusal.message, form, into: out)
        var reply = Reply(
            status: refusal.status == 500 ? 503 : refusal.status, contentType: form.contentType,
            body: out.view.withUnsafeBytes { ByteBuffer(bytes: $0) })
        if let seconds = refusal.retryAfter { reply.headers.append((.retryAfter, String(seconds))) }
        reply.closes = refusal.closes
        return reply
    }
}

/// Tenants' rules for attributes, made ready once.
final class OTLPMappings: Sendable {
    private let known = Mutex<[Tenant: (rules: OTLPRules, mapping: OTLPMapping)]>([:])
    /// Chosen: only tenants with rules of their own stand here, and those are written by hand.
    private static let keepMax = 1_024

    func mapping(of tenant: Tenant, _ limits: Limits) -> OTLPMapping {
        let rules = limits.otlp
        if rules == OTLPRules() { return .standard }
        return known.withLock { known in
            if let found = known[tenant], found.rules == rules { return found.mapping }
            // The configuration was refused if an expression does not compile.
            let made = (try? OTLPMapping(rules)) ?? .standard
            if known.count >= Self.keepMax { known.removeAll() }
            known[tenant] = (rules, made)
            return made
        }
    }
}
