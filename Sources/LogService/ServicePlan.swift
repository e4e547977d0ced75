import Bytes
import LogConfig
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
        /// `file_sd_configs`
        var discoveries: [FileDiscoverySettings] = []
        var journal: JournalSettings?
        var syslog: SyslogSettings?
        /// `docker_sd_configs`
        var docker: [DockerSettings] = []
        /// `kubernetes_sd_configs`
        var kubernetes: [KubernetesSettings] = []
        var push: PushTargetSettings?
        var stages: [StageSpec] = []
    }

    var store: StoreSettings
    var query = QuerySettings()
    var server = ServerSettings()
    /// Whether a collector alone opens the server's port: the file has a `server:` block that does not say `disable`.
    var observes = false
    /// Whether `POST /reload` reads the configuration again.
    var reloadsByHTTP = false
    /// Promtail's metric names beside our own.
    var promtailMetrics = false
    var limits = Limits()
    var tenantLimits: [Tenant: Limits] = [:]
    var minesPatterns = true
    var collectorLimits = CollectorLimits()
    /// The top-level `redaction:` block; nil: there is none.
    var redaction: RedactionSettings?
    var clients: [ClientSettings] = []
    var positionsPath = "/var/log/positions.yaml"
    var files = FileSourceSettings()
    var jobs: [Job] = []
    /// `target_config.stdin`
    var readsStdin = false
    /// Labels of its lines, as configured.
    var stdinLabels: Labels?
    /// What a person should hear at start.
    var warnings: [String] = []

    /// What `check`, start-up and `/ready` say of a plan that is good but leaves something off.
    var notes: [String] { redaction == nil ? [Self.redactionIsOff] : [] }
    static let redactionIsOff = "redaction is off: add `redaction: {}` to mask personal data"

    /// Whether anything is redacted, by the block or by a stage.
    var redacts: Bool { redaction != nil || jobs.contains { Self.redacts($0.stages) } }

    private static func redacts(_ stages: [StageSpec]) -> Bool {
        stages.contains { stage in
            switch stage.kind {
            case .redact: true
            case .match(let options): redacts(options.stages)
            default: false
            }
        }
    }

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

    /// The one job of standard input: stages of the first one configured, nothing else of it but its labels.
    mutating func readStdin() {
        let first = jobs.first
        let given = first?.targets.first?.labels ?? Labels()
        stdinLabels = Labels(given.pairs.filter { !$0.name.hasPrefix("__") })
        jobs = [Job(name: first?.name ?? "stdin", stages: first?.stages ?? [])]
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

extension ServicePlan {
    /// The configuration file, then what the command line says over it.
    static func make(_ options: ServiceOptions) throws(Service.Failure) -> ServicePlan {
        var plan = ServicePlan(store: StoreSettings(directory: defaultDirectory))
        if let configuration = try configuration(options) { plan.adopt(configuration) }
        if let flags = options.promtail, !flags.ignored.isEmpty {
            plan.warnings.append("flags that mean nothing here: \(flags.ignored.joined(separator: " "))")
        }
        if let data = options.data { plan.store.directory = data }
        if let listen = options.listen {
            guard let (host, port) = address(listen) else {
                throw Service.Failure(status: 2, message: "tailrace: --listen is HOST:PORT, for instance 127.0.0.1:3100, not \(listen)")
            }
            plan.server.host = host
            plan.server.port = port
        }
        for glob in options.watch {
            guard !glob.isEmpty else { throw Service.Failure(status: 2, message: "tailrace: --watch needs a path pattern") }
            do throws(GlobError) { _ = try Glob(ByteString(glob)) } catch {
                throw Service.Failure(status: 2, message: "tailrace: --watch: \(error)")
            }
        }
        if !options.watch.isEmpty { plan.jobs.append(watchJob(options.watch, index: plan.jobs.count)) }
        if options.roles.contains(.server), plan.ships {
            plan.warnings.append("`clients:` is not used: this process stores what it collects; `tailrace collect` ships")
        }
        if options.roles.contains(.server), plan.readsStdin {
            plan.warnings.append("`target_config.stdin` is not used: `tailrace collect` reads standard input, a server does not")
        }
        if options.roles.contains(.collector), !plan.ships || options.roles.contains(.server),
            let warning = TenantStages.warning(plan.jobs.map { ($0.name, $0.stages) })
        {
            plan.warnings.append(warning)
        }
        return plan
    }

    /// The file, with what Promtail's command line says over it; nil: there is neither.
    private static func configuration(_ options: ServiceOptions) throws(Service.Failure) -> Configuration? {
        do throws(ConfigurationErrors) {
            let path = options.configuration ?? options.promtail?.file
            var configuration = try path.map { path throws(ConfigurationErrors) in
                try ConfigurationLoader.load(
                    path: path, expandEnv: options.expandsEnvironment, ignoreUnsupported: options.ignoresUnsupported)
            }
            if let flags = options.promtail {
                var changed = configuration ?? Configuration(file: "command line")
                flags.apply(to: &changed)
                if !options.isDryRun, let missing = changed.missingDestination { throw ConfigurationErrors([missing]) }
                configuration = changed
            }
            return configuration
        } catch {
            throw Service.Failure(status: 2, message: error.description)
        }
    }

    /// Loki's limits over `store.retention`; a tenant's over those of all.
    private mutating func adoptRetention() {
        let ownRules = store.retentionRules
        if let period = limits.retentionPeriod { store.retentionAge = period > 0 ? period : nil }
        store.retentionRules = limits.retentionStreams + ownRules
        for (tenant, own) in tenantLimits
        where own.retentionPeriod != limits.retentionPeriod || own.retentionStreams != limits.retentionStreams {
            let age = own.retentionPeriod.map { $0 > 0 ? $0 : nil } ?? store.retentionAge
            store.tenantRetention[tenant] = TenantRetention(age: age, rules: own.retentionStreams + ownRules)
        }
    }

    private mutating func adopt(_ configuration: Configuration) {
        server = configuration.server
        observes = configuration.serverOptions.isGiven && !configuration.serverOptions.disable
        reloadsByHTTP = configuration.serverOptions.enableRuntimeReload
        promtailMetrics = configuration.serverOptions.promtailMetrics
        clients = configuration.clients
        positionsPath = configuration.positions.filename
        files = configuration.files
        query = configuration.query
        limits = configuration.limits
        tenantLimits = configuration.tenantLimits
        minesPatterns = configuration.minesPatterns
        redaction = configuration.redaction
        if let given = configuration.store { store = given }
        adoptRetention()
        jobs = configuration.scrapeConfigs.map { scrape in
            Job(
                name: scrape.jobName, targets: scrape.fileTargets, discoveries: scrape.fileDiscoveries,
                journal: scrape.journal, syslog: scrape.syslog, docker: scrape.docker,
                kubernetes: scrape.kubernetes, push: scrape.push, stages: scrape.stages)
        }
        warnings = configuration.warnings.map(\.description)
        collectorLimits = configuration.collectorLimits
        readsStdin = configuration.readsStdin
    }
}
