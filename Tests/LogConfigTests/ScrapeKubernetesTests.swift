import Bytes
import Disk
import Glibc
import LogModel
import Testing

@testable import LogConfig
@testable import LogSources

@Suite struct ScrapeKubernetesTests {
    private func load(_ entry: String, rules: String = "") throws(ConfigurationErrors) -> Configuration {
        try ConfigurationLoader.parse(
            text: """
                clients: [{url: http://localhost:3100/loki/api/v1/push}]
                scrape_configs:
                  - job_name: kubernetes-pods
                    pipeline_stages: [{cri: {}}]
                    kubernetes_sd_configs:
                \(entry)
                \(rules)
                """, file: "t.yaml")
    }

    private func mistakes(_ entry: String) -> [String] {
        do throws(ConfigurationErrors) {
            _ = try load(entry)
            return []
        } catch {
            return error.items.map { "\($0.line):\($0.column) \($0.message) | \($0.hint)" }
        }
    }

    @Test func everyKey() throws {
        let configuration = try load(
            """
                  - role: pod
                    api_server: https://10.0.0.1:6443/base
                    bearer_token_file: /token
                    tls_config: {ca_file: /ca.crt}
                    namespaces: {names: [a, b], own_namespace: true}
                    selectors:
                      - {role: pod, label: app=web, field: status.phase=Running}
                      - {role: pod, label: tier!=x}
                  - role: pod
            """)
        let found = configuration.scrapeConfigs[0].kubernetes
        #expect(found.count == 2)
        var address = HTTPServerAddress(.tcp(host: "10.0.0.1", port: 6443))
        address.basePath = "/base"
        address.authorization = .bearerFile("/token")
        address.tls = HTTPServerAddress.TLS()
        address.tls?.authority = .file("/ca.crt")
        #expect(found[0].access == .server(address))
        #expect(found[0].namespaces == ["a", "b"])
        #expect(found[0].includesOwnNamespace)
        #expect(found[0].labelSelector == "app=web,tier!=x")
        #expect(found[0].fieldSelector == "status.phase=Running")
        #expect(found[1].access == .cluster)
    }

    @Test func mistakesHaveTheirPlace() {
        #expect(mistakes("      - {}").first?.hasPrefix("6:9 `role` is missing") ?? false)
        #expect(mistakes("      - role: endpoints").first?.contains("is `endpoints`, which is not available: logs belong to pods | write role: pod") ?? false)
        #expect(mistakes("      - {role: pod, api_server: 'ftp://h'}").first?.contains("`api_server`") ?? false)
        #expect(mistakes("      - {role: pod, kubeconfig_file: /nowhere/config}").first?.contains("/nowhere/config: cannot be opened") ?? false)
        #expect(mistakes("      - {role: pod, namespace: x}").first?.contains("did you mean `namespaces`?") ?? false)
        #expect(mistakes("      - {role: pod, selectors: [{role: service}]}").first?.contains("must be pod") ?? false)
    }

    @Test func kubeconfig() throws {
        let path = "/tmp/tailrace-kubeconfig-\(getpid())"
        defer { unlink(path) }
        func write(_ text: String) throws {
            let file = try #require(fopen(path, "w"))
            defer { fclose(file) }
            fputs(text, file)
        }
        let clusters = """
            apiVersion: v1
            kind: Config
            current-context: here
            contexts: [{name: there, context: {cluster: x}}, {name: here, context: {cluster: home, user: me, namespace: n}}]
            clusters: [{name: home, cluster: {server: 'https://k8s:6443', certificate-authority-data: Zm9v, tls-server-name: k}}]

            """
        try write(clusters + "users: [{name: me, user: {client-certificate: c.pem, client-key-data: Zm8=, tokenFile: /t}}]\n")
        var address = HTTPServerAddress(.tcp(host: "k8s", port: 6443))
        var tls = HTTPServerAddress.TLS()
        tls.authority = .text(Secret("foo"))
        tls.serverName = "k"
        tls.certificate = .file("/tmp/c.pem")
        tls.key = .text(Secret("fo"))
        address.tls = tls
        address.authorization = .bearerFile("/t")
        #expect(try KubeconfigFile.load(path) == address)
        try write(clusters + "users: [{name: me, user: {exec: {command: aws}}}]\n")
        #expect(throws: ConfigurationErrors.self) { try KubeconfigFile.load(path) }
        try write(clusters + "users: []\n")
        #expect(throws: ConfigurationErrors.self) { try KubeconfigFile.load(path) }
    }

    // MARK: A chart's rules

    /// Rules as the charts of the field have them: labels by falling back from one to the next, paths from the pod's identity.
    private static let chartRules = """
            relabel_configs:
              - source_labels: [__meta_kubernetes_pod_controller_name]
                regex: '([0-9a-z-.]+?)(-[0-9a-f]{8,10})?'
                target_label: __tmp_controller
              - source_labels:
                  - __meta_kubernetes_pod_label_app_kubernetes_io_name
                  - __meta_kubernetes_pod_label_app
                  - __tmp_controller
                  - __meta_kubernetes_pod_name
                regex: '^;*([^;]+)(;.*)?$'
                target_label: app
              - source_labels: [__meta_kubernetes_pod_label_app_kubernetes_io_component, __meta_kubernetes_pod_label_component]
                regex: '^;*([^;]+)(;.*)?$'
                target_label: component
              - {source_labels: [__meta_kubernetes_pod_node_name], target_label: node_name}
              - {source_labels: [__meta_kubernetes_namespace], target_label: namespace}
              - {source_labels: [namespace, app], separator: /, target_label: job}
              - {source_labels: [__meta_kubernetes_pod_name], target_label: pod}
              - {source_labels: [__meta_kubernetes_pod_container_name], target_label: container}
              - source_labels: [__meta_kubernetes_pod_uid, __meta_kubernetes_pod_container_name]
                separator: /
                replacement: /var/log/pods/*$1/*.log
                target_label: __path__
              - source_labels:
                  - __meta_kubernetes_pod_annotationpresent_kubernetes_io_config_hash
                  - __meta_kubernetes_pod_annotation_kubernetes_io_config_hash
                  - __meta_kubernetes_pod_container_name
                separator: /
                regex: true/(.*)
                replacement: /var/log/pods/*$1/*.log
                target_label: __path__
        """

    private func targets(_ metadata: String, container: String) throws -> [String] {
        let scrape = try load("      - role: pod", rules: Self.chartRules).scrapeConfigs[0]
        let text = "{\"metadata\":{\(metadata)},\"spec\":{\"nodeName\":\"node1\",\"containers\":[{\"name\":\"\(container)\"}]},\"status\":{}}"
        let tree = try #require(text.withView { JSONTree($0) })
        let pod = try #require(KubernetesPod(tree, podsDirectory: "/var/log/pods"))
        return try pod.discovered.map { labels in
            var settings = try #require(scrape.kubernetes.first).target
            settings.labels = labels
            let target = try FileTarget(settings, hostname: "node1")
            return "\(target.labels.description) \(target.path)"
        }
    }

    @Test func aChartsRulesOverADeployment() throws {
        #expect(
            try targets(
                """
                "name":"checkout-5d8f9c7b64-abcde","namespace":"shop","uid":"11-22",
                "labels":{"app.kubernetes.io/component":"api","pod-template-hash":"5d8f9c7b64"},
                "ownerReferences":[{"kind":"ReplicaSet","name":"checkout-5d8f9c7b64","controller":true}]
                """, container: "server") == [
                    #"{app="checkout", component="api", container="server", job="shop/checkout", namespace="shop", node_name="node1", "#
                        + #"pod="checkout-5d8f9c7b64-abcde"} /var/log/pods/*11-22/server/*.log"#
                ])
    }

    @Test func aChartsRulesOverALabelledPod() throws {
        #expect(
            try targets(
                "\"name\":\"db-0\",\"namespace\":\"data\",\"uid\":\"33\",\"labels\":{\"app\":\"postgres\",\"app.kubernetes.io/name\":\"pg\"}",
                container: "pg") == [
                    #"{app="pg", container="pg", job="data/pg", namespace="data", node_name="node1", pod="db-0"} /var/log/pods/*33/pg/*.log"#
                ])
    }

    @Test func aChartsRulesOverAStaticPod() throws {
        #expect(
            try targets(
                "\"name\":\"etcd-node1\",\"namespace\":\"kube-system\",\"uid\":\"44\",\"annotations\":{\"kubernetes.io/config.hash\":\"f00d\"}",
                container: "etcd") == [
                    #"{app="etcd-node1", container="etcd", job="kube-system/etcd-node1", namespace="kube-system", node_name="node1", pod="etcd-node1"} "#
                        + #"/var/log/pods/*f00d/etcd/*.log"#
                ])
    }
}
