import Bytes
import LogModel
import LogStages

/// The time of a line of a file that nobody has described: a field of a JSON object, or the text that it begins with.
/// A line without one has that of the line before.
struct LineClock {
    private var cursor = JSONCursor(capacity: 128)
    private var last: Int64?
    private let layouts: [TimeFormat]

    /// In order of preference.
    private static let keys: [StaticString] = ["timestamp", "@timestamp", "time", "ts", "asctime", "time_iso8601"]
    /// RFC 3339, and what Python's `isoformat()` and `logging` print. Without a zone: UTC.
    private static let names = ["RFC3339Nano", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05"]
    private static let vLLM = "01-02 15:04:05"
    /// How far into a line such a clock may stand: behind the name of a process and a level, in colours.
    private static let headSize = 96
    /// From 2001 on: smaller numbers are no times of logs.
    private static let secondsMin = 1e9

    init() { layouts = Self.names.map { TimeFormat($0) } }

    mutating func time(of line: ByteView) -> Int64? {
        if let found = line.first == UInt8(ascii: "{") ? ofObject(line) : ofText(line) { last = found }
        return last
    }

    private mutating func ofObject(_ line: ByteView) -> Int64? {
        guard (try? cursor.scan(line)) != nil, cursor.count > 0, cursor[0].type == .object else { return nil }
        var best: (rank: Int, token: Int)?
        var at = 1
        while at < cursor[0].next {
            let key = JSONCursor.raw(cursor[at], in: line)
            if let rank = Self.keys.firstIndex(where: { key == ByteView($0) }), rank < best?.rank ?? .max { best = (rank, at + 1) }
            at = cursor[at + 1].next
        }
        guard let best else { return nil }
        let text = JSONCursor.raw(cursor[best.token], in: line)
        if let seconds = Double(text.prefix(32).string) { return Self.epoch(seconds, text) }
        return parsed(text)
    }

    /// `2026-11-21T10:15:30.5Z …`, `2026-11-21 10:15:30,123 …`
    private func ofText(_ line: ByteView) -> Int64? {
        guard line.count >= 19, line[0].isDigit, line[4] == UInt8(ascii: "-") else { return yearless(line) }
        let first = line.firstIndex(of: UInt8(ascii: " ")) ?? line.count
        if first >= 19 { return parsed(line.prefix(first)) }
        // The clock is the second word.
        let rest = line.suffix(from: first + 1)
        return parsed(line.prefix(first + 1 + (rest.firstIndex(of: UInt8(ascii: " ")) ?? rest.count)))
    }

    private func parsed(_ text: ByteView) -> Int64? {
        guard text.count <= 64 else { return nil }
        for layout in layouts {
            if let time = layout.nanoseconds(text, zone: .utc, now: Timestamp.now()) { return time }
        }
        return nil
    }

    /// `(APIServer pid=7) INFO 08-01 21:24:09 [loggers.py:273] …`: month, day and clock near the front, as vLLM prints them.
    private func yearless(_ line: ByteView) -> Int64? {
        let head = line.prefix(Self.headSize)
        guard head.count >= 14 else { return nil }
        for at in 0...(head.count - 14)
        where head[at + 2] == 0x2D && head[at + 5] == 0x20 && head[at + 8] == 0x3A && head[at + 11] == 0x3A && head[at].isDigit {
            return TimeFormat(Self.vLLM).nanoseconds(head[at..<at + 14], zone: .utc, now: Timestamp.now())
        }
        return nil
    }

    /// Seconds, milliseconds, microseconds or nanoseconds since 1970, by their size.
    private static func epoch(_ value: Double, _ text: ByteView) -> Int64? {
        guard value >= secondsMin, value < 9.2e18 else { return nil }
        var scale = 1e9
        var border = 1e11
        while value >= border, scale > 1 {
            scale /= 1_000
            border *= 1_000
        }
        // A whole number keeps all its digits.
        if let whole = Int64(text.string) {
            let (product, overflow) = whole.multipliedReportingOverflow(by: Int64(scale))
            return overflow ? nil : product
        }
        return Int64(value * scale)
    }
}
