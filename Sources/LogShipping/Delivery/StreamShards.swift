import Bytes
import LogModel

/// Splits a batch for several requests at once, so that a stream is always in the same one.
enum StreamShards {
    /// Parts by shard, empty ones left out; rows keep their order. O(rows) where there is more than one shard.
    static func of(_ batch: WriteBatch, count: Int) -> [(shard: Int, batch: WriteBatch)] {
        guard count > 1 else { return [(0, batch)] }
        let shards = batch.streams.map { shard(of: $0, count: count) }
        guard let first = shards.first else { return [(0, batch)] }
        if shards.allSatisfy({ $0 == first }) { return [(first, batch)] }
        var parts: [WriteBatch?] = [WriteBatch?](repeating: nil, count: count)
        for row in batch.rows {
            let number = shards[Int(row.stream)]
            var part = parts[number] ?? WriteBatch(tenant: batch.tenant)
            // Taken out while it is changed, or every row would copy it.
            parts[number] = nil
            let stream = part.stream(batch.streams[Int(row.stream)])
            let metadata = part.metadataSet(batch.metadata[Int(row.metadata)])
            batch.withLine(row) { part.add(timestamp: row.timestamp, stream: stream, metadata: metadata, line: $0) }
            parts[number] = part
        }
        return parts.enumerated().compactMap { number, part in part.map { (number, $0) } }
    }

    /// The same in every run: what a spool holds must go where its stream's next lines go.
    static func shard(of labels: Labels, count: Int) -> Int {
        let text = ByteArena()
        for pair in labels.pairs {
            text.append(prefixed: pair.name)
            text.append(prefixed: pair.value)
        }
        return Int(withExtendedLifetime(text) { XXH3.of(text.view) } % UInt64(max(count, 1)))
    }
}
