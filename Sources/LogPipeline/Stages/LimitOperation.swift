import Bytes
import Glibc
import LogModel
import Metrics
import Redaction
import Synchronization

/// Promtail's `limit`: a token bucket for all lines, or one for each value of a label. Shared by all runners of a
/// pipeline.
final class LimitOperation: Sendable {
    private struct Bucket {
        var tokens: Double
        /// Nanoseconds of the monotonic clock.
        var filled: Int64
        /// Made with the first line that is dropped.
        var dropped: Counter?
        /// The labels of that counter: values that redact to the same share it.
        var shown: Labels?
    }

    private struct State {
        var single: Bucket
        /// Two generations: when the younger is full the older is forgotten.
        var young: [ByteString: Bucket] = [:]
        var old: [ByteString: Bucket] = [:]
    }

    let label: ByteString?
    let drops: Bool
    /// Lines a second.
    private let rate: Double
    private let burst: Double
    private let distinctMax: Int
    private let state: Mutex<State>
    private let registry: Registry?
    private let redactor: Redactor?
    private let clock: @Sendable () -> Int64

    private static let counterName = "logentry_dropped_lines_by_label_total"

    /// `registry`: where lines dropped by a label's value are counted; `redactor`: what the value passes before.
    init(
        rate: Double, burst: Int, drops: Bool, label: ByteString?, distinctMax: Int, registry: Registry? = nil,
        redactor: Redactor? = nil, clock: @escaping @Sendable () -> Int64 = LimitOperation.monotonic
    ) {
        self.rate = rate
        self.burst = Double(burst)
        self.drops = drops
        self.label = label
        self.distinctMax = distinctMax
        self.registry = registry
        self.redactor = redactor
        self.clock = clock
        state = Mutex(State(single: Bucket(tokens: Double(burst), filled: clock())))
    }

    /// Whether the line may pass. Where lines are not dropped, waits until it may.
    func admits(_ labels: Labels) -> Bool {
        if let label {
            guard let value = labels[label] else { return true }
            return state.withLock { state in
                var bucket = state.young[value] ?? state.old[value] ?? Bucket(tokens: burst, filled: clock())
                let good = take(&bucket) == 0
                if !good { count(&bucket, label, value) }
                if state.young.count >= distinctMax, state.young[value] == nil {
                    var kept = Set(state.young.values.compactMap(\.shown))
                    if let shown = bucket.shown { kept.insert(shown) }
                    for bucket in state.old.values {
                        if let shown = bucket.shown, !kept.contains(shown) { registry?.remove(Self.counterName, shown) }
                    }
                    state.old = state.young
                    state.young = [:]
                }
                state.young[value] = bucket
                return good
            }
        }
        while true {
            let wait = state.withLock { take(&$0.single) }
            if wait == 0 { return true }
            if drops { return false }
            var time = timespec(tv_sec: Int(wait / 1_000_000_000), tv_nsec: Int(wait % 1_000_000_000))
            nanosleep(&time, nil)
        }
    }

    private func count(_ bucket: inout Bucket, _ label: ByteString, _ value: ByteString) {
        if bucket.dropped == nil {
            let value = LabelCleaner(redactor.map { [$0] } ?? []).clean(value, name: label)
            let shown = Labels([Label("label_name", label), Label("label_value", value)])
            bucket.shown = shown
            bucket.dropped = registry?.counter(
                Self.counterName, "Lines that the limit of a label's value has dropped.", shown)
        }
        bucket.dropped?.add()
    }

    /// Takes a token; else says how long it takes until there is one, nanoseconds.
    private func take(_ bucket: inout Bucket) -> Int64 {
        let now = clock()
        bucket.tokens = min(burst, bucket.tokens + Double(max(0, now - bucket.filled)) * rate / 1e9)
        bucket.filled = now
        if bucket.tokens >= 1 {
            bucket.tokens -= 1
            return 0
        }
        return max(1_000, Int64(min((1 - bucket.tokens) / rate, 60) * 1e9))
    }

    static func monotonic() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
