import LogConfig
import LogPipeline

/// `tailrace check`: the file as a service would read it, and whether its parts can be built.
package enum ConfigurationCheck {
    package struct Report: Sendable {
        package var good: Bool
        package var text: String
    }

    package static func run(path: String, expandsEnvironment: Bool, ignoresUnsupported: Bool = false) -> Report {
        let configuration: Configuration
        do throws(ConfigurationErrors) {
            configuration = try ConfigurationLoader.load(
                path: path, expandEnv: expandsEnvironment, ignoreUnsupported: ignoresUnsupported)
        } catch {
            return Report(good: false, text: error.description)
        }
        var lines = configuration.warnings.map { "\($0)" }
        let files = configuration.scrapeConfigs.reduce(0) { $0 + $1.fileTargets.count }
        let journals = configuration.scrapeConfigs.count { $0.journal != nil }
        var discovered = ""
        for (number, what) in [
            (configuration.scrapeConfigs.reduce(0) { $0 + $1.docker.count }, "Docker daemon"),
            (configuration.scrapeConfigs.reduce(0) { $0 + $1.kubernetes.count }, "Kubernetes node"),
        ] where number > 0 {
            discovered += "\(count(number, what)), "
        }
        lines.append(
            "\(path): good: \(count(configuration.scrapeConfigs.count, "job")), \(count(files, "file target")), "
                + "\(count(journals, "journal")), \(discovered)"
                + (configuration.clients.isEmpty
                    ? "into the embedded store" : "to \(count(configuration.clients.count, "client"))"))
        if configuration.clients.isEmpty,
            let warning = TenantStages.warning(configuration.scrapeConfigs.map { ($0.jobName, $0.stages) })
        {
            lines.append(warning)
        }
        if configuration.redaction == nil { lines.append(ServicePlan.redactionIsOff) }
        return Report(good: true, text: lines.joined(separator: "\n"))
    }

    private static func count(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }
}
