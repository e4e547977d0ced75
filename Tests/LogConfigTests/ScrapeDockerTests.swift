import LogModel
import LogSources
import Testing

@testable import LogConfig

@Suite struct ScrapeDockerTests {
    private func load(_ entry: String) throws(ConfigurationErrors) -> Configuration {
        try ConfigurationLoader.parse(
            text: """
                clients: [{url: http://localhost:3100/loki/api/v1/push}]
                scrape_configs:
                  - job_name: docker
                    relabel_configs:
                      - {source_labels: [__meta_docker_container_name], regex: '/(.*)', target_label: container}
                    docker_sd_configs:
                \(entry)
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
                  - host: unix:///var/run/docker.sock
                    port: 8080
                    host_networking_host: node1
                    match_first_network: false
                    refresh_interval: 5s
                    follow_redirects: true
                    filters:
                      - {name: label, values: [logging=promtail]}
                  - host: https://docker.example:2376
                    bearer_token: abc
                    tls_config: {ca_file: /ca.pem, cert_file: /c.pem, key_file: /k.pem, server_name: d}
            """)
        let docker = configuration.scrapeConfigs[0].docker
        #expect(docker.count == 2)
        #expect(docker[0].address == HTTPServerAddress(.unix(path: "/var/run/docker.sock")))
        #expect(docker[0].port == 8080)
        #expect(docker[0].hostNetworkingHost == "node1")
        #expect(!docker[0].matchesFirstNetwork)
        #expect(docker[0].refreshInterval == .seconds(5))
        #expect(docker[0].filters == [DockerSettings.Filter(name: "label", values: ["logging=promtail"])])
        #expect(docker[0].relabel.count == 1)
        #expect(docker[1].address.name == "https://docker.example:2376")
        #expect(docker[1].address.tls?.authority == .file("/ca.pem"))
        #expect(docker[1].address.tls?.serverName == "d")
        #expect(docker[1].address.authorization == .header(Secret("Bearer abc")))
        #expect(docker[1].index == 1)
    }

    @Test(arguments: [
        ("tcp://10.0.0.1", "http://10.0.0.1:2375"), ("tcp://[::1]:99", "http://[::1]:99"), ("http://h:80/engine/", "http://h:80/engine"),
        ("unix:///run/podman/podman.sock", "unix:///run/podman/podman.sock"),
    ])
    func hosts(text: String, name: String) throws {
        #expect(try load("      - host: \(text)").scrapeConfigs[0].docker.map(\.address.name) == [name])
    }

    @Test func mistakesHaveTheirPlace() {
        #expect(mistakes("      - port: 80").first?.hasPrefix("7:9 `host` is missing") ?? false)
        #expect(mistakes("      - host: ssh://root@h").first?.hasPrefix("7:15 `host` in scrape_configs[0].docker_sd_configs[0] is `ssh://…@h`") ?? false)
        #expect(mistakes("      - {host: 'unix:///s', refresh_intervall: 5s}").first?.contains("did you mean `refresh_interval`?") ?? false)
        #expect(mistakes("      - {host: 'unix:///s', filters: [{name: label}]}").first?.contains("`name` and `values` are needed") ?? false)
        #expect(mistakes("      - {host: 'unix:///s', oauth2: {client_id: a}}").first?.contains("`oauth2`") ?? false)
        #expect(mistakes("      - {host: 'unix:///s', basic_auth: {username: a}, bearer_token: b}").first?.contains("exclude each other") ?? false)
    }

    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("user:pass", "dXNlcjpwYXNz")])
    func base64(text: String, encoded: String) {
        #expect(Base64Text.encode(Array(text.utf8)) == encoded)
        #expect(Base64Text.decode(encoded) == Array(text.utf8))
        #expect(Base64Text.decode(encoded + "*") == nil)
    }
}
