import Bytes
import Glibc
import LogModel
import Synchronization

/// Lists and watches the pods of this node. Of one thread.
struct PodWatch: ~Copyable {
    enum Ending {
        case stopped
        /// The API does not let us, whatever we wait for.
        case forbidden(String)
    }

    /// One list and what follows it: of a namespace, or of all.
    private struct Part {
        var path: String
        /// Up to where the pods are known; nil: they must be listed.
        var version: String?
        /// A list must not come from a cache that may be older than what was seen.
        var mustBeLatest = false
        var stream: HTTPExchange?
        var rest: [UInt8] = []
        /// When the stream is believed dead, monotonic nanoseconds.
        var deadline: Int64 = 0
        var retryAt: Int64 = 0
        var wait = PodWatch.backOffMin
        var wasListed = false
    }

    private let settings: KubernetesSettings
    private let loop: HTTPLoop
    private let events: SourceEvents
    private let name: String
    private let selector: String
    private var parts: [Part]
    private var said = ""

    /// Wait before the next try: doubled each time, and a part of it by chance, so that nodes do not knock together. Nanoseconds.
    private static let backOffMin: Int64 = 250_000_000
    private static let backOffMax: Int64 = 30_000_000_000
    /// How long a watch is asked for, seconds; the server ends it then.
    private static let watchTime = 290
    /// An object has 1.5 MiB at most.
    private static let eventMax = 16 << 20

    init(
        _ settings: KubernetesSettings, namespaces: [String], node: String, loop: consuming HTTPLoop, events: SourceEvents, name: String
    ) {
        self.settings = settings
        self.loop = loop
        self.events = events
        self.name = name
        var selector = "fieldSelector=" + HTTPServerAddress.encoded(
            (settings.fieldSelector.isEmpty ? "" : settings.fieldSelector + ",") + "spec.nodeName=\(node)")
        if !settings.labelSelector.isEmpty { selector += "&labelSelector=" + HTTPServerAddress.encoded(settings.labelSelector) }
        self.selector = selector
        parts = namespaces.isEmpty
            ? [Part(path: "/api/v1/pods")] : namespaces.map { Part(path: "/api/v1/namespaces/\(HTTPServerAddress.encoded($0))/pods") }
    }

    /// Lists everything once and tells it.
    mutating func listAll(_ targets: inout PodTargets, _ stopped: borrowing Atomic<Bool>) throws {
        for index in parts.indices { try list(index, &targets, stopped) }
        targets.publish()
    }

    /// Whether everything can be listed that was refused before; then it is told, in place of all that was known without the API.
    mutating func isAdmitted(_ targets: inout PodTargets, _ stopped: borrowing Atomic<Bool>) -> Bool {
        do {
            try targets.replaceAll { targets throws in try listAll(&targets, stopped) }
            return true
        } catch {
            // Of several namespaces some may have been listed: not without the others.
            for index in parts.indices {
                parts[index].version = nil
                parts[index].wasListed = false
            }
            return false
        }
    }

    mutating func run(
        _ targets: inout PodTargets, _ stopped: borrowing Atomic<Bool>, _ looked: borrowing Atomic<Bool>
    ) throws -> Ending {
        while !stopped.load(ordering: .relaxed) {
            let now = Monotonic.now()
            for index in parts.indices where parts[index].stream == nil && parts[index].retryAt <= now {
                do {
                    if parts[index].version == nil { try list(index, &targets, stopped) }
                    try watch(index)
                } catch is HTTPLoop.Stopped {
                    return .stopped
                } catch {
                    if let words = refusal(error, index) { return .forbidden(words) }
                    failed(index, error)
                }
            }
            targets.publish()
            if !looked.load(ordering: .relaxed) { looked.store(true, ordering: .relaxed) }
            try wait(&targets)
        }
        return .stopped
    }

    /// Only of a cluster's own account, and before anything was listed: a person's mistake elsewhere is told until it is mended.
    private func refusal(_ error: any Error, _ index: Int) -> String? {
        guard let failure = error as? HTTPFailure, failure.status == 401 || failure.status == 403, settings.access == .cluster,
            !parts.contains(where: \.wasListed)
        else { return nil }
        return failure.description
    }

    private mutating func failed(_ index: Int, _ error: any Error) {
        parts[index].stream = nil
        if (error as? HTTPFailure)?.status == 410 {
            // What we know is too old to go on from.
            parts[index].version = nil
            parts[index].mustBeLatest = true
            parts[index].retryAt = 0
            return
        }
        events.count(.kubernetesErrors, 1)
        let words = "\(error)"
        if words != said {
            said = words
            events.tell(.warning, name, "\(words); the targets stay as they are, tried again until it answers")
        }
        let wait = parts[index].wait
        parts[index].retryAt = Monotonic.now() &+ wait / 2 &+ Int64.random(in: 0...wait / 2)
        parts[index].wait = min(wait * 2, Self.backOffMax)
    }

    // MARK: List

    private mutating func list(_ index: Int, _ targets: inout PodTargets, _ stopped: borrowing Atomic<Bool>) throws {
        var path = "\(parts[index].path)?\(selector)"
        if !parts[index].mustBeLatest { path += "&resourceVersion=0" }
        let answer = try loop.document(path, stopped: stopped)
        guard let version = answer["metadata"]?["resourceVersion"]?.text else {
            throw HTTPFailure("\(loop.address.name): what answers there is no Kubernetes API")
        }
        let directory = settings.podsDirectory
        targets.replace((answer["items"]?.items ?? []).compactMap { KubernetesPod($0, podsDirectory: directory) }, list: index)
        parts[index].version = version
        parts[index].mustBeLatest = false
        parts[index].wasListed = true
        if !said.isEmpty {
            events.tell(.info, name, "\(loop.address.name) answers again")
            said = ""
        }
    }

    // MARK: Watch

    private mutating func watch(_ index: Int) throws {
        let version = HTTPServerAddress.encoded(parts[index].version ?? "")
        parts[index].stream = try loop.begin(
            "\(parts[index].path)?\(selector)&watch=1&allowWatchBookmarks=true&timeoutSeconds=\(Self.watchTime)&resourceVersion=\(version)")
        parts[index].rest = []
        parts[index].deadline = Monotonic.now() &+ Int64(Self.watchTime + 30) * 1_000_000_000
    }

    /// Waits for something to do, and takes the events that have come.
    private mutating func wait(_ targets: inout PodTargets) throws {
        let now = Monotonic.now()
        var polls: [pollfd] = []
        var open: [Int] = []
        var next = targets.nextLeave ?? .max
        for (index, part) in parts.enumerated() {
            if let stream = part.stream {
                polls.append(stream.poll)
                open.append(index)
                next = min(next, part.deadline)
            } else {
                next = min(next, part.retryAt)
            }
        }
        let wait = min(max(0, next &- now) / 1_000_000 + 1, 60_000)
        try HTTPLoop.wait(&polls, loop.wakeUp, milliseconds: Int(wait))
        for (index, poll) in zip(open, polls) {
            do {
                if poll.revents != 0 { try take(index, &targets) }
                if parts[index].stream != nil, Monotonic.now() > parts[index].deadline {
                    throw HTTPFailure("\(loop.address.name) has said nothing for too long")
                }
            } catch let failure as HTTPFailure { failed(index, failure) }
        }
    }

    private mutating func take(_ index: Int, _ targets: inout PodTargets) throws {
        guard let stream = parts[index].stream else { return }
        try stream.step()
        if let status = stream.status, !(200..<300).contains(status) {
            if stream.isOver { try HTTPLoop.check(stream, loop.address) }
            return
        }
        if !stream.body.isEmpty {
            parts[index].rest += stream.body.view.copy()
            stream.body.reset()
        }
        while let end = parts[index].rest.firstIndex(of: 0x0A) {
            let line = Array(parts[index].rest[..<end])
            parts[index].rest.removeFirst(end + 1)
            if let event = line.withView({ JSONTree($0) }) { try take(event, index, &targets) }
        }
        guard parts[index].rest.count <= Self.eventMax else { throw HTTPFailure("\(loop.address.name): an event of more than \(Self.eventMax) bytes") }
        if stream.isOver {
            // The time that was asked for is over: at once again, from where it ended.
            parts[index].stream = nil
            // One that ends as soon as it begins is no watch.
            let now = Monotonic.now()
            let lived = now &- (parts[index].deadline &- Int64(Self.watchTime + 30) * 1_000_000_000)
            if lived > 10_000_000_000 { parts[index].wait = Self.backOffMin }
            parts[index].retryAt = parts[index].wait == Self.backOffMin ? 0 : now &+ parts[index].wait
            parts[index].wait = min(parts[index].wait * 2, Self.backOffMax)
        }
    }

    private mutating func take(_ event: JSONTree, _ index: Int, _ targets: inout PodTargets) throws {
        guard let kind = event["type"]?.text, let object = event["object"] else { return }
        if kind == "ERROR" {
            let code = object["code"]?.integer.flatMap { Int(exactly: $0) } ?? 500
            throw HTTPFailure("\(loop.address.name): \(object["message"]?.text ?? "the watch failed")", status: code)
        }
        parts[index].wait = Self.backOffMin
        if let version = object["metadata"]?["resourceVersion"]?.text { parts[index].version = version }
        switch kind {
        case "ADDED", "MODIFIED":
            if let pod = KubernetesPod(object, podsDirectory: settings.podsDirectory) { targets.add(pod, list: index) }
        case "DELETED":
            if let uid = object["metadata"]?["uid"]?.text { targets.remove(uid) }
        default: break  // A bookmark: only how far it is.
        }
    }
}
