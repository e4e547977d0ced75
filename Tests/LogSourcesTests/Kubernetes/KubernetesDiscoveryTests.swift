import Bytes
import Disk
import Glibc
import LogModel
import Testing

@testable import FakeServers
@testable import LogSources

@Suite struct KubernetesDiscoveryTests {
    typealias Pod = FakeKubernetes.Pod

    /// A node: the kubelet's folder, an API, and a file source.
    private final class Node {
        let directory = TemporaryDirectory()
        let api = FakeKubernetes()
        let sink = RecordingSink()
        var settings: KubernetesSettings

        init() throws {
            var target = FileTargetSettings(job: 0, jobName: "pods", labels: Labels())
            target.relabel = [
                try RelabelRule(sourceLabels: ["__meta_kubernetes_pod_name"], targetLabel: "pod"),
                try RelabelRule(sourceLabels: ["__meta_kubernetes_pod_container_name"], targetLabel: "container"),
                try RelabelRule(sourceLabels: ["__meta_kubernetes_pod_label_app"], targetLabel: "app"),
            ]
            settings = KubernetesSettings(job: 0, jobName: "pods", target: target)
            settings.podsDirectory = directory("pods")
            settings.access = .server(api.address)
            settings.leaveWait = .milliseconds(300)
            directory.make("pods")
        }

        deinit { api.stop() }

        /// What the kubelet and a container do.
        func write(_ pod: Pod, _ text: String, container: String = "main") {
            let folder = "pods/\(pod.namespace)_\(pod.name)_\(pod.uid)"
            directory.make(folder)
            directory.make("\(folder)/\(container)")
            directory.append("\(folder)/\(container)/0.log", text)
        }

        func run(_ account: KubernetesServiceAccount = KubernetesServiceAccount(directory: "/nowhere", host: "", port: ""), dial: @escaping HTTPDialer = PlainDialer.dial, _ body: (FileSource) throws -> Void) throws {
            let files = try Running([], sink)
            defer { files.stop() }
            let discovery = try KubernetesDiscovery(settings, files: files.source, node: "node1", events: sink.events, account: account, dial: dial)
            let worker = Worker("test-pods") { try? discovery.run() }
            defer {
                discovery.stop()
                worker?.join()
            }
            try body(files.source)
        }

        var reports: [String] { sink.state.withLock { $0.reports.map(\.message) } }
    }

    @Test func podsComeAndGo() throws {
        let node = try Node()
        let first = Pod(name: "web-1", uid: "u1", labels: ["app": "web"], ip: "10.0.0.1")
        node.api.put(first)
        node.write(first, "before\n")
        try node.run { files in
            #expect(node.sink.wait(lines: 1))
            #expect(node.api.waitForWatch())
            // Pending pods have no address yet: their first lines are read all the same.
            let second = Pod(name: "web-2", uid: "u2", containers: ["main", "side"])
            node.api.put(second)
            node.write(second, "two\n")
            node.write(second, "beside\n", container: "side")
            #expect(node.sink.wait(lines: 3))
            node.api.bookmark()
            node.write(second, "last\n")
            node.api.delete("u2")
            #expect(node.sink.wait(lines: 4))
            #expect(node.sink.wait { _ in files.targets.count == 1 } || Self.eventually { files.targets.count == 1 })
        }
        #expect(node.sink.lines.sorted() == ["before", "beside", "last", "two"])
        let labels = node.sink.all.first { $0.text == "before" }?.labels
        #expect(labels?["app"] == "web")
        #expect(labels?["pod"] == "web-1")
        #expect(labels?["container"] == "main")
        #expect(Set(node.sink.all.compactMap { $0.labels["container"] }) == ["main", "side"])
    }

    /// Lives for a moment: made, written, deleted from the API and the disk.
    @Test func shortLivedPods() throws {
        let node = try Node()
        try node.run { _ in
            #expect(node.api.waitForWatch())
            for i in 0..<5 {
                let pod = Pod(name: "job-\(i)", uid: "j\(i)")
                node.api.put(pod)
                node.write(pod, "one \(i)\ntwo \(i)\n")
                node.api.delete("j\(i)")
            }
            #expect(node.sink.wait(lines: 10))
        }
        #expect(node.sink.lines.sorted() == (0..<5).flatMap { ["one \($0)", "two \($0)"] }.sorted())
    }

    @Test func aWatchThatIsTooOldIsFollowedByAList() throws {
        let node = try Node()
        try node.run { _ in
            #expect(node.api.waitForWatch())
            // The watch ends, and what happens before the next is compacted away.
            node.api.state.change { $0.endsWatches = true }
            #expect(node.api.waitForWatch(2))
            let pod = Pod(name: "p", uid: "u")
            node.api.put(pod)
            node.write(pod, "line\n")
            node.api.state.change { state in
                state.oldest = state.version
                state.version += 1
                state.endsWatches = false
            }
            #expect(node.sink.wait(lines: 1))
        }
        // Not from a cache, which could be as old.
        #expect(node.api.requests.contains { !$0.contains("resourceVersion") })
    }

    @Test func theAPIGoesAwayAndComesBack() throws {
        let node = try Node()
        let pod = Pod(name: "p", uid: "u")
        node.api.put(pod)
        node.write(pod, "one\n")
        try node.run { files in
            #expect(node.sink.wait(lines: 1))
            node.api.state.change { state in
                state.refusal = "500 Internal Server Error"
                state.endsWatches = true
            }
            #expect(node.sink.wait { $0.counters[.kubernetesErrors] ?? 0 > 0 })
            // Its targets stay.
            #expect(files.targets.count == 1)
            node.write(pod, "two\n")
            #expect(node.sink.wait(lines: 2))
            let other = Pod(name: "q", uid: "v")
            node.api.put(other)
            node.write(other, "three\n")
            node.api.state.change { state in
                state.refusal = nil
                state.endsWatches = false
            }
            #expect(node.sink.wait(lines: 3))
        }
        #expect(node.sink.lines == ["one", "two", "three"])
    }

    @Test func namespacesAndSelectors() throws {
        let node = try Node()
        node.settings.namespaces = ["a", "b c"]
        node.settings.labelSelector = "app=web"
        node.settings.fieldSelector = "status.phase=Running"
        let pod = Pod(name: "p", uid: "u", namespace: "a")
        node.api.put(pod)
        node.api.put(Pod(name: "q", uid: "v", namespace: "z"))
        node.write(pod, "one\n")
        try node.run { files in
            #expect(node.sink.wait(lines: 1))
            #expect(node.api.waitForWatch(2))
            #expect(files.targets.count == 1)
        }
        let selector = "fieldSelector=status.phase%3DRunning%2Cspec.nodeName%3Dnode1&labelSelector=app%3Dweb"
        #expect(node.api.requests.contains("/api/v1/namespaces/a/pods?\(selector)&resourceVersion=0"))
        #expect(node.api.requests.contains("/api/v1/namespaces/b%20c/pods?\(selector)&resourceVersion=0"))
    }

    /// Tokens of service accounts are renewed while the process runs.
    @Test func tokensAreReadAgain() throws {
        let node = try Node()
        node.directory.write("token", "first\n")
        var address = node.api.address
        address.authorization = .bearerFile(node.directory("token"))
        node.settings.access = .server(address)
        try node.run { _ in
            #expect(node.api.waitForWatch())
            node.directory.write("token", "second\n")
            node.api.state.change { $0.endsWatches = true }
            #expect(node.api.wait { $0.headers.contains { $0.contains("Authorization: Bearer second") } })
        }
        #expect(node.api.state.withLock { $0.headers[0] }.contains("Authorization: Bearer first"))
    }

    @Test func withoutAServiceAccountFoldersTell() throws {
        let node = try Node()
        node.settings.access = .cluster
        let pod = Pod(name: "web-1", uid: "u1", namespace: "shop")
        node.write(pod, "before\n")
        try node.run { files in
            #expect(node.sink.wait(lines: 1))
            let other = Pod(name: "web-2", uid: "u2", namespace: "shop")
            node.write(other, "after\n")
            #expect(node.sink.wait(lines: 2))
        }
        #expect(node.sink.lines == ["before", "after"])
        #expect(node.sink.all[1].labels.pairs.filter { $0.name != "filename" } == Labels(["container": "main", "pod": "web-2"]).pairs)
        #expect(node.reports.filter { $0.hasPrefix("no service account: KUBERNETES_SERVICE_HOST is not set") }.count == 1)
        #expect(node.api.requests.isEmpty)
    }

    /// A role that came a minute after the collector (one `kubectl apply` of both) was not noticed until a restart: pods had no labels.
    @Test func permissionThatComesLaterIsNoticed() throws {
        let node = try Node()
        node.settings.access = .cluster
        node.settings.refusedWait = .milliseconds(50)
        node.directory.write("token", "t\n")
        let pod = Pod(name: "web-1", uid: "u1", labels: ["app": "web"])
        node.api.put(pod)
        node.api.state.change { $0.refusal = "403 Forbidden" }
        node.write(pod, "before\n")
        let api = node.api.address
        let account = KubernetesServiceAccount(directory: node.directory.path, host: "127.0.0.1", port: "1")
        try node.run(account, dial: { _ in try PlainDialer.dial(api) }) { files in
            #expect(node.sink.wait(lines: 1))
            #expect(node.api.wait { $0.requests.count >= 4 })
            let other = Pod(name: "web-2", uid: "u2", labels: ["app": "web"])
            node.write(other, "between\n")
            #expect(node.sink.wait(lines: 2))
            node.api.put(other)
            node.api.state.change { $0.refusal = nil }
            #expect(node.api.waitForWatch())
            #expect(Self.eventually { files.targetStatus().allSatisfy { $0.labels["app"] == "web" && !$0.files.isEmpty } })
            node.write(pod, "after\n")
            #expect(node.sink.wait(lines: 3))
        }
        #expect(node.sink.lines == ["before", "between", "after"])
        #expect(node.sink.all.map { $0.labels["app"] } == [nil, nil, "web"])
        #expect(node.reports.filter { $0.contains("ClusterRole") }.count == 1)
        #expect(node.reports.filter { $0.hasSuffix("lets us now: pods have their labels and annotations") }.count == 1)
    }

    @Test func onceReadsThePodsThatAreThere() throws {
        let node = try Node()
        let pod = Pod(name: "p", uid: "u")
        node.api.put(pod)
        node.write(pod, "one\ntwo\n")
        let files = try Running([], node.sink, once: true) { _ in
        } before: { source in
            let discovery = try KubernetesDiscovery(node.settings, files: source, node: "node1", once: true, events: node.sink.events)
            try discovery.run()
        }
        #expect(files.finish() == nil)
        #expect(node.sink.lines == ["one", "two"])
    }

    private static func eventually(_ condition: () -> Bool) -> Bool {
        for _ in 0..<3_000 {
            if condition() { return true }
            usleep(10_000)
        }
        return false
    }
}
