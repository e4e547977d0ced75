import Bytes
import LogModel

/// How far a container's log was delivered, and which lines of a log that is read again are new.
///
/// A log has no offsets; it can be asked for from a time on. So each line gets an ordinal: its time in nanoseconds, or one more
/// than that of the line before where that is larger (lines of one nanosecond, lines that two writers swapped). A log read
/// again from a little earlier gives the same ordinals from the first line on whose time is larger than all before, so that the
/// ordinal of the last line delivered says all: the position's offset is that number.
///
/// Only where the host's clock went back by more than that little, the times behind the step do not tell; then the last line
/// delivered is looked for by time and hash, which stand in the position's detail: `1 t=<time> h=<hash>`.
struct DockerCursor {
    /// Ordinal of the line delivered last; 0 before the first.
    private(set) var ordinal: UInt64
    /// Time and hash of that line.
    private(set) var time: Int64
    private(set) var hash: UInt64 = 0
    /// Where to begin without a line delivered: seconds that Promtail left behind.
    private let imported: Int64?
    /// Of the line seen last in this reading.
    private var seen: UInt64 = 0
    private var isSearching = false

    /// What is read again before the last line: lines of the two writers of a container may stand in the log by so much later
    /// than their times say. Nanoseconds.
    static let overlap: Int64 = 1_000_000_000

    init(_ position: SourcePosition? = nil, importedSeconds: UInt64? = nil) {
        ordinal = position?.offset ?? 0
        time = Int64(clamping: ordinal)
        imported = position == nil ? importedSeconds.map { Int64(clamping: $0).multipliedReportingOverflow(by: 1_000_000_000).partialValue } : nil
        guard let parts = position?.detail.string.split(separator: " "), parts.count == 3, parts[0] == "1",
            let time = Int64(parts[1].dropFirst(2)), let hash = UInt64(parts[2].dropFirst(2), radix: 16)
        else { return }
        self.time = time
        self.hash = hash
    }

    /// From when on the log must be read, nanoseconds since 1970; nil: all of it.
    var since: Int64? {
        guard ordinal > 0 else { return imported.flatMap { $0 > 0 ? $0 : nil } }
        let start = min(Int64(clamping: ordinal), time) &- Self.overlap
        return start > 0 ? start : nil
    }

    var position: SourcePosition { SourcePosition(offset: ordinal, detail: ByteString("1 t=\(time) h=\(String(hash, radix: 16))")) }

    /// The log is read from `since` on.
    mutating func restart() {
        seen = 0
        isSearching = hash != 0 && time &+ Self.overlap < Int64(clamping: ordinal)
    }

    /// Takes the next line of the log: its ordinal, or nil where it was delivered before.
    mutating func take(_ time: Int64, _ line: ByteView) -> UInt64? {
        let own = max(seen &+ 1, UInt64(max(1, time)))
        seen = own
        if isSearching {
            if time == self.time, Self.hash(line) == hash {
                isSearching = false
                seen = ordinal
                return nil
            }
            // Behind all that was delivered: the line that is looked for is gone from the log.
            guard own > ordinal else { return nil }
            isSearching = false
        }
        guard own > ordinal else { return nil }
        ordinal = own
        self.time = time
        hash = Self.hash(line)
        return own
    }

    private static func hash(_ line: ByteView) -> UInt64 { max(1, XXH3.of(line)) }
}
