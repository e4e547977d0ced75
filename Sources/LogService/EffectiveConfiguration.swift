import Bytes
import LogConfig
import LogModel
import LogPipeline
import LogQL
import LogQuery
import LogServer
import LogShipping
import LogSources
import LogStore
import Redaction

/// `/config`: what is in effect, defaults and command line included, as YAML. Secrets are never in it: not as values, not
/// in addresses, not in headers.
enum EffectiveConfiguration {
    static func yaml(_ plan: ServicePlan) -> String {
        var out = Lines()
        out.block("server") { out in
            out.text("http_listen_address", plan.server.host)
            out.value("http_listen_port", plan.server.port)
            out.value("http_listen_conn_limit", plan.server.connectionsMax)
            out.time("http_server_idle_timeout", plan.server.idleTimeout)
        }
        out.block("auth") { out in
            out.value("multi_tenant", plan.server.multiTenant)
            out.value("multi_tenant_queries", plan.server.multiTenantQueries)
        }
        out.block("store") { store(plan.store, &$0) }
        out.block("query") { out in
            out.value("loki_quirks", plan.query.lokiQuirks)
            out.value("allow_all_streams", plan.query.allowAllStreams)
            out.value("drop_equal_entries", plan.query.dropsEqualEntries)
            out.value("default_limit", plan.query.defaultLimit)
        }
        out.block("limits") { limits(plan.limits, &$0) }
        if let redaction = plan.redaction {
            out.block("redaction") { out in
                out.text("mode", redaction.mode.rawValue)
                out.texts("detectors", redaction.detectors.map(\.name))
                if !redaction.modes.isEmpty {
                    out.texts("modes", redaction.modes.map { "\($0.key.name) \($0.value.rawValue)" }.sorted())
                }
                if !redaction.patterns.isEmpty { out.texts("patterns", redaction.patterns.map(\.name)) }
                if !redaction.fields.isEmpty { out.texts("fields", redaction.fields.map(\.path)) }
                if !redaction.keys.isEmpty { out.texts("keys", redaction.keys.map(\.id)) }
                out.time("budget", redaction.budget)
            }
        }
        if !plan.clients.isEmpty { out.list("clients", plan.clients, client) }
        if !plan.jobs.isEmpty {
            out.list("scrape_configs", plan.jobs) { job, out in
                out.text("job_name", job.name)
                if !job.targets.isEmpty { out.texts("paths", job.targets.compactMap { $0.labels["__path__"]?.string }) }
                if !job.discoveries.isEmpty { out.texts("file_sd", job.discoveries.flatMap(\.files)) }
                if let journal = job.journal { out.time("journal_max_age", journal.maxAge) }
                if let syslog = job.syslog { out.text("syslog", "\(syslog.transport.rawValue) \(syslog.host):\(syslog.port)") }
                if !job.docker.isEmpty { out.texts("docker", job.docker.map(\.address.name)) }
                if !job.kubernetes.isEmpty {
                    out.texts("kubernetes", job.kubernetes.map { if case .server(let address) = $0.access { address.name } else { "cluster" } })
                }
                if let push = job.push { out.text("loki_push_api", "\(push.server.host):\(push.server.port)") }
                out.value("stages", job.stages.count)
            }
        }
        return out.text
    }

    private static func store(_ store: StoreSettings, _ out: inout Lines) {
        out.text("dir", store.directory)
        out.text("codec", "\(store.codec)")
        out.value("codec_level", store.codecLevel)
        switch store.sync {
        case .always: out.text("fsync", "always")
        case .off: out.text("fsync", "off")
        case .interval(let time): out.time("fsync", time)
        }
        out.value("memory", store.memory)
        out.value("min_free_space", store.freeSpaceMin)
        out.value("head_size", store.headSize)
        out.time("head_age", store.headAge)
        out.time("idle_time", store.idleTime)
        out.value("segment_size", store.segmentSize)
        out.time("delete_within", store.deleteWithin)
        out.time("delete_cancel_period", store.deleteCancelPeriod)
        out.time("scrub", store.scrubPeriod ?? 0)
        out.block("retention") { out in
            if let age = store.retentionAge { out.time("age", age) }
            if let size = store.retentionSize { out.value("size", size) }
            out.value("share", store.retentionShare)
            rules("streams", store.retentionRules, &out)
        }
    }

    private static func rules(_ key: String, _ rules: [RetentionRule], _ out: inout Lines) {
        if rules.isEmpty { return }
        out.list(key, rules) { rule, out in
            out.text("selector", "{" + rule.matchers.map(\.description).joined(separator: ", ") + "}")
            out.value("priority", rule.priority)
            out.time("period", rule.period)
        }
    }

    private static func limits(_ limits: Limits, _ out: inout Lines) {
        out.value("max_line_size", limits.maxLineSize)
        out.value("max_label_name_length", limits.maxLabelNameLength)
        out.value("max_label_value_length", limits.maxLabelValueLength)
        out.value("max_label_names_per_series", limits.maxLabelNamesPerSeries)
        out.value("max_structured_metadata_size", limits.maxStructuredMetadataSize)
        out.value("max_structured_metadata_entries_count", limits.maxStructuredMetadataEntriesCount)
        out.time("creation_grace_period", limits.creationGracePeriod)
        out.time("reject_old_samples_max_age", limits.rejectOldSamplesMaxAge)
        out.texts("discover_service_name", limits.discoverServiceName)
        out.value("discover_log_levels", limits.discoverLogLevels)
        out.value("max_push_body_size", limits.maxPushBodySize)
        out.value("max_push_decoded_size", limits.maxPushDecodedSize)
        out.value("max_entries_limit_per_query", limits.maxEntriesLimitPerQuery)
        out.value("max_query_series", limits.maxQuerySeries)
        out.time("max_query_length", limits.maxQueryLength)
        out.time("max_query_range", limits.maxQueryRange)
        out.value("max_query_steps", limits.maxQuerySteps)
        out.time("query_timeout", limits.queryTimeout)
        out.value("max_query_memory", limits.maxQueryMemory)
        out.text("deletion_mode", limits.deletionMode.rawValue)
        out.value("max_concurrent_tail_requests", limits.maxConcurrentTailRequests)
        out.time("tail_max_duration", limits.tailMaxDuration)
    }

    private static func client(_ client: ClientSettings, _ out: inout Lines) {
        out.text("url", withoutUser(client.url))
        if !client.name.isEmpty { out.text("name", client.name) }
        if !client.tenantID.isEmpty { out.text("tenant_id", client.tenantID) }
        out.time("batchwait", client.batchWait)
        out.value("batchsize", client.batchSize)
        out.time("timeout", client.timeout)
        switch client.authorization {
        case .none: break
        case .basic(let user, _):
            out.block("basic_auth") { out in
                if case .value(let name) = user { out.text("username", name.exposed) }
                if case .file(let path) = user { out.text("username_file", path) }
                out.text("password", hidden)
            }
        case .header(let type, _):
            out.block("authorization") { out in
                out.text("type", type)
                out.text("credentials", hidden)
            }
        case .oauth2(let oauth):
            out.block("oauth2") { out in
                out.text("client_id", oauth.clientID)
                out.text("client_secret", hidden)
                out.text("token_url", withoutUser(oauth.tokenURL))
            }
        }
        if client.parallel > 1 { out.value("parallel", client.parallel) }
        if !client.isRequired { out.value("required", false) }
        if let spool = client.spool {
            out.block("queue") { out in
                out.text("dir", spool.directory)
                out.value("max_bytes", spool.sizeMax)
                out.text("when_full", spool.whenFull.rawValue)
                out.value("fsync", spool.syncs)
            }
        }
        if let letters = client.deadLetters {
            out.block("dead_letter") { out in
                out.text("file", letters.path)
                out.value("max_bytes", letters.sizeMax)
            }
        }
        if !client.followsRedirects { out.value("follow_redirects", false) }
        if !client.tls.isDefault {
            out.block("tls_config") { out in
                if !client.tls.serverName.isEmpty { out.text("server_name", client.tls.serverName) }
                out.value("insecure_skip_verify", client.tls.skipsVerification)
            }
        }
        if !client.proxy.url.isEmpty { out.text("proxy_url", withoutUser(client.proxy.url)) }
        if !client.headers.isEmpty {
            out.block("headers") { out in
                // A header may be a key as well as anything else.
                for header in client.headers { out.text(header.name, hidden) }
            }
        }
    }

    private static let hidden = "<secret>"

    /// An address without `user:password@`, and without a query, where keys are passed too.
    static func withoutUser(_ url: String) -> String {
        var bytes = Array(url.utf8)
        if let query = bytes.firstIndex(of: UInt8(ascii: "?")) { bytes.removeSubrange(query...) }
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes.count > colon + 3, bytes[colon + 1] == 0x2F,
            bytes[colon + 2] == 0x2F
        else { return String(decoding: bytes, as: UTF8.self) }
        let start = colon + 3
        let end = bytes[start...].firstIndex(of: 0x2F) ?? bytes.count
        if let at = bytes[start..<end].lastIndex(of: UInt8(ascii: "@")) { bytes.removeSubrange(start...at) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// YAML, line by line. Texts stand in double quotes with JSON's escapes, which YAML reads the same.
    private struct Lines {
        private(set) var text = ""
        private var indent = ""
        /// What stands in front of the next line of an item of a list.
        private var dash = false

        private mutating func line(_ content: String) {
            text += dash ? indent.dropLast(2) + "- " : indent[...]
            text += content + "\n"
            dash = false
        }

        mutating func value(_ key: String, _ value: some CustomStringConvertible) { line("\(key): \(value)") }
        mutating func text(_ key: String, _ value: String) { line("\(key): \(Self.quoted(value))") }
        mutating func time(_ key: String, _ nanoseconds: Int64) { line("\(key): \(LogQL.prometheusDuration(nanoseconds))") }

        mutating func time(_ key: String, _ duration: Duration) {
            time(key, duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000)
        }

        mutating func texts(_ key: String, _ values: [String]) {
            line("\(key): [\(values.map(Self.quoted).joined(separator: ", "))]")
        }

        mutating func block(_ key: String, _ body: (inout Lines) -> Void) {
            line("\(key):")
            indent += "  "
            body(&self)
            indent.removeLast(2)
        }

        mutating func list<Item>(_ key: String, _ items: [Item], _ body: (Item, inout Lines) -> Void) {
            line("\(key):")
            indent += "  "
            for item in items {
                indent += "  "
                dash = true
                body(item, &self)
                indent.removeLast(2)
            }
            indent.removeLast(2)
        }

        private static func quoted(_ value: String) -> String {
            let out = ByteArena(capacity: value.utf8.count + 2)
            out.append("\"")
            value.withView { JSONText.escape($0, into: out) }
            out.append("\"")
            return out.view.string
        }
    }
}
