import Bytes
import LogModel
import Synchronization

/// Finds pods by the kubelet's folders, `<namespace>_<pod>_<uid>/<container>`, where nobody can be asked. Of one thread.
struct PodFolders: ~Copyable {
    private let settings: KubernetesSettings
    private let node: String
    private var inotify: Inotify?
    private var watched: [ByteString: Int32] = [:]

    /// How often everything is looked at without being told to, nanoseconds.
    private static let interval: Int64 = 10_000_000_000
    /// Shortest time between two looks: a node that starts creates many folders.
    private static let pause = 20

    init(_ settings: KubernetesSettings, node: String) {
        self.settings = settings
        self.node = node
    }

    /// Until `stopped`, or until `ask`, which is called about every `pause`, says that there is a better way.
    mutating func run(
        _ targets: inout PodTargets, _ stopped: borrowing Atomic<Bool>, _ looked: borrowing Atomic<Bool>, _ wakeUp: WakeUp, _ events: SourceEvents,
        every pause: Duration = .zero, ask: (inout PodTargets) -> Bool = { _ in false }
    ) throws {
        do { inotify = try Inotify() } catch {
            events.tell(.warning, "inotify", "\(error); new pods are found after up to \(Self.interval / 1_000_000_000) s")
        }
        var batch: [Inotify.Event] = []
        var askAt = pause == .zero ? Int64.max : Monotonic.now() &+ Self.spread(pause)
        while !stopped.load(ordering: .relaxed) {
            look(&targets)
            looked.store(true, ordering: .relaxed)
            let now = Monotonic.now()
            if now >= askAt {
                if ask(&targets) { return }
                askAt = Monotonic.now() &+ Self.spread(pause)
                continue
            }
            let next = min(now &+ Self.interval, askAt, targets.nextLeave ?? .max)
            let wait = max(0, next &- now) / 1_000_000 + 1
            let ready = System.waitReadable([wakeUp.readable, inotify?.file ?? -1], milliseconds: Int(wait))
            if ready[0] { wakeUp.clear() }
            if ready[1] {
                _ = System.waitReadable([wakeUp.readable], milliseconds: Self.pause)
                inotify?.read(into: &batch)
                for event in batch where event.isIgnored { watched = watched.filter { $0.value != event.watch } }
            }
        }
    }

    /// A quarter more or less by chance, so that nodes do not ask together. Nanoseconds.
    private static func spread(_ pause: Duration) -> Int64 {
        let quarter = max(0, pause.nanoseconds / 4)
        return pause.nanoseconds &+ Int64.random(in: -quarter...quarter)
    }

    /// Looks at all folders once.
    mutating func look(_ targets: inout PodTargets) {
        let root = ByteString(settings.podsDirectory)
        var isNew = watch(root)
        var pods: [KubernetesPod] = []
        for folder in (try? System.list(root))?.entries ?? [] where folder.kind == .directory || folder.kind == nil {
            let path = root.appending(folder.name)
            if watch(path) { isNew = true }
            let containers = ((try? System.list(path))?.entries ?? []).filter { $0.kind == .directory || $0.kind == nil }.map(\.name.string)
            let directory = settings.podsDirectory
            if let pod = KubernetesPod(folder: folder.name.string, containers: containers.sorted(), node: node, podsDirectory: directory) {
                pods.append(pod)
            }
        }
        targets.replace(pods, list: 0)
        targets.publish()
        // What was created between the look and the watch.
        if isNew { look(&targets) }
    }

    /// True when it was not watched before.
    private mutating func watch(_ directory: ByteString) -> Bool {
        guard watched[directory] == nil, let watch = try? inotify?.add(directory) else { return false }
        watched[directory] = watch
        return true
    }
}
