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
    private struct State {
        var words: [String] = []
        /// Times of the rows of parts that could not be opened at all.
        var spans: [ClosedRange<Int64>] = []
        /// What nobody has been told yet.
        var untold: [String] = []
        var tell: (@Sendable (String) -> Void)?
    }

    private let state = Mutex(State())
    /// More than this is a broken disk, and no list helps.
    static let countMax = 1000

    /// `span`: times of what is lost as a whole, where that is known.
    func add(_ text: String, span: ClosedRange<Int64>? = nil) {
        let isNew = state.withLock { state in
            guard state.words.count < Self.countMax, !state.words.contains(text) else { return false }
            state.words.append(text)
            if let span { state.spans.append(span) }
            return true
        }
        if isNew { note(text) }
    }

    /// Tells what is no damage but should be known.
    func note(_ text: String) {
        let tell = state.withLock { state in
            if state.tell == nil { state.untold.append(text) }
            return state.tell
        }
        tell?(text)
    }

    /// From now on everything new goes to `tell`; what was found before goes there at once.
    func onFinding(_ tell: @escaping @Sendable (String) -> Void) {
        let untold = state.withLock { state in
            state.tell = tell
            defer { state.untold = [] }
            return state.untold
        }
        for text in untold { tell(text) }
    }

    /// How many parts are missing as a whole that had rows in a range.
    func missing(in range: TimeRange) -> Int {
        state.withLock { state in
            state.spans.count {
                range.overlaps(first: Timestamp(nanoseconds: $0.lowerBound), last: Timestamp(nanoseconds: $0.upperBound))
            }
        }
    }

    var all: [String] { state.withLock { $0.words } }
}

/// Encoders and decoders of pages, lent to whatever thread needs one.
final class CodecPool: Sendable {
    private struct Lent: @unchecked Sendable {
        // Sendable: whoever takes it out of the pool is its only user.
        let codec: PageCodec
    }
    private let idle = Mutex<[Lent]>([])
    /// What readers of segments share beside codecs.
    let dictionaries = DictionaryCache()
    /// Idle ones kept: about 1 MB each.
    static let idleMax = 4

    func with<R, E: Error>(_ body: (PageCodec) throws(E) -> R) throws(E) -> R {
        let lent = idle.withLock { $0.popLast() } ?? Lent(codec: PageCodec())
        defer { idle.withLock { if $0.count < Self.idleMax { $0.append(lent) } } }
        return try body(lent.codec)
    }
}
