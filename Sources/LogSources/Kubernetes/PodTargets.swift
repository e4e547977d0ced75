import Bytes
import LogModel

/// The file targets of pods that are known, on their way to a `FileSource`. Of one thread.
///
/// The targets of a pod that is gone are kept for `leaveWait`: its files are read to their end meanwhile, also those that nobody
/// had seen yet. What was written by then and not read is read by the file source before it lets go.
struct PodTargets: ~Copyable {
    private struct Known {
        var pod: KubernetesPod
        var targets: [FileTarget]
        /// Which list it stands in: that of a namespace.
        var list: Int
        /// When to let go of it, monotonic nanoseconds.
        var leaveAt: Int64?
    }

    private let settings: KubernetesSettings
    private let files: FileSource
    private let archives: ArchiveSource?
    private let node: String
    private let events: SourceEvents
    private let owner: String
    private var known: [String: Known] = [:]
    private var told: Set<Int>?
    /// Before the first list nothing is known, which is not the same as no pods.
    private var isListed = false
    private var said: Set<String> = []

    init(_ settings: KubernetesSettings, files: FileSource, archives: ArchiveSource?, node: String, events: SourceEvents) {
        self.settings = settings
        self.files = files
        self.archives = archives
        self.node = node
        self.events = events
        owner = "kubernetes_sd:\(settings.jobName):\(settings.index)"
    }

    var subject: String { "kubernetes_sd_configs of job \(settings.jobName)" }

    mutating func add(_ pod: KubernetesPod, list: Int) {
        if known[pod.uid]?.pod == pod {
            known[pod.uid]?.leaveAt = nil
            return
        }
        var said = said
        let wanted = pod.discovered.map { labels in
            var one = settings.target
            one.labels = labels
            return one
        }
        let (events, subject) = (events, subject)
        let targets = FileTarget.resolve(wanted, hostname: node) { one, failure, words in
            // Several ports are one target; another host's, and what a rule drops, are not ours to follow.
            if failure == .exists || failure == .wrongHost || failure == .dropped { return }
            guard said.count < 1_000, said.insert("\(one.labels["__path__"]?.string ?? "") \(words)").inserted else { return }
            events.tell(.error, subject, "target \(one.labels) is not followed: \(words)")
        }
        self.said = said
        known[pod.uid] = Known(pod: pod, targets: targets, list: list, leaveAt: nil)
    }

    mutating func remove(_ uid: String) {
        guard known[uid] != nil, known[uid]?.leaveAt == nil else { return }
        known[uid]?.leaveAt = Monotonic.now() &+ settings.leaveWait.nanoseconds
    }

    /// These are all that there are in a list.
    mutating func replace(_ pods: [KubernetesPod], list: Int) {
        isListed = true
        for pod in pods { add(pod, list: list) }
        let there = Set(pods.map(\.uid))
        for (uid, one) in known where one.list == list && !there.contains(uid) { remove(uid) }
    }

    /// What `body` lists takes the place of all that is known, without a time of parting: the same pods may have gone under other
    /// identities. Where it throws all stays as it is.
    mutating func replaceAll(_ body: (inout PodTargets) throws -> Void) throws {
        let before = (known, isListed)
        known = [:]
        do { try body(&self) } catch {
            (known, isListed) = before
            throw error
        }
    }

    /// When something is to be let go of.
    var nextLeave: Int64? { known.values.compactMap(\.leaveAt).min() }

    /// Tells the file source where targets have changed.
    mutating func publish() {
        guard isListed else { return }
        let now = Monotonic.now()
        for (uid, one) in known {
            if let leaveAt = one.leaveAt, leaveAt <= now { known[uid] = nil }
        }
        var ids: Set<Int> = []
        let targets = known.sorted { $0.key < $1.key }.flatMap(\.value.targets).filter { ids.insert($0.id).inserted }
        guard ids != told else { return }
        if told == nil { events.tell(.info, subject, "\(known.count) pods, \(ids.count) targets") }
        told = ids
        files.replace(targets, of: owner)
        archives?.replace(targets, of: owner)
    }
}
