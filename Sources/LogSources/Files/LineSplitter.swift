import Bytes
import LogModel

/// Cuts bytes into lines.
struct LineSplitter {
    /// Longest line delivered; the rest of a longer one is left out.
    var maxLineBytes: Int
    /// Time of the line added last, nanoseconds: reading times increase by at least 1, so that order survives sorting.
    private(set) var lastTime: Int64 = .min

    /// Counted since the owner took them.
    var linesCut: UInt64 = 0
    var bytesCut: UInt64 = 0
    var nulBytes: UInt64 = 0

    init(maxLineBytes: Int) { self.maxLineBytes = maxLineBytes }

    /// What was cut was not delivered.
    mutating func forgetCounts() {
        linesCut = 0
        bytesCut = 0
        nulBytes = 0
    }

    /// The time of reading, later than any given before.
    mutating func time() -> Int64 {
        lastTime = max(Timestamp.now().nanoseconds, lastTime &+ 1)
        return lastTime
    }

    /// Appends the lines of `text`, which begins at a line and at `offset` of its source, to `lines`; returns how much of
    /// it they cover (the last newline included). There is no newline before `searchFrom`.
    ///
    /// A `\r` before the newline is left out, and so are NUL bytes at the beginning of a line (a file that was cut under a
    /// writer who does not append has a hole there). Empty lines are lines. O(n), `memchr`.
    mutating func split(
        _ text: ByteView, searchFrom: Int, offset: UInt64, into lines: inout [LineBatch.Line]
    ) -> Int {
        var start = 0
        var from = searchFrom
        var time = max(Timestamp.now().nanoseconds, lastTime &+ 1)
        while let newline = text.firstIndex(of: 0x0A, from: from) {
            var low = start
            if newline > low, text[low] == 0 {
                while low < newline, text[low] == 0 { low += 1 }
                nulBytes &+= UInt64(low - start)
            }
            var high = newline
            if high > low, text[high - 1] == 0x0D { high -= 1 }
            if high - low > maxLineBytes { cut(&high, low) }
            lines.append(
                LineBatch.Line(
                    start: UInt32(truncatingIfNeeded: low), length: UInt32(truncatingIfNeeded: high - low), labels: 0,
                    timestamp: time, end: offset &+ UInt64(newline + 1)))
            time &+= 1
            start = newline + 1
            from = start
        }
        if !lines.isEmpty { lastTime = time &- 1 }
        return start
    }

    private mutating func cut(_ high: inout Int, _ low: Int) {
        linesCut &+= 1
        bytesCut &+= UInt64(high - low - maxLineBytes)
        high = low + maxLineBytes
    }
}
