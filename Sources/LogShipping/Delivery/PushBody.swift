import Bytes
import LogModel
import LokiWire
import NIOCore
import Synchronization

/// Batches as bodies of push requests.
///
/// Encoders keep their working memory, about twice a batch, so few are kept: one for each thread that is likely to encode
/// at the same time.
final class PushBody: Sendable {
    /// One encoder with the block it packs into; used by one thread at a time.
    private final class Box: @unchecked Sendable {
        // Sendable: the pool hands a box to one caller at a time.
        let encoder = PushEncoder()
        let packed = ByteArena(capacity: 1 << 16)
    }

    private let idle = Mutex<[Box]>([])
    private let externalLabels: Labels

    /// Chosen: as many as there are cores on a small machine.
    private static let idleMax = 2

    init(externalLabels: Labels) { self.externalLabels = externalLabels }

    /// A snappy block. External labels are added, the stream's own win; Promtail's `__tenant_id__` never leaves the process.
    func snappy(_ batch: WriteBatch) -> ByteBuffer {
        let box = idle.withLock { $0.popLast() } ?? Box()
        box.encoder.add(batch) { labels in
            guard !externalLabels.isEmpty || labels[TenantParts.label] != nil else { return labels }
            var result = labels
            result[TenantParts.label] = nil
            for pair in externalLabels.pairs where result[pair.name] == nil { result[pair.name] = pair.value }
            return result
        }
        box.packed.reset()
        box.encoder.finish(into: box.packed)
        let body = box.packed.view.withUnsafeBytes { ByteBuffer(bytes: $0) }
        idle.withLock { if $0.count < Self.idleMax { $0.append(box) } }
        return body
    }
}
