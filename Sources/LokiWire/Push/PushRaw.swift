import Bytes
import LogModel

extension PushDecoder {
    /// Decodes a body that is nothing but lines: one stream without labels, every line at `now` (nanoseconds). Carriage
    /// returns at the ends of lines go, empty lines too. Returns how many lines there were; none is no mistake. O(n).
    package func decodeLines<Sink: PushSink>(
        _ body: ByteView, contentEncoding: String?, now: Int64, into sink: inout Sink
    ) throws(PushError) -> Int {
        let text = try plain(body, contentEncoding)
        guard text.count <= limits.decodedSizeMax else { throw tooLarge(text.count) }
        var lines = 0
        var start = 0
        while start < text.count {
            let newline = text.firstIndex(of: 0x0A, from: start) ?? text.count
            var end = newline
            while end > start, text[end - 1] == 0x0D { end -= 1 }
            if end > start {
                guard lines < limits.entriesMax else {
                    throw PushError(.tooLarge, "more than \(limits.entriesMax) lines in one request")
                }
                if lines == 0 { try sink.begin(stream: Labels()) }
                try sink.entry(timestamp: now, line: text[start..<end], metadata: [])
                lines += 1
            }
            start = newline + 1
        }
        return lines
    }
}
