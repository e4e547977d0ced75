import LogPipeline
import LogSources

/// `scrape_configs:`: where lines come from, and what happens to them. Each kind of target has a file of its own.
enum ScrapeBlock {
    /// Kinds of targets, and who decodes them. One scrape configuration has one.
    private static let kinds: [(key: String, decode: @Sendable (MapReader, inout ScrapeConfiguration) -> Void)] = [
        ("static_configs", { ScrapeFiles.decode($0, &$1) }), ("file_sd_configs", { ScrapeFiles.discovery($0, &$1) }),
        ("journal", { ScrapeJournal.decode($0, &$1) }), ("syslog", { ScrapeSyslog.decode($0, &$1) }),
        ("docker_sd_configs", { ScrapeDocker.decode($0, &$1) }),
        ("kubernetes_sd_configs", { ScrapeKubernetes.decode($0, &$1) }),
        ("loki_push_api", { ScrapePush.decode($0, &$1) }),
    ]

    private static let keys =
        ["job_name", "pipeline_stages", "relabel_configs", "encoding", "decompression"] + kinds.map(\.key)
        + ScrapeUnsupported.keys

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
            ScrapeReading.decode(map, &scrape)
            source(map, &scrape)
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

    private static func source(_ map: MapReader, _ scrape: inout ScrapeConfiguration) {
        let isUnsupported = ScrapeUnsupported.tell(map)
        let given = kinds.filter { map.has($0.key) }
        // These make file targets; everything else stands alone, as in Promtail, which reads one and is silent of the other.
        let alone = given.filter { !["static_configs", "file_sd_configs", "kubernetes_sd_configs"].contains($0.key) }
        if let other = alone.first, given.count > 1 {
            map.problems.error(
                "`\(given[0].key)` and `\(given[1].key)` in \(map.name)",
                at: map.keyMark(of: given[0].key == other.key ? given[1].key : other.key),
                hint: "make two scrape configurations of it")
        }
        if given.isEmpty, !isUnsupported {
            map.problems.error(
                "\(map.name) reads nothing", at: map.mark,
                hint: "give it one of \(kinds.map { "`\($0.key)`" }.joined(separator: ", "))")
        }
        for kind in given { kind.decode(map, &scrape) }
    }
}
