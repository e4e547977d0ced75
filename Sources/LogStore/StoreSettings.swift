import Bytes
import LogModel

/// What an operator may say about the embedded store.
package struct StoreSettings: Sendable, Equatable {
    /// When an append counts as durable.
    package enum Sync: Sendable, Equatable {
        /// Acknowledged after `fdatasync` of its group: survives power loss.
        case always
        /// Acknowledged after the write; synced every so many nanoseconds. Power loss may take what came since.
        case interval(Int64)
        /// Never synced on its own: survives kill -9, not power loss.
        case off
    }

    /// Everything of the store lies in it. Made when missing.
    package var directory: String
    package var codec: Codec = .zstd
    /// zstd 1–19, zlib 1–9.
    package var codecLevel: Int32 = 1

    /// The level for text, which is where a codec gains. Merged segments stay, so they get more.
    func textLevel(isMerge: Bool) -> Int32 {
        codec == .zstd ? max(codecLevel, isMerge ? 6 : 3) : codecLevel
    }
    package var sync: Sync = .always

    /// A write-ahead file is closed beyond this, bytes.
    package var walFileSize = 64 << 20
    /// The head is sealed beyond this, bytes of records and row tables. Two heads may exist at once.
    package var headSize = 24 << 20
    /// …or when its first row is this old, nanoseconds…
    package var headAge: Int64 = 60_000_000_000
    /// …or this long after the last write, nanoseconds.
    package var idleTime: Int64 = 2_000_000_000
    /// Whether segments are read back and compared before the write-ahead log is let go.
    package var verifySeals = true
    /// Merging stops at segments of this size, bytes of lines.
    package var segmentSize = 256 << 20
    /// How many neighbours of one size class are merged at once.
    package var mergeFan = 8

    /// Memory of the store in all, bytes: heads, queue, caches.
    package var memory = 224 << 20

    /// Rows older than this are dropped, nanoseconds, unless a rule below says otherwise. Nil: never.
    package var retentionAge: Int64?
    /// Streams that are kept longer or shorter.
    package var retentionRules: [RetentionRule] = []
    /// Tenants with an age and rules of their own.
    package var tenantRetention: [Tenant: TenantRetention] = [:]
    /// Bytes on disk beyond which the oldest segments are dropped. Nil: `retentionShare` of the file system.
    package var retentionSize: Int?
    package var retentionShare = 0.8
    /// Free bytes below which appends are refused: room for the merge that frees some.
    package var freeSpaceMin = 64 << 20
    /// How long batch keys are remembered, nanoseconds.
    package var batchKeyAge: Int64 = 7 * 86_400_000_000_000

    /// How long a delete request can be taken back, nanoseconds…
    package var deleteCancelPeriod: Int64 = 86_400_000_000_000
    /// …and in how much time after that its lines have left the disk. Work begins when half of it has passed, so that
    /// requests that come together are done together.
    package var deleteWithin: Int64 = 86_400_000_000_000

    /// In how much time everything stored is read and compared with its checksums once, at idle priority, nanoseconds.
    /// Nil: never.
    package var scrubPeriod: Int64? = 14 * 86_400_000_000_000

    package init(directory: String) { self.directory = directory }
}
