import Bytes
import LogModel

/// A pod as the API tells of it: the labels of its containers before relabelling, one set for each container and port.
struct KubernetesPod: Equatable {
    var uid: String
    var discovered: [Labels]

    /// nil for what is no pod.
    init?(_ pod: JSONTree, podsDirectory: String) {
        guard let metadata = pod["metadata"], let uid = metadata["uid"]?.text, let name = metadata["name"]?.text,
            let namespace = metadata["namespace"]?.text, [uid, name, namespace].allSatisfy(Self.isPlain)
        else { return nil }
        self.uid = uid
        let (spec, status) = (pod["spec"], pod["status"])
        let ip = status?["podIP"]?.text ?? ""
        var common = [
            Self.label("namespace", namespace), Self.label("pod_name", name), Self.label("pod_uid", uid), Self.label("pod_ip", ip),
            Self.label("pod_host_ip", status?["hostIP"]?.text), Self.label("pod_node_name", spec?["nodeName"]?.text),
            Self.label("pod_ready", Self.readiness(status)), Self.label("pod_phase", status?["phase"]?.text),
        ]
        if let owner = metadata["ownerReferences"]?.items.first(where: { $0["controller"]?.isTrue ?? false }) {
            common += [Self.label("pod_controller_kind", owner["kind"]?.text), Self.label("pod_controller_name", owner["name"]?.text)]
        }
        for kind in ["label", "annotation"] {
            for (key, value) in metadata[ByteString(kind + "s")]?.members ?? [] {
                common.append(Label(DiscoveryLabel.name("__meta_kubernetes_pod_\(kind)_", key), value.bytes ?? ""))
                common.append(Label(DiscoveryLabel.name("__meta_kubernetes_pod_\(kind)present_", key), "true"))
            }
        }
        // The kubelet's own pods have another identity on its disk than in the API.
        let hash = metadata["annotations"]?["kubernetes.io/config.hash"]?.text.flatMap { Self.isHash($0) ? $0 : nil }
        let folder = "\(namespace)_\(name)_\(hash ?? uid)"
        discovered = []
        let states = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"].flatMap { status?[ByteString($0)]?.items ?? [] }
        for (kind, isInit) in [("containers", false), ("initContainers", true), ("ephemeralContainers", false)] {
            for container in spec?[ByteString(kind)]?.items ?? [] {
                guard let containerName = container["name"]?.text, Self.isPlain(containerName) else { continue }
                let state = states.first { $0["name"]?.text == containerName }
                var labels = common
                labels += [
                    Self.label("pod_container_name", containerName), Self.label("pod_container_image", container["image"]?.text),
                    Self.label("pod_container_id", state?["containerID"]?.text), Self.label("pod_container_init", "\(isInit)"),
                    Label("__path__", ByteString("\(podsDirectory)/\(folder)/\(containerName)/*.log")),
                ]
                discovered += Self.ports(container, ip).map { Labels(labels + $0).withoutEmptyValues }
            }
        }
    }

    /// `__address__` and the labels of each port; without ports the address alone.
    private static func ports(_ container: JSONTree, _ ip: String) -> [[Label]] {
        let ports = container["ports"]?.items ?? []
        if ports.isEmpty { return [[Label("__address__", ByteString(ip))]] }
        let host = ip.utf8.contains(UInt8(ascii: ":")) ? "[\(ip)]" : ip
        return ports.map { port in
            let number = port["containerPort"]?.integer ?? 0
            return [
                Label("__address__", ByteString("\(host):\(number)")), label("pod_container_port_name", port["name"]?.text),
                label("pod_container_port_number", "\(number)"), label("pod_container_port_protocol", port["protocol"]?.text ?? "TCP"),
            ]
        }
    }

    /// The status of condition `Ready` in lower case; `unknown` without one.
    private static func readiness(_ status: JSONTree?) -> String {
        let ready = status?["conditions"]?.items.first { $0["type"]?.text == "Ready" }
        return ready?["status"]?.text?.lowercased() ?? "unknown"
    }

    /// Whether a name may become part of a path that is a pattern: letters, digits, `-` and `.`, which is all that Kubernetes allows, and
    /// no way to another folder.
    private static func isPlain(_ name: String) -> Bool {
        name.utf8.first != UInt8(ascii: ".") && !name.isEmpty
            && name.utf8.allSatisfy { $0.isAlphanumeric || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    }

    /// Of an annotation, which whoever makes a pod may write.
    private static func isHash(_ text: String) -> Bool { isPlain(text) && !text.utf8.contains(UInt8(ascii: ".")) }

    private static func label(_ name: String, _ value: String?) -> Label {
        Label(ByteString("__meta_kubernetes_" + name), ByteString(value ?? ""))
    }

    /// What the kubelet's folders tell of a pod without the API: `<namespace>_<pod>_<uid>` with a folder for each container.
    init?(folder: String, containers: [String], node: String, podsDirectory: String) {
        // Neither namespaces nor names of pods hold `_`.
        let parts = folder.split(separator: "_", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count == 3, parts.allSatisfy(Self.isPlain) else { return nil }
        uid = parts[2]
        discovered = containers.filter(Self.isPlain).map { container in
            Labels([
                Self.label("namespace", parts[0]), Self.label("pod_name", parts[1]), Self.label("pod_uid", parts[2]),
                Self.label("pod_node_name", node), Self.label("pod_container_name", container),
                Label("__path__", ByteString("\(podsDirectory)/\(folder)/\(container)/*.log")),
            ])
        }
    }
}
