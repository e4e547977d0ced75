import Redaction

/// `redaction:` of the file and the `redact` stage: the same keys.
enum RedactionBlock {
    static let keys = ["detectors", "rules", "mode", "except", "identifiers", "budget"]

    static func decode(_ root: MapReader, into configuration: inout Configuration) {
        // `redaction:` with nothing behind it asks for the defaults, as `redaction: {}` does.
        guard let node = root.pair("redaction")?.value else { return }
        guard let map = MapReader(node, "redaction", keys: keys, root.problems) else { return }
        configuration.redaction = settings(map)
    }

    static func settings(_ map: MapReader) -> RedactionSettings {
        var settings = RedactionSettings()
        // `rules` is what other collectors call it.
        let key = map.has("detectors") ? "detectors" : "rules"
        if let items = map.list(key) {
            var detectors: [Detector] = []
            for item in items {
                guard case .scalar(let name, _) = item.content else {
                    map.problems.error("a detector is a name, not \(item.kindName)", at: item.mark)
                    continue
                }
                guard let detector = Detector(named: name) else {
                    let names = Detector.allCases.map(\.name)
                    map.problems.error(
                        "unknown detector `\(name)`",
                        at: item.mark,
                        hint: EditDistance.nearest(name, in: names).map { "did you mean `\($0)`?" }
                            ?? "there are \(names.joined(separator: ", "))"
                    )
                    continue
                }
                if !detectors.contains(detector) { detectors.append(detector) }
            }
            if items.isEmpty { map.wrong(key, "is empty", hint: "leave it out for all detectors") }
            settings.detectors = detectors
        }
        if let mode = map.choice("mode", RedactionSettings.Mode.self) { settings.mode = mode }
        if let names = map.strings("except") { settings.except = names }
        if let names = map.strings("identifiers") { settings.identifiers = names }
        if let budget = map.goDuration("budget") {
            if budget < 0 { map.wrong("budget", "is negative", hint: "0 for no limit") }
            settings.budget = max(0, budget)
        }
        return settings
    }
}
