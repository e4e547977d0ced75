import Bytes
import LogModel

/// The `tenant` stage leaves a stream's tenant in the label `__tenant_id__`; one push carries one tenant, so a batch of
/// several is split.
enum TenantParts {
    static let label: ByteString = "__tenant_id__"

    struct Part: Sendable {
        /// Nil: the client's own.
        var tenant: ByteString?
        var batch: WriteBatch
    }

    /// The batch by tenant, in the order in which they first occur. Advances stay behind. O(rows) where there is more
    /// than one.
    static func of(_ batch: WriteBatch) -> [Part] {
        let tenants = batch.streams.map { labels -> ByteString? in
            labels[label].flatMap { $0.isEmpty ? nil : $0 }
        }
        guard let first = tenants.first else { return [Part(tenant: nil, batch: batch)] }
        if tenants.allSatisfy({ $0 == first }) { return [Part(tenant: first, batch: batch)] }
        var parts: [Part] = []
        var numbers: [ByteString?: Int] = [:]
        for row in batch.rows {
            let stream = Int(row.stream)
            let tenant = tenants[stream]
            let number = numbers[tenant] ?? parts.count
            if number == parts.count {
                numbers[tenant] = number
                parts.append(Part(tenant: tenant, batch: WriteBatch(tenant: batch.tenant)))
            }
            let to = parts[number].batch.stream(batch.streams[stream])
            let metadata = parts[number].batch.metadataSet(batch.metadata[Int(row.metadata)])
            batch.withLine(row) {
                parts[number].batch.add(timestamp: row.timestamp, stream: to, metadata: metadata, line: $0)
            }
        }
        return parts
    }
}
