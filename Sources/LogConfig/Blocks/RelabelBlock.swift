import LogSources

/// `relabel_configs:`.
enum RelabelBlock {
    private static let keys = [
        "source_labels", "separator", "regex", "modulus", "target_label", "replacement", "action",
    ]

    static func rules(_ map: MapReader) -> [RelabelRule] {
        var rules: [RelabelRule] = []
        for (index, node) in (map.list("relabel_configs") ?? []).enumerated() {
            let name = "\(map.name).relabel_configs[\(index)]"
            guard let entry = MapReader(node, name, keys: keys, map.problems) else { continue }
            let modulus = entry.integer("modulus").map { UInt64($0) }
            do throws(RelabelError) {
                rules.append(
                    try RelabelRule(
                        sourceLabels: entry.strings("source_labels") ?? [],
                        separator: entry.string("separator"),
                        regex: entry.string("regex"),
                        modulus: modulus,
                        targetLabel: entry.string("target_label"),
                        replacement: entry.string("replacement"),
                        action: entry.string("action")
                    )
                )
            } catch {
                let isPattern = error.description.hasPrefix("relabel regex")
                let isAction = error.description.hasPrefix("unknown relabel action")
                map.problems.error(
                    error.description,
                    at: isPattern ? entry.mark(of: "regex") : isAction ? entry.mark(of: "action") : entry.mark,
                    hint: isPattern ? "the syntax is RE2's: no look-around, no back references" : ""
                )
            }
        }
        return rules
    }
}
