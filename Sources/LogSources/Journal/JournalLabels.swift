import Bytes
import LogModel

/// Labels of journal entries: `__journal_<field>` for each field, the priority's keyword, then the relabelling rules.
///
/// Relabelling is done once for each combination of the values that the rules read; combinations are few, entries many.
struct JournalLabels {
    private let labels: Labels
    private let rules: [RelabelRule]
    private let addsUnitAndLevel: Bool
    /// Which fields the outcome depends on.
    private var needed: [ByteString: Bool] = [:]
    private var cache: [[JournalEntry.Field]: Labels?] = [:]

    /// Beyond this many combinations (rules on a request id, say) the cache begins anew.
    private static let cacheMax = 4096

    init(_ settings: JournalSettings) {
        labels = settings.labels
        rules = settings.relabel
        addsUnitAndLevel = settings.addsUnitAndLevel
    }

    static let keywords: [ByteString] = ["emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"]

    /// Name of a field as a label: `_SYSTEMD_UNIT` becomes `__journal__systemd_unit`.
    static func name(_ field: ByteString) -> ByteString {
        ByteString(Array("__journal_".utf8) + field.bytes.map(\.lowercased))
    }

    /// The stream labels of an entry; nil when a rule drops it.
    mutating func labels(of entry: JournalEntry) -> Labels? {
        var key: [JournalEntry.Field] = []
        for field in entry.fields where isNeeded(field.name) { key.append(field) }
        if let known = cache[key] { return known }
        let made = make(key)
        if cache.count >= Self.cacheMax { cache.removeAll(keepingCapacity: true) }
        cache[key] = made
        return made
    }

    private mutating func isNeeded(_ field: ByteString) -> Bool {
        if let known = needed[field] { return known }
        let name = Self.name(field)
        var answer = rules.contains { $0.reads(name) }
        if field == "PRIORITY" { answer = answer || rules.contains { $0.reads("__journal_priority_keyword") } }
        if addsUnitAndLevel, ["_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER", "PRIORITY"].contains(field) { answer = true }
        // Field names come from outside: the table must not grow with them.
        if needed.count < 65_536 { needed[field] = answer }
        return answer
    }

    private func make(_ fields: [JournalEntry.Field]) -> Labels? {
        var pairs = labels.pairs
        var values: [ByteString: ByteString] = [:]
        for field in fields {
            values[field.name] = field.value
            pairs.append(Label(Self.name(field.name), field.value))
        }
        let priority = values["PRIORITY"].map(Self.keyword)
        if let priority { pairs.append(Label("__journal_priority_keyword", priority)) }
        guard let relabelled = RelabelRule.apply(rules, to: Labels(pairs)) else { return nil }
        var result = Labels(relabelled.pairs.filter { !$0.name.hasPrefix("__") })
        if addsUnitAndLevel {
            if result["unit"] == nil, let unit = values["_SYSTEMD_UNIT"] ?? values["SYSLOG_IDENTIFIER"], !unit.isEmpty {
                result["unit"] = unit
            }
            if result["level"] == nil, let priority { result["level"] = priority }
        }
        return result
    }

    static func keyword(_ priority: ByteString) -> ByteString {
        guard priority.count == 1, let digit = priority.bytes.first, digit >= 0x30, digit < 0x38 else { return priority }
        return keywords[Int(digit - 0x30)]
    }
}
