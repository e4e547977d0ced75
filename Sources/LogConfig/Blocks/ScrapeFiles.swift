import Bytes
import LogModel
import LogSources

/// `static_configs:` and `file_sd_configs:` of a scrape configuration.
enum ScrapeFiles {
    static func decode(_ map: MapReader, _ scrape: inout ScrapeConfiguration) {
        guard let groups = map.list("static_configs") else { return }
        for (index, node) in groups.enumerated() {
            let name = "\(map.name).static_configs[\(index)]"
            guard let group = MapReader(node, name, keys: ["targets", "labels"], map.problems) else { continue }
            let targets = group.strings("targets") ?? []
            guard var labels = group.has("labels") ? group.labels("labels") ?? Labels() : Labels() as Labels? else {
                continue
            }
            if labels["__address__"] == nil { labels["__address__"] = ByteString(targets.first ?? "localhost") }
            var target = FileTargetSettings(
                job: scrape.index,
                jobName: scrape.jobName,
                labels: labels,
                relabel: scrape.relabel
            )
            target.encoding = scrape.encoding
            target.decompression = scrape.decompression
            if labels["__path__"] == nil, scrape.relabel.isEmpty {
                map.problems.error(
                    "no `__path__` in the labels of \(name)",
                    at: group.mark(of: "labels"),
                    hint: "name the files, as in __path__: /var/log/app/*.log"
                )
                continue
            }
            do {
                // For its mistakes in globs; whether it is this host's is seen when it starts.
                _ = try FileTarget(target, hostname: labels["__host__"]?.string ?? "")
            } catch let failure as TargetFailure {
                if failure == .noPath {
                    map.problems.error(
                        "no `__path__` in the labels of \(name)",
                        at: group.mark(of: "labels"),
                        hint: "name the files, as in __path__: /var/log/app/*.log"
                    )
                    continue
                }
            } catch {
                map.problems.error(
                    "`__path__` in \(name): \(error)",
                    at: group.mark(of: "labels"),
                    hint: "see the glob syntax: * ** ? [abc] {a,b}"
                )
                continue
            }
            scrape.fileTargets.append(target)
        }
    }

    /// `file_sd_configs`: files that hold the targets.
    static func discovery(_ map: MapReader, _ scrape: inout ScrapeConfiguration) {
        for (index, node) in (map.list("file_sd_configs") ?? []).enumerated() {
            let name = "\(map.name).file_sd_configs[\(index)]"
            guard let entry = MapReader(node, name, keys: ["files", "refresh_interval"], map.problems) else { continue }
            let files = entry.strings("files") ?? []
            if files.isEmpty { entry.missing("files", hint: "name target files, as in files: [/etc/promtail/targets/*.yml]") }
            for file in files {
                if let problem = TargetFile.problem(ofPattern: file) {
                    entry.wrong("files", "holds `\(file)`: \(problem)", hint: "for instance /etc/promtail/targets/*.yml")
                }
            }
            var target = FileTargetSettings(job: scrape.index, jobName: scrape.jobName, labels: Labels(), relabel: scrape.relabel)
            target.encoding = scrape.encoding
            target.decompression = scrape.decompression
            var settings = FileDiscoverySettings(job: scrape.index, jobName: scrape.jobName, files: files, target: target)
            // Prometheus's durations, with days and weeks.
            if let interval = entry.duration("refresh_interval"), interval > 0 { settings.refreshInterval = .nanoseconds(interval) }
            scrape.fileDiscoveries.append(settings)
        }
    }
}
