import LogModel

/// One destination, as Promtail's `clients:` entry describes it. Durations in nanoseconds.
package struct ClientSettings: Sendable, Equatable {
    /// How requests are authorised; at most one way.
    package enum Authorization: Sendable, Equatable {
        case none
        case basic(username: String, password: Secret)
        /// `Authorization: TYPE CREDENTIALS`
        case header(type: String, credentials: Secret)
    }

    /// Full push URL, `http://host:3100/loki/api/v1/push`.
    package var url: String
    /// Label in logs and metrics; the host of the URL where empty.
    package var name = ""
    /// `X-Scope-OrgID`, where the entry names no tenant of its own.
    package var tenantID = ""
    /// Longest time that an entry waits for its batch to fill.
    package var batchWait: Int64 = 1_000_000_000
    /// Bytes of lines and structured metadata in one request, before compression.
    package var batchSize = 1 << 20
    /// Of one request.
    package var timeout: Int64 = 10_000_000_000
    package var backoffMin: Int64 = 500_000_000
    package var backoffMax: Int64 = 300_000_000_000
    /// Attempts in all, after which a batch is dropped as Promtail does; 0: no end. Not Promtail's 10, because files keep
    /// their lines and reading waits: an outage of an hour then costs nothing.
    package var maxRetries = 0
    /// Added to every stream; the stream's own labels win.
    package var externalLabels = Labels()
    package var authorization = Authorization.none
    package var headers: [(name: String, value: String)] = []
    /// Whether a 429 drops the batch at once.
    package var dropRateLimitedBatches = false

    package init(url: String) { self.url = url }

    package static func == (a: ClientSettings, b: ClientSettings) -> Bool {
        a.url == b.url && a.name == b.name && a.tenantID == b.tenantID && a.batchWait == b.batchWait
            && a.batchSize == b.batchSize && a.timeout == b.timeout && a.backoffMin == b.backoffMin
            && a.backoffMax == b.backoffMax && a.maxRetries == b.maxRetries && a.externalLabels == b.externalLabels
            && a.authorization == b.authorization && a.dropRateLimitedBatches == b.dropRateLimitedBatches
            && a.headers.elementsEqual(b.headers) { $0 == $1 }
    }
}
