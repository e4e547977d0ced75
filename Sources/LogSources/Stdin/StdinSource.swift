import Bytes
import Glibc
import LogModel

/// Lines from a pipe, to its end: `tailrace collect --stdin`.
///
/// There is no position to come back to, so its batches carry none (their source is empty). Blank lines are skipped, a
/// last line without a newline counts.
package struct StdinSource: CollectorSource {
    private let descriptor: Int32
    private let labels: Labels
    private let job: Int
    private let maxLineBytes: Int
    private let sink: any LineSink

    /// Bytes asked of the pipe at once: what a Linux pipe holds.
    private static let step = 64 << 10

    package init(descriptor: Int32 = 0, labels: Labels, job: Int, maxLineBytes: Int, sink: any LineSink) {
        self.descriptor = descriptor
        self.labels = labels
        self.job = job
        self.maxLineBytes = maxLineBytes
        self.sink = sink
    }

    package var name: String { "stdin" }
    package var isReady: Bool { true }

    /// Nothing: it ends with its input, or when the sink closes.
    package func stop() {}

    /// Blocks until the end of the input. Throws where the input fails, or the sink is closed.
    package func run() throws {
        var splitter = LineSplitter(maxLineBytes: maxLineBytes)
        let text = ByteArena(capacity: Self.step)
        /// Whether the rest of a line is to be passed over, of which enough was delivered.
        var isSkipping = false
        while true {
            // What was there already holds no newline.
            let searched = text.count
            guard try read(into: text) else { break }
            if isSkipping {
                guard let newline = text.view.firstIndex(of: 0x0A) else {
                    text.reset()
                    continue
                }
                keep(text, from: newline + 1)
                isSkipping = false
            }
            var lines: [LineBatch.Line] = []
            let covered = splitter.split(text.view, searchFrom: min(searched, text.count), offset: 0, into: &lines)
            if covered > 0 {
                let rest = text[covered..<text.count].copy()
                try deliver(text, lines)
                text.reset()
                text.append(rest)
            }
            if text.count > maxLineBytes {
                try deliverRest(text, &splitter)
                text.reset()
                isSkipping = true
            }
        }
        if !isSkipping { try deliverRest(text, &splitter) }
    }

    private func keep(_ text: ByteArena, from start: Int) {
        let rest = text[start..<text.count].copy()
        text.reset()
        text.append(rest)
    }

    /// Appends what there is; false at the end.
    private func read(into text: ByteArena) throws -> Bool {
        while true {
            var count = 0
            text.appendUnsafe(capacity: Self.step) { room in
                count = Glibc.read(descriptor, room.baseAddress, room.count)
                return max(count, 0)
            }
            if count >= 0 { return count > 0 }
            let code = errno
            guard code == EINTR else { throw StoreError(.system, "standard input cannot be read: \(String(cString: strerror(code)))") }
        }
    }

    /// A line without a newline, cut to the longest allowed.
    private func deliverRest(_ text: ByteArena, _ splitter: inout LineSplitter) throws {
        guard !text.isEmpty else { return }
        let length = min(text.count, maxLineBytes)
        try deliver(
            text,
            [
                LineBatch.Line(
                    start: 0, length: UInt32(truncatingIfNeeded: length), labels: 0, timestamp: splitter.time(), end: 0)
            ])
    }

    private func deliver(_ text: ByteArena, _ lines: [LineBatch.Line]) throws {
        let lines = lines.filter { $0.length > 0 }
        guard !lines.isEmpty else { return }
        try sink.deliver(
            LineBatch(
                source: ByteString(), path: "stdin", job: job, labelSets: [labels], bytes: text.take(), lines: lines, from: 0,
                to: SourcePosition(offset: 0)))
    }
}
