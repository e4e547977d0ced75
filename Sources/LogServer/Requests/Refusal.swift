import LogModel

/// An answer that is an error: a status and the text that the user reads.
package struct Refusal: Error, Equatable, Sendable {
    var status: Int
    var message: String
    /// Seconds for `Retry-After`.
    var retryAfter: Int?
    /// Whether the connection must go with it.
    var closes = false

    init(_ status: Int, _ message: String, retryAfter: Int? = nil, closes: Bool = false) {
        self.status = status
        self.message = message
        self.retryAfter = retryAfter
        self.closes = closes
    }

    static let cancelled = Refusal(499, "the request was cancelled by the client")
    static let timeout = Refusal(
        504,
        "request timed out, decrease the duration of the request or add more label matchers (prefer exact match over "
            + "regex match) to reduce the amount of data processed")
    static let notFound = Refusal(404, "404 page not found")

    init(_ error: QueryError) {
        switch error.kind {
        case .invalid: self.init(400, error.message)
        case .cancelled: self = .cancelled
        case .timeout: self = .timeout
        case .failed: self.init(500, error.message)
        }
    }

    init(_ error: StoreError) {
        switch error.kind {
        case .retryLater: self.init(503, error.message, retryAfter: 5)
        case .invalid: self.init(400, error.message)
        case .positionMismatch: self.init(409, error.message)
        case .locked, .damaged, .system: self.init(500, error.message)
        }
    }
}
