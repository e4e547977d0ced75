import Metrics

/// What the store counts.
struct StoreMetrics: Sendable {
    let lines: Counter
    let bytes: Counter
    let duplicates: Counter
    let refused: Counter
    let groups: Counter
    let walBytes: Counter
    let syncSeconds: Histogram
    let seals: Counter
    let sealSeconds: Histogram
    let sealFailures: Counter
    let merges: Counter
    let mergedBytes: Counter
    let uncutSegments: Counter
    let droppedSegments: Counter
    let rewrites: Counter
    let rewrittenBytes: Counter
    let deletedLines: Counter
    let expiredLines: Counter
    let scrubbedSegments: Counter
    let scrubbedBytes: Counter
    let scrubFindings: Counter
    let tornBytes: Counter
    let headBytes: Gauge
    let segments: Gauge
    let stored: Gauge
    let damaged: Gauge
    let deleteRequests: Gauge

    init(_ registry: Registry) {
        lines = registry.counter("tailrace_store_lines_total", "Lines stored.")
        bytes = registry.counter("tailrace_store_line_bytes_total", "Bytes of lines stored.")
        duplicates = registry.counter(
            "tailrace_store_duplicate_lines_total",
            "Lines left out because they were stored already."
        )
        refused = registry.counter("tailrace_store_refused_batches_total", "Batches refused; their senders try again.")
        groups = registry.counter("tailrace_store_commits_total", "Groups of batches written to the write-ahead log.")
        walBytes = registry.counter("tailrace_store_wal_bytes_total", "Bytes written to the write-ahead log.")
        syncSeconds = registry.histogram(
            "tailrace_store_commit_seconds",
            "Time to write and sync one group.",
            buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1]
        )
        seals = registry.counter("tailrace_store_seals_total", "Heads sealed into segments.")
        sealSeconds = registry.histogram("tailrace_store_seal_seconds", "Time to seal one head.")
        sealFailures = registry.counter("tailrace_store_seal_failures_total", "Attempts to seal that failed.")
        merges = registry.counter("tailrace_store_merges_total", "Merges of segments.")
        mergedBytes = registry.counter("tailrace_store_merged_line_bytes_total", "Bytes of lines rewritten by merges.")
        uncutSegments = registry.counter(
            "tailrace_store_uncut_segments_total",
            "Segments written with whole lines, because lines did not come back from columns as they went in."
        )
        droppedSegments = registry.counter("tailrace_store_dropped_segments_total", "Segments dropped by retention.")
        rewrites = registry.counter("tailrace_store_rewrites_total", "Segments written anew without some of their lines.")
        rewrittenBytes = registry.counter(
            "tailrace_store_rewritten_line_bytes_total", "Bytes of lines that rewrites kept.")
        deletedLines = registry.counter(
            "tailrace_store_deleted_lines_total", "Lines that delete requests took off the disk.")
        expiredLines = registry.counter(
            "tailrace_store_expired_lines_total", "Lines that the retention of their stream took out of a segment.")
        scrubbedSegments = registry.counter(
            "tailrace_store_scrubbed_segments_total", "Segments that were read and compared with their checksums.")
        scrubbedBytes = registry.counter("tailrace_store_scrubbed_bytes_total", "Bytes of them.")
        scrubFindings = registry.counter("tailrace_store_scrub_findings_total", "Damaged parts found in doing so.")
        tornBytes = registry.counter(
            "tailrace_store_torn_bytes_total",
            "Bytes of unfinished writes that recovery left out."
        )
        headBytes = registry.gauge("tailrace_store_head_bytes", "Memory of rows that are in no segment yet.")
        segments = registry.gauge("tailrace_store_segments", "Segments.")
        stored = registry.gauge("tailrace_store_stored_bytes", "Bytes of segments on disk.")
        deleteRequests = registry.gauge(
            "tailrace_store_delete_requests", "Delete requests whose lines are hidden and still on disk.")
        damaged = registry.gauge("tailrace_store_damaged_parts", "Parts that are damaged and left out.")
    }
}
