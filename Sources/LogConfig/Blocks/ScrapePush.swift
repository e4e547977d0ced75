import LogServer

/// `loki_push_api:` of a scrape configuration.
enum ScrapePush {
    private static let keys = ["server", "labels", "use_incoming_timestamp", "max_send_msg_size"]
    /// A body of a gigabyte is no push; offsets in a batch have 32 bits.
    private static let sizes = 1 << 10...1 << 30

    static func decode(_ map: MapReader, _ scrape: inout ScrapeConfiguration) {
        guard let node = map.pair("loki_push_api")?.value,
            let entry = MapReader(node, "\(map.name).loki_push_api", keys: keys, map.problems)
        else { return }
        var settings = PushTargetSettings(job: scrape.index, jobName: scrape.jobName)
        guard let block = entry.node("server"),
            let server = MapReader(block, "\(entry.name).server", keys: ServerBlock.listenerKeys, map.problems)
        else {
            if entry.node("server") == nil {
                entry.missing("server", hint: "it says where to listen, as in {http_listen_address: 0.0.0.0, http_listen_port: 3500}")
            }
            return
        }
        if server.node("http_listen_port") == nil {
            server.missing("http_listen_port", hint: "for instance 3500; 0 takes any port that is free")
        }
        settings.server.port = 0
        ServerBlock.listener(server, &settings.server)
        if let labels = entry.labels("labels") { settings.labels = labels }
        settings.usesIncomingTimestamp = entry.bool("use_incoming_timestamp") ?? false
        if let size = entry.size("max_send_msg_size"), size > 0 {
            if sizes.contains(size) {
                settings.sizeMax = size
            } else {
                entry.wrong("max_send_msg_size", "is \(size) bytes", hint: "between 1kb and 1gb")
            }
        }
        settings.relabel = scrape.relabel
        scrape.push = settings
    }
}
