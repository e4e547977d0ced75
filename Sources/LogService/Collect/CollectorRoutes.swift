import Bytes
import LogModel
import LogServer

/// What a collector adds to the server of its process: `/targets`, `/tailrace/api/v1/tap` and, where `server.enable_runtime_reload` says
/// so, `POST /reload`.
struct CollectorRoutes: Sendable {
    private let host: CollectorHost
    private let reloads: Bool
    private let hasPage: Bool
    private let tap: TapHub?

    static let tapPath = "/tailrace/api/v1/tap"

    /// `tap`: nil where lines must not be looked at this way. `hasPage`: the process has a page of its own at `/`.
    init(_ host: CollectorHost, _ plan: ServicePlan, _ tap: TapHub?, hasPage: Bool = false) {
        self.host = host
        self.tap = tap
        reloads = plan.reloadsByHTTP
        self.hasPage = hasPage
    }

    @Sendable func answer(_ method: String, _ path: String) async -> Reply? {
        if path == "/reload" { return await reload(method) }
        guard method == "GET" || method == "HEAD" else { return nil }
        if path == Self.tapPath || path.hasPrefix(Self.tapPath + "/") { return lines(path.dropFirst(Self.tapPath.count + 1)) }
        if path == "/", !hasPage { return .seeOther("/targets") }
        return TargetsPage.answer(path) { host.targets() }
    }

    private func lines(_ job: Substring) -> Reply {
        guard let tap else { return .text("a server of several tenants has no tap\n", status: 403) }
        guard let name = try? String(job).withView({ try PercentCoding.decode($0, plusIsSpace: false) }) else {
            return .text("the job's name is not well encoded\n", status: 400)
        }
        let jobs = host.current.plan.jobs.map(\.name)
        guard name.isEmpty || jobs.contains(name.string) else {
            return .text("there is no job \(GoQuote.quote(name.string)); the jobs are: \(jobs.joined(separator: ", "))\n", status: 404)
        }
        guard let stream = tap.open(job: name.isEmpty ? nil : name.string) else {
            return .text("\(TapHub.tapsMax) taps are open already\n", status: 429)
        }
        return .streaming("application/x-ndjson", stream)
    }

    /// Answers when the new configuration is in effect, or why it is not.
    private func reload(_ method: String) async -> Reply {
        guard reloads else { return .text("reloading over HTTP is off: server.enable_runtime_reload: true turns it on; SIGHUP works always\n", status: 404) }
        guard method == "POST" else { return .text("POST reloads\n", status: 405) }
        switch await host.reload() {
        case .reloaded(let notes): return .text((["reloaded"] + notes).joined(separator: "\n") + "\n")
        case .failed(let words): return .text("not reloaded: \(words)\n", status: 500)
        }
    }
}
