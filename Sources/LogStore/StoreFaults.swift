import Bytes
import Disk
import LogModel
import Synchronization

extension StoreError {
    /// What the disk said, in the store's words. A full disk is nobody's fault and passes.
    init(_ error: DiskError, _ doing: String) {
        if error.isFull {
            self.init(
                .retryLater,
                "the disk is full while \(doing) (\(error)): nothing is lost; free some space or lower "
                    + "store.retention, writing goes on by itself"
            )
        } else {
            self.init(.system, "\(doing): \(error)")
        }
    }
}

/// Parts of the store that are damaged, in words; each is told once.
final class DamageList: Sendable {
    private let words = Mutex<[String]>([])
    /// More than this is a broken disk, and no list helps.
    static let countMax = 1000

    func add(_ text: String) {
        words.withLock { words in
            if words.count < Self.countMax, !words.contains(text) { words.append(text) }
        }
    }

    var all: [String] { words.withLock { $0 } }
}

/// Encoders and decoders of pages, lent to whatever thread needs one.
final class CodecPool: Sendable {
    private struct Lent: @unchecked Sendable {
        // Sendable: whoever takes it out of the pool is its only user.
        let codec: PageCodec
    }
    private let idle = Mutex<[Lent]>([])
    /// Idle ones kept: about 1 MB each.
    static let idleMax = 4

    func with<R, E: Error>(_ body: (PageCodec) throws(E) -> R) throws(E) -> R {
        let lent = idle.withLock { $0.popLast() } ?? Lent(codec: PageCodec())
        defer { idle.withLock { if $0.count < Self.idleMax { $0.append(lent) } } }
        return try body(lent.codec)
    }
}
