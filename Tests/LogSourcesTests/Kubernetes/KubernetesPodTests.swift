import Bytes
import LogModel
import Testing

@testable import LogSources

@Suite struct KubernetesPodTests {
    private func pod(_ text: String) throws -> KubernetesPod {
        let tree = try #require(text.withView { JSONTree($0) })
        return try #require(KubernetesPod(tree, podsDirectory: "/var/log/pods"))
    }

    /// Whoever may make a pod may annotate it: the annotation took part in a path, and with it any file of the node was read.
    @Test(arguments: [
        ("../../../etc", "u1"), ("a/b", "u1"), ("*", "u1"), ("", "u1"), ("..", "u1"), ("a.b", "u1"), ("0123abc-d", "0123abc-d"),
    ])
    func annotationsLeadNowhereElse(_ hash: String, _ folder: String) throws {
        let pod = try pod(
            """
            {"metadata":{"name":"p","namespace":"n","uid":"u1","annotations":{"kubernetes.io/config.hash":"\(hash)"}},
             "spec":{"containers":[{"name":"main"},{"name":".."},{"name":"a/b"},{"name":"*"},{"name":"{a,b}"},{"name":""}]}}
            """)
        #expect(pod.discovered.compactMap { $0["__path__"] } == [ByteString("/var/log/pods/n_p_\(folder)/main/*.log")])
    }

    @Test(arguments: [("..", "n", "u"), ("p", "a/b", "u"), ("p", "n", "*"), ("p", "n", "../x"), ("p?", "n", "u"), ("p", "", "u"), ("p", "[n]", "u")])
    func podsWhoseNamesAreNoNamesAreLeftOut(_ name: String, _ namespace: String, _ uid: String) throws {
        let text = "{\"metadata\":{\"name\":\"\(name)\",\"namespace\":\"\(namespace)\",\"uid\":\"\(uid)\"},\"spec\":{\"containers\":[{\"name\":\"c\"}]}}"
        let tree = try #require(text.withView { JSONTree($0) })
        #expect(KubernetesPod(tree, podsDirectory: "/p") == nil)
        #expect(KubernetesPod(folder: "n_*_u", containers: ["c"], node: "x", podsDirectory: "/p") == nil)
    }

    @Test func everyLabel() throws {
        let pod = try pod(
            """
            {"metadata":{"name":"web-7d4b9c6f5-x2x","namespace":"shop","uid":"0b1c","labels":{"app.kubernetes.io/name":"web","tier":"a"},
              "annotations":{"example.com/scrape":"yes"},
              "ownerReferences":[{"kind":"Other","name":"o"},{"kind":"ReplicaSet","name":"web-7d4b9c6f5","controller":true}]},
             "spec":{"nodeName":"node1",
              "initContainers":[{"name":"setup","image":"busybox"}],
              "containers":[{"name":"main","image":"web:1","ports":[{"name":"http","containerPort":80,"protocol":"TCP"},{"containerPort":53,"protocol":"UDP"}]}]},
             "status":{"phase":"Running","podIP":"10.0.0.9","hostIP":"192.168.1.2","conditions":[{"type":"Ready","status":"True"}],
              "containerStatuses":[{"name":"main","containerID":"containerd://abc"}],
              "initContainerStatuses":[{"name":"setup","containerID":"containerd://def"}]}}
            """)
        let common: KeyValuePairs<String, String> = [
            "__meta_kubernetes_namespace": "shop", "__meta_kubernetes_pod_annotation_example_com_scrape": "yes",
            "__meta_kubernetes_pod_annotationpresent_example_com_scrape": "true", "__meta_kubernetes_pod_controller_kind": "ReplicaSet",
            "__meta_kubernetes_pod_controller_name": "web-7d4b9c6f5", "__meta_kubernetes_pod_host_ip": "192.168.1.2",
            "__meta_kubernetes_pod_ip": "10.0.0.9", "__meta_kubernetes_pod_label_app_kubernetes_io_name": "web",
            "__meta_kubernetes_pod_label_tier": "a", "__meta_kubernetes_pod_labelpresent_app_kubernetes_io_name": "true",
            "__meta_kubernetes_pod_labelpresent_tier": "true", "__meta_kubernetes_pod_name": "web-7d4b9c6f5-x2x",
            "__meta_kubernetes_pod_node_name": "node1", "__meta_kubernetes_pod_phase": "Running", "__meta_kubernetes_pod_ready": "true",
            "__meta_kubernetes_pod_uid": "0b1c",
        ]
        func expected(_ own: KeyValuePairs<String, String>) -> Labels { Labels(Labels(common).pairs + Labels(own).pairs) }
        let main: [(String, String)] = [
            ("__path__", "/var/log/pods/shop_web-7d4b9c6f5-x2x_0b1c/main/*.log"), ("__meta_kubernetes_pod_container_name", "main"),
            ("__meta_kubernetes_pod_container_image", "web:1"), ("__meta_kubernetes_pod_container_id", "containerd://abc"),
            ("__meta_kubernetes_pod_container_init", "false"),
        ]
        let mainLabels = main.map { Label(ByteString($0.0), ByteString($0.1)) }
        #expect(pod.uid == "0b1c")
        #expect(pod.discovered.count == 3)
        #expect(
            pod.discovered[0]
                == Labels(
                    expected([
                        "__address__": "10.0.0.9:80", "__meta_kubernetes_pod_container_port_name": "http",
                        "__meta_kubernetes_pod_container_port_number": "80", "__meta_kubernetes_pod_container_port_protocol": "TCP",
                    ]).pairs + mainLabels))
        #expect(
            pod.discovered[1]
                == Labels(
                    expected([
                        "__address__": "10.0.0.9:53", "__meta_kubernetes_pod_container_port_number": "53",
                        "__meta_kubernetes_pod_container_port_protocol": "UDP",
                    ]).pairs + mainLabels))
        #expect(pod.discovered[2]["__meta_kubernetes_pod_container_init"] == "true")
        #expect(pod.discovered[2]["__meta_kubernetes_pod_container_id"] == "containerd://def")
        #expect(pod.discovered[2]["__address__"] == "10.0.0.9")
    }

    /// Promtail passes over it until it has an address.
    @Test func aPendingPod() throws {
        let pod = try pod(
            "{\"metadata\":{\"name\":\"p\",\"namespace\":\"n\",\"uid\":\"u\"},\"spec\":{\"containers\":[{\"name\":\"c\"}]},\"status\":{\"phase\":\"Pending\"}}")
        #expect(pod.discovered.count == 1)
        #expect(pod.discovered[0]["__meta_kubernetes_pod_ready"] == "unknown")
        #expect(pod.discovered[0]["__address__"] == nil)
    }

    /// The kubelet writes the logs of its own pods under the hash of their file.
    @Test func aStaticPod() throws {
        let pod = try pod(
            """
            {"metadata":{"name":"etcd-node1","namespace":"kube-system","uid":"api-uid","annotations":{"kubernetes.io/config.hash":"f00d"}},
             "spec":{"containers":[{"name":"etcd"}]}}
            """)
        #expect(pod.discovered[0]["__path__"] == "/var/log/pods/kube-system_etcd-node1_f00d/etcd/*.log")
    }

    @Test(arguments: ["{}", "[]", "{\"metadata\":{\"name\":\"p\"}}"])
    func whatIsNoPod(text: String) {
        #expect(text.withView { JSONTree($0) }.flatMap { KubernetesPod($0, podsDirectory: "/p") } == nil)
    }
}
