import LogModel
import Metrics

/// Counts and times of requests by route: names from a closed set, never from a request.
struct RouteMetrics: Sendable {
    private let registry: Registry
    private let durations: [Route: Histogram]
    /// Queries that run or wait, and connections.
    let cancelled: Counter

    init(_ registry: Registry) {
        self.registry = registry
        var durations: [Route: Histogram] = [:]
        for route in Route.allCases {
            durations[route] = registry.histogram(
                "tailrace_http_request_duration_seconds", "Time from the headers of a request to its answer, by route.",
                ["route": route.rawValue], buckets: Self.bounds)
        }
        self.durations = durations
        cancelled = registry.counter(
            "tailrace_http_requests_abandoned_total", "Requests whose client left before the answer.")
    }

    private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

    func observe(_ route: Route, status: Int, seconds: Double) {
        durations[route]?.observe(seconds)
        if status == 499 { cancelled.add(1) }
        // Statuses are ours, so this set is closed as well.
        registry.counter(
            "tailrace_http_requests_total", "Requests answered, by route and status.",
            ["route": route.rawValue, "status": String(status)]
        ).add(1)
    }
}
