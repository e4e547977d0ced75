import Bytes
import LogModel
import LogStages

/// Promtail's `multiline`: lines up to the next first line are one entry.
struct MultilineOperation: Sendable {
    var firstline: CompiledRegex
    /// Nanoseconds.
    var waitMax: Int64
    var linesMax: Int
    var memory: Int
}

/// Promtail's `cri`: the head of a container runtime's line, and lines that come in parts.
struct CRIOperation: Sendable {
    var partialStreamsMax: Int
    /// Bytes; nil: as long as it gets, up to `sizeLimit`.
    var sizeMax: Int?
    var stream: LabelTarget
    var time: Int
    var content: Int
    var flags: Int
    var memory: Int

    /// A joined line ends here whatever is configured: memory is bounded.
    static let sizeLimit = 16 << 20
    /// How long a part waits for its next, nanoseconds. Runtimes write parts at once; what is older has lost its end.
    static let waitMax: Int64 = 5_000_000_000
    static let timeFormat = TimeFormat("RFC3339Nano")
}

/// An entry that waits for more lines.
struct PendingEntry {
    struct Key: Hashable {
        /// Of the stage.
        var memory: Int
        /// Of the file or container it comes from.
        var source: ByteString
        /// Its label set.
        var set: Int
    }

    /// Entries that may wait at once; beyond, all of a stage are let go, so that labels with many values cannot fill
    /// the memory.
    static let countMax = 4096

    /// The stage that it goes on with.
    var next: Int
    var text: ByteArena
    var lines: Int
    var timestamp: Int64
    var isOwnTime: Bool
    /// Extracted values, copied.
    var slots: [(slot: Int, kind: ExtractedValue.Kind, text: ByteString)]
    var metadata: [(name: Int, text: ByteString)]
    var redactedBy: Int?
    /// Offset in the source before its first line.
    var from: UInt64
    /// Wall clock, nanoseconds: no longer waits after this.
    var deadline: Int64
}
