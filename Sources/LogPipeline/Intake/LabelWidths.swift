import Bytes
import LogModel
import Synchronization

/// Finds labels that take too many values, each of which would make a stream: request ids, user names, pods of a
/// cluster that never stops deploying. Other stores refuse such lines, or drown; here the label is demoted.
///
/// Values are counted by the day, by their hashes. A label is wide from the value that exceeds the limit on, until a
/// whole day has passed in which it was not. The count is not kept across restarts: a label that is wide may make as
/// many streams again as the limit allows, once.
///
/// Memory: at most `namesMax` labels of `max` hashes a tenant, some 300 KB for a label of 10,000 values.
final class LabelWidths: Sendable {
    private struct Label {
        var day: Int64
        /// Hashes of the values met today; no more than one above the limit.
        var values: Set<Int> = []
        var isWide = false
    }

    private let tenants = Mutex<[Tenant: [ByteString: Label]]>([:])

    /// Label names that are watched. Chosen: names are written by people; beyond this they are not, and 15 a stream are
    /// bad enough without us remembering them.
    private static let namesMax = 1_024
    private static let tenantsMax = 4_096
    private static let day: Int64 = 86_400_000_000_000

    /// Names of labels that are not to make streams, and of those the ones that became wide just now. O(labels).
    func check(_ labels: Labels, of tenant: Tenant, max: Int, at now: Timestamp) -> (wide: [ByteString], fresh: [ByteString]) {
        let today = now.nanoseconds / Self.day
        return tenants.withLock { tenants in
            if tenants[tenant] == nil, tenants.count >= Self.tenantsMax { tenants.removeAll() }
            var wide: [ByteString] = []
            var fresh: [ByteString] = []
            for pair in labels.pairs {
                guard var label = Self.take(pair.name, &tenants[tenant, default: [:]], today) else { continue }
                if label.day != today {
                    label.isWide = label.values.count > max && label.day == today - 1
                    label.values.removeAll()
                    label.day = today
                }
                if label.values.count <= max { label.values.insert(pair.value.hashValue) }
                if !label.isWide, label.values.count > max {
                    label.isWide = true
                    fresh.append(pair.name)
                }
                if label.isWide { wide.append(pair.name) }
                tenants[tenant]?[pair.name] = label
            }
            return (wide, fresh)
        }
    }

    /// Takes a label out, so that its set is changed in place when it comes back.
    private static func take(_ name: ByteString, _ labels: inout [ByteString: Label], _ today: Int64) -> Label? {
        if let known = labels[name] {
            labels[name]?.values = []
            return known
        }
        // A name that metadata would have to change cannot be told from another one there: it stays a label.
        guard labels.count < namesMax, (try? MetadataNames.normalize(name)) == name else { return nil }
        return Label(day: today)
    }
}
