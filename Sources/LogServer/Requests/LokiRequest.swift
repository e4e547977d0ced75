import Bytes
import HTTPTypes
import Hummingbird
import LogModel
import LogQL
import LokiWire
import NIOCore

/// A request as the routes see it: route, tenant, parameters, the headers that matter.
struct LokiRequest: Sendable {
    var route: Route
    /// The segment of the path that names something.
    var argument: ByteString
    var tenant: Tenant
    var form: Form
    var limits: Limits
    /// Wall clock at arrival, nanoseconds.
    var now: Int64
    var encodingFlags: [String]
    /// Drilldown asks for as many series as the limit allows rather than an error.
    var allowsPartialSeries: Bool
    var gzipFrom: Int?
    let cancel: CancelFlag

    var bounds: Parameters.Bounds {
        get throws(Refusal) { try Parameters.bounds(form, now: now) }
    }

    /// Bounds in their order, or Loki's refusal.
    var orderedBounds: Parameters.Bounds {
        get throws(Refusal) {
            var bounds = try bounds
            guard bounds.end >= bounds.start else { throw Parameters.endBeforeStart }
            if limits.maxQueryLookback > 0 {
                let oldest = Timestamp(nanoseconds: now).advanced(by: -limits.maxQueryLookback).nanoseconds
                guard bounds.end >= oldest else {
                    throw Refusal(
                        400,
                        "this data is no longer available, it is past now - max_query_lookback "
                            + "(\(LogQL.prometheusDuration(limits.maxQueryLookback)))")
                }
                bounds.start = max(bounds.start, oldest)
            }
            return bounds
        }
    }
}

enum RequestHeaders {
    /// `Source=grafana-lokiexplore-app` among the tags, in any case.
    static func allowsPartialSeries(_ tags: String?) -> Bool {
        guard let tags else { return false }
        return tags.lowercased().split(separator: ",").contains { tag in
            tag.split(separator: "=", maxSplits: 1).map { $0.filter { $0 != " " } } == ["source", "grafana-lokiexplore-app"]
        }
    }

    static func acceptsGzip(_ header: String?) -> Bool {
        guard let header else { return false }
        return header.lowercased().split(separator: ",").contains { item in
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " } }
            return (parts.first == "gzip" || parts.first == "*") && !parts.dropFirst().contains { $0 == "q=0" || $0 == "q=0.0" }
        }
    }

    /// `<client-uuid>/<epoch>/<sequence>`
    static func batchKey(_ header: String?) throws(Refusal) -> BatchKey? {
        guard let header else { return nil }
        let parts = header.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, (1...128).contains(parts[0].utf8.count), let epoch = UInt64(parts[1]),
            let sequence = UInt64(parts[2])
        else {
            throw Refusal(400, "X-Tailrace-Batch must be <client>/<epoch>/<sequence>, for instance 0b9e…/1/42")
        }
        return BatchKey(client: ByteString(String(parts[0])), epoch: epoch, sequence: sequence)
    }

    /// Whose data a request is about.
    static func tenant(_ header: String?, multiTenant: Bool) throws(Refusal) -> Tenant {
        guard multiTenant else { return .fake }
        guard let header, !header.isEmpty else { throw Refusal(401, "no org id") }
        if header.utf8.contains(0x7C) { throw Refusal(400, "multiple org IDs present") }
        guard let tenant = Tenant(header) else {
            throw Refusal(
                400, "tenant ID \(GoQuote.quote(header)) is not valid: 1 to 150 letters, digits and !-_.*'() are")
        }
        return tenant
    }
}
