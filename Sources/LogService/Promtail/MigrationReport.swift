import Bytes
import Disk
import LogConfig
import LogModel
import LogPipeline
import LogShipping
import LogSources

/// `tailrace migrate promtail FILE`: what of a promtail.yaml is used as it is, what differs, what is not there, where reading goes on,
/// and the unit to write.
package enum MigrationReport {
    /// Exit status and text. 0: everything runs; 1: something of it is not available; 2: the file has mistakes.
    package static func make(path: String, expandsEnvironment: Bool, binary: String) -> (status: Int32, text: String) {
        let configuration: Configuration
        do throws(ConfigurationErrors) {
            configuration = try ConfigurationLoader.load(path: path, expandEnv: expandsEnvironment, ignoreUnsupported: true)
        } catch {
            return (2, "\(path) cannot be used as it is:\n\(error.description)")
        }
        let missing = configuration.warnings.filter { $0.message.contains("--ignore-unsupported") }
        let others = configuration.warnings.filter { !$0.message.contains("--ignore-unsupported") }
        var out = "# \(path)\n\n## Used as it is\n\n"
        for client in configuration.clients { out += "- client \(EffectiveConfiguration.withoutUser(client.url))\n" }
        for job in configuration.scrapeConfigs { out += "- job \(job.jobName): \(sources(job)); \(stages(job))\n" }
        out += positions(configuration)
        out += "\n## Differs\n\n"
        for warning in others { out += "- \(warning.description.replacingNewlines)\n" }
        for line in differences(configuration) { out += "- \(line)\n" }
        if !missing.isEmpty {
            out += "\n## Not available in this version\n\n"
            for warning in missing { out += "- \(warning.description.replacingNewlines)\n" }
        }
        out += "\n## The unit: /etc/systemd/system/tailrace.service\n\n"
        out += unit(configuration, path, expandsEnvironment, ignoresUnsupported: !missing.isEmpty, binary)
        out += """

            ## Moving over

                systemctl disable --now promtail     # it writes its positions while it stops
                systemctl daemon-reload
                systemctl enable --now tailrace
                journalctl -u tailrace -f

            Promtail can be started again at any time: the positions file stays in its format and is kept up to date.

            """
        return (missing.isEmpty ? 0 : 1, out)
    }

    private static func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }

    private static func sources(_ job: ScrapeConfiguration) -> String {
        var parts: [String] = []
        if !job.fileTargets.isEmpty {
            parts.append(job.fileTargets.compactMap { $0.labels["__path__"]?.string }.joined(separator: ", "))
        }
        if !job.fileDiscoveries.isEmpty { parts.append("target files \(job.fileDiscoveries.flatMap(\.files).joined(separator: ", "))") }
        if job.journal != nil { parts.append("the journal") }
        for docker in job.docker { parts.append("containers of \(docker.address.name)") }
        if !job.kubernetes.isEmpty { parts.append("pods of this node") }
        if let syslog = job.syslog { parts.append("syslog at \(syslog.host):\(syslog.port)") }
        return parts.isEmpty ? "no source" : parts.joined(separator: "; ")
    }

    private static func stages(_ job: ScrapeConfiguration) -> String {
        job.stages.isEmpty ? "no stages" : "stages \(job.stages.map(\.kind.name).joined(separator: ", "))"
    }

    /// Where reading goes on.
    private static func positions(_ configuration: Configuration) -> String {
        let path = configuration.positions.filename
        let disk = PosixDisk()
        guard (try? disk.size(of: path)) != nil, let bytes = try? disk.contents(of: path) else {
            return "- positions \(path): not there (or not readable for you): files are read from their beginning\n"
        }
        let known = withExtendedLifetime(bytes) { PromtailPositions(parsing: bytes.view) }
        let cursors = known.entries.keys.count { $0.hasPrefix("cursor-") }
        var out = "- positions \(path): \(count(known.entries.count - cursors, "file")) and \(count(cursors, "journal")) go on where Promtail stopped\n"
        if known.damaged > 0 { out += "  (\(count(known.damaged, "line")) of it damaged and left out)\n" }
        return out
    }

    /// What Promtail does otherwise, as far as this file is concerned.
    private static func differences(_ configuration: Configuration) -> [String] {
        var out = [
            "positions move when a server has acknowledged lines; Promtail's move when it has read them",
            "without `backoff_config.max_retries` a batch is tried until it is taken; Promtail drops it after ten attempts",
            "files are known by device, inode and contents: a renamed file is read to its end and not again",
        ]
        if configuration.redaction == nil { out.append(ServicePlan.redactionIsOff) }
        if !configuration.serverOptions.promtailMetrics {
            out.append("metrics are named tailrace_…; `server.promtail_metrics: true` adds Promtail's names for existing dashboards")
        }
        if configuration.scrapeConfigs.contains(where: { $0.stages.contains { $0.kind.name == "metrics" } }) {
            out.append("metrics of `metrics` stages keep their names; a counter that would go down is left alone instead of ending the process")
        }
        return out
    }

    private static func unit(
        _ configuration: Configuration, _ path: String, _ expandsEnvironment: Bool, ignoresUnsupported: Bool, _ binary: String
    ) -> String {
        let journal = configuration.scrapeConfigs.contains { $0.journal != nil }
        let takesPushes = configuration.scrapeConfigs.contains { $0.push != nil }
        let folder = configuration.positions.filename.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        var words = [binary, "collect", "--config", path]
        if expandsEnvironment { words.append("--config-expand-env") }
        if ignoresUnsupported { words.append("--ignore-unsupported") }
        let command = words.map { $0.contains(" ") ? "\"\($0)\"" : $0 }.joined(separator: " ")
        return """
                [Unit]
                Description=Tailrace log collector
                After=network-online.target
                Wants=network-online.target

                [Service]
                ExecStart=\(command)
                ExecReload=/bin/kill -HUP $MAINPID
                Restart=always
                RestartSec=2
                # Reading other users' logs; `User=` with the groups below does as well where they suffice.
                SupplementaryGroups=adm\(journal ? " systemd-journal" : "")
                ReadWritePaths=\(folder.isEmpty ? "/" : folder)
                ProtectSystem=strict
                ProtectHome=read-only
                PrivateTmp=true
                NoNewPrivileges=true
                LimitNOFILE=65536
                MemoryMax=\(takesPushes ? "1G" : "512M")

                [Install]
                WantedBy=multi-user.target

            """
    }
}

extension String {
    /// On one line.
    fileprivate var replacingNewlines: String { split(separator: "\n").map { $0.drop { $0 == " " } }.joined(separator: "; ") }
}
