import Bytes
import LogModel

extension StoreSettings {
    /// Of tenants without one of their own.
    var commonRetention: TenantRetention { TenantRetention(age: retentionAge, rules: retentionRules) }

    /// The longest that anything is kept, nanoseconds; nil: for ever.
    var retentionAgeMax: Int64? {
        var longest: Int64 = 0
        for retention in [commonRetention] + tenantRetention.values {
            guard let age = retention.longest else { return nil }
            longest = max(longest, age)
        }
        return longest
    }

    /// Whether streams differ in how long they are kept.
    var hasRetentionRules: Bool { !retentionRules.isEmpty || !tenantRetention.isEmpty }
}

/// How long each stream is kept, worked out once for each. For one thread.
struct RetentionPolicy {
    private let common: TenantRetention
    private let tenants: [Tenant: TenantRetention]
    /// By the store's number of a stream; nil: not worked out yet.
    private var ages: [Int64??] = []

    init(_ settings: StoreSettings) {
        common = settings.commonRetention
        tenants = settings.tenantRetention
    }

    func age(_ tenant: Tenant, _ labels: Labels) -> Int64? { (tenants[tenant] ?? common).age(of: labels) }

    mutating func age(_ number: UInt32, _ streams: [StreamTable.Stream]) -> Int64? {
        if ages.count < streams.count {
            ages.append(contentsOf: repeatElement(Int64??.none, count: streams.count - ages.count))
        }
        if let known = ages[Int(number)] { return known }
        let stream = streams[Int(number)]
        let age = age(stream.tenant, stream.labels)
        ages[Int(number)] = .some(age)
        return age
    }

    /// What of a segment is beyond its time.
    struct Verdict {
        /// Bytes of lines of streams of which everything here is.
        var expiredBytes = 0
        var hasLiving = false
        /// How long the stream that waits longest has been expired, nanoseconds.
        var overdue: Int64 = 0

        var isWhole: Bool { !hasLiving }
    }

    /// O(runs).
    mutating func verdict(_ segment: Segment, now: Int64, _ streams: [StreamTable.Stream]) -> Verdict {
        var verdict = Verdict()
        for (local, number) in segment.streams.enumerated() {
            guard let age = age(number, streams) else {
                verdict.hasLiving = true
                continue
            }
            let runs = segment.runs[segment.runsOfStream[local]..<segment.runsOfStream[local + 1]]
            let last = runs.reduce(Int64.min) { max($0, $1.last) }
            let (cutoff, overflow) = now.subtractingReportingOverflow(age)
            if overflow || last >= cutoff {
                verdict.hasLiving = true
                continue
            }
            verdict.expiredBytes += runs.reduce(0) { $0 + $1.bytes }
            let (late, far) = cutoff.subtractingReportingOverflow(last)
            verdict.overdue = max(verdict.overdue, far ? .max : late)
        }
        return verdict
    }
}

/// Picks rows that are beyond their stream's time.
final class ExpirySieve: RowSieve {
    private let policy: RetentionPolicy
    private let now: Int64

    init(_ policy: RetentionPolicy, now: Int64) {
        self.policy = policy
        self.now = now
    }

    func begin(_ tenant: Tenant, _ labels: Labels) -> ClosedRange<Int64>? {
        guard let age = policy.age(tenant, labels) else { return nil }
        let (cutoff, overflow) = now.subtractingReportingOverflow(age)
        return overflow || cutoff == .min ? nil : .min ... (cutoff - 1)
    }

    func picks(_ timestamp: Int64, metadata: Labels, line: ByteView) -> Bool { true }
}
