import Bytes
import LogModel

/// Numbers in Loki's answers.
enum GoNumber {
    /// Appends the shortest decimal that reads back as `value`, never with an exponent: `0.1`, `3000000`, `NaN`, `+Inf`.
    static func append(_ value: Double, into out: ByteArena) {
        // Counts are by far the most frequent values; below 2^53 they are exact and need no shortest digits.
        if value.magnitude < 9e15, value == value.rounded(.towardZero), value != 0 {
            out.append(decimal: Int64(value))
        } else {
            out.append(GoFloat.text(value, .fixed))
        }
    }

    /// Appends unix seconds with up to three decimals: answers show milliseconds, rounded down.
    static func append(seconds nanoseconds: Int64, into out: ByteArena) {
        var milliseconds = nanoseconds / 1_000_000
        if nanoseconds % 1_000_000 < 0 { milliseconds -= 1 }
        if milliseconds < 0 { out.append(0x2D) }
        let magnitude = milliseconds.magnitude
        out.append(decimal: Int64(magnitude / 1_000))
        var fraction = magnitude % 1_000
        guard fraction > 0 else { return }
        out.append(0x2E)
        var scale: UInt64 = 100
        while fraction > 0 {
            out.append(UInt8(truncatingIfNeeded: 0x30 + fraction / scale))
            fraction %= scale
            scale /= 10
        }
    }
}
