import Bytes
import Disk
import LogModel
import LogStore
import LogTestKit
import Metrics

extension GeneratedData {
    /// The lines in the real store: most sealed into columns, in two segments, the last ones still in the head.
    func columnStore() async throws -> LogStore {
        var settings = StoreSettings(directory: "data")
        settings.freeSpaceMin = 0
        settings.retentionShare = 0
        let store = try LogStore.open(settings, disk: SimDisk(), registry: Registry(), clock: ManualClock())
        let parts = [0, lines.count / 2, lines.count - lines.count / 8, lines.count]
        for part in 0..<3 {
            var batch = WriteBatch(tenant: .fake)
            // With a key the store does not look for equal lines, which the naive evaluator counts one by one.
            batch.key = BatchKey(client: "test", epoch: 1, sequence: UInt64(part + 1))
            for line in lines[parts[part]..<parts[part + 1]] {
                let stream = batch.stream(line.stream)
                let set = batch.metadataSet(line.metadata)
                line.text.withView { batch.add(timestamp: line.time, stream: stream, metadata: set, line: $0) }
            }
            _ = try await store.append(batch)
            if part < 2 { try await store.flush() }
        }
        return store
    }
}
