import Bytes
import Glibc
import LogModel

/// How `tailrace query` prints.
package enum OutputFormat: String, Sendable, CaseIterable {
    /// Time, labels and line for a person.
    case pretty
    /// The bytes of the line and a newline, nothing else.
    case raw
    /// One JSON object a line: `{"ts":…,"labels":{…},"line":"…"}`.
    case jsonl
}

/// Writes lines and series to standard output through one buffer.
package struct LinePrinter {
    private let format: OutputFormat
    /// Standard output is a terminal: control characters in log text are neutralised, since a terminal would obey them.
    private let terminal: Bool
    private let out = ByteArena(capacity: 1 << 16)
    package private(set) var failed = false
    /// Why the result could not be written, other than that nobody reads it.
    package private(set) var failure: String?

    package init(format: OutputFormat) {
        self.format = format
        terminal = isatty(1) == 1
    }

    package mutating func print(_ line: LokiAnswer.Line) {
        switch format {
        case .raw: append(line.text)
        case .pretty:
            out.append(RFC3339Text.text(line.timestamp))
            out.append(" ")
            append(ByteString(line.labels.description))
            out.append(" ")
            append(line.text)
        case .jsonl:
            out.append("{\"ts\":\"")
            out.append(decimal: line.timestamp)
            out.append("\",\"labels\":")
            appendObject(line.labels)
            out.append(",\"line\":\"")
            line.text.withView { JSONText.escape($0, into: out) }
            out.append("\"}")
        }
        out.append("\n")
        if out.count > 1 << 15 { flush() }
    }

    package mutating func print(labels: Labels, points: [LokiAnswer.Point]) {
        for point in points {
            switch format {
            case .raw:
                out.append(point.value)
            case .pretty:
                let time = Double(point.seconds).map { RFC3339Text.text(Int64($0 * 1_000) * 1_000_000) } ?? point.seconds
                append(ByteString("\(labels.description) \(point.value) @ \(time)"))
            case .jsonl:
                out.append("{\"metric\":")
                appendObject(labels)
                out.append(",\"time\":\(point.seconds),\"value\":\"\(point.value)\"}")
            }
            out.append("\n")
        }
        if out.count > 1 << 15 { flush() }
    }

    /// Writes what is buffered. A reader that closed the pipe ends the printing quietly.
    package mutating func flush() {
        var rest = out.view
        while !rest.isEmpty, !failed {
            let count = rest.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                failed = true
                // A reader that closed the pipe has what it wants; a full disk has not.
                if errno != EPIPE { failure = "cannot write the result: \(String(cString: strerror(errno)))" }
            } else {
                rest = rest.suffix(from: count)
            }
        }
        out.reset()
    }

    private func append(_ text: ByteString) {
        guard terminal, text.bytes.contains(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7F }) else {
            out.append(text)
            return
        }
        for byte in text.bytes {
            if (byte < 0x20 && byte != 0x09) || byte == 0x7F {
                let hex = String(byte, radix: 16)
                out.append("\\x" + (hex.utf8.count < 2 ? "0" : "") + hex)
            } else {
                out.append(byte)
            }
        }
    }

    private func appendObject(_ labels: Labels) {
        out.append("{")
        for (i, pair) in labels.pairs.enumerated() {
            out.append(i == 0 ? "\"" : ",\"")
            pair.name.withView { JSONText.escape($0, into: out) }
            out.append("\":\"")
            pair.value.withView { JSONText.escape($0, into: out) }
            out.append("\"")
        }
        out.append("}")
    }
}

/// `2026-11-21T10:15:30.123456Z`, for people.
enum RFC3339Text {
    static func text(_ nanoseconds: Int64) -> String {
        let out = ByteArena(capacity: 32)
        // Floor, not truncation, for times before 1970.
        let micros = nanoseconds >= 0 ? nanoseconds / 1_000 : (nanoseconds - 999) / 1_000
        CivilTime.writeSeconds(max(micros, 0) * 1_000, into: out)
        return out.view.string + "Z"
    }
}
