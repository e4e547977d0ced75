import Bytes
import LogModel

/// A container as the daemon lists it, and the labels that discovery gives it.
struct DockerTarget: Equatable {
    var id: String
    /// Without the slash in front.
    var name: String
    var isRunning: Bool
    /// Seconds since 1970.
    var created: Int64
    /// Before relabelling, without the output that a line comes from.
    var labels: Labels

    /// Networks by id, as labels of containers in them.
    typealias Networks = [String: [Label]]

    static func networks(_ list: JSONTree) -> Networks {
        var found: Networks = [:]
        for item in list.items {
            guard let id = item["Id"]?.text else { continue }
            var labels = [
                label("network_id", id), label("network_name", item["Name"]?.text), label("network_scope", item["Scope"]?.text),
                label("network_internal", "\(item["Internal"]?.isTrue ?? false)"),
                label("network_ingress", "\(item["Ingress"]?.isTrue ?? false)"),
            ]
            for (name, value) in item["Labels"]?.members ?? [] {
                labels.append(Label(DiscoveryLabel.name("__meta_docker_network_label_", name), value.bytes ?? ""))
            }
            found[id] = labels
        }
        return found
    }

    /// The containers of a list, in its order. Of a container that is in several networks, or has several ports, one target: its
    /// log is one.
    static func targets(_ list: JSONTree, _ networks: Networks, _ settings: DockerSettings) -> [DockerTarget] {
        var byID: [String: JSONTree] = [:]
        for item in list.items { if let id = item["Id"]?.text { byID[id] = item } }
        return list.items.compactMap { target($0, byID, networks, settings) }
    }

    private static func target(
        _ item: JSONTree, _ all: [String: JSONTree], _ networks: Networks, _ settings: DockerSettings
    ) -> DockerTarget? {
        guard let id = item["Id"]?.text, id.utf8.allSatisfy(\.isAlphanumeric), !id.isEmpty else { return nil }
        let name = item["Names"]?.items.first?.text ?? ""
        let mode = item["HostConfig"]?["NetworkMode"]?.text ?? ""
        var labels = [label("container_id", id), label("container_name", name), label("container_network_mode", mode)]
        for (key, value) in item["Labels"]?.members ?? [] {
            labels.append(Label(DiscoveryLabel.name("__meta_docker_container_label_", key), value.bytes ?? ""))
        }
        let network = network(of: item, mode, all, settings)
        if let id = network?["NetworkID"]?.text { labels += networks[id] ?? [] }
        let address = network?["IPAddress"]?.text ?? ""
        if network != nil { labels.append(label("network_ip", address)) }
        let port = item["Ports"]?.items.filter { $0["Type"]?.text == "tcp" }.min {
            ($0["PrivatePort"]?.integer ?? 0, $0["PublicPort"]?.integer ?? 0) < ($1["PrivatePort"]?.integer ?? 0, $1["PublicPort"]?.integer ?? 0)
        }
        let host = address.utf8.contains(UInt8(ascii: ":")) ? "[\(address)]" : address
        if network != nil, let port, let inside = port["PrivatePort"]?.integer {
            labels.append(label("port_private", "\(inside)"))
            if let outside = port["PublicPort"]?.integer, outside > 0 {
                labels += [label("port_public", "\(outside)"), label("port_public_ip", port["IP"]?.text)]
            }
            labels.append(Label("__address__", ByteString("\(host):\(inside)")))
        } else {
            labels.append(Label("__address__", ByteString(mode == "host" ? settings.hostNetworkingHost : "\(host):\(settings.port)")))
        }
        let state = item["State"]?.text ?? ""
        return DockerTarget(
            id: id, name: name.first == "/" ? String(name.dropFirst()) : name, isRunning: state == "running" || state == "paused",
            created: item["Created"]?.integer ?? 0, labels: Labels(labels).withoutEmptyValues)
    }

    /// The network whose labels a container gets.
    private static func network(of item: JSONTree, _ mode: String, _ all: [String: JSONTree], _ settings: DockerSettings) -> JSONTree? {
        var (item, mode) = (item, mode)
        var found = item["NetworkSettings"]?["Networks"]?.members ?? []
        // One that shares another's network has none itself. Chains are short; a circle cannot be made, and would end.
        for _ in 0..<8 where found.isEmpty {
            guard mode.hasPrefix("container:"), let other = all[String(mode.dropFirst("container:".count))] else { return nil }
            item = other
            mode = item["HostConfig"]?["NetworkMode"]?.text ?? ""
            found = item["NetworkSettings"]?["Networks"]?.members ?? []
        }
        if settings.matchesFirstNetwork, found.count > 1, let own = found.first(where: { $0.name == ByteString(mode) }) { return own.value }
        return found.first { $0.value != .null }?.value
    }

    private static func label(_ name: String, _ value: String?) -> Label {
        Label(ByteString("__meta_docker_" + name), ByteString(value ?? ""))
    }
}
