import Bytes
import LogModel
import Synchronization

/// What tenants and their streams push, over time: token buckets, and the streams that are active.
///
/// Memory is bounded: where too many tenants or streams are watched, counting begins anew, in their favour.
final class IngestRates: Sendable {
    /// Tokens are bytes.
    private struct Bucket {
        var tokens: Double
        var time: Int64

        init(burst: Double, at time: Int64) {
            tokens = burst
            self.time = time
        }

        /// Whether `amount` may pass at `now`; it is taken if so.
        mutating func take(_ amount: Double, rate: Double, burst: Double, at now: Int64) -> Bool {
            if now > time {
                tokens = min(burst, tokens + Double(now - time) / 1e9 * rate)
                time = now
            }
            guard amount <= tokens else { return false }
            tokens -= amount
            return true
        }
    }

    private struct State {
        var tenants: [Tenant: Bucket] = [:]
        /// By hash of tenant and labels.
        var streams: [Int: Bucket] = [:]
        var active: [Tenant: Active] = [:]
    }

    private struct Active {
        /// Time of the last push to a stream, by the hash of its labels.
        var streams: [Int: Int64] = [:]
        var swept: Int64 = .min
    }

    /// What was left of a batch, and why not all.
    struct Verdict {
        var rest: WriteBatch
        var refusedLines = 0
        var reason = ""
        var messages: [String] = []
    }

    private static let watchedMax = 100_000
    /// How long a stream counts as active after its last push, nanoseconds: what Loki's ingesters take to let one go.
    private static let activeSpan: Int64 = 7_200_000_000_000
    private static let sweepPause: Int64 = 10_000_000_000

    private let state = Mutex(State())

    /// Whether lines of this stream may be taken: it is active, or there is room for one more.
    func admits(stream labels: Labels, of tenant: Tenant, max: Int, at now: Timestamp) -> Bool {
        let time = now.nanoseconds
        return state.withLock { state in
            if state.active[tenant] == nil, state.active.count >= Self.watchedMax { state.active.removeAll() }
            return Self.admits(labels.hashValue, &state.active[tenant, default: Active()], max, time)
        }
    }

    private static func admits(_ stream: Int, _ active: inout Active, _ max: Int, _ time: Int64) -> Bool {
        if active.streams[stream] == nil, active.streams.count >= max {
            guard active.swept == .min || time - active.swept >= sweepPause else { return false }
            active.swept = time
            active.streams = active.streams.filter { time - $0.value < activeSpan }
            guard active.streams.count < max else { return false }
        }
        active.streams[stream] = time
        return true
    }

    /// Takes the batch's bytes from the tenant's bucket, or refuses it whole; then each stream's from its own, or leaves
    /// that stream out.
    func judge(_ batch: WriteBatch, _ limits: Limits, at now: Timestamp) -> Verdict {
        // Lines and what came as metadata with them; the level was found here and is not counted.
        let metadataSizes = batch.metadata.map { set in
            set.pairs.reduce(0) { $0 + ($1.name == IntakeBuilder.levelName ? 0 : $1.name.count + $1.value.count) }
        }
        var sizes = [Int](repeating: 0, count: batch.streams.count)
        var lines = sizes
        for row in batch.rows {
            sizes[Int(row.stream)] += Int(row.length) + metadataSizes[Int(row.metadata)]
            lines[Int(row.stream)] += 1
        }
        let total = sizes.reduce(0, +)
        if limits.ingestionRateMB > 0 {
            let rate = limits.ingestionRateMB * 1_048_576
            let burst = limits.ingestionBurstSizeMB * 1_048_576
            guard takesTenant(batch.tenant, Double(total), rate, burst, now.nanoseconds) else {
                return Verdict(
                    rest: WriteBatch(tenant: batch.tenant), refusedLines: batch.rows.count, reason: "rate_limited",
                    messages: [
                        "ingestion rate limit exceeded for user \(batch.tenant) (limit: \(Int(rate)) bytes/sec) while attempting "
                            + "to ingest '\(batch.rows.count)' lines totaling '\(total)' bytes, reduce log volume or contact "
                            + "your Loki administrator to see if the limit can be increased"
                    ])
            }
        }
        guard limits.perStreamRateLimit > 0 else { return Verdict(rest: batch) }
        var refused = Set<Int>()
        var verdict = Verdict(rest: batch, reason: "per_stream_rate_limit")
        for stream in batch.streams.indices where lines[stream] > 0 {
            let labels = batch.streams[stream]
            guard !takesStream(batch.tenant, labels, Double(sizes[stream]), limits, now.nanoseconds) else { continue }
            refused.insert(stream)
            verdict.refusedLines += lines[stream]
            let time = batch.rows.first { Int($0.stream) == stream }?.timestamp ?? 0
            verdict.messages.append(
                "entry with timestamp \(TimeText.plain(time)) ignored, reason: 'Per stream rate limit exceeded (limit: "
                    + "\(ByteText.exact(limits.perStreamRateLimit))/sec) while attempting to ingest for stream '\(labels)' "
                    + "totaling \(ByteText.exact(sizes[stream])), consider splitting a stream via additional labels or contact "
                    + "your Loki administrator to see if the limit can be increased',\nuser '\(batch.tenant)', total ignored: "
                    + "\(lines[stream]) out of \(lines[stream]) for stream: \(labels)")
        }
        if !refused.isEmpty { verdict.rest = Self.without(refused, batch) }
        return verdict
    }

    private func takesTenant(_ tenant: Tenant, _ amount: Double, _ rate: Double, _ burst: Double, _ now: Int64) -> Bool {
        state.withLock { state in
            if state.tenants[tenant] == nil, state.tenants.count >= Self.watchedMax { state.tenants.removeAll() }
            return state.tenants[tenant, default: Bucket(burst: burst, at: now)]
                .take(amount, rate: rate, burst: burst, at: now)
        }
    }

    private func takesStream(
        _ tenant: Tenant, _ labels: Labels, _ amount: Double, _ limits: Limits, _ now: Int64
    ) -> Bool {
        var hasher = Hasher()
        hasher.combine(tenant)
        hasher.combine(labels)
        let key = hasher.finalize()
        let burst = Double(limits.perStreamRateLimitBurst)
        return state.withLock { state in
            if state.streams[key] == nil, state.streams.count >= Self.watchedMax { state.streams.removeAll() }
            return state.streams[key, default: Bucket(burst: burst, at: now)]
                .take(amount, rate: Double(limits.perStreamRateLimit), burst: burst, at: now)
        }
    }

    /// The batch without some of its streams.
    private static func without(_ refused: Set<Int>, _ batch: WriteBatch) -> WriteBatch {
        var rest = WriteBatch(tenant: batch.tenant)
        for row in batch.rows where !refused.contains(Int(row.stream)) {
            let stream = rest.stream(batch.streams[Int(row.stream)])
            let metadata = rest.metadataSet(batch.metadata[Int(row.metadata)])
            batch.withLine(row) { rest.add(timestamp: row.timestamp, stream: stream, metadata: metadata, line: $0) }
        }
        return rest
    }
}
