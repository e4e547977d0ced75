/// Limits of a tenant, with Loki's names. Who enforces one stands beside it; 0 switches a limit off where it says so.
package struct Limits: Sendable, Equatable {
    // Ingest: enforced by Intake (LogPipeline).

    /// Longest line, bytes. Loki: 256 KiB; prompts are longer.
    package var maxLineSize = 16 << 20
    /// Whether longer lines are cut rather than refused, and what their cut end is marked with.
    package var maxLineSizeTruncate = false
    package var maxLineSizeTruncateIdentifier = ""
    package var maxLabelNameLength = 1_024
    package var maxLabelValueLength = 2_048
    /// `service_name`, which Intake adds, is not counted.
    package var maxLabelNamesPerSeries = 15
    /// Values that a label may take in a day before it stops making streams and is kept as structured metadata. 0: any.
    package var maxValuesPerLabel = 10_000
    package var allowStructuredMetadata = true
    /// Names and values of one entry's structured metadata, bytes.
    package var maxStructuredMetadataSize = 64 << 10
    package var maxStructuredMetadataEntriesCount = 128
    /// How far ahead of the clock an entry may be, nanoseconds. 0: any.
    package var creationGracePeriod: Int64 = 600_000_000_000
    /// Age beyond which entries are refused, nanoseconds. 0: any (our default; Loki refuses after 7 days).
    package var rejectOldSamplesMaxAge: Int64 = 0
    package var discoverServiceName: [String] = [
        "service", "app", "application", "app_name", "name", "app_kubernetes_io_name", "container", "container_name",
        "k8s_container_name", "component", "workload", "job", "k8s_job_name",
    ]
    package var discoverLogLevels = true
    /// What of OpenTelemetry's logs becomes a stream label.
    package var otlp = OTLPRules()

    // Rates of pushes, enforced by Intake as well; 0: any (our default). The collector's own lines are never refused by
    // them: what it reads is on disk here already.

    /// MiB of lines and metadata a second, and at once.
    package var ingestionRateMB = 0.0
    package var ingestionBurstSizeMB = 6.0
    /// Bytes a second of one stream, and at once.
    package var perStreamRateLimit = 0
    package var perStreamRateLimitBurst = 15 << 20
    /// Streams that were written to within the last two hours.
    package var maxGlobalStreamsPerUser = 0

    // Requests: enforced by LogServer.

    /// Push body as it arrives, bytes.
    package var maxPushBodySize = 100 << 20
    /// Push body after decompression, bytes; a bomb is refused at this size.
    package var maxPushDecodedSize = 256 << 20

    // Queries: enforced by LogServer and LogQuery.

    package var maxEntriesLimitPerQuery = 5_000
    package var maxQuerySeries = 500
    /// Nanoseconds; Loki: 721 h. 0: any.
    package var maxQueryLength: Int64 = 721 * 3_600_000_000_000
    /// Longest range in brackets (`[5m]`), nanoseconds. 0: any.
    package var maxQueryRange: Int64 = 0
    /// How far back queries see, nanoseconds. 0: any.
    package var maxQueryLookback: Int64 = 0
    /// Whether `index/volume` answers, and series that it may have.
    package var volumeEnabled = true
    package var volumeMaxSeries = 1_000
    /// Points of one range query.
    package var maxQuerySteps = 11_000
    /// Nanoseconds.
    package var queryTimeout: Int64 = 60_000_000_000
    /// Memory of one query, bytes.
    package var maxQueryMemory = 64 << 20
    /// What becomes of delete requests, with Loki's words.
    package enum DeletionMode: String, Sendable, CaseIterable {
        case disabled
        /// Deleted lines are hidden from queries and stay on disk until they expire.
        case filterOnly = "filter-only"
        /// They are hidden at once and leave the disk in time.
        case filterAndDelete = "filter-and-delete"
    }
    package var deletionMode = DeletionMode.filterAndDelete
    package var deletionEnabled: Bool { deletionMode != .disabled }

    // Retention: enforced by the store.

    /// How long lines are kept, nanoseconds; 0: for ever; nil: as `store.retention` says.
    package var retentionPeriod: Int64?
    /// Streams that are kept longer or shorter.
    package var retentionStreams: [RetentionRule] = []
    /// Live tails at once.
    package var maxConcurrentTailRequests = 10
    /// A live tail ends after this, nanoseconds; its client comes back. 0: never.
    package var tailMaxDuration: Int64 = 3_600_000_000_000

    package init() {}
}

extension Limits {
    /// What a query may that reads several tenants as one: of each query limit the smallest, as Loki has it; 0 stands for
    /// none. What concerns ingest is that of the first: nothing is ever written for several at once. With no tenant at all,
    /// the defaults.
    package static func smallest(_ all: [Limits]) -> Limits {
        guard var limits = all.first else { return Limits() }
        func lower<T: Comparable & ExpressibleByIntegerLiteral>(_ a: T, _ b: T) -> T { a > 0 && b > 0 ? min(a, b) : max(a, b) }
        for other in all.dropFirst() {
            limits.maxEntriesLimitPerQuery = lower(limits.maxEntriesLimitPerQuery, other.maxEntriesLimitPerQuery)
            limits.maxQuerySeries = lower(limits.maxQuerySeries, other.maxQuerySeries)
            limits.maxQueryLength = lower(limits.maxQueryLength, other.maxQueryLength)
            limits.maxQueryRange = lower(limits.maxQueryRange, other.maxQueryRange)
            limits.maxQueryLookback = lower(limits.maxQueryLookback, other.maxQueryLookback)
            limits.volumeEnabled = limits.volumeEnabled && other.volumeEnabled
            limits.volumeMaxSeries = lower(limits.volumeMaxSeries, other.volumeMaxSeries)
            limits.maxQuerySteps = lower(limits.maxQuerySteps, other.maxQuerySteps)
            limits.queryTimeout = lower(limits.queryTimeout, other.queryTimeout)
            limits.maxQueryMemory = lower(limits.maxQueryMemory, other.maxQueryMemory)
        }
        return limits
    }
}
