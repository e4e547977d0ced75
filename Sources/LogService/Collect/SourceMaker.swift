import Bytes
import LogConfig
import LogModel
import LogSources
import Metrics

/// Makes the sources of a plan: one for all files, one for each journal and so on.
struct SourceMaker {
    let plan: ServicePlan
    let sink: CollectorSink
    let once: Bool
    let registry: Registry
    let events: SourceEvents
    let log: ServiceLog

    func sources() async throws -> [any CollectorSource] {
        var made: [any CollectorSource] = []
        do {
            try await make(&made)
            return made
        } catch {
            // Ports that were opened close.
            for source in made { source.stop() }
            throw error
        }
    }

    private func make(_ made: inout [any CollectorSource]) async throws {
        made += try files()
        for journal in plan.jobs.compactMap(\.journal) {
            made.append(try JournalSource(settings: journal, sink: sink, once: once, events: events))
        }
        for settings in plan.jobs.compactMap(\.syslog) {
            if once {
                log.warning("job \(settings.jobName): syslog is not listened to with --once")
            } else {
                made.append(try SyslogSource(settings, sink: sink, events: events))
            }
        }
        for var settings in plan.jobs.flatMap(\.docker) {
            settings.maxLineBytes = plan.files.maxLineBytes
            made.append(try DockerSource(settings, sink: sink, once: once, events: events, dial: TLSDialer.dial))
        }
        for settings in plan.jobs.compactMap(\.push) {
            if once {
                log.warning("job \(settings.jobName): pushes are not taken with --once")
            } else {
                made.append(try await PushSource.open(settings, sink: sink, events: events))
            }
        }
        if let given = plan.stdinLabels {
            // Promtail's labels, under those of the configuration.
            let own = [Label("hostname", ByteString(Service.hostname())), Label("job", "stdin")]
            made.append(
                StdinSource(labels: Labels(own + given.pairs), job: 0, maxLineBytes: plan.files.maxLineBytes, sink: sink))
        }
    }

    /// The files of all targets, and whoever adds and removes targets while they are read.
    private func files() throws -> [any CollectorSource] {
        let hostname = Service.hostname()
        let targets = FileTarget.resolve(plan.jobs.flatMap(\.targets), hostname: hostname) { target, _, words in
            log.warning("job \(target.jobName): target \(target.labels) is not followed: \(words)")
        }
        let discoveries = plan.jobs.flatMap(\.discoveries)
        let clusters = plan.jobs.flatMap(\.kubernetes)
        if targets.isEmpty, discoveries.isEmpty, clusters.isEmpty { return [] }
        let files = try FileSource(targets: targets, settings: plan.files, sink: sink, once: once, events: events)
        var archives: ArchiveSource?
        if targets.contains(where: { $0.decompression != nil }) || discoveries.contains(where: { $0.target.decompression != nil })
            || clusters.contains(where: { $0.target.decompression != nil })
        {
            archives = try ArchiveSource(targets: targets, settings: plan.files, sink: sink, once: once, events: events)
        }
        var both: [any CollectorSource] = [files] + (archives.map { [$0] } ?? [])
        let node = KubernetesSettings.nodeName(hostname: hostname)
        for settings in clusters {
            both.append(
                try KubernetesDiscovery(
                    settings, files: files, archives: archives, node: node, once: once, events: events, dial: TLSDialer.dial))
        }
        if discoveries.isEmpty { return both }
        // Made first: it reads its target files now, so that what they name counts as there from the start.
        let discovery = try FileDiscovery(discoveries, files: files, archives: archives, hostname: hostname, once: once, events: events) {
            try TargetFile.groups($0, path: $1)
        }
        return both + [discovery]
    }
}
