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
    var method = HTTPRequest.Method.get
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

    /// Tags as they may be written to a log: what could break its lines becomes `_`.
    static func cleanTags(_ tags: String) -> String {
        String(
            tags.unicodeScalars.prefix(1_024).reduce(into: "") { out, c in
                let good = c.isASCII && (UInt8(c.value).isAlphanumeric || "-=.@, ".unicodeScalars.contains(c))
                out.unicodeScalars.append(good ? c : "_")
            })
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

    /// Whose data a request is about. `federates`: several tenants, with `|` between them, are read as one.
    static func tenant(_ header: String?, multiTenant: Bool, federates: Bool = false) throws(Refusal) -> Tenant {
        guard multiTenant else { return .fake }
        guard let header, !header.isEmpty else { throw Refusal(401, "no org id") }
        var tenants: [Tenant] = []
        for name in header.split(separator: "|", omittingEmptySubsequences: false) {
            let tenant = try one(String(name))
            if !tenants.contains(tenant) { tenants.append(tenant) }
        }
        guard tenants.count > 1 else { return tenants[0] }
        guard federates else { throw Refusal(400, "multiple org IDs present") }
        return Tenant(federated: tenants.sorted { $0.name < $1.name })
    }

    /// Names that could be taken for paths, and any that a header's list could not hold, in the words of Loki's library.
    private static func one(_ name: String) throws(Refusal) -> Tenant {
        if name.isEmpty { throw Refusal(401, "no org id") }
        if let tenant = Tenant(name) { return tenant }
        if name.utf8.count > 150 { throw Refusal(400, "tenant ID is too long: max 150 characters") }
        if name == "." || name == ".." { throw Refusal(400, "tenant ID is '.' or '..'") }
        let bad = name.unicodeScalars.first { Tenant(String($0)) == nil && $0 != "." } ?? " "
        throw Refusal(400, "tenant ID '\(name)' contains unsupported character '\(bad)'")
    }
}
