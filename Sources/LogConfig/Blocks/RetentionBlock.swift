import LogModel
import LogQL

/// How long streams are kept: `retention_stream` with Loki's keys, and the same list as `store.retention.streams`.
///
/// ```
/// - selector: '{namespace="dev"}'
///   priority: 1
///   period: 24h
/// ```
enum RetentionBlock {
    static func rules(_ map: MapReader, _ key: String) -> [RetentionRule]? {
        guard let items = map.list(key) else { return nil }
        return items.compactMap { rule($0, "\(map.name).\(key)", map.problems) }
    }

    private static func rule(_ node: YAMLNode, _ name: String, _ problems: Problems) -> RetentionRule? {
        guard let map = MapReader(node, name, keys: ["selector", "priority", "period"], problems) else { return nil }
        guard let selector = map.string("selector") else {
            map.missing("selector", hint: "say which streams, as in '{app=\"debug\"}'")
            return nil
        }
        guard let period = map.duration("period") else {
            if map.node("period") == nil { map.missing("period", hint: "say how long, as in 24h; 0s is for ever") }
            return nil
        }
        let priority = map.integer("priority") ?? 0
        do throws(LogQLError) {
            return RetentionRule(
                matchers: try LogQL.parseSelector(selector, allowEmpty: true), priority: priority, period: max(0, period))
        } catch {
            map.wrong("selector", "is no selector: \(error.message)")
            return nil
        }
    }
}
