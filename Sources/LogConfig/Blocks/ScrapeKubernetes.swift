import LogModel
import LogSources

/// `kubernetes_sd_configs:` of a scrape configuration.
enum ScrapeKubernetes {
    private static let keys =
        ["api_server", "role", "kubeconfig_file", "namespaces", "selectors", "attach_metadata"] + HTTPClientBlock.keys
    private static let ports = ["http": 80, "https": 443]

    static func decode(_ map: MapReader, _ scrape: inout ScrapeConfiguration) {
        let entries = map.list("kubernetes_sd_configs") ?? []
        if entries.isEmpty { map.missing("kubernetes_sd_configs", hint: "give it a role, as in - role: pod") }
        for (index, node) in entries.enumerated() {
            let name = "\(map.name).kubernetes_sd_configs[\(index)]"
            guard let entry = MapReader(node, name, keys: keys, map.problems), isPod(entry), let access = access(entry) else { continue }
            var target = FileTargetSettings(job: scrape.index, jobName: scrape.jobName, labels: Labels(), relabel: scrape.relabel)
            target.encoding = scrape.encoding
            target.decompression = scrape.decompression
            var settings = KubernetesSettings(job: scrape.index, jobName: scrape.jobName, target: target)
            settings.index = index
            settings.access = access
            if let node = entry.node("namespaces"),
                let spaces = MapReader(node, "\(name).namespaces", keys: ["own_namespace", "names"], map.problems)
            {
                settings.namespaces = spaces.strings("names") ?? []
                settings.includesOwnNamespace = spaces.bool("own_namespace") ?? false
            }
            select(entry, &settings)
            if entry.node("attach_metadata") != nil {
                map.problems.warning(
                    "`attach_metadata` in \(name) has no effect: labels of nodes and namespaces are not asked for",
                    at: entry.keyMark(of: "attach_metadata"))
            }
            scrape.kubernetes.append(settings)
        }
    }

    private static func isPod(_ entry: MapReader) -> Bool {
        guard let role = entry.string("role"), !role.isEmpty else {
            entry.missing("role", hint: "write role: pod")
            return false
        }
        if role == "pod" { return true }
        let known = ["node", "service", "endpoints", "endpointslice", "ingress"].contains(role)
        entry.wrong(
            "role", known ? "is `\(role)`, which is not available: logs belong to pods" : "is `\(role)`",
            hint: "write role: pod; labels of other objects can be joined where the logs are queried")
        return false
    }

    private static func access(_ entry: MapReader) -> KubernetesSettings.Access? {
        let server = entry.string("api_server") ?? ""
        let file = entry.string("kubeconfig_file") ?? ""
        if !server.isEmpty, !file.isEmpty {
            entry.problems.error(
                "`api_server` and `kubeconfig_file` in \(entry.name) exclude each other", at: entry.keyMark(of: "kubeconfig_file"),
                hint: "keep one of them")
            return nil
        }
        if !file.isEmpty {
            do throws(ConfigurationErrors) { return .server(try KubeconfigFile.load(file)) } catch {
                for item in error.items {
                    let place = item.line > 0 ? ":\(item.line):\(item.column)" : ""
                    entry.wrong("kubeconfig_file", "names \(item.file)\(place): \(item.message)", hint: item.hint)
                }
                return nil
            }
        }
        if server.isEmpty {
            // For their mistakes; a service account brings its own.
            var unused = HTTPServerAddress(.tcp(host: "", port: 0))
            HTTPClientBlock.decode(entry, isTLS: true, into: &unused)
            return .cluster
        }
        guard let (scheme, host, port, path) = HTTPClientBlock.server(server, ports: ports) else {
            entry.wrong(
                "api_server", "is `\(ServerAuthority.withoutUser(server))`", hint: "write it as in https://10.0.0.1:6443")
            return nil
        }
        var address = HTTPServerAddress(.tcp(host: host, port: port))
        address.basePath = path
        HTTPClientBlock.decode(entry, isTLS: scheme == "https", into: &address)
        return .server(address)
    }

    private static func select(_ entry: MapReader, _ settings: inout KubernetesSettings) {
        for (number, node) in (entry.list("selectors") ?? []).enumerated() {
            let name = "\(entry.name).selectors[\(number)]"
            guard let selector = MapReader(node, name, keys: ["role", "label", "field"], entry.problems) else { continue }
            guard selector.string("role") == "pod" else {
                selector.wrong("role", "must be pod", hint: "the role of \(entry.name) is pod")
                continue
            }
            func add(_ text: String?, _ all: inout String) {
                guard let text, !text.isEmpty else { return }
                all += all.isEmpty ? text : "," + text
            }
            add(selector.string("label"), &settings.labelSelector)
            add(selector.string("field"), &settings.fieldSelector)
        }
    }
}
