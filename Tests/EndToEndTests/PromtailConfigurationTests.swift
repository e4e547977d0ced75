import Glibc
import LogSources
import Testing

@testable import FakeServers

/// Whole configurations as people have them, and the labels that Promtail makes of them, byte for byte. What a dry run prints is what would
/// be sent.
@Suite struct PromtailConfigurationTests {
    /// `{labels}<TAB>line` of everything printed, sorted. Times are left out: most are those of reading.
    private static func printed(
        _ folder: Scratch, _ configuration: String, lines: Int, environment: [String] = [], _ body: () throws -> Void = {}
    ) throws -> [String] {
        let file = folder.write("promtail.yaml", configuration)
        let process = try TailraceProcess(
            ["promtail", "-config.file=\(file)", "-dry-run"], log: folder.path("dry-run.out"), environment: environment)
        try body()
        func all() -> [String] {
            process.output.split(separator: "\n").compactMap { line in
                let parts = line.split(separator: "\t", maxSplits: 1)
                return parts.count == 2 && parts[1].hasPrefix("{") ? String(parts[1]) : nil
            }
        }
        try waitUntil("\(lines) lines are printed") {
            if process.hasEnded { throw HarnessError("it ended:\n\(process.output)") }
            return all().count >= lines
        }
        process.signal(SIGTERM)
        #expect(process.wait() == 0, "\(process.output)")
        return all().sorted()
    }

    /// One host with Docker and a folder of application logs: no stage, labels by relabelling and from the configuration alone.
    @Test func dockerAndAFolder() throws {
        let folder = try Scratch()
        let docker = FakeDocker(path: folder.path("docker.sock"))
        defer { docker.stop() }
        docker.run(FakeDocker.Container(id: "c0ffee01", name: "web-1", labels: ["com.docker.compose.service": "web"]))
        docker.write(
            "c0ffee01", FakeDocker.Line(time: FakeDocker.noon, text: "listening on :8080"),
            FakeDocker.Line(time: FakeDocker.noon + 1, text: "no GPU", stream: 2))
        mkdir(folder.path("llm-api"), 0o755)
        _ = folder.write("llm-api/app.log", #"{"level":"INFO","model":"llama-2-7b","duration_ms":1234,"tokens":156}"# + "\nplain text\n")
        _ = folder.write("llm-api/app.log.1", "not matched by the pattern\n")
        let configuration = """
            server:
              http_listen_port: 9080
              grpc_listen_port: 0

            positions:
              filename: \(folder.path("positions.yaml"))

            clients:
              - url: http://loki:3100/loki/api/v1/push

            scrape_configs:
              # Docker logs
              - job_name: docker
                docker_sd_configs:
                  - host: unix://\(folder.path("docker.sock"))
                    refresh_interval: 5s
                relabel_configs:
                  - source_labels: ['__meta_docker_container_name']
                    target_label: 'container'
                  - source_labels: ['__meta_docker_container_log_stream']
                    target_label: 'stream'

              # Application logs
              - job_name: llm-api
                static_configs:
                  - targets:
                      - localhost
                    labels:
                      job: llm-api
                      __path__: \(folder.path("llm-api"))/*.log

            """
        let own = #"{filename="\#(folder.path("llm-api/app.log"))", job="llm-api"}"#
        let printed = try Self.printed(folder, configuration, lines: 4)
        let expected = [
            #"{container="/web-1", stream="stderr"}"# + "\tno GPU",
            #"{container="/web-1", stream="stdout"}"# + "\tlistening on :8080",
            own + "\tplain text",
            own + "\t" + #"{"level":"INFO","model":"llama-2-7b","duration_ms":1234,"tokens":156}"#,
        ]
        #expect(printed == expected, "\(printed)")
    }

    /// A node of a cluster, as charts configure it: `cri`, then labels by falling back from one to the next, paths from the pod.
    @Test func aNodeOfACluster() throws {
        let folder = try Scratch()
        let cluster = FakeKubernetes()
        defer { cluster.stop() }
        guard case .tcp(_, let port) = cluster.address.place else { throw HarnessError("the API server has no port") }
        let time = "2023-11-14T12:00:00.000000001Z"
        func put(_ pod: FakeKubernetes.Pod, _ container: String, _ text: String) {
            var path = folder.path("pods")
            for part in ["", "/\(pod.namespace)_\(pod.name)_\(pod.uid)", "/\(container)"] {
                path += part
                mkdir(path, 0o755)
            }
            _ = folder.write("pods/\(pod.namespace)_\(pod.name)_\(pod.uid)/\(container)/0.log", text)
            cluster.put(pod)
        }
        put(
            FakeKubernetes.Pod(
                name: "vllm-0", uid: "11-22", namespace: "inference",
                labels: ["app.kubernetes.io/name": "vllm", "app.kubernetes.io/instance": "prod", "app.kubernetes.io/component": "engine"],
                containers: ["server"], ip: "10.0.0.7"),
            "server", "\(time) stdout P Uvicorn \n\(time) stdout F running\n\(time) stderr F WARNING slow\n")
        put(
            FakeKubernetes.Pod(name: "bare", uid: "33", namespace: "default", containers: ["main"], ip: "10.0.0.8"),
            "main", "\(time) stdout F hello\n")
        // Promtail waits until a pod has an address, and misses those that end before; its log is there already.
        put(FakeKubernetes.Pod(name: "pending", uid: "44", namespace: "default"), "main", "\(time) stdout F early\n")
        let configuration = """
            server:
              log_level: info
              log_format: logfmt
              http_listen_port: 3101

            clients:
              - url: http://loki-gateway/loki/api/v1/push

            positions:
              filename: \(folder.path("positions.yaml"))

            scrape_configs:
              - job_name: kubernetes-pods
                pipeline_stages:
                  - cri: {}
                kubernetes_sd_configs:
                  - role: pod
                    api_server: http://127.0.0.1:\(port)
                relabel_configs:
                  - source_labels:
                      - __meta_kubernetes_pod_controller_name
                    regex: ([0-9a-z-.]+?)(-[0-9a-f]{8,10})?
                    action: replace
                    target_label: __tmp_controller_name
                  - source_labels:
                      - __meta_kubernetes_pod_label_app_kubernetes_io_name
                      - __meta_kubernetes_pod_label_app
                      - __tmp_controller_name
                      - __meta_kubernetes_pod_name
                    regex: ^;*([^;]+)(;.*)?$
                    action: replace
                    target_label: app
                  - source_labels:
                      - __meta_kubernetes_pod_label_app_kubernetes_io_instance
                      - __meta_kubernetes_pod_label_instance
                    regex: ^;*([^;]+)(;.*)?$
                    action: replace
                    target_label: instance
                  - source_labels:
                      - __meta_kubernetes_pod_label_app_kubernetes_io_component
                      - __meta_kubernetes_pod_label_component
                    regex: ^;*([^;]+)(;.*)?$
                    action: replace
                    target_label: component
                  - action: replace
                    source_labels:
                      - __meta_kubernetes_pod_node_name
                    target_label: node_name
                  - action: replace
                    source_labels:
                      - __meta_kubernetes_namespace
                    target_label: namespace
                  - action: replace
                    replacement: $1
                    separator: /
                    source_labels:
                      - namespace
                      - app
                    target_label: job
                  - action: replace
                    source_labels:
                      - __meta_kubernetes_pod_name
                    target_label: pod
                  - action: replace
                    source_labels:
                      - __meta_kubernetes_pod_container_name
                    target_label: container
                  - action: replace
                    replacement: \(folder.path("pods"))/*$1/*.log
                    separator: /
                    source_labels:
                      - __meta_kubernetes_pod_uid
                      - __meta_kubernetes_pod_container_name
                    target_label: __path__
                  - action: replace
                    regex: true/(.*)
                    replacement: \(folder.path("pods"))/*$1/*.log
                    separator: /
                    source_labels:
                      - __meta_kubernetes_pod_annotationpresent_kubernetes_io_config_hash
                      - __meta_kubernetes_pod_annotation_kubernetes_io_config_hash
                      - __meta_kubernetes_pod_container_name
                    target_label: __path__

            limits_config:

            tracing:
              enabled: false

            """
        let vllm = { (stream: String) in
            #"{app="vllm", component="engine", container="server", filename="\#(folder.path("pods/inference_vllm-0_11-22/server/0.log"))", "#
                + #"instance="prod", job="inference/vllm", namespace="inference", node_name="node1", pod="vllm-0", stream="\#(stream)"}"#
        }
        let own = { (pod: String, uid: String) in
            #"{app="\#(pod)", container="main", filename="\#(folder.path("pods/default_\(pod)_\(uid)/main/0.log"))", job="default/\#(pod)", "#
                + #"namespace="default", node_name="node1", pod="\#(pod)", stream="stdout"}"#
        }
        let printed = try Self.printed(folder, configuration, lines: 4, environment: ["HOSTNAME=node1"])
        let expected = [own("bare", "33") + "\thello", own("pending", "44") + "\tearly", vllm("stderr") + "\tWARNING slow", vllm("stdout") + "\tUvicorn running"]
        #expect(printed == expected, "\(printed)")
    }
}
