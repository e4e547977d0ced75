import LogModel
import LogServer
import LogSources

/// A `loki_push_api:` block of a scrape configuration.
package struct PushTargetSettings: Sendable {
    /// Index and name of the scrape configuration.
    package var job: Int
    package var jobName: String
    /// Of a listener of its own.
    package var server = ServerSettings()
    /// Set on every stream, over labels that it came with.
    package var labels = Labels()
    package var relabel: [RelabelRule] = []
    /// Entries keep the times they came with; else their time is that of arrival.
    package var usesIncomingTimestamp = false
    /// Bytes of a body, as it comes and unpacked.
    package var sizeMax = 100 << 20

    package init(job: Int, jobName: String) {
        self.job = job
        self.jobName = jobName
        // Senders are elsewhere, as a rule.
        server.host = "0.0.0.0"
    }
}
