import Bytes
import LogConfig
import LogModel
import LogPipeline
import LogQuery
import LogServer
import LogShipping
import LogSources
import LogStore
import Redaction
import Testing

@Suite struct ConfigurationLoaderTests {
    private func load(_ text: String) throws(ConfigurationErrors) -> Configuration {
        try ConfigurationLoader.parse(text: text, file: "t.yaml")
    }

    private func mistakes(_ text: String) -> [ConfigurationError] {
        do throws(ConfigurationErrors) {
            _ = try load(text)
            return []
        } catch {
            return error.items
        }
    }

    /// What a client may say about its way and about what is not taken at once.
    @Test func delivery() throws {
        let configuration = try load(
            """
            positions: {filename: /var/lib/t/positions.yaml}
            wal: {enabled: true, dir: /var/lib/t/wal, cleanSegmentsOlderThan: 1h}
            clients:
              - url: https://logs:3100/push
                queue: {dir: /q, max_bytes: 8mb, when_full: drop_oldest, fsync: false, required: false}
                parallel: 4
                tls_config: {server_name: x, min_version: TLS12, max_version: TLS13, ca: PEM}
                proxy_url: http://proxy:3128
                no_proxy: a,b
                proxy_connect_header: {Proxy-Authorization: [Basic eA==]}
                follow_redirects: false
                enable_http2: true
                oauth2: {client_id: me, client_secret: s, token_url: https://idp/token, scopes: [a, b], endpoint_params: {k: v}}
                dead_letter: {file: /d.jsonl, max_bytes: 1mb}
              - url: http://logs:3100/push
                proxy_from_environment: true
              - {url: "http://other/push", dead_letter: false, name: o}
            """)
        #expect(configuration.warnings.map(\.line) == [2])
        let clients = configuration.clients
        var spool = SpoolSettings(directory: "/q")
        spool.sizeMax = 8 << 20
        spool.whenFull = .dropOldest
        spool.syncs = false
        #expect(clients[0].spool == spool && !clients[0].isRequired && clients[0].parallel == 4)
        #expect(clients[0].tls.serverName == "x" && clients[0].tls.versionMin == .tls12 && clients[0].tls.versionMax == .tls13)
        #expect(clients[0].tls.authority == SecretSource("PEM"))
        #expect(clients[0].proxy.url == "http://proxy:3128" && clients[0].proxy.exceptions == "a,b")
        #expect(clients[0].proxy.authorization?.exposed == "Basic eA==")
        #expect(!clients[0].followsRedirects && clients[1].followsRedirects)
        guard case .oauth2(let oauth) = clients[0].authorization else {
            Issue.record("no oauth2")
            return
        }
        #expect(oauth.clientID == "me" && oauth.tokenURL == "https://idp/token" && oauth.scopes == ["a", "b"])
        #expect(oauth.parameters == [OAuth2Settings.Parameter("k", "v")])
        #expect(clients[0].deadLetters?.path == "/d.jsonl" && clients[0].deadLetters?.sizeMax == 1 << 20)
        #expect(clients[1].deadLetters?.path == "/var/lib/t/dead-letters-logs_3100-2.jsonl")
        #expect(clients[1].spool?.directory == "/var/lib/t/wal/logs_3100-2" && clients[1].isRequired)
        #expect(clients[1].proxy.isFromEnvironment)
        #expect(clients[2].deadLetters == nil && clients[2].spool?.directory == "/var/lib/t/wal/o")
    }

    /// The order of blocks and most keys of a promtail.yaml as people have it.
    @Test func promtailFile() throws {
        let configuration = try load(
            """
            server:
              http_listen_port: 9080
              grpc_listen_port: 0
              log_level: warn
            positions:
              filename: /tmp/positions.yaml
              sync_period: 5s
            clients:
              - url: http://user:p%40ss@loki:3100/loki/api/v1/push
                batchwait: 2s
                batchsize: 1048576
                timeout: 500000000
                tenant_id: team-a
                external_labels: {cluster: eu, rack: 12}
                backoff_config: {min_period: 100ms, max_period: 10s, max_retries: 0}
              - url: https://other/loki/api/v1/push
                name: second
                bearer_token: abc
                headers: {X-Env: prod}
            scrape_configs:
              - job_name: system
                static_configs:
                  - targets: [localhost]
                    labels: {job: varlogs, __path__: /var/log/*log, n: 1}
                pipeline_stages:
                  - cri: {}
                  - docker:
                  - json: {expressions: {level: , msg: message}}
                  - labels: {level: }
                  - drop: {older_than: 24h, longer_than: 8kb, source: [a, b]}
                  - match:
                      selector: '{job="varlogs"} |= "x"'
                      stages:
                        - regex: {expression: '(?P<a>x)'}
                  - metrics:
                      lines_total: {type: Counter, config: {match_all: true, action: inc}}
              - job_name: journal
                journal: {max_age: 12h, json: true, path: /var/log/journal, labels: {job: j}, matches: _SYSTEMD_UNIT=a.service PRIORITY=3}
                relabel_configs:
                  - source_labels: [__journal__systemd_unit]
                    target_label: unit
            target_config: {sync_period: 20s}
            limits_config: {readline_rate_enabled: true, readline_rate: 500, max_line_size: 256kb}
            """
        )
        #expect(configuration.server.port == 9080)
        #expect(configuration.serverOptions.logLevel == "warn")
        #expect(configuration.positions.filename == "/tmp/positions.yaml")
        #expect(configuration.positions.syncPeriod == 5_000_000_000)
        let first = configuration.clients[0]
        #expect(first.url == "http://loki:3100/loki/api/v1/push")
        #expect(first.authorization == .basic(username: SecretSource("user"), password: SecretSource("p@ss")))
        #expect(first.batchWait == 2_000_000_000)
        #expect(first.timeout == 500_000_000)
        #expect(first.tenantID == "team-a")
        #expect(first.externalLabels == Labels(["cluster": "eu", "rack": "12"]))
        #expect(first.backoffMin == 100_000_000)
        #expect(first.maxRetries == 0)
        let second = configuration.clients[1]
        #expect(second.authorization == .header(type: "Bearer", credentials: SecretSource("abc")))
        #expect(second.headers.first?.name == "X-Env")
        let system = configuration.scrapeConfigs[0]
        #expect(system.jobName == "system")
        #expect(system.fileTargets.first?.labels["__path__"] == "/var/log/*log")
        #expect(system.fileTargets.first?.labels["n"] == "1")
        #expect(system.stages.map(\.kind.name) == ["cri", "docker", "json", "labels", "drop", "match", "metrics"])
        #expect(
            system.stages[2].kind
                == .json(JSONStageOptions(expressions: [StageMapping("level"), StageMapping("msg", "message")]))
        )
        #expect(system.stages[2].location == StageLocation(line: 28, column: 9))
        #expect(
            system.stages[4].kind
                == .drop(DropStageOptions(sources: ["a", "b"], olderThan: 86_400_000_000_000, longerThan: 8192))
        )
        let journal = configuration.scrapeConfigs[1].journal
        #expect(journal?.json == true)
        #expect(journal?.maxAge == .seconds(12 * 3600))
        #expect(journal?.matches == ["_SYSTEMD_UNIT=a.service", "PRIORITY=3"])
        #expect(journal?.relabel.count == 1)
        #expect(configuration.files.resyncInterval == .seconds(20))
        #expect(configuration.collectorLimits.readlineRate == 500)
        #expect(configuration.collectorLimits.maxLineSize == 262_144)
        #expect(configuration.store == nil)
        #expect(configuration.redaction == nil)
        #expect(configuration.missingDestination == nil)
        #expect(configuration.warnings.map(\.message) == [])
    }

    @Test func targetFiles() throws {
        let configuration = try load(
            """
            store: {}
            scrape_configs:
              - job_name: d
                file_sd_configs:
                  - files: [/etc/t/*.json, targets.yml]
                    refresh_interval: 1d
                relabel_configs:
                  - {source_labels: [__meta_filepath], target_label: from}
            """)
        let discovery = try #require(configuration.scrapeConfigs[0].fileDiscoveries.first)
        #expect(discovery.files == ["/etc/t/*.json", "targets.yml"])
        #expect(discovery.refreshInterval == .seconds(86_400))
        #expect(discovery.target.relabel.count == 1)
        let found = mistakes(
            """
            store: {}
            scrape_configs:
              - job_name: d
                file_sd_configs:
                  - files: [/etc/t*/a.json, /etc/*x*.yml, /etc/a.txt]
            """)
        #expect(found.count == 3)
        #expect(found.first?.message.contains("last component") ?? false)
        let json = Array(#"[{"targets": ["a", "b"], "labels": {"__path__": "/x\u002f*.log", "env": "p"}}]"#.utf8)
        #expect(
            try TargetFile.groups(json, path: "t.json")
                == [TargetGroup(targets: ["a", "b"], labels: Labels(["__path__": "/x/*.log", "env": "p"]))])
        #expect(try TargetFile.groups(Array("- targets: [a]\n  labels:\n    x: 1\n".utf8), path: "t.yml").first?.labels == Labels(["x": "1"]))
        #expect(try TargetFile.groups([], path: "t.yml").isEmpty)
        #expect(throws: ConfigurationErrors.self) { try TargetFile.groups(Array("targets: [a]".utf8), path: "t.yml") }
        #expect(throws: ConfigurationErrors.self) { try TargetFile.groups(Array("- {target: [a]}".utf8), path: "t.yml") }
    }

    @Test func pushTargets() throws {
        let configuration = try load(
            """
            store: {}
            scrape_configs:
              - job_name: p
                loki_push_api:
                  server: {http_listen_port: 3500, grpc_listen_port: 0, http_listen_conn_limit: 7, log_level: info}
                  labels: {pushserver: one}
                  use_incoming_timestamp: true
                  max_send_msg_size: 4194304
                relabel_configs:
                  - {source_labels: [__tenant_id__], target_label: team}
            """)
        let push = try #require(configuration.scrapeConfigs[0].push)
        #expect(push.server.host == "0.0.0.0" && push.server.port == 3500 && push.server.connectionsMax == 7)
        #expect(push.labels == Labels(["pushserver": "one"]))
        #expect(push.usesIncomingTimestamp && push.sizeMax == 4 << 20 && push.relabel.count == 1)
        // The server of the whole process has its own.
        #expect(configuration.server.port == 3100)
        let found = mistakes(
            """
            store: {}
            scrape_configs:
              - job_name: a
                loki_push_api: {labels: {a: b}}
              - job_name: b
                loki_push_api: {server: {http_listen_address: 1.2.3.4}}
              - job_name: c
                loki_push_api: {server: {http_listen_port: 1, disable: true}, max_send_msg_size: 3}
            """)
        #expect(
            found.map(\.message) == [
                "`server` is missing in scrape_configs[0].loki_push_api",
                "`http_listen_port` is missing in scrape_configs[1].loki_push_api.server",
                "unknown key `disable` in scrape_configs[2].loki_push_api.server",
                "`max_send_msg_size` in scrape_configs[2].loki_push_api is 3 bytes",
            ])
    }

    @Test func unsupportedSourcesAreRefusedOrSkippedLoudly() throws {
        let text = """
            store: {}
            scrape_configs:
              - job_name: k
                kafka: {brokers: [a]}
              - job_name: f
                static_configs: [{labels: {__path__: /a}}]
            """
        let refused = mistakes(text)
        #expect(refused.count == 1)
        #expect(refused.first?.line == 4)
        #expect(refused.first?.hint.contains("/loki/api/v1/push") ?? false)
        let skipped = try ConfigurationLoader.parse(text: text, file: "t.yaml", ignoreUnsupported: true)
        #expect(skipped.scrapeConfigs.map(\.jobName) == ["k", "f"])
        #expect(skipped.scrapeConfigs[0].fileTargets.isEmpty)
        #expect(skipped.warnings.first?.message.contains("`kafka` of scrape_configs[0] is skipped") ?? false)
    }

    @Test func ownBlocks() throws {
        let configuration = try load(
            """
            store:
              dir: /data
              codec: zlib
              fsync: 500ms
              memory: 128MiB
              retention: {age: 30d, size: 10GiB}
            query: {loki_quirks: true, allow_all_streams: yes}
            limits: {max_line_size: 1mb, query_timeout: 30s, reject_old_samples: true, discover_service_name: [app]}
            auth: {multi_tenant: true}
            redaction: {detectors: [email, credit_card], mode: partial, except: [id]}
            tests: []
            """
        )
        #expect(configuration.store?.directory == "/data")
        #expect(configuration.store?.codec == .zlib)
        #expect(configuration.store?.sync == .interval(500_000_000))
        #expect(configuration.store?.memory == 128 << 20)
        #expect(configuration.store?.retentionAge == Int64(2_592_000_000_000_000))
        #expect(configuration.store?.retentionSize == 10 << 30)
        #expect(configuration.query.lokiQuirks)
        #expect(configuration.query.allowAllStreams)
        #expect(configuration.limits.maxLineSize == 1 << 20)
        #expect(configuration.limits.queryTimeout == 30_000_000_000)
        #expect(configuration.limits.rejectOldSamplesMaxAge == 7 * 86_400_000_000_000)
        #expect(configuration.limits.discoverServiceName == ["app"])
        #expect(configuration.server.multiTenant)
        #expect(configuration.redaction?.detectors == [.email, .card])
        #expect(configuration.redaction?.mode == .partial)
        #expect(configuration.redaction?.except == ["id"])
    }

    @Test(arguments: ["", "# nothing\n", "{}", "---\n", "~"]) func emptyFile(_ text: String) throws {
        let configuration = try load(text)
        #expect(configuration.clients.isEmpty)
        #expect(configuration.missingDestination != nil)
    }

    @Test(arguments: ["store: {}", "store:", "redaction: {}\nstore:\n"]) func emptyBlocksCount(_ text: String) throws {
        #expect(try load(text).store == StoreSettings(directory: "tailrace-data"))
        #expect(try load("redaction:").redaction == RedactionSettings())
        #expect(try load("redaction: {}").redaction == RedactionSettings())
    }

    /// Files that this repository ships.
    @Test(arguments: ["llm-api.yaml", "journal.yaml"]) func shippedFiles(_ name: String) throws {
        let root = String(
            #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        )
        let configuration = try ConfigurationLoader.load(path: "\(root)/pipelines/\(name)")
        #expect(configuration.redaction == RedactionSettings())
        #expect(configuration.store != nil)
        #expect(configuration.scrapeConfigs.count == 1)
        #expect(configuration.warnings == [])
    }

    static let scrape =
        "scrape_configs:\n- job_name: a\n  static_configs: [{targets: [x], labels: {__path__: /x}}]\n  pipeline_stages:\n"

    @Test(
        arguments: [
            // Blocks and types.
            ("clints: []", 1, 1, "unknown key `clints` in the file", "did you mean `clients`?"),
            (
                "server: {http_listen_prot: 1}", 1, 10, "unknown key `http_listen_prot` in server",
                "did you mean `http_listen_port`?"
            ),
            ("server: [a]", 1, 9, "`server` must be a mapping, not a list", nil),
            ("- a", 1, 1, "`the file` must be a mapping, not a list", nil),
            (
                "server: {http_listen_port: 99999}", 1, 28, "`http_listen_port` in server is 99999",
                "it must be from 0 to 65535"
            ),
            (
                "server: {http_listen_port: eighty}", 1, 28,
                "`http_listen_port` in server must be a whole number, not `eighty`", nil
            ),
            ("server: {log_level: warning}", 1, 21, "`log_level` in server is `warning`", "did you mean `warn`?"),
            ("server: {http_tls_config: {cert_file: x}}", 1, 10, "`http_tls_config` is not available", nil),
            ("clients: {url: x}", 1, 10, "`clients` in the file must be a list, not a mapping", nil),
            ("clients:\n- {batchwait: 1s}", 2, 3, "`url` is missing in clients[0]", nil),
            ("clients:\n- url: loki:3100", 2, 8, "`url` in clients[0] is no URL of a server", nil),
            ("clients:\n- url: http://127.0.0.1:99999/p", 2, 8, "`url` in clients[0] is no URL of a server", nil),
            ("clients:\n- url: http://x:abc/", 2, 8, "`url` in clients[0] is no URL of a server", nil),
            ("clients:\n- url: 'http://[::1/'", 2, 8, "`url` in clients[0] is no URL of a server", nil),
            ("clients:\n- url: http://127.0.0.1:-1/", 2, 8, "`url` in clients[0] is no URL of a server", nil),
            ("clients:\n- url: 'http://%zz/'", 2, 8, "`url` in clients[0] is no URL of a server", nil),
            (
                "clients:\n- url: http://a\n  batchwait: 1 sec", 3, 14,
                "`batchwait` in clients[0] is no duration: `1 sec`", nil
            ),
            (
                "clients:\n- url: http://a\n  batchwiat: 1s", 3, 3, "unknown key `batchwiat` in clients[0]",
                "did you mean `batchwait`?"
            ),
            (
                "clients:\n- url: http://a\n  basic_auth: {username: x}\n  bearer_token: y", 4, 3,
                "`basic_auth` and `bearer_token` in clients[0] exclude each other", nil
            ),
            (
                "clients:\n- {url: http://a, name: x}\n- {url: http://b, name: x}", 3, 25, "duplicate client name `x`",
                "it stands in line 2 already"
            ),
            (
                "clients:\n- {url: http://a, bearer_token_file: /nowhere/at/all}", 2, 38,
                "`/nowhere/at/all` cannot be opened: No such file or directory", nil
            ),
            (
                "clients:\n- {url: http://a, oauth2: {client_id: x}}", 2, 27, "`token_url` is missing in clients[0].oauth2",
                nil
            ),
            (
                "clients:\n- {url: http://a, tls_config: {cert: x}}", 2, 31,
                "`cert` and `key` in clients[0].tls_config need each other", "give both, or neither: as text, or as `cert_file` and `key_file`"
            ),
            (
                "clients:\n- {url: http://a, tls_config: {min_version: TLS14}}", 2, 45, "`min_version` in clients[0].tls_config is `TLS14`",
                nil
            ),
            (
                "clients:\n- {url: http://a, queue: {max_bytes: 1gb}}", 2, 27, "`max_bytes` in clients[0].queue needs `dir`",
                nil
            ),
            (
                "clients:\n- {url: http://a, queue: {dir: q, when_ful: block}}", 2, 35, "unknown key `when_ful` in clients[0].queue",
                "did you mean `when_full`?"
            ),
            (
                "clients:\n- {url: http://a, proxy_url: ftp://p}", 2, 30, "`proxy_url` in clients[0] is no proxy that can be used",
                nil
            ),
            ("clients: [{url: http://a}]\nwal: {enabled: true}", 2, 6, "`dir` is missing in wal", nil),
            (
                "store: {fsync: sometimes}", 1, 16, "`fsync` in store is `sometimes`",
                "always, off, or how often, as in 1s"
            ),
            ("store: {codec: lz4}", 1, 16, "`codec` in store is `lz4`", nil),
            ("store: {retention: {age: 30}}", 1, 26, "`age` in store.retention is no duration: `30`", nil),
            ("store: {memory: 1kb}", 1, 17, "`memory` in store is below 32 MiB", nil),
            ("limits: {max_line_size: huge}", 1, 25, "`max_line_size` in limits is no size: `huge`", nil),
            ("redaction: {detectors: [emial]}", 1, 25, "unknown detector `emial`", "did you mean `email`?"),
            ("redaction: {mode: hide}", 1, 19, "`mode` in redaction is `hide`", nil),
            ("redaction: {detectors: []}", 1, 24, "`detectors` in redaction is empty", nil),
            ("rules: [x]", 1, 1, "`rules:` is not available in this version", nil),
            // YAML.
            ("a: [1", 2, 1, "did not find expected ',' or ']', while parsing a flow sequence", nil),
            ("server: {}\nserver: {}", 2, 1, "duplicate key `server`", "it stands in line 1 already"),
            // Scrape configurations.
            ("scrape_configs:\n- {static_configs: []}", 2, 3, "`job_name` is missing in scrape_configs[0]", nil),
            (
                "scrape_configs:\n- {job_name: a, static_configs: []}\n- {job_name: a, static_configs: []}", 3, 14,
                "`job_name` in scrape_configs[1] is `a` again", nil
            ),
            ("scrape_configs:\n- job_name: a", 2, 3, "scrape_configs[0] reads nothing", nil),
            (
                "scrape_configs:\n- job_name: a\n  static_configs: [{targets: [x], labels: {job: y}}]", 3, 43,
                "no `__path__` in the labels of scrape_configs[0].static_configs[0]", nil
            ),
            (
                "scrape_configs:\n- job_name: a\n  consul_sd_configs: [{server: h}]", 3, 3,
                "`consul_sd_configs` is not available in this version", nil
            ),
            ("scrape_configs:\n- job_name: a\n  gelf: {}", 3, 3, "`gelf` is not available in this version", nil),
            (
                "scrape_configs:\n- job_name: a\n  journal: {matches: PRIORITY}", 3, 22,
                "`matches` in scrape_configs[0].journal holds `PRIORITY`", nil
            ),
            (
                "scrape_configs:\n- job_name: a\n  journal: {}\n  relabel_configs:\n  - {regex: '(', target_label: x}",
                5, 13, "relabel regex: error parsing regexp: missing closing ): `^(?s:()$`", nil
            ),
            (
                "scrape_configs:\n- job_name: a\n  journal: {}\n  relabel_configs:\n  - {action: rename, target_label: x}",
                5, 14, "unknown relabel action \"rename\"", nil
            ),
            ("scrape_configs:\n- job_name: a\n  journal: {labels: {1a: x}}", 3, 22, "`1a` is no label name", nil),
            // Stages.
            (scrape + "  - jsn: {}", 5, 5, "unknown stage `jsn`", "did you mean `json`?"),
            (scrape + "  - geoip: {}", 5, 5, "unknown stage `geoip`", "Promtail has it; there is none here"),
            (
                scrape + "  - json: {}\n    labels: {}", 6, 5, "a stage has one key, and here are 2: `json`, `labels`",
                nil
            ),
            (scrape + "  - cri", 5, 5, "a stage must be a mapping, not a single value", "write `- cri: {}`"),
            (scrape + "  - json: {}", 5, 5, "json stage: `expressions` is missing", nil),
            (
                scrape + "  - regex: {expression: '(?P<a>x'}", 5, 25,
                "regex stage: error parsing regexp: missing closing ): `(?P<a>x`", nil
            ),
            (
                scrape + "  - match:\n      selector: '{a=}'\n      stages: [{decolorize: }]", 6, 17, "match stage: ",
                nil
            ),
            (
                scrape
                    + "  - match:\n      selector: '{a=\"b\"}'\n      stages:\n      - regex:\n          expression: '['",
                9, 23, "match.regex stage: error parsing regexp", nil
            ),
            (
                scrape + "  - labels: [a]", 5, 13,
                "`scrape_configs[0].pipeline_stages[0].labels` must be a mapping, not a list", nil
            ),
            (
                scrape + "  - timestamp: {source: t, format: RFC3339, location: Mars/Base}", 5, 55,
                "timestamp stage: unknown time zone `Mars/Base`", nil
            ),
            (
                scrape + "  - metrics: {m: {type: Counter, config: {action: set}}}", 5, 51,
                "metrics stage: metric `m`: a counter cannot `set`", nil
            ),
            (
                scrape + "  - metrics: {m: {type: Meter}}", 5, 25,
                "`type` in scrape_configs[0].pipeline_stages[0].metrics.m is `Meter`", nil
            ),
            (
                scrape + "  - redact: {detector: [email]}", 5, 14,
                "unknown key `detector` in scrape_configs[0].pipeline_stages[0].redact", "did you mean `detectors`?"
            ),
            (
                scrape + "  - multiline: {firstline: '^x', max_wait_time: soon}", 5, 49,
                "`max_wait_time` in scrape_configs[0].pipeline_stages[0].multiline is no duration: `soon`", nil
            ),
        ] as [(String, Int, Int, String, String?)]
    )
    func mistakesHavePlaces(_ text: String, _ line: Int, _ column: Int, _ message: String, _ hint: String?) {
        let found = mistakes(text)
        guard let first = found.first else {
            Issue.record("accepted: \(text)")
            return
        }
        #expect("\(first.line):\(first.column)" == "\(line):\(column)", "\(first)")
        #expect(first.message.hasPrefix(message), "\(first)")
        if let hint { #expect(first.hint == hint) }
        #expect(first.file == "t.yaml")
    }

    @Test func allMistakesAreToldInOrder() {
        let found = mistakes("store: {codec: lz4}\nserver: {http_listen_port: x}\nclients: [{url: y}]\n")
        #expect(found.map(\.line) == [1, 2, 3])
        let both = mistakes(Self.scrape + "  - regex: {expression: '('}\nclints: []\n")
        #expect(both.map(\.line) == [5, 6])
        #expect(ConfigurationErrors(found).description.hasPrefix("t.yaml:1:16: `codec` in store is `lz4`\n  hint: "))
    }

    @Test func unknownStageOptionsAreWarnedOf() throws {
        let configuration = try load(Self.scrape + "  - regex: {EXPRESSION: '(?P<a>x)', sauce: y}\n")
        #expect(
            configuration.warnings.map(\.message) == [
                "unknown key `sauce` in scrape_configs[0].pipeline_stages[0].regex"
            ]
        )
        #expect(configuration.warnings.first?.hint == "did you mean `source`?")
        #expect(configuration.warnings.first?.column == 37)
        #expect(
            configuration.scrapeConfigs.first?.stages.first?.kind == .regex(RegexStageOptions(expression: "(?P<a>x)"))
        )
    }

    @Test func bareNumbersOfDurationsAreNanoseconds() throws {
        let configuration = try load("clients: [{url: http://a, batchwait: 5}]")
        #expect(configuration.clients.first?.batchWait == 5)
        #expect(configuration.warnings.first?.hint == "a number without unit means nanoseconds; write `5s` for seconds")
    }

    @Test func variables() throws {
        let text = "clients: [{url: 'http://${HOST:-localhost}:3100/push'}]"
        let configuration = try ConfigurationLoader.parse(
            text: text,
            file: "t.yaml",
            variables: { $0 == "HOST" ? "loki" : nil }
        )
        #expect(configuration.clients.first?.url == "http://loki:3100/push")
        #expect(mistakes("a: {b: ${X}").first?.hint.contains("--config-expand-env") == true)
    }

    @Test func missingFile() {
        do throws(ConfigurationErrors) {
            _ = try ConfigurationLoader.load(path: "/nowhere/at/all.yaml")
            Issue.record("loaded")
        } catch {
            #expect(
                error.description
                    == "/nowhere/at/all.yaml: cannot be opened: No such file or directory\n  hint: check the path"
            )
        }
    }

    @Test func secretsAreNotPrinted() throws {
        let configuration = try load("clients: [{url: 'http://u:hunter2@h/p'}]")
        #expect(!"\(configuration)".contains("hunter2"))
    }
}
