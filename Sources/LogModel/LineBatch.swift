import Bytes

/// Lines that a source has read, on their way into the pipeline: one source, one stretch of it.
package struct LineBatch: Sendable {
    package struct Line: Sendable, Equatable {
        package var start: UInt32
        package var length: UInt32
        /// Which of `labelSets`.
        package var labels: UInt32
        /// Which of `metadataSets`; 0 in a batch without any.
        package var metadata: UInt32 = 0
        /// Nanoseconds: the transport's own time (journal, CRI) or the time of reading.
        package var timestamp: Int64
        /// Offset in the source behind this line (its newline included).
        package var end: UInt64

        package init(start: UInt32, length: UInt32, labels: UInt32, timestamp: Int64, end: UInt64) {
            self.start = start
            self.length = length
            self.labels = labels
            self.timestamp = timestamp
            self.end = end
        }
    }

    /// Identity of the source, the same across renames and restarts. Key of its committed position.
    package var source: ByteString
    /// Where a person finds it: the path of a file as discovered, `journal:<job>`.
    package var path: String
    /// Which scrape configuration it belongs to, by index.
    package var job: Int
    package var labelSets: [Labels]
    /// Structured metadata that came with the lines; the first set is the empty one. Empty: no line has any.
    package var metadataSets: [Labels] = []
    /// Whether the times are those of the sender, to be left as they are. Else lines of equal time are set apart.
    package var keepsTimes = false
    package var bytes: OwnedBytes
    package var lines: [Line]
    /// Offset before the first line, and the position behind the last.
    package var from: UInt64
    package var to: SourcePosition

    package init(
        source: ByteString, path: String, job: Int, labelSets: [Labels], bytes: OwnedBytes, lines: [Line], from: UInt64,
        to: SourcePosition
    ) {
        self.source = source
        self.path = path
        self.job = job
        self.labelSets = labelSets
        self.bytes = bytes
        self.lines = lines
        self.from = from
        self.to = to
    }

    /// Without newline, and without the `\r` before it. Valid as long as the batch is held.
    package func line(_ index: Int) -> ByteView {
        let line = lines[index]
        return bytes.view[Int(line.start)..<Int(line.start) + Int(line.length)]
    }
}

/// Where sources put what they have read.
package protocol LineSink: Sendable {
    /// Takes a batch. Blocks while there is no room, which is what slows sources down; returns before the batch is
    /// durable. Batches of one source are handed over in order, from one thread at a time. An empty batch may carry an
    /// advance (rotation, end of file). Throws only when the sink is closing: the source must then stop.
    func deliver(_ batch: LineBatch) throws

    /// Committed positions of sources whose identity begins with `prefix`.
    func positions(withPrefix prefix: ByteString) -> [(source: ByteString, position: SourcePosition)]

    /// The position that a positions file of another collector (Promtail) holds for a path, for a first start here.
    func importedOffset(path: String) -> UInt64?
}
