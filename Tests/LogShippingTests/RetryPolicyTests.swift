import LogShipping
import Testing

@Suite struct RetryPolicyTests {
    @Test(arguments: [200, 204, 299])
    func successEnds(status: Int) {
        var policy = RetryPolicy(ClientSettings(url: "http://x"))
        var random = SystemRandomNumberGenerator()
        #expect(policy.judge(.status(status, retryAfter: nil), using: &random) == .done)
    }

    @Test(arguments: [301, 400, 404, 405, 413])
    func otherStatusesDropTheBatch(status: Int) {
        var policy = RetryPolicy(ClientSettings(url: "http://x"))
        var random = SystemRandomNumberGenerator()
        #expect(policy.judge(.status(status, retryAfter: nil), using: &random) == .refused(reason: "ingester_error"))
    }

    /// Tokens are renewed: what is denied now may be granted in a minute, but not for ever.
    @Test(arguments: [401, 403])
    func whatIsDeniedIsTriedAgainForAWhile(status: Int) {
        var policy = RetryPolicy(ClientSettings(url: "http://x"))
        var random = SystemRandomNumberGenerator()
        for _ in 1..<RetryPolicy.deniedMax {
            guard case .again = policy.judge(.status(status, retryAfter: nil), using: &random) else {
                Issue.record("gave up early")
                return
            }
        }
        #expect(policy.judge(.status(status, retryAfter: nil), using: &random) == .refused(reason: "ingester_error"))
    }

    @Test func waitsDoubleUpToTheMaximumAndEnd() {
        var settings = ClientSettings(url: "http://x")
        settings.backoffMin = 100
        settings.backoffMax = 1_000
        settings.maxRetries = 6
        var policy = RetryPolicy(settings)
        var random = SystemRandomNumberGenerator()
        let borders: [ClosedRange<Int64>] = [100...199, 200...399, 400...799, 800...1_000, 1_000...1_000]
        for border in borders {
            guard case .again(let wait) = policy.judge(.connectionError, using: &random) else {
                Issue.record("gave up early")
                return
            }
            #expect(border.contains(wait))
        }
        #expect(policy.judge(.status(503, retryAfter: nil), using: &random) == .gaveUp(reason: "ingester_error"))
    }

    @Test func zeroRetriesMeansForEver() {
        var settings = ClientSettings(url: "http://x")
        settings.maxRetries = 0
        var policy = RetryPolicy(settings)
        var random = SystemRandomNumberGenerator()
        for _ in 0..<1_000 {
            guard case .again(let wait) = policy.judge(.connectionError, using: &random) else {
                Issue.record("gave up")
                return
            }
            #expect(wait > 0 && wait <= settings.backoffMax)
        }
    }

    /// `1e10 << 30` overflowed: after half an hour of outage the wait was zero, and the collector hammered the server.
    @Test func aLongOutageNeverWaitsLessThanTheMaximum() {
        var settings = ClientSettings(url: "http://x")
        settings.backoffMin = 10_000_000_000
        settings.backoffMax = .max / 4
        for most in [settings.backoffMax, 300_000_000_000, .max] {
            settings.backoffMax = most
            var policy = RetryPolicy(settings)
            var random = SystemRandomNumberGenerator()
            var last: Int64 = 0
            for attempt in 0..<200 {
                guard case .again(let wait) = policy.judge(.connectionError, using: &random) else {
                    Issue.record("gave up")
                    return
                }
                #expect(wait >= last && wait <= most, "attempt \(attempt)")
                last = wait
            }
            #expect(last == most)
        }
    }

    /// After an outage of a minute collectors waited for half a minute more, each for what was left of its own back-off.
    @Test func whereNobodyListensALongWaitIsSpentKnocking() {
        var settings = ClientSettings(url: "http://x")
        settings.backoffMin = 64_000_000_000
        settings.backoffMax = 300_000_000_000
        settings.maxRetries = 3
        var policy = RetryPolicy(settings)
        var random = SystemRandomNumberGenerator()
        var waits: [Int64] = []
        while case .again(let wait) = policy.judge(.unreachable, using: &random), waits.count < 1_000 { waits.append(wait) }
        // Two waits, of 64 to 128 and of 128 to 256 seconds, as without knocking; then the third attempt is the last.
        #expect((192_000_000_000...384_000_000_000).contains(waits.reduce(0, +)))
        #expect(waits.allSatisfy { $0 < RetryPolicy.knockMax } && policy.attempts == 3)
        // Short waits are waited out, and a server that is there again ends the knocking.
        settings.backoffMin = 100
        settings.maxRetries = 0
        policy = RetryPolicy(settings)
        guard case .again(let first) = policy.judge(.unreachable, using: &random) else { return #expect(Bool(false), "gave up") }
        #expect((100..<200).contains(first) && !policy.isKnocking)
        guard case .again(let second) = policy.judge(.status(503, retryAfter: nil), using: &random) else { return #expect(Bool(false), "gave up") }
        #expect((100..<200).contains(second) && policy.attempts == 2, "whoever answers is there again: from the beginning")
        guard case .again(let third) = policy.judge(.status(503, retryAfter: nil), using: &random) else { return #expect(Bool(false), "gave up") }
        #expect((200..<400).contains(third))
    }

    /// Files keep their lines, so waiting loses nothing and dropping does.
    @Test func withoutAWordInTheFileABatchIsTriedForEver() {
        #expect(ClientSettings(url: "http://x").maxRetries == 0)
    }

    @Test func rateLimits() {
        var settings = ClientSettings(url: "http://x")
        var random = SystemRandomNumberGenerator()
        var policy = RetryPolicy(settings)
        guard case .again(let wait) = policy.judge(.status(429, retryAfter: 30_000_000_000), using: &random) else {
            Issue.record("dropped")
            return
        }
        #expect(wait >= 30_000_000_000, "Retry-After is honoured")
        settings.dropRateLimitedBatches = true
        policy = RetryPolicy(settings)
        #expect(policy.judge(.status(429, retryAfter: nil), using: &random) == .refused(reason: "rate_limited"))
    }
}
