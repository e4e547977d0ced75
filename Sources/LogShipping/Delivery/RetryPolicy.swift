/// When a failed request is sent again: a value, so that the schedule can be tested without a clock or a network.
///
/// Promtail's table, and a little more patience: 2xx is done; 429, 5xx and connection errors are tried again; 401 and 403
/// are too, `deniedMax` times, because tokens are renewed; any other status refuses the batch, and so does the last of
/// `maxRetries` attempts.
/// The wait before attempt k+1 is uniformly random in [min·2^(k−1), min·2^k), at most max; a server's `Retry-After`
/// is honoured where it is longer.
///
/// Where nobody listens, a long wait is spent knocking every few seconds: that costs a server nothing that is not there, and a
/// fleet goes on within seconds of its return instead of minutes. Such knocks are no attempts, so `maxRetries` lasts as long. Once
/// somebody answers, waits begin at the minimum again: a server that is just back, and busy with all who waited, says 503.
package struct RetryPolicy: Sendable {
    package enum Verdict: Sendable, Equatable {
        case done
        /// Nanoseconds to wait.
        case again(after: Int64)
        case refused(reason: String)
        case gaveUp(reason: String)
    }

    /// What came of one attempt.
    package enum Attempt: Sendable, Equatable {
        case status(Int, retryAfter: Int64?)
        case connectionError
        /// No connection came about: refused, no way there, a name that is not known.
        case unreachable
    }

    /// Attempts that are denied (401, 403) before the batch is refused: four to eight minutes with the default back-off,
    /// in which a token should have been renewed.
    package static let deniedMax = 10

    package let settings: ClientSettings
    /// Attempts made so far.
    package private(set) var attempts = 0
    private var denied = 0
    /// How often the wait has doubled.
    private var doublings = 0
    private var wasUnreachable = false
    /// What is left of the wait that is spent knocking, nanoseconds.
    private var rest: Int64 = 0
    /// The wait that `judge` gave last is a part of one that it gave before.
    package private(set) var isKnocking = false

    /// Longest time between two knocks, nanoseconds.
    package static let knockMax: Int64 = 5_000_000_000

    package init(_ settings: ClientSettings) { self.settings = settings }

    package mutating func judge(_ attempt: Attempt, using random: inout some RandomNumberGenerator) -> Verdict {
        isKnocking = attempt == .unreachable && rest > 0
        if isKnocking { return knock(using: &random) }
        rest = 0
        attempts += 1
        if wasUnreachable, attempt != .unreachable { doublings = 0 }
        wasUnreachable = attempt == .unreachable
        var least: Int64 = 0
        let reason: String
        switch attempt {
        case .status(200..<300, _): return .done
        case .status(429, let retryAfter):
            if settings.dropRateLimitedBatches { return .refused(reason: "rate_limited") }
            least = retryAfter ?? 0
            reason = "rate_limited"
        case .status(500..., let retryAfter):
            least = retryAfter ?? 0
            reason = "ingester_error"
        case .status(401, let retryAfter), .status(403, let retryAfter):
            denied += 1
            if denied >= Self.deniedMax { return .refused(reason: "ingester_error") }
            least = retryAfter ?? 0
            reason = "ingester_error"
        case .status: return .refused(reason: "ingester_error")
        case .connectionError, .unreachable: reason = "ingester_error"
        }
        if settings.maxRetries > 0, attempts >= settings.maxRetries { return .gaveUp(reason: reason) }
        let low = Self.doubled(max(settings.backoffMin, 1), doublings, most: max(settings.backoffMax, 1))
        doublings = min(doublings + 1, 62)
        let high = Self.doubled(low, 1, most: max(settings.backoffMax, 1))
        let wait = low < high ? Int64.random(in: low..<high, using: &random) : high
        guard attempt == .unreachable else { return .again(after: max(wait, min(least, settings.backoffMax))) }
        rest = wait
        return knock(using: &random)
    }

    private mutating func knock(using random: inout some RandomNumberGenerator) -> Verdict {
        let wait = min(rest, Int64.random(in: Self.knockMax / 2..<Self.knockMax, using: &random))
        rest -= wait
        return .again(after: wait)
    }

    /// `value * 2^times`, at most `most`: without end attempts are many, and a product that overflows is no wait at all.
    private static func doubled(_ value: Int64, _ times: Int, most: Int64) -> Int64 {
        let shift = Int64(min(times, 62))
        return value > most >> shift ? most : value << shift
    }
}
