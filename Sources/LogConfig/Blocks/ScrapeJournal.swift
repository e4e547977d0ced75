import LogModel
import LogSources

/// `journal:` of a scrape configuration.
enum ScrapeJournal {
    private static let keys = ["max_age", "json", "path", "matches", "labels", "unit_and_level"]

    static func decode(_ map: MapReader, _ scrape: inout ScrapeConfiguration) {
        guard let node = map.pair("journal")?.value,
            let entry = MapReader(node, "\(map.name).journal", keys: keys, map.problems)
        else { return }
        var settings = JournalSettings(job: scrape.index, jobName: scrape.jobName)
        if let age = entry.goDuration("max_age"), age > 0 { settings.maxAge = .nanoseconds(age) }
        settings.json = entry.bool("json") ?? false
        if let path = entry.string("path"), !path.isEmpty { settings.place = .directory(path) }
        settings.addsUnitAndLevel = entry.bool("unit_and_level") ?? false
        if let labels = entry.labels("labels") { settings.labels = labels }
        if let text = entry.string("matches") {
            for match in text.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\n" }) {
                if match.count(where: { $0 == "=" }) == 1, match.first != "=" {
                    settings.matches.append(String(match))
                } else {
                    entry.wrong(
                        "matches",
                        "holds `\(match)`",
                        hint: "write FIELD=value, as in _SYSTEMD_UNIT=vllm.service; blanks separate"
                    )
                }
            }
        }
        settings.relabel = scrape.relabel
        scrape.journal = settings
    }
}
