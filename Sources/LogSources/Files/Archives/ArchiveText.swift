import Bytes
import LogModel

/// The lines of one compressed file, from its beginning, in batches of bounded size.
///
/// Memory: one block in, one block out, the unfinished line (`maxLineBytes` at most), and what the codec needs. A file that unpacks
/// to a terabyte takes time, not memory.
struct ArchiveText: ~Copyable {
    enum Ending: Equatable {
        /// All of it was read.
        case complete
        /// The file ends inside of the compressed stream.
        case truncated
        case damaged(String)
    }

    /// Some lines; `lines` have offsets in `bytes` and, as `end`, their number in the file, counted from 1.
    struct Part {
        var bytes: ByteArena
        var lines: [LineBatch.Line]
    }

    private static let inputStep = 64 << 10
    private static let outputStep = 256 << 10

    private let file: Int32
    private let size: UInt64
    private let path: ByteString
    private let encoding: TextEncoding?
    private let stream: StreamDecompressor
    private var decoder: LineDecoder?
    private var splitter: LineSplitter
    private var offset: UInt64 = 0
    private var input: [UInt8] = []
    private var used = 0
    /// Decoded and not cut into lines yet: begins at a line.
    private var text = ByteArena(capacity: Self.outputStep)
    private var searched = 0
    /// Enough of this line was kept; the rest is passed over.
    private var isSkipping = false
    /// Of the line given last, counted from 1.
    private(set) var number: UInt64 = 0
    private var isFirst = true
    private(set) var ending: Ending?
    /// Counted since the owner took them.
    var charactersReplaced = 0
    var hasTrailingBytes: Bool { stream.hasTrailingBytes }

    init(
        _ file: Int32, size: UInt64, path: ByteString, format: StreamDecompressor.Format, encoding: TextEncoding?,
        maxLineBytes: Int
    ) throws(DecodeError) {
        self.file = file
        self.size = size
        self.path = path
        self.encoding = encoding
        stream = try StreamDecompressor(format)
        splitter = LineSplitter(maxLineBytes: maxLineBytes)
    }

    mutating func takeCuts() -> (lines: UInt64, bytes: UInt64, nul: UInt64) {
        defer {
            splitter.linesCut = 0
            splitter.bytesCut = 0
            splitter.nulBytes = 0
        }
        return (splitter.linesCut, splitter.bytesCut, splitter.nulBytes)
    }

    /// The next lines; nil once there are no more, and `ending` says why. Throws `SystemError`.
    mutating func next() throws -> Part? {
        while ending == nil {
            try unpack()
            if let part = cut() { return part }
        }
        // What is left of a line that was too long is no line of its own.
        guard ending == .complete, !text.isEmpty, !isSkipping else { return nil }
        let rest = text
        text = ByteArena()
        number += 1
        let line = LineBatch.Line(
            start: 0, length: UInt32(truncatingIfNeeded: min(rest.count, splitter.maxLineBytes)), labels: 0,
            timestamp: splitter.time(), end: number)
        return finish(rest, [line])
    }

    /// One block of text more, or the end.
    private mutating func unpack() throws {
        while true {
            if used >= input.count, offset < size {
                input = try System.bytes(file, offset..<min(size, offset + UInt64(Self.inputStep)), path)
                used = 0
                offset += UInt64(input.count)
                if input.isEmpty { offset = size }
            }
            let before = text.count
            var taken = 0
            do throws(DecodeError) {
                let (stream, text, used) = (stream, text, used)
                taken = try input.withView { view throws(DecodeError) in
                    try stream.step(view.suffix(from: min(used, view.count)), room: Self.outputStep, into: text)
                }
            } catch {
                ending = .damaged(error.message)
                return
            }
            used += taken
            if text.count > before { return }
            if taken == 0, used >= input.count, offset >= size {
                ending = stream.isComplete ? .complete : .truncated
                return
            }
            // Input that nobody takes and that makes nothing: not possible, and not to be waited for.
            if taken == 0, used < input.count {
                ending = .damaged("it does not go on")
                return
            }
        }
    }

    /// The whole lines of the text so far.
    private mutating func cut() -> Part? {
        if isSkipping {
            guard let newline = newline(from: 0) else {
                keep(from: text.count - text.count % width)
                return nil
            }
            keep(from: newline + width)
            isSkipping = false
        }
        if let encoding, decoder == nil, !encoding.isUTF8 {
            decoder = LineDecoder(encoding, beginning: text.view.prefix(LineDecoder.beginningMax))
        }
        var lines: [LineBatch.Line] = []
        let covered: Int
        if let decoder {
            covered = decoder.split(text.view, searchFrom: searched, offset: 0, &splitter, into: &lines)
        } else {
            covered = splitter.split(text.view, searchFrom: searched, offset: 0, into: &lines)
        }
        guard covered > 0 else {
            searched = text.count
            guard text.count > splitter.maxLineBytes else { return nil }
            // A line that is too long: its beginning counts.
            number += 1
            let limit = splitter.maxLineBytes - splitter.maxLineBytes % width
            let line = LineBatch.Line(
                start: 0, length: UInt32(truncatingIfNeeded: limit), labels: 0, timestamp: splitter.time(), end: number)
            splitter.linesCut += 1
            let long = text
            text = ByteArena(capacity: Self.outputStep)
            searched = 0
            isSkipping = true
            return finish(long, [line])
        }
        for index in lines.indices {
            number += 1
            lines[index].end = number
        }
        let whole = text
        text = ByteArena(capacity: max(Self.outputStep, whole.count - covered))
        text.append(whole.view.suffix(from: covered))
        searched = text.count
        whole.truncate(to: covered)
        return finish(whole, lines)
    }

    private var width: Int { decoder?.encoding.width ?? 1 }

    private func newline(from start: Int) -> Int? {
        decoder.map { $0.encoding.newline(in: text.view, from: start) } ?? text.view.firstIndex(of: 0x0A, from: start)
    }

    private mutating func keep(from start: Int) {
        let rest = ByteArena(capacity: Self.outputStep)
        rest.append(text.view.suffix(from: start))
        text = rest
        searched = 0
    }

    private mutating func finish(_ bytes: ByteArena, _ lines: [LineBatch.Line]) -> Part {
        var lines = lines
        defer { isFirst = false }
        guard let decoder else { return Part(bytes: bytes, lines: lines) }
        let out = ByteArena(capacity: bytes.count)
        charactersReplaced += decoder.decode(bytes.view, &lines, &splitter, atBeginning: isFirst, into: out)
        return Part(bytes: out, lines: lines)
    }
}
