import LogModel
import Metrics

/// What the engine tells about itself.
struct QueryMetrics: Sendable {
    private let logQueries: Counter
    private let metricQueries: Counter
    private let failedLogQueries: Counter
    private let failedMetricQueries: Counter
    private let lines: Counter
    private let bytes: Counter
    private let seconds: Histogram

    init(_ registry: Registry) {
        func queries(_ kind: String, _ outcome: String) -> Counter {
            registry.counter(
                "tailrace_queries_total",
                "Queries run, by kind and outcome.",
                ["kind": kind, "outcome": outcome]
            )
        }
        logQueries = queries("log", "answered")
        metricQueries = queries("metric", "answered")
        failedLogQueries = queries("log", "failed")
        failedMetricQueries = queries("metric", "failed")
        lines = registry.counter("tailrace_query_lines_total", "Lines looked at by queries.")
        bytes = registry.counter("tailrace_query_bytes_total", "Bytes of lines looked at by queries.")
        seconds = registry.histogram(
            "tailrace_query_duration_seconds",
            "Time from a query's arrival to its answer.",
            buckets: [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60]
        )
    }

    func finished(isLog: Bool, _ statistics: QueryStatistics) {
        (isLog ? logQueries : metricQueries).add()
        lines.add(statistics.linesRead)
        bytes.add(statistics.bytesRead)
        seconds.observe(statistics.execution)
    }

    func failed(isLog: Bool) { (isLog ? failedLogQueries : failedMetricQueries).add() }
}
