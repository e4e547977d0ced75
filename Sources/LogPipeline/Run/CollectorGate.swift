import Bytes
import LogModel
import Metrics
import Synchronization

/// `limits_config`: of the whole collector.
package struct CollectorLimits: Sendable, Equatable {
    package var readlineRateEnabled = false
    /// Lines a second, of all sources together, and at once.
    package var readlineRate = 10_000.0
    package var readlineBurst = 10_000
    /// Whether lines over the rate are dropped; else reading is slowed down.
    package var readlineRateDrop = true
    /// Streams of one batch; 0: any.
    package var maxStreams = 0
    /// Bytes; 0: any.
    package var maxLineSize = 0
    package var maxLineSizeTruncate = false

    package init() {}
}

/// Applies `CollectorLimits` behind the pipelines, as Promtail does, and counts what it drops under Promtail's reasons.
package final class CollectorGate: Sendable {
    private struct Bucket {
        /// Lines; below zero where reading went ahead and has to wait.
        var tokens: Double
        var time: Int64?
    }

    package let limits: CollectorLimits
    private let bucket: Mutex<Bucket>
    private let rateDropped: Counter
    private let tooLong: Counter
    private let tooManyStreams: Counter
    private let truncated: Counter
    private let clock: @Sendable () -> Int64

    /// nil where nothing is limited. `clock`: nanoseconds that only go forward.
    package init?(
        _ limits: CollectorLimits, registry: Registry, clock: @escaping @Sendable () -> Int64 = { CollectorGate.monotonic() }
    ) {
        guard limits.readlineRateEnabled || limits.maxStreams > 0 || limits.maxLineSize > 0 else { return nil }
        self.limits = limits
        self.clock = clock
        bucket = Mutex(Bucket(tokens: Double(limits.readlineBurst)))
        func dropped(_ reason: ByteString) -> Counter {
            registry.counter(
                "logentry_dropped_lines_total", "Lines that stages have dropped, by reason.",
                Labels([Label("reason", reason)]))
        }
        rateDropped = dropped("global_rate_limiter_drop")
        tooLong = dropped("line_too_long")
        tooManyStreams = dropped("stream_limited")
        truncated = registry.counter("tailrace_collector_truncated_lines_total", "Lines cut to `limits_config.max_line_size`.")
    }

    package static func monotonic() -> Int64 {
        let elapsed = ContinuousClock.now - start
        return elapsed.components.seconds * 1_000_000_000 + elapsed.components.attoseconds / 1_000_000_000
    }

    private static let start = ContinuousClock.now

    /// The line as it may go on, cut if that is wanted; nil when it is dropped. The view is valid until the next call
    /// with the same scratch.
    func admit(_ line: ByteView, scratch: ByteArena) -> ByteView? {
        var rest = line
        if limits.maxLineSize > 0, line.count > limits.maxLineSize {
            guard limits.maxLineSizeTruncate else {
                tooLong.add(1)
                return nil
            }
            var end = limits.maxLineSize
            // No character is cut in two.
            while end > 0, end > limits.maxLineSize - 4, line[end] & 0xC0 == 0x80 { end -= 1 }
            truncated.add(1)
            scratch.reset()
            scratch.append(line[0..<end])
            rest = scratch.view
        }
        if limits.readlineRateEnabled, limits.readlineRateDrop, !takeLine() {
            rateDropped.add(1)
            return nil
        }
        return rest
    }

    private func takeLine() -> Bool {
        let now = clock()
        return bucket.withLock { bucket in
            refill(&bucket, now)
            guard bucket.tokens >= 1 else { return false }
            bucket.tokens -= 1
            return true
        }
    }

    private func refill(_ bucket: inout Bucket, _ now: Int64) {
        if let time = bucket.time, now > time {
            bucket.tokens = min(
                Double(limits.readlineBurst), bucket.tokens + Double(now - time) / 1e9 * limits.readlineRate)
        }
        bucket.time = max(bucket.time ?? now, now)
    }

    func dropStream() { tooManyStreams.add(1) }

    /// How long a source has to wait that has just delivered so many lines, nanoseconds; 0 where lines over the rate are
    /// dropped instead. A batch goes through whole and is paid for afterwards.
    package func pause(afterLines lines: Int) -> Int64 {
        guard limits.readlineRateEnabled, !limits.readlineRateDrop, lines > 0 else { return 0 }
        let now = clock()
        return bucket.withLock { bucket in
            refill(&bucket, now)
            bucket.tokens -= Double(lines)
            return bucket.tokens >= 0 ? 0 : Int64(min(-bucket.tokens / limits.readlineRate, 3_600) * 1e9)
        }
    }
}
