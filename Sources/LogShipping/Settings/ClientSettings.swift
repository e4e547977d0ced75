import LogModel

/// One destination, as Promtail's `clients:` entry describes it. Durations in nanoseconds.
package struct ClientSettings: Sendable, Equatable {
    /// How requests are authorised; at most one way.
    package enum Authorization: Sendable, Equatable {
        case none
        case basic(username: SecretSource, password: SecretSource)
        /// `Authorization: TYPE CREDENTIALS`
        case header(type: String, credentials: SecretSource)
        case oauth2(OAuth2Settings)
    }

    package struct Header: Sendable, Equatable {
        package var name: String
        package var value: SecretSource

        package init(_ name: String, _ value: SecretSource) {
            self.name = name
            self.value = value
        }
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
    package var headers: [Header] = []
    /// Whether a 429 drops the batch at once.
    package var dropRateLimitedBatches = false
    /// Requests under way at once. Lines of one stream always go through the same one of them, so they keep their order.
    package var parallel = 1
    /// Whether positions wait for this destination. One that is not required never holds back the others: what does not
    /// fit into its queue is dropped and counted.
    package var isRequired = true
    /// nil: no spool; a destination that is away then slows down reading.
    package var spool: SpoolSettings?
    /// nil: refused lines are counted and said, and kept nowhere.
    package var deadLetters: DeadLetterSettings?
    package var followsRedirects = true
    package var tls = TLSSettings()
    package var proxy = ProxySettings()

    package init(url: String) { self.url = url }

    /// What the destination is called in file names and messages.
    package var title: String { name.isEmpty ? Destination.host(of: url) : name }
}

/// A password, token or header: written in the configuration, or in a file that is read for every request, because other
/// programs renew it.
package enum SecretSource: Sendable, Equatable {
    case value(Secret)
    case file(String)

    package init(_ text: String) { self = .value(Secret(text)) }
}

/// `queue:` of a client.
package struct SpoolSettings: Sendable, Equatable {
    package enum WhenFull: String, Sendable, CaseIterable {
        /// Reading waits.
        case block
        /// The oldest lines make room, counted.
        case dropOldest = "drop_oldest"
    }

    package var directory: String
    /// Bytes on disk in all.
    package var sizeMax = 1 << 30
    package var whenFull = WhenFull.block
    /// Whether a batch counts as stored only once it is synced: else a loss of power costs what the kernel held.
    package var syncs = true

    package init(directory: String) { self.directory = directory }
}

/// Where lines go that a destination refuses for good.
package struct DeadLetterSettings: Sendable, Equatable {
    package var path: String
    /// Bytes of the file; one older file of that size is kept beside it.
    package var sizeMax = 64 << 20

    package init(path: String) { self.path = path }
}

/// `tls_config:`. Files are looked at before every request and read again when they changed.
package struct TLSSettings: Sendable, Equatable {
    package enum Version: String, Sendable, CaseIterable {
        case tls10 = "TLS10"
        case tls11 = "TLS11"
        case tls12 = "TLS12"
        case tls13 = "TLS13"
    }

    /// PEM text or a file that holds it.
    package var authority: SecretSource?
    package var certificate: SecretSource?
    package var key: SecretSource?
    /// Name that the server's certificate must bear, where it is not the URL's.
    package var serverName = ""
    package var skipsVerification = false
    package var versionMin: Version?
    package var versionMax: Version?

    package init() {}

    package var isDefault: Bool { self == TLSSettings() }
}

package struct ProxySettings: Sendable, Equatable {
    /// `http://[user:password@]host:port`; empty: none.
    package var url = ""
    /// Hosts that are reached directly, comma-separated, as in `NO_PROXY`.
    package var exceptions = ""
    /// Whether `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say it.
    package var isFromEnvironment = false
    /// `Proxy-Authorization` for the CONNECT request.
    package var authorization: Secret?

    package init() {}
}

/// `oauth2:`, the grant of client credentials.
package struct OAuth2Settings: Sendable, Equatable {
    package struct Parameter: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package var clientID: String
    package var clientSecret: SecretSource
    package var tokenURL: String
    package var scopes: [String] = []
    package var parameters: [Parameter] = []
    package var tls = TLSSettings()
    package var proxy = ProxySettings()

    package init(clientID: String, clientSecret: SecretSource, tokenURL: String) {
        self.clientID = clientID
        self.clientSecret = clientSecret
        self.tokenURL = tokenURL
    }
}
