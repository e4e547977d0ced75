import Bytes
import Glibc
import LogModel
import Synchronization

/// `kubernetes_sd_configs` with role pod: learns from the API which pods run on this node, and tells a `FileSource` which of
/// their files to read.
///
/// One list, then a watch from there on; a watch that is too old is followed by a new list. While the API is away targets stay as
/// they are. Where there is no way to the API (no service account, no permission), the names of the kubelet's folders tell
/// namespace, pod and container, and nothing tells labels and annotations; that is said once. Permission may come later: the API is
/// asked again every minute.
package final class KubernetesDiscovery: CollectorSource {
    private let settings: KubernetesSettings
    private let files: FileSource
    private let archives: ArchiveSource?
    private let account: KubernetesServiceAccount
    private let node: String
    private let once: Bool
    private let events: SourceEvents
    private let dial: HTTPDialer
    private let stopped = Atomic<Bool>(false)
    private let looked = Atomic<Bool>(false)
    private let wakeUp: WakeUp

    /// `once` asks for the pods here and now, so that their files count as there from the start; it throws where that fails.
    package init(
        _ settings: KubernetesSettings, files: FileSource, archives: ArchiveSource? = nil, node: String, once: Bool = false,
        events: SourceEvents = SourceEvents(), account: KubernetesServiceAccount = KubernetesServiceAccount(),
        dial: @escaping HTTPDialer = PlainDialer.dial
    ) throws {
        self.settings = settings
        self.files = files
        self.archives = archives
        self.node = node
        self.once = once
        self.events = events
        self.account = account
        self.dial = dial
        wakeUp = try WakeUp()
        if once {
            var targets = PodTargets(settings, files: files, archives: archives, node: node, events: events)
            if let address = address() {
                var watch = session(address)
                do { try watch.listAll(&targets, stopped) } catch {
                    throw StoreError(.system, "job \(settings.jobName): the pods of this node are not to be had: \(error)")
                }
            } else {
                var folders = PodFolders(settings, node: node)
                folders.look(&targets)
            }
        }
    }

    package var name: String { "kubernetes:\(settings.jobName)" }
    /// Whether it has asked for its pods, or found nobody to ask.
    package var isReady: Bool { once || looked.load(ordering: .relaxed) }

    package func stop() {
        stopped.store(true, ordering: .relaxed)
        wakeUp.signal()
    }

    package func run() throws {
        if once { return }
        var targets = PodTargets(settings, files: files, archives: archives, node: node, events: events)
        if let address = address() {
            var watch = session(address)
            switch try watch.run(&targets, stopped, looked) {
            case .stopped: return
            case .forbidden(let words):
                events.tell(
                    .error, name,
                    "\(words). Pods are known by the names of their folders in \(settings.podsDirectory) now, without labels and annotations: let the "
                        + "service account get, list and watch pods (a ClusterRole); it is tried again every \(settings.refusedWait)")
            }
            var folders = PodFolders(settings, node: node)
            try folders.run(&targets, stopped, looked, wakeUp, events, every: settings.refusedWait) { watch.isAdmitted(&$0, stopped) }
            if stopped.load(ordering: .relaxed) { return }
            events.tell(.info, name, "\(address.name) lets us now: pods have their labels and annotations")
            _ = try watch.run(&targets, stopped, looked)
            return
        }
        var folders = PodFolders(settings, node: node)
        try folders.run(&targets, stopped, looked, wakeUp, events)
    }

    private func session(_ address: HTTPServerAddress) -> PodWatch {
        var namespaces = settings.namespaces
        if settings.includesOwnNamespace {
            if let own = account.namespace {
                if !namespaces.contains(own) { namespaces.append(own) }
            } else {
                events.tell(.warning, name, "own_namespace: \(account.directory)/namespace cannot be read; pods of all namespaces are read")
            }
        }
        return PodWatch(
            settings, namespaces: namespaces, node: node, loop: HTTPLoop(address: address, dial: dial, wakeUp: wakeUp), events: events,
            name: name)
    }

    /// nil, and said why, where there is no way to the API.
    private func address() -> HTTPServerAddress? {
        switch settings.access {
        case .server(let address): return address
        case .cluster:
            var missing = ""
            if let address = account.address(&missing) { return address }
            events.tell(
                .warning, name,
                "no service account: \(missing). Pods are known by the names of their folders in \(settings.podsDirectory), without labels and "
                    + "annotations; give `api_server` or `kubeconfig_file` to ask the API from outside a pod")
            return nil
        }
    }
}
