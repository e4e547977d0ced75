import Bytes
import LogModel
import Redaction

/// `redaction:` of the file and the `redact` stage: the same keys.
enum RedactionBlock {
    static let keys = ["detectors", "rules", "mode", "fields", "keys", "except", "identifiers", "budget"]

    /// Largest file of a key, bytes.
    private static let keyFileMax = 4 << 10

    static func decode(_ root: MapReader, into configuration: inout Configuration) {
        // `redaction:` with nothing behind it asks for the defaults, as `redaction: {}` does.
        guard let node = root.pair("redaction")?.value else { return }
        guard let map = MapReader(node, "redaction", keys: keys, root.problems) else { return }
        configuration.redaction = settings(map)
    }

    static func settings(_ map: MapReader) -> RedactionSettings {
        var settings = RedactionSettings()
        if let mode = mode(map) { settings.mode = mode }
        if let items = map.list("detectors") {
            settings.detectors = items.compactMap { detector($0, map.problems) }.withoutRepeats
            if items.isEmpty { map.wrong("detectors", "is empty", hint: "leave it out for all detectors") }
        }
        if let items = map.list("rules") { rules(items, map, &settings) }
        if let items = map.list("fields") { settings.fields = items.flatMap { fields($0, map.problems) } }
        if let items = map.list("keys") { settings.keys = items.compactMap { key($0, map.problems) } }
        if let names = map.strings("except") { settings.except = names }
        if let names = map.strings("identifiers") { settings.identifiers = names }
        if let budget = map.duration("budget") { settings.budget = budget }
        check(settings, map)
        return settings
    }

    /// A name in `rules` is a detector, as other collectors have it: without `detectors`, those alone are looked for. What
    /// has keys changes a detector, or is a rule of its own, beside the others.
    private static func rules(_ items: [YAMLNode], _ map: MapReader, _ settings: inout RedactionSettings) {
        var named: [Detector] = []
        if items.isEmpty { map.wrong("rules", "is empty", hint: "leave it out for all detectors") }
        for item in items {
            if case .scalar = item.content {
                if let detector = detector(item, map.problems) { named.append(detector) }
                continue
            }
            guard let rule = MapReader(item, "a rule of redaction", keys: ["detector", "name", "regex", "mode"], map.problems) else { continue }
            let mode = mode(rule)
            if let node = rule.node("detector") {
                for key in ["name", "regex"] where rule.has(key) {
                    rule.wrong(key, "stands beside `detector`", hint: "a rule is one of the detectors, or an expression of its own")
                }
                guard let detector = detector(node, map.problems) else { continue }
                if !settings.detectors.contains(detector) { settings.detectors.append(detector) }
                if let mode { settings.modes[detector] = mode }
            } else if let regex = rule.string("regex") {
                guard let name = rule.string("name") else {
                    rule.missing("name", hint: "it stands in `[REDACTED:name]` and in metrics")
                    continue
                }
                settings.patterns.append(RedactionSettings.Pattern(name: name, regex: regex, mode: mode))
            } else {
                rule.missing("regex", hint: "or name a `detector`")
            }
        }
        guard !named.isEmpty else { return }
        if map.has("detectors") {
            map.wrong("rules", "names detectors, and `detectors` does so too", hint: "name them in one place")
        }
        let changed = settings.detectors.filter { settings.modes[$0] != nil || !Detector.defaults.contains($0) }
        settings.detectors = (named + changed).withoutRepeats
    }

    /// `openai`, `{set: openai, mode: drop_field}`, `{path: user.id, mode: pseudonym, name: user}`.
    private static func fields(_ item: YAMLNode, _ problems: Problems) -> [RedactionSettings.Field] {
        func set(_ name: String, _ mode: RedactionSettings.Mode?, _ mark: YAMLMark) -> [RedactionSettings.Field] {
            if let found = FieldSet(rawValue: name) {
                return found.paths.map { RedactionSettings.Field(path: $0, name: name, mode: mode) }
            }
            let names = FieldSet.allCases.map(\.rawValue)
            problems.error(
                "unknown set of fields `\(name)`", at: mark,
                hint: EditDistance.nearest(name, in: names).map { "did you mean `\($0)`?" }
                    ?? "there are \(names.joined(separator: ", ")); a field of your own is `{path: \(name)}`")
            return []
        }
        if case .scalar(let name, _) = item.content { return set(name, nil, item.mark) }
        guard let map = MapReader(item, "a field of redaction", keys: ["path", "set", "name", "mode"], problems) else { return [] }
        let mode = mode(map)
        if let name = map.string("set") {
            for key in ["path", "name"] where map.has(key) { map.wrong(key, "stands beside `set`", hint: "a set has its own") }
            return set(name, mode, map.mark(of: "set"))
        }
        guard let path = map.string("path") else {
            map.missing("path", hint: "as in `messages[*].content`, or a `set`")
            return []
        }
        return [RedactionSettings.Field(path: path, name: map.string("name") ?? "field", mode: mode)]
    }

    private static func detector(_ item: YAMLNode, _ problems: Problems) -> Detector? {
        guard case .scalar(let name, _) = item.content else {
            problems.error("a detector is a name, not \(item.kindName)", at: item.mark)
            return nil
        }
        if let detector = Detector(named: name) { return detector }
        let names = Detector.allCases.map(\.name)
        problems.error(
            "unknown detector `\(name)`", at: item.mark,
            hint: EditDistance.nearest(name, in: names).map { "did you mean `\($0)`?" } ?? "there are \(names.joined(separator: ", "))")
        return nil
    }

    private static func mode(_ map: MapReader) -> RedactionSettings.Mode? {
        let hashes = ["hash", "sha1", "sha256", "sha512", "sha3", "md5", "blake2b", "crc32", "hmac"]
        if let text = map.string("mode"), hashes.contains(text.lowercased()) {
            map.wrong(
                "mode", "is `\(text)`: a hash without a key is undone by trying all cards, numbers or names there are",
                hint: "`mode: pseudonym` with `keys: [{id: k1, file: …}]` makes keyed ones")
            return nil
        }
        return map.choice("mode", RedactionSettings.Mode.self)
    }

    private static func key(_ item: YAMLNode, _ problems: Problems) -> RedactionSettings.Key? {
        guard let map = MapReader(item, "a key of redaction", keys: ["id", "file"], problems) else { return nil }
        guard let id = map.string("id") else {
            map.missing("id", hint: "it stands in each pseudonym, so that keys can be changed")
            return nil
        }
        guard let path = map.string("file") else {
            map.missing("file", hint: "`openssl rand -hex 32` makes one")
            return nil
        }
        do throws(ConfigurationError) {
            let bytes = try FileText.read(path, sizeMax: keyFileMax)
            return RedactionSettings.Key(id: id, secret: Secret(bytes.withView { $0.trimmed.string }))
        } catch {
            problems.error("`\(path)` \(error.message)", at: map.mark(of: "file"), hint: error.hint)
            return nil
        }
    }

    /// What only compiling shows: expressions, names, keys that are missing.
    private static func check(_ settings: RedactionSettings, _ map: MapReader) {
        guard map.problems.errors.isEmpty else { return }
        do throws(RedactionError) { try Redactor.check(settings) } catch {
            map.problems.error(error.message, at: map.mark)
        }
    }
}

extension Array where Element: Equatable {
    fileprivate var withoutRepeats: [Element] {
        var out: [Element] = []
        for element in self where !out.contains(element) { out.append(element) }
        return out
    }
}
