import Disk
import LogSources

/// An API server that lists and watches pods as Kubernetes does.
final class FakeKubernetes: Sendable {
    struct Pod: Sendable {
        var name: String
        var uid: String
        var namespace = "shop"
        var labels: [String: String] = [:]
        var containers = ["main"]
        /// Empty while it is pending.
        var ip = ""
    }

    struct State: Sendable {
        var pods: [String: Pod] = [:]
        /// What happened, each with the version that it made: a line of a watch.
        var events: [(version: Int, line: String)] = []
        var version = 100
        /// Versions before this one are forgotten.
        var oldest = 0
        var requests: [String] = []
        var headers: [[String]] = []
        /// Watches end at once, as in a server that is being stopped.
        var endsWatches = false
        /// An answer to everything, instead of the right one.
        var refusal: String?
        var isOver = false
    }

    let state = Monitor(State())
    private let holder = Monitor<RecordedServer?>(nil)

    init() { holder.change { $0 = RecordedServer { [self] in answer($0) } } }

    func stop() {
        state.change { $0.isOver = true }
        holder.withLock { $0 }?.stop()
    }

    var address: HTTPServerAddress { holder.withLock { $0?.address } ?? HTTPServerAddress(.unix(path: "/nowhere")) }
    var requests: [String] { state.withLock { $0.requests } }

    func wait(_ condition: (State) -> Bool) -> Bool {
        state.wait(timeout: RecordedServer.patience) { condition($0) ? true : nil } ?? false
    }

    /// Waits until `count` watches were asked for.
    func waitForWatch(_ count: Int = 1) -> Bool { wait { $0.requests.count { $0.contains("watch=1") } >= count } }

    // MARK: What happens in the cluster

    func put(_ pod: Pod) {
        state.change { state in
            state.version += 1
            let kind = state.pods[pod.uid] == nil ? "ADDED" : "MODIFIED"
            state.pods[pod.uid] = pod
            state.events.append((state.version, Self.event(kind, pod, state.version)))
        }
    }

    func delete(_ uid: String) {
        state.change { state in
            guard let pod = state.pods.removeValue(forKey: uid) else { return }
            state.version += 1
            state.events.append((state.version, Self.event("DELETED", pod, state.version)))
        }
    }

    func bookmark() {
        state.change { state in
            state.version += 1
            let line = "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"\(state.version)\"}}}"
            state.events.append((state.version, line))
        }
    }

    private static func event(_ kind: String, _ pod: Pod, _ version: Int) -> String { "{\"type\":\"\(kind)\",\"object\":\(json(pod, version))}" }

    static func json(_ pod: Pod, _ version: Int) -> String {
        let labels = pod.labels.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\"\($0.value)\"" }.joined(separator: ",")
        let containers = pod.containers.map { "{\"name\":\"\($0)\",\"image\":\"registry/\($0):1\"}" }.joined(separator: ",")
        return """
            {"kind":"Pod","apiVersion":"v1","metadata":{"name":"\(pod.name)","namespace":"\(pod.namespace)","uid":"\(pod.uid)",\
            "resourceVersion":"\(version)","labels":{\(labels)}},"spec":{"nodeName":"node1","containers":[\(containers)]},\
            "status":{"phase":"\(pod.ip.isEmpty ? "Pending" : "Running")"\(pod.ip.isEmpty ? "" : ",\"podIP\":\"\(pod.ip)\"")}}
            """
    }

    // MARK: Answers

    private func answer(_ answer: RecordedServer.Answer) {
        let refusal = state.change { state in
            state.requests.append(answer.target)
            state.headers.append(answer.headers)
            return state.refusal
        }
        if let refusal {
            let code = refusal.prefix(3)
            return answer.send(
                "{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"message\":\"pods is forbidden\",\"code\":\(code)}", status: refusal)
        }
        let query = answer.query
        guard query["fieldSelector"]?.hasSuffix("spec.nodeName=node1") ?? false else { return answer.send("{}", status: "400 Bad Request") }
        let namespace = answer.path.split(separator: "/").count == 5 ? String(answer.path.split(separator: "/")[3]) : nil
        if query["watch"] == "1" { return watch(answer, from: Int(query["resourceVersion"] ?? "") ?? 0, namespace) }
        let (pods, version) = state.withLock { ($0.pods.values.sorted { $0.uid < $1.uid }, $0.version) }
        let items = pods.filter { namespace == nil || $0.namespace == namespace }.map { Self.json($0, version) }.joined(separator: ",")
        answer.send("{\"kind\":\"PodList\",\"apiVersion\":\"v1\",\"metadata\":{\"resourceVersion\":\"\(version)\"},\"items\":[\(items)]}")
    }

    private func watch(_ answer: RecordedServer.Answer, from: Int, _ namespace: String?) {
        answer.beginChunks()
        var at = from
        while true {
            let step: (lines: [String], version: Int, ended: Bool)? = state.wait(timeout: 50_000_000) { state in
                if state.isOver || state.endsWatches { return ([], at, true) }
                if at < state.oldest {
                    let gone = "{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"too old resource version\",\"reason\":\"Expired\",\"code\":410}}"
                    return ([gone], at, true)
                }
                let new = state.events.filter { $0.version > at }
                guard let last = new.last else { return nil }
                return (new.map(\.line).filter { namespace == nil || $0.contains("\"namespace\":\"\(namespace ?? "")\"") }, last.version, false)
            }
            guard let step else {
                if answer.isAbandoned { return }
                continue
            }
            at = step.version
            if !step.lines.isEmpty { answer.chunk(Array((step.lines.joined(separator: "\n") + "\n").utf8)) }
            if step.ended {
                answer.endChunks()
                return
            }
        }
    }
}
