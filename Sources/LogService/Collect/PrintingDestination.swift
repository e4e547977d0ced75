import Bytes
import Glibc
import LogModel
import LogSources
import Synchronization

/// Standard output instead of a server (`--dry-run`): `time<TAB>{labels}<TAB>line`, as Promtail prints it. Positions are read and
/// never moved.
final class PrintingDestination: BatchDestination {
    private let positionsFile: PositionsFile?
    /// What was printed in this run.
    private let printed = Mutex<[ByteString: SourcePosition]>([:])
    private let write: @Sendable (ByteView) -> Void
    /// One batch at a time.
    private let turn = Mutex<Void>(())

    /// `positions`: opened read-only; nil: everything is read from its beginning.
    init(positions: PositionsFile?, write: @escaping @Sendable (ByteView) -> Void = PrintingDestination.toStandardOutput) {
        positionsFile = positions
        self.write = write
    }

    func submit(_ batch: CollectedBatch, done: @escaping @Sendable (BatchOutcome) -> Void) {
        let out = ByteArena(capacity: 1 << 16)
        let names = batch.batch.streams.map { labels in
            var labels = labels
            labels["__tenant_id__"] = nil
            return labels.description
        }
        for row in batch.batch.rows {
            out.append(LocalTime.text(row.timestamp))
            out.append(0x09)
            out.append(names[Int(row.stream)])
            let metadata = batch.batch.metadata[Int(row.metadata)]
            if !metadata.isEmpty {
                out.append(0x20)
                out.append(metadata.description)
            }
            out.append(0x09)
            batch.batch.withLine(row) { out.append($0) }
            out.append(0x0A)
        }
        turn.withLock { _ in write(out.view) }
        printed.withLock { printed in for advance in batch.batch.advances { printed[advance.source] = advance.to } }
        done(.accepted)
    }

    func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)] {
        printed.withLock { $0 }.laid(over: positionsFile?.positions(withPrefix: prefix) ?? [], prefix)
    }

    func importedOffset(path: String) -> UInt64? { positionsFile?.importedOffset(path: path) }
    func giveUp() {}
    func drain() async {}
    func settle() async {}

    /// Whole, or until whoever reads it has gone.
    @Sendable static func toStandardOutput(_ bytes: ByteView) {
        bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count {
                let count = Glibc.write(1, buffer.baseAddress.map { $0 + done }, buffer.count - done)
                if count < 0, errno == EINTR { continue }
                if count <= 0 { return }
                done += count
            }
        }
    }
}

extension [ByteString: SourcePosition] {
    /// These positions, and of `known` those that are not among them.
    func laid(
        over known: [(source: ByteString, position: SourcePosition)], _ prefix: ByteString
    ) -> [(source: ByteString, position: SourcePosition)] {
        if isEmpty { return known }
        return known.filter { self[$0.source] == nil } + filter { $0.key.withView { key in prefix.withView { key.hasPrefix($0) } } }.map { ($0.key, $0.value) }
    }
}

/// Times as Go prints them by the layout `2006-01-02T15:04:05.999999999-0700`, in this host's zone.
enum LocalTime {
    static func text(_ nanoseconds: Int64) -> String {
        let fraction = ((nanoseconds % 1_000_000_000) + 1_000_000_000) % 1_000_000_000
        var seconds = time_t((nanoseconds - fraction) / 1_000_000_000)
        var parts = tm()
        guard localtime_r(&seconds, &parts) != nil else { return "\(nanoseconds)" }
        func digits(_ value: Int, _ width: Int) -> String {
            let text = String(abs(value))
            return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
        }
        var tail = ""
        if fraction > 0 {
            tail = "." + digits(Int(fraction), 9)
            while tail.hasSuffix("0") { tail.removeLast() }
        }
        let offset = parts.tm_gmtoff / 60
        let zone = (offset < 0 ? "-" : "+") + digits(offset / 60, 2) + digits(offset % 60, 2)
        return "\(digits(Int(parts.tm_year) + 1900, 4))-\(digits(Int(parts.tm_mon) + 1, 2))-\(digits(Int(parts.tm_mday), 2))T"
            + "\(digits(Int(parts.tm_hour), 2)):\(digits(Int(parts.tm_min), 2)):\(digits(Int(parts.tm_sec), 2))\(tail)\(zone)"
    }
}
