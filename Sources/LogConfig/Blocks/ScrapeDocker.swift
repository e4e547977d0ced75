import LogModel
import LogSources

/// `docker_sd_configs:` of a scrape configuration.
enum ScrapeDocker {
    private static let keys =
        ["host", "port", "host_networking_host", "match_first_network", "filters", "refresh_interval"] + HTTPClientBlock.keys
    private static let ports = ["http": 80, "https": 443, "tcp": 2375]

    static func decode(_ map: MapReader, _ scrape: inout ScrapeConfiguration) {
        let entries = map.list("docker_sd_configs") ?? []
        if entries.isEmpty { map.missing("docker_sd_configs", hint: "give it a daemon, as in - host: unix:///var/run/docker.sock") }
        for (index, node) in entries.enumerated() {
            let name = "\(map.name).docker_sd_configs[\(index)]"
            guard let entry = MapReader(node, name, keys: keys, map.problems), let address = address(entry) else { continue }
            var settings = DockerSettings(job: scrape.index, jobName: scrape.jobName, address: address)
            settings.index = index
            settings.relabel = scrape.relabel
            if let port = entry.integer("port", 0...65_535) { settings.port = port }
            if let host = entry.string("host_networking_host"), !host.isEmpty { settings.hostNetworkingHost = host }
            settings.matchesFirstNetwork = entry.bool("match_first_network") ?? true
            if let interval = entry.duration("refresh_interval"), interval > 0 { settings.refreshInterval = .nanoseconds(interval) }
            for (number, node) in (entry.list("filters") ?? []).enumerated() {
                guard let filter = MapReader(node, "\(name).filters[\(number)]", keys: ["name", "values"], map.problems) else { continue }
                guard let key = filter.string("name"), !key.isEmpty, let values = filter.strings("values"), !values.isEmpty else {
                    filter.problems.error(
                        "`name` and `values` are needed in \(filter.name)", at: filter.mark,
                        hint: "as in {name: label, values: [logging=promtail]}")
                    continue
                }
                settings.filters.append(DockerSettings.Filter(name: key, values: values))
            }
            if settings.relabel.isEmpty, index == 0 {
                map.problems.warning(
                    "\(map.name) reads containers and has no `relabel_configs`: their lines have no labels", at: map.mark,
                    hint: "for instance {source_labels: [__meta_docker_container_name], regex: '/(.*)', target_label: container}")
            }
            scrape.docker.append(settings)
        }
    }

    private static func address(_ entry: MapReader) -> HTTPServerAddress? {
        let hint = "as in unix:///var/run/docker.sock or tcp://host:2375"
        guard let text = entry.string("host"), !text.isEmpty else {
            entry.missing("host", hint: hint)
            return nil
        }
        if text.hasPrefix("unix://") {
            let path = String(text.dropFirst("unix://".count))
            guard path.hasPrefix("/") else {
                entry.wrong("host", "is `\(text)`", hint: hint)
                return nil
            }
            var address = HTTPServerAddress(.unix(path: path))
            HTTPClientBlock.decode(entry, isTLS: false, into: &address)
            return address
        }
        guard let (scheme, host, port, path) = HTTPClientBlock.server(text, ports: ports) else {
            let isOther = text.hasPrefix("ssh://") || text.hasPrefix("npipe://")
            entry.wrong(
                "host", "is `\(ServerAuthority.withoutUser(text))`", hint: isOther ? "that way is not available; " + hint : hint)
            return nil
        }
        var address = HTTPServerAddress(.tcp(host: host, port: port))
        address.basePath = path
        // Docker's own clients speak TLS over tcp:// where they have certificates.
        HTTPClientBlock.decode(entry, isTLS: scheme == "https" || (scheme == "tcp" && entry.node("tls_config") != nil), into: &address)
        return address
    }
}
