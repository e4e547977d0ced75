import Bytes
import LogModel
import LogServer
import LogStore
import Synchronization

/// Snapshots that a running server makes of its own store: `snapshots/<time>` in the data directory. Whoever may ask the
/// server for one may not choose where it is written.
enum SnapshotMaker {
    static func make(of directory: String) async throws -> SnapshotPlace {
        let parent = directory.hasSuffix("/") ? directory : directory + "/"
        let target = parent + SnapshotNames.directory + "/" + name(Timestamp.now().nanoseconds)
        let result = Mutex<Result<StoreSnapshot, StoreError>?>(nil)
        // Links and copies block.
        await onThread {
            let made: Result<StoreSnapshot, StoreError>
            do throws(StoreError) { made = .success(try StoreSnapshot.make(of: directory, at: target)) } catch {
                made = .failure(error)
            }
            result.withLock { $0 = made }
        }
        guard let made = try result.withLock({ $0 })?.get() else { throw StoreError(.system, "no snapshot was made") }
        return SnapshotPlace(path: made.path, segments: made.segments, segmentBytes: made.segmentBytes)
    }

    /// `20261121T101530.123456Z`: sorts by time, and two of one microsecond are refused rather than mixed.
    private static func name(_ nanoseconds: Int64) -> String {
        String(RFC3339Text.text(nanoseconds).filter { $0 != "-" && $0 != ":" })
    }
}
