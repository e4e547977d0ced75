import Bytes
import LogModel
import LogPipeline
import LogQuery
import LogServer
import LogShipping
import LogSources
import LogStore
import Redaction

/// Everything that a service needs to know, after configuration and command line have been put together.
struct ServicePlan: Sendable {
    struct Job: Sendable {
        var name: String
        var targets: [FileTargetSettings] = []
        var journal: JournalSettings?
        var stages: [StageSpec] = []
    }

    var store: StoreSettings
    var query = QuerySettings()
    var server = ServerSettings()
    var limits = Limits()
    /// The top-level `redaction:` block; nil: there is none.
    var redaction: RedactionSettings?
    var clients: [ClientSettings] = []
    var positionsPath = "/var/log/positions.yaml"
    var files = FileSourceSettings()
    var jobs: [Job] = []

    /// Whether lines go to servers elsewhere.
    var ships: Bool { !clients.isEmpty }

    static let defaultDirectory = "./tailrace-data"

    /// A job for the globs of `--watch`.
    static func watchJob(_ globs: [String], index: Int) -> Job {
        Job(
            name: "watch",
            targets: globs.map {
                FileTargetSettings(job: index, jobName: "watch", path: $0, labels: Labels(["job": "watch"]))
            })
    }

    /// `HOST:PORT` or `:PORT`; nil for anything else.
    static func address(_ text: String) -> (host: String, port: Int)? {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65_535).contains(port)
        else { return nil }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return (host.isEmpty ? "0.0.0.0" : host, port)
    }
}
