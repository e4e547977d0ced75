import LogServer

/// `server:` with dskit's keys, and `auth:`.
enum ServerBlock {
    /// Keys that Promtail knows and that mean nothing here; they are accepted in silence, since every promtail.yaml
    /// holds some.
    private static let ignored = [
        "http_listen_network", "grpc_listen_network", "grpc_listen_address", "grpc_listen_port",
        "grpc_listen_conn_limit",
        "grpc_tls_config", "tls_cipher_suites", "tls_min_version", "register_instrumentation",
        "graceful_shutdown_timeout",
        "http_server_read_timeout", "http_server_read_header_timeout", "http_server_write_timeout",
        "grpc_server_max_recv_msg_size", "grpc_server_max_send_msg_size", "grpc_server_max_concurrent_streams",
        "grpc_server_max_connection_idle", "grpc_server_max_connection_age", "grpc_server_max_connection_age_grace",
        "grpc_server_keepalive_time", "grpc_server_keepalive_timeout", "grpc_server_min_time_between_pings",
        "grpc_server_ping_without_stream_allowed", "log_source_ips_enabled", "log_source_ips_header",
        "log_source_ips_regex", "log_source_ips_full", "log_request_headers", "log_request_exclude_headers_list",
        "log_request_at_info_level_enabled", "profiling_enabled",
    ]

    /// Keys of anything that listens: Promtail's push target takes these.
    static let listenerKeys =
        ignored + [
            "http_listen_address", "http_listen_port", "http_listen_conn_limit", "http_tls_config",
            "http_server_idle_timeout", "http_path_prefix", "log_level", "log_format",
        ]
    private static let keys =
        listenerKeys + ["external_url", "health_check_target", "disable", "enable_runtime_reload", "promtail_metrics"]

    private static let authKeys = ["multi_tenant", "multi_tenant_queries"]

    private enum Level: String, CaseIterable { case debug, info, warn, error }
    private enum Format: String, CaseIterable { case logfmt, json }

    static func decode(_ root: MapReader, into configuration: inout Configuration) {
        let problems = root.problems
        if let node = root.pair("server")?.value, let map = MapReader(node, "server", keys: keys, problems) {
            listener(map, &configuration.server)
            var options = configuration.serverOptions
            options.isGiven = true
            if let level = map.choice("log_level", Level.self) { options.logLevel = level.rawValue }
            if let format = map.choice("log_format", Format.self) { options.logFormat = format.rawValue }
            options.externalURL = map.string("external_url") ?? ""
            options.healthCheckTarget = map.bool("health_check_target") ?? true
            options.disable = map.bool("disable") ?? false
            options.enableRuntimeReload = map.bool("enable_runtime_reload") ?? false
            options.promtailMetrics = map.bool("promtail_metrics") ?? false
            configuration.serverOptions = options
        }
        if let node = root.pair("auth")?.value, let map = MapReader(node, "auth", keys: authKeys, problems) {
            configuration.server.multiTenant = map.bool("multi_tenant") ?? false
            configuration.server.multiTenantQueries = map.bool("multi_tenant_queries") ?? false
            if configuration.server.multiTenantQueries, !configuration.server.multiTenant {
                problems.warning(
                    "`multi_tenant_queries` has no effect without `multi_tenant: true`",
                    at: map.keyMark(of: "multi_tenant_queries"),
                    hint: ""
                )
            }
        }
    }

    static func listener(_ map: MapReader, _ settings: inout ServerSettings) {
        if let host = map.string("http_listen_address") { settings.host = host.isEmpty ? "0.0.0.0" : host }
        if let port = map.integer("http_listen_port", 0...65535) { settings.port = port }
        if let limit = map.integer("http_listen_conn_limit"), limit > 0 { settings.connectionsMax = limit }
        if let time = map.goDuration("http_server_idle_timeout"), time > 0 { settings.idleTimeout = time }
        if map.node("http_tls_config") != nil {
            map.problems.error(
                "`http_tls_config` is not available",
                at: map.keyMark(of: "http_tls_config"),
                hint: "put a proxy that ends TLS in front, and listen on 127.0.0.1"
            )
        }
        if let prefix = map.string("http_path_prefix"), !prefix.isEmpty, prefix != "/" {
            map.problems.error(
                "`http_path_prefix` is not available",
                at: map.keyMark(of: "http_path_prefix"),
                hint: "let the proxy in front remove the prefix"
            )
        }
    }
}
