import Bytes
import LogModel
import LogPipeline
import LogQuery
import LogServer
import LogShipping
import LogSources
import LogStore
import Redaction

/// A configuration file, checked. Everything in it can be started: patterns, selectors and expressions compile.
package struct Configuration: Sendable {
    /// The path as it was given, for messages.
    package var file: String
    /// What is odd and no mistake, in the order of the file.
    package var warnings: [ConfigurationError] = []

    // Promtail's schema.

    /// `server:`, over our defaults.
    package var server = ServerSettings()
    package var serverOptions = ServerOptions()
    package var clients: [ClientSettings] = []
    package var positions = PositionsSettings()
    package var scrapeConfigs: [ScrapeConfiguration] = []
    package var files = FileSourceSettings()
    /// `target_config.stdin`.
    package var readsStdin = false
    package var collectorLimits = CollectorLimits()

    // Ours.

    /// nil without a `store:` block.
    package var store: StoreSettings?
    package var query = QuerySettings()
    package var limits = Limits()
    /// Of tenants that have limits of their own: everything of them, not only what differs.
    package var tenantLimits: [Tenant: Limits] = [:]
    /// `pattern_ingester.enabled`
    package var minesPatterns = true
    /// nil without a `redaction:` block: then nothing is redacted but where a `redact` stage stands.
    package var redaction: RedactionSettings?

    /// `tests:`
    package var tests: [PipelineTestCase] = []

    package init(file: String) { self.file = file }

    /// Why a collector cannot run with this file: it has nowhere to put what it reads.
    package var missingDestination: ConfigurationError? {
        guard clients.isEmpty, store == nil else { return nil }
        return ConfigurationError(
            file: file,
            message: "neither `clients:` nor `store:` is given",
            hint: "write `clients: [{url: http://host:3100/loki/api/v1/push}]` to ship, or `store: {}` to store here"
        )
    }
}

/// Keys of `server:` that are no settings of the server itself.
package struct ServerOptions: Sendable, Equatable {
    /// Whether the file has the block: a collector alone listens only then.
    package var isGiven = false
    package var disable = false
    /// debug, info, warn or error.
    package var logLevel = "info"
    /// logfmt or json.
    package var logFormat = "logfmt"
    package var healthCheckTarget = true
    package var enableRuntimeReload = false
    package var externalURL = ""
    /// Promtail's metric names in addition to our own.
    package var promtailMetrics = false

    package init() {}
}

package struct PositionsSettings: Sendable, Equatable {
    package var filename = "/var/log/positions.yaml"
    /// Whether the file names it; with an embedded store positions need no file.
    package var isGiven = false
    /// Nanoseconds.
    package var syncPeriod: Int64 = 10_000_000_000
    package var ignoreInvalidYAML = false

    package init() {}
}

/// One entry of `scrape_configs`.
package struct ScrapeConfiguration: Sendable {
    /// Its index in the file, which is the `job` of batches, targets and journals.
    package var index: Int
    package var jobName: String
    package var mark: YAMLMark
    package var stages: [StageSpec] = []
    package var relabel: [RelabelRule] = []
    package var fileTargets: [FileTargetSettings] = []
    /// nil: UTF-8.
    package var encoding: TextEncoding?
    package var decompression: Decompression?
    package var fileDiscoveries: [FileDiscoverySettings] = []
    package var journal: JournalSettings?
    package var syslog: SyslogSettings?
    package var docker: [DockerSettings] = []
    package var kubernetes: [KubernetesSettings] = []
    package var push: PushTargetSettings?

    package init(index: Int, jobName: String, mark: YAMLMark) {
        self.index = index
        self.jobName = jobName
        self.mark = mark
    }
}
