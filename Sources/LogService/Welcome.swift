import Bytes
import Glibc
import LogModel
import LogSources

/// What `tailrace up` says once it listens: commands that work when they are copied.
struct Welcome: Sendable {
    /// How the process was called.
    var program: String
    /// Label `job` of what is collected first; nil: it has none.
    var job: String?
    /// Whether it is the shipped pipeline, whose fields and metrics are known.
    var isSample: Bool

    static func make(_ plan: ServicePlan) -> Welcome {
        let job = plan.jobs.lazy.compactMap { $0.targets.first?.labels["job"] }.first
        return Welcome(
            program: CommandLine.arguments.first ?? "tailrace", job: job.map { $0.string },
            isSample: plan.jobs.map(\.name) == ["llm-api"])
    }

    func print(host: String, port: Int) {
        Swift.print(text(host: host, port: port))
        fflush(nil)
    }

    func text(host: String, port: Int) -> String {
        // Who listens everywhere is reached here.
        let reachable = host == "0.0.0.0" ? "127.0.0.1" : host == "::" ? "[::1]" : host
        let url = "http://\(reachable):\(port)"
        let address = url == "http://127.0.0.1:3100" ? "" : " --addr \(url)"
        let selector = job.map { "{job=\"\($0)\"}" } ?? "{service_name=~\".+\"}"
        var lines = [
            "", "Tailrace is up. In another terminal:", "", "  \(program) query\(address) '\(selector) |= \"ERROR\"'",
        ]
        if isSample {
            lines += [
                "  \(program) query\(address) --instant 'sum by (model) (count_over_time(\(selector)[1h]))'",
                "  curl -sG \(url)/loki/api/v1/query_range --data-urlencode 'query=\(selector) | json | duration_ms > 5000'",
                "  curl -s \(url)/metrics | grep llm_",
            ]
        } else {
            lines += [
                "  \(program) query\(address) --instant 'sum by (level) (count_over_time(\(selector) | json [1h]))'",
                "  curl -s \(url)/loki/api/v1/labels",
            ]
        }
        lines += [
            "", "Grafana: add a Loki data source with the URL \(url), or use the files in grafana/.",
            "Ctrl-C stops everything in order.", "",
        ]
        return lines.joined(separator: "\n")
    }
}
