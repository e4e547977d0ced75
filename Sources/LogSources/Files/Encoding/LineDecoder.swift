import Bytes
import LogModel

/// Splits text of another encoding into lines and turns them into UTF-8. Offsets stay those of the bytes that were read.
///
/// Lines are cut at newlines of the encoding, in whole code units, which is what cutting the decoded text at `\n` gives: UTF-16 has
/// bytes 0x0A that are no newlines.
struct LineDecoder {
    let encoding: TextEncoding
    private let transcoder: Transcoder

    /// Bytes from the beginning of a text that tell its byte order.
    static let beginningMax = 1024

    /// `beginning`: of the text. nil when the system cannot convert it.
    init?(_ encoding: TextEncoding, beginning: ByteView) {
        let resolved = encoding.resolved(beginning)
        guard let transcoder = Transcoder(resolved) else { return nil }
        self.encoding = resolved
        self.transcoder = transcoder
    }

    /// As `LineSplitter.split`, but the lines are not decoded yet and hold everything before their newline.
    func split(
        _ text: ByteView, searchFrom: Int, offset: UInt64, _ splitter: inout LineSplitter, into lines: inout [LineBatch.Line]
    ) -> Int {
        var start = 0
        var from = searchFrom
        while let newline = encoding.newline(in: text, from: from) {
            let next = newline + encoding.width
            lines.append(
                LineBatch.Line(
                    start: UInt32(truncatingIfNeeded: start), length: UInt32(truncatingIfNeeded: newline - start), labels: 0,
                    timestamp: splitter.time(), end: offset &+ UInt64(next)))
            start = next
            from = next
        }
        return start
    }

    /// The lines of `text` in UTF-8, without `\r` at their end, without NUL at their beginning (and without the byte
    /// order mark, where the text begins here), `maxLineBytes` at
    /// most. Returns how many code units were replaced.
    func decode(
        _ text: ByteView, _ lines: inout [LineBatch.Line], _ splitter: inout LineSplitter, atBeginning: Bool, into out: ByteArena
    ) -> Int {
        var replaced = 0
        for index in lines.indices {
            let line = lines[index]
            var low = out.count
            replaced += transcoder.append(text[Int(line.start)..<Int(line.start) + Int(line.length)], to: out)
            while low < out.count, out.view[low] == 0 {
                low += 1
                splitter.nulBytes &+= 1
            }
            if atBeginning, index == 0, out.view.suffix(from: low).hasPrefix("\u{FEFF}" as StaticString) { low += 3 }
            if out.count > low, out.view[out.count - 1] == 0x0D { out.truncate(to: out.count - 1) }
            if out.count - low > splitter.maxLineBytes {
                var end = low + splitter.maxLineBytes
                // Never inside a character.
                while end > low, out.view[end] & 0xC0 == 0x80 { end -= 1 }
                splitter.linesCut &+= 1
                splitter.bytesCut &+= UInt64(out.count - end)
                out.truncate(to: end)
            }
            lines[index].start = UInt32(truncatingIfNeeded: low)
            lines[index].length = UInt32(truncatingIfNeeded: out.count - low)
        }
        return replaced
    }
}
