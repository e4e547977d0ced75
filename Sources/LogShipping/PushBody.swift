import Bytes
import LogModel
import LokiWire

/// A batch as the body of a push request.
enum PushBody {
    /// External labels are added, the stream's own win; Promtail's `__tenant_id__` never leaves the process.
    static func snappy(_ batch: WriteBatch, externalLabels: Labels) -> ByteArena {
        var batch = batch
        batch.relabel { labels in
            var result = labels
            result["__tenant_id__"] = nil
            for pair in externalLabels.pairs where result[pair.name] == nil { result[pair.name] = pair.value }
            return result
        }
        let encoder = PushEncoder()
        encoder.add(batch)
        let packed = ByteArena(capacity: encoder.count / 2)
        encoder.finish(into: packed)
        return packed
    }
}
