import Bytes

/// Which of a container's outputs a line came from.
enum DockerStream: Int, Sendable, CaseIterable {
    case stdout, stderr
}

/// Cuts what the Engine API sends as a container's log into lines with their times.
///
/// Without a terminal the log comes in frames: a byte for the output, three zeros, a length (big endian), and that many bytes: a
/// time, a blank, text, and a newline where the line ends. The daemon cuts lines at 16 KiB; the parts have the same time, and
/// all but the last no newline. With a terminal the same comes without frames, part behind part.
struct DockerLines {
    struct Failure: Error, CustomStringConvertible { var description: String }

    /// A line that may still go on.
    private struct Unfinished {
        var bytes: [UInt8] = []
        var time: Int64 = 0
        var isOpen = false
        /// Bytes over the limit.
        var cut = 0
    }

    private let isTerminal: Bool
    private let maxLineBytes: Int
    /// The beginning of a frame, or with a terminal of a line.
    private var rest: [UInt8] = []
    private var unfinished = [Unfinished](repeating: Unfinished(), count: DockerStream.allCases.count)
    /// With a terminal: what is passed over up to the next newline, of a line over the limit.
    private var isSkipping = false
    /// Given to lines without a time.
    private var lastTime: Int64 = 0
    /// Bytes that are missing of lines over the limit, and such lines, since `takeCounts`.
    private var cutLines = 0
    private var cutBytes = 0
    private var untimed = 0

    /// Bytes in which the daemon cuts lines.
    private static let part = 16 << 10

    init(isTerminal: Bool, maxLineBytes: Int) {
        self.isTerminal = isTerminal
        self.maxLineBytes = max(1, maxLineBytes)
    }

    /// Lines cut and their bytes, lines without a time, since the last call.
    mutating func takeCounts() -> (cutLines: Int, cutBytes: Int, untimed: Int) {
        defer { (cutLines, cutBytes, untimed) = (0, 0, 0) }
        return (cutLines, cutBytes, untimed)
    }

    /// Takes what came; calls `line` for each line that has ended, without its newline.
    mutating func feed(_ bytes: ByteView, _ line: (DockerStream, Int64, ByteView) throws -> Void) throws {
        var all = rest
        rest = []
        let used: Int
        if all.isEmpty {
            used = try isTerminal ? lines(bytes, line) : frames(bytes, line)
            rest = bytes.suffix(from: used).copy()
        } else {
            all += bytes.copy()
            used = try all.withView { try isTerminal ? lines($0, line) : frames($0, line) }
            all.removeFirst(used)
            rest = all
        }
    }

    /// The log is at its end: a line without a newline is one too.
    mutating func end(_ line: (DockerStream, Int64, ByteView) throws -> Void) throws {
        if isTerminal, !rest.isEmpty, !isSkipping {
            let last = rest
            rest = []
            try last.withView { try text($0, .stdout, endsLine: true, line) }
        }
        for stream in DockerStream.allCases { try close(stream, line) }
        rest = []
    }

    // MARK: Frames

    private mutating func frames(_ bytes: ByteView, _ line: (DockerStream, Int64, ByteView) throws -> Void) throws -> Int {
        var at = 0
        while at + 8 <= bytes.count {
            guard bytes[at] <= 3, bytes[at + 1] == 0, bytes[at + 2] == 0, bytes[at + 3] == 0 else {
                throw Failure(description: "the log does not come in frames")
            }
            let length = (0..<4).reduce(0) { $0 << 8 | Int(bytes[at + 4 + $1]) }
            // Daemons send 16 KiB and a time; others may send whole lines.
            guard length <= max(1 << 20, maxLineBytes + 64) else { throw Failure(description: "a frame of \(length) bytes") }
            guard at + 8 + length <= bytes.count else { break }
            let payload = bytes[at + 8..<at + 8 + length]
            if bytes[at] == 3 { throw Failure(description: payload.trimmed.string) }
            try pieces(payload, bytes[at] == 2 ? .stderr : .stdout, line)
            at += 8 + length
        }
        return at
    }

    private mutating func pieces(_ payload: ByteView, _ stream: DockerStream, _ line: (DockerStream, Int64, ByteView) throws -> Void) throws {
        var at = 0
        while at < payload.count {
            let newline = payload.firstIndex(of: 0x0A, from: at)
            try piece(payload[at..<(newline ?? payload.count)], stream, endsLine: newline != nil, line)
            at = (newline ?? payload.count) + 1
        }
    }

    /// A time and text behind it.
    private mutating func piece(
        _ piece: ByteView, _ stream: DockerStream, endsLine: Bool, _ line: (DockerStream, Int64, ByteView) throws -> Void
    ) throws {
        let (time, length) = Self.time(piece)
        if let time { lastTime = time } else { untimed += 1 }
        try add(piece.suffix(from: length), lastTime, stream, endsLine: endsLine, line)
    }

    private mutating func add(
        _ text: ByteView, _ time: Int64, _ stream: DockerStream, endsLine: Bool, _ line: (DockerStream, Int64, ByteView) throws -> Void
    ) throws {
        let index = stream.rawValue
        if endsLine, !unfinished[index].isOpen, text.count <= maxLineBytes {
            try line(stream, time, Self.withoutReturn(text))
            return
        }
        if !unfinished[index].isOpen {
            unfinished[index].isOpen = true
            unfinished[index].time = time
        }
        let room = max(0, maxLineBytes - unfinished[index].bytes.count)
        unfinished[index].bytes += text.prefix(room).copy()
        unfinished[index].cut += max(0, text.count - room)
        if endsLine { try close(stream, line) }
    }

    private mutating func close(_ stream: DockerStream, _ line: (DockerStream, Int64, ByteView) throws -> Void) throws {
        let done = unfinished[stream.rawValue]
        guard done.isOpen else { return }
        unfinished[stream.rawValue] = Unfinished()
        if done.cut > 0 {
            cutLines += 1
            cutBytes += done.cut
        }
        try done.bytes.withView { try line(stream, done.time, Self.withoutReturn($0)) }
    }

    // MARK: Terminals

    private mutating func lines(_ bytes: ByteView, _ line: (DockerStream, Int64, ByteView) throws -> Void) throws -> Int {
        var at = 0
        while at < bytes.count {
            guard let newline = bytes.firstIndex(of: 0x0A, from: at) else { break }
            if isSkipping {
                cutBytes += newline - at
                isSkipping = false
            } else {
                try text(bytes[at..<newline], .stdout, endsLine: true, line)
            }
            at = newline + 1
        }
        // Beyond the limit with its times the line is delivered as far as it goes.
        let most = maxLineBytes + (maxLineBytes / Self.part + 2) * 64
        if isSkipping {
            cutBytes += bytes.count - at
            at = bytes.count
        } else if bytes.count - at > most {
            try text(bytes.suffix(from: at), .stdout, endsLine: true, line)
            isSkipping = true
            at = bytes.count
        }
        return at
    }

    /// A line of a terminal: its time, and the same time again in front of every part.
    private mutating func text(
        _ text: ByteView, _ stream: DockerStream, endsLine: Bool, _ line: (DockerStream, Int64, ByteView) throws -> Void
    ) throws {
        let (time, length) = Self.time(text)
        let mark = text.prefix(length)
        if let time { lastTime = time } else { untimed += 1 }
        var at = length
        while length > 0, text.count > at + Self.part + length, text[at + Self.part..<at + Self.part + length] == mark {
            try add(text[at..<at + Self.part], lastTime, stream, endsLine: false, line)
            at += Self.part + length
        }
        try add(text.suffix(from: at), lastTime, stream, endsLine: endsLine, line)
    }

    // MARK: Times

    /// The time in front and how many bytes it takes, its blank included; nil and 0 where there is none.
    private static func time(_ text: ByteView) -> (Int64?, Int) {
        guard let blank = text.prefix(40).firstIndex(of: 0x20), let time = SyslogTime.rfc3339(text.prefix(blank)) else { return (nil, 0) }
        return (time, blank + 1)
    }

    private static func withoutReturn(_ text: ByteView) -> ByteView { text.last == 0x0D ? text.prefix(text.count - 1) : text }
}
