import Bytes
import LogModel
import LogPipeline
import LogSources

/// `scrape_configs:`: where lines come from, and what happens to them.
enum ScrapeBlock {
    private static let keys =
        ["job_name", "pipeline_stages", "relabel_configs", "encoding", "decompression", "static_configs", "journal"]
        + absent.map(\.key)

    private static let globs = "use `static_configs` with a glob in `__path__`, such as"

    /// Ways in that Promtail has and this version has not, and what to use.
    private static let absent: [(key: String, instead: String)] = [
        ("kubernetes_sd_configs", globs + " /var/log/pods/*/*/*.log"),
        ("docker_sd_configs", globs + " /var/lib/docker/containers/*/*-json.log and the `docker` stage"),
        ("dockerswarm_sd_configs", globs + " /var/lib/docker/containers/*/*-json.log and the `docker` stage"),
        ("file_sd_configs", "write the targets into `static_configs`"),
        ("syslog", "let rsyslog or the journal receive it, and read the file or the `journal`"),
        ("loki_push_api", "`tailrace serve` takes pushes at /loki/api/v1/push"),
        ("windows_events", "there is no Windows build"),
        ("kafka", "let a consumer push to /loki/api/v1/push"),
        ("azure_event_hubs", "let a consumer push to /loki/api/v1/push"),
        ("azure_event_hub", "let a consumer push to /loki/api/v1/push"),
        ("gelf", "let the sender push to /loki/api/v1/push"),
        ("gcplog", "let a consumer push to /loki/api/v1/push"),
        ("cloudflare", "let Logpush or a script push to /loki/api/v1/push"),
        ("heroku_drain", "let a consumer push to /loki/api/v1/push"),
        ("dns_sd_configs", globs + " /var/log/app/*.log"), ("consul_sd_configs", globs + " /var/log/app/*.log"),
        ("consulagent_sd_configs", globs + " /var/log/app/*.log"),
        ("digitalocean_sd_configs", globs + " /var/log/app/*.log"),
        ("serverset_sd_configs", globs + " /var/log/app/*.log"), ("nerve_sd_configs", globs + " /var/log/app/*.log"),
        ("marathon_sd_configs", globs + " /var/log/app/*.log"), ("gce_sd_configs", globs + " /var/log/app/*.log"),
        ("ec2_sd_configs", globs + " /var/log/app/*.log"), ("openstack_sd_configs", globs + " /var/log/app/*.log"),
        ("azure_sd_configs", globs + " /var/log/app/*.log"), ("triton_sd_configs", globs + " /var/log/app/*.log"),
    ]

    static func decode(_ root: MapReader, into configuration: inout Configuration) {
        var names: [String: YAMLMark] = [:]
        // One environment for all, so that two stages that make the same metric differently are found.
        let environment = PipelineEnvironment()
        for (index, node) in (root.list("scrape_configs") ?? []).enumerated() {
            guard let map = MapReader(node, "scrape_configs[\(index)]", keys: keys, root.problems) else { continue }
            let name = map.string("job_name") ?? ""
            if name.isEmpty {
                map.missing("job_name", hint: "give every scrape configuration a name of its own")
            } else if let earlier = names[name] {
                map.wrong("job_name", "is `\(name)` again", hint: "it stands in line \(earlier.line) already")
            }
            names[name] = map.mark(of: "job_name")
            var scrape = ScrapeConfiguration(index: index, jobName: name, mark: node.mark)
            scrape.relabel = RelabelBlock.rules(map)
            if let stages = map.node("pipeline_stages") {
                let before = map.problems.errors.count
                scrape.stages = StagesBlock.stages(stages, "\(map.name).pipeline_stages", map.problems, depth: 0)
                // Stages that could not be read would only bring mistakes that are none.
                if map.problems.errors.count == before { check(scrape.stages, environment, map.problems) }
            }
            source(map, &scrape)
            options(map)
            configuration.scrapeConfigs.append(scrape)
        }
    }

    /// Builds the pipeline once, for its mistakes.
    private static func check(_ stages: [StageSpec], _ environment: PipelineEnvironment, _ problems: Problems) {
        do throws(PipelineError) {
            let pipeline = try Pipeline.build(stages, environment: environment)
            for odd in pipeline.warnings {
                problems.warning("\(odd.stage) stage: \(odd.message)", at: mark(odd.location), hint: odd.hint)
            }
        } catch {
            problems.error("\(error.stage) stage: \(error.message)", at: mark(error.location), hint: error.hint)
        }
    }

    private static func mark(_ location: StageLocation) -> YAMLMark {
        YAMLMark(line: location.line, column: location.column)
    }

    // MARK: Sources

    private static func source(_ map: MapReader, _ scrape: inout ScrapeConfiguration) {
        for (key, instead) in absent where map.has(key) {
            map.problems.error("`\(key)` is not available in this version", at: map.keyMark(of: key), hint: instead)
        }
        let given = ["static_configs", "journal"].filter { map.has($0) }
        if given.count > 1 {
            map.problems.error(
                "`static_configs` and `journal` in \(map.name)",
                at: map.keyMark(of: given[1]),
                hint: "make two scrape configurations of it"
            )
        }
        if given.isEmpty, !absent.contains(where: { map.has($0.key) }) {
            map.problems.error("\(map.name) reads nothing", at: map.mark, hint: "give it `static_configs` or `journal`")
        }
        if map.has("static_configs") { files(map, &scrape) }
        if map.has("journal") { journal(map, &scrape) }
    }

    private static func files(_ map: MapReader, _ scrape: inout ScrapeConfiguration) {
        guard let groups = map.list("static_configs") else { return }
        for (index, node) in groups.enumerated() {
            let name = "\(map.name).static_configs[\(index)]"
            guard let group = MapReader(node, name, keys: ["targets", "labels"], map.problems) else { continue }
            let targets = group.strings("targets") ?? []
            guard var labels = group.has("labels") ? group.labels("labels") ?? Labels() : Labels() as Labels? else {
                continue
            }
            if labels["__address__"] == nil { labels["__address__"] = ByteString(targets.first ?? "localhost") }
            let target = FileTargetSettings(
                job: scrape.index,
                jobName: scrape.jobName,
                labels: labels,
                relabel: scrape.relabel
            )
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

    private static let journalKeys = ["max_age", "json", "path", "matches", "labels", "unit_and_level"]

    private static func journal(_ map: MapReader, _ scrape: inout ScrapeConfiguration) {
        guard let node = map.pair("journal")?.value,
            let entry = MapReader(node, "\(map.name).journal", keys: journalKeys, map.problems)
        else { return }
        var settings = JournalSettings(job: scrape.index, jobName: scrape.jobName)
        if let age = entry.goDuration("max_age"), age > 0 { settings.maxAge = .nanoseconds(age) }
        settings.json = entry.bool("json") ?? false
        if let path = entry.string("path"), !path.isEmpty { settings.place = .directory(path) }
        settings.addsUnitAndLevel = entry.bool("unit_and_level") ?? false
        if let labels = entry.labels("labels") { settings.labels = labels }
        if let text = entry.string("matches") {
            for match in text.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\n" }) {
                if match.count(where: { $0 == "=" }) == 1, match.first != "=" {
                    settings.matches.append(String(match))
                } else {
                    entry.wrong(
                        "matches",
                        "holds `\(match)`",
                        hint: "write FIELD=value, as in _SYSTEMD_UNIT=vllm.service; blanks separate"
                    )
                }
            }
        }
        settings.relabel = scrape.relabel
        scrape.journal = settings
    }

    private static func options(_ map: MapReader) {
        if let encoding = map.string("encoding"),
            !["", "utf-8", "utf8", "us-ascii", "ascii"].contains(encoding.lowercased())
        {
            map.wrong("encoding", "is `\(encoding)`", hint: "only UTF-8 is read in this version")
        }
        if let node = map.node("decompression"),
            let entry = MapReader(
                node,
                "\(map.name).decompression",
                keys: ["enabled", "initial_delay", "format"],
                map.problems
            ),
            entry.bool("enabled") == true
        {
            entry.wrong(
                "enabled",
                "is true",
                hint: "compressed files are not read in this version: read them before they are compressed"
            )
        }
    }
}
