/// Ways in that Promtail has and this version has not, and what to use.
enum ScrapeUnsupported {
    private static let globs = "use `static_configs` with a glob in `__path__`, such as"

    /// Ways in that Promtail has and this version has not, and what to use.
    private static let absent: [(key: String, instead: String)] = [
        ("dockerswarm_sd_configs", globs + " /var/lib/docker/containers/*/*-json.log and the `docker` stage"),
        ("windows_events", "there is no Windows build"),
        ("kafka", "let a consumer push to /loki/api/v1/push"),
        ("azure_event_hubs", "let a consumer push to /loki/api/v1/push"),
        ("azure_event_hub", "let a consumer push to /loki/api/v1/push"),
        ("gelf", "let the sender push to /loki/api/v1/push"),
        ("gcplog", "let a consumer push to /loki/api/v1/push"),
        ("cloudflare", "let Logpush or a script push to /loki/api/v1/push"),
        ("heroku_drain", "let a consumer push to /loki/api/v1/push"),
        ("dns_sd_configs", globs + " /var/log/app/*.log"), ("consul_sd_configs", globs + " /var/log/app/*.log"),
        ("consulagent_sd_configs", globs + " /var/log/app/*.log"),
        ("digitalocean_sd_configs", globs + " /var/log/app/*.log"),
        ("serverset_sd_configs", globs + " /var/log/app/*.log"), ("nerve_sd_configs", globs + " /var/log/app/*.log"),
        ("marathon_sd_configs", globs + " /var/log/app/*.log"), ("gce_sd_configs", globs + " /var/log/app/*.log"),
        ("ec2_sd_configs", globs + " /var/log/app/*.log"), ("openstack_sd_configs", globs + " /var/log/app/*.log"),
        ("azure_sd_configs", globs + " /var/log/app/*.log"), ("triton_sd_configs", globs + " /var/log/app/*.log"),
    ]

    static let keys = absent.map(\.key)

    /// Refuses what stands in `map`, or says that it is skipped. Whether there was anything.
    static func tell(_ map: MapReader) -> Bool {
        var found = false
        for (key, instead) in absent where map.has(key) {
            found = true
            if map.problems.ignoresUnsupported {
                map.problems.warning(
                    "`\(key)` of \(map.name) is skipped: nothing is read there (--ignore-unsupported)",
                    at: map.keyMark(of: key), hint: instead)
            } else {
                map.problems.error(
                    "`\(key)` is not available in this version", at: map.keyMark(of: key),
                    hint: instead + "; --ignore-unsupported skips it")
            }
        }
        return found
    }
}
