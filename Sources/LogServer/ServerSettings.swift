import LogModel

/// How the server listens and what it lets one client take. Durations in nanoseconds. Limits of a tenant (sizes of
/// pushes, query length, deadline) are in `Limits`.
package struct ServerSettings: Sendable, Equatable {
    package var host = "127.0.0.1"
    /// 0: any free one, see `LogServer.run(onListening:)`.
    package var port = 3100
    /// With it `X-Scope-OrgID` names the tenant and must be there; without it everything belongs to `fake` and the
    /// header is ignored.
    package var multiTenant = false
    /// Whether a read may name several tenants at once: `X-Scope-OrgID: a|b`.
    package var multiTenantQueries = false

    /// Connections open at once; more wait in the listen queue. Below the usual 1,024 descriptors of a process, of which
    /// the store needs some.
    package var connectionsMax = 512
    /// A connection without a request is closed after this.
    package var idleTimeout: Int64 = 120_000_000_000
    /// From the first byte of a request to the end of its headers.
    package var headerTimeout: Int64 = 10_000_000_000
    /// How long a body may trickle, and an answer stand unread, slower than `rateMin`.
    package var stallTimeout: Int64 = 30_000_000_000
    /// Bytes a second.
    package var rateMin = 1_024
    /// All headers of a request, bytes. Queries of GET requests count.
    package var headerSizeMax = 80 << 10
    package var headerCountMax = 200
    /// Body of a form, bytes: Loki's.
    package var formSizeMax = 10 << 20

    /// Queries run at once; 0: one a processor, but two at least.
    package var queriesMax = 0
    /// Queries that wait for their turn; more are refused with 429.
    package var queriesWaitingMax = 512
    /// Bytes of push bodies in memory at once, all clients together; more are refused with 503.
    package var pushMemoryMax = 256 << 20

    /// Answers of this size and more are compressed for clients that accept gzip; nil: never.
    package var gzipFrom: Int? = 16 << 10

    package init() {}
}
