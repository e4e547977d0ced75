import LogModel
import LogSources

/// `syslog:` of a scrape configuration.
enum ScrapeSyslog {
    private static let keys = [
        "listen_address", "listen_protocol", "idle_timeout", "label_structured_data", "labels", "use_incoming_timestamp",
        "use_rfc5424_message", "syslog_format", "max_message_length", "tls_config",
    ]
    private static let tlsKeys = [
        "cert_file", "key_file", "ca_file", "server_name", "insecure_skip_verify", "min_version", "max_version",
    ]

    static func decode(_ map: MapReader, _ scrape: inout ScrapeConfiguration) {
        guard let node = map.pair("syslog")?.value,
            let entry = MapReader(node, "\(map.name).syslog", keys: keys, map.problems)
        else { return }
        guard let text = entry.string("listen_address"), !text.isEmpty else {
            entry.missing("listen_address", hint: "for instance 0.0.0.0:1514")
            return
        }
        guard let (host, port) = ListenAddress.parse(text) else {
            entry.wrong("listen_address", "is `\(text)`", hint: "write HOST:PORT, as in 0.0.0.0:1514")
            return
        }
        var settings = SyslogSettings(job: scrape.index, jobName: scrape.jobName, host: host, port: port)
        if let transport = entry.choice("listen_protocol", SyslogSettings.Transport.self) { settings.transport = transport }
        if let format = entry.choice("syslog_format", SyslogSettings.Format.self) { settings.format = format }
        if let time = entry.goDuration("idle_timeout"), time > 0 { settings.idleTimeout = .nanoseconds(time) }
        // An octet count has nine digits at most; a longer message is no log line.
        if let length = entry.integer("max_message_length", 0...(64 << 20)), length > 0 { settings.maxMessageLength = length }
        settings.labelsStructuredData = entry.bool("label_structured_data") ?? false
        settings.usesIncomingTimestamp = entry.bool("use_incoming_timestamp") ?? false
        settings.usesWholeMessage = entry.bool("use_rfc5424_message") ?? false
        if let labels = entry.labels("labels") { settings.labels = labels }
        settings.relabel = scrape.relabel
        if let node = entry.node("tls_config") { tls(node, entry, &settings) }
        scrape.syslog = settings
    }

    private static func tls(_ node: YAMLNode, _ entry: MapReader, _ settings: inout SyslogSettings) {
        guard let map = MapReader(node, "\(entry.name).tls_config", keys: tlsKeys, entry.problems) else { return }
        if settings.transport == .udp {
            entry.wrong("tls_config", "has no meaning over UDP", hint: "set `listen_protocol: tcp`")
        }
        guard let certificate = map.string("cert_file"), let key = map.string("key_file") else {
            map.problems.error(
                "`cert_file` and `key_file` are needed in \(map.name)", at: map.mark, hint: "the server's own certificate and key, PEM")
            return
        }
        settings.tls = SyslogSettings.TLS(
            certificateFile: certificate, keyFile: key, clientAuthorityFile: map.string("ca_file").flatMap { $0.isEmpty ? nil : $0 })
    }
}
